"""
How long does the first decision of a fresh process take?
"""

import compileall
import statistics
import subprocess
import sys
import time
from pathlib import Path

import stripe
from authorization_event import payloads

import issuing_disburse

COLD = {
    "ours": """
from issuing_disburse import Disburser
first = Disburser.connect(api_key="sk_test_b", account="acct_1", webhook_secret=SECRET,
                          store="memory://").handle_webhook(BODY, HEADER)
assert first.decision is not None and first.decision.code == "unknown_card", first
assert "stripe" not in sys.modules and "sqlalchemy" not in sys.modules
""",
    "stripe": """
import stripe
stripe.Webhook.construct_event(BODY, HEADER, SECRET)
""",
}
"""What each does first, given BODY, HEADER and SECRET."""


def body_and_header(secret: str) -> tuple[bytes, str]:
    """
    Return a question that both can read, signed just now.
    """
    body = next(payloads(range(1)))
    return body, stripe.WebhookSignature.generate_signature_header(
        body.decode(), secret, int(time.time())
    )


def cold(rounds: int, *, secret: str) -> dict[str, object]:
    """
    Compare the first decision of a fresh process with the SDK's first parsed event.
    """
    compileall.compile_dir(Path(issuing_disburse.__file__).parent, quiet=2)  # as pip does
    found: dict[str, list[float]] = {name: [] for name in COLD}
    for _ in range(rounds):
        for name, code in COLD.items():
            body, header = body_and_header(secret)
            script = (
                "import sys, time\nstarted = time.perf_counter()\n"
                f"BODY, HEADER, SECRET = {body!r}, {header!r}, {secret!r}\n{code}\n"
                "print((time.perf_counter() - started) * 1e3)\n"
            )
            done = subprocess.run(  # noqa: S603 - this very interpreter
                [sys.executable, "-c", script], capture_output=True, check=True, text=True
            )
            found[name].append(float(done.stdout))
    median = {name: round(statistics.median(times), 1) for name, times in found.items()}
    return {"median_ms": median, "ours_to_stripe": round(median["ours"] / median["stripe"], 2)}
