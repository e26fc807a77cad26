"""
What does a process load that does nothing but answer webhooks?
"""

import subprocess
import sys
from importlib.util import find_spec

SCRIPT = """
import sys
from datetime import UTC, datetime, timedelta

from issuing_disburse import Disburser, Money, Terms
from issuing_disburse.card_records import CardRecord
from issuing_disburse.signatures import sign

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
disburser = Disburser.connect(
    api_key="sk_test_made_up",
    account="acct_1",
    webhook_secret="whsec_made_up",
    store="memory://",
    clock=lambda: NOW,
)
card = CardRecord(
    card_id="ic_1",
    account="acct_1",
    order_id="claim-8841",
    amount=Money(12_500, "usd"),
    remaining_minor=12_500,
    terms=Terms(),
    expires_at=NOW + timedelta(days=30),
    is_open=True,
    card_status="active",
    is_livemode=False,
)
disburser.store.transact(lambda tx: tx.put(card))
body = (
    b'{"id":"evt_1","type":"issuing_authorization.request","account":"acct_1","livemode":false,'
    b'"created":1793610000,"data":{"object":{"id":"iauth_1","card":"ic_1","currency":"usd",'
    b'"pending_request":{"amount":12500,"currency":"usd"}}}}'
)
reply = disburser.handle_webhook(body, sign(body, "whsec_made_up", NOW))
assert reply.decision is not None and reply.decision.approved, reply
print(*sorted({name.partition(".")[0] for name in sys.modules}))
print(*sorted(name.partition(".")[2] for name in sys.modules if name.startswith("issuing_disburse.")))
"""


NOT_NEEDED = {
    "account_statements",
    "announcing",
    "backtest",
    "bookkeeper",
    "books",
    "cardholders",
    "cards",
    "domain_events",
    "facts",
    "funding",
    "issuance",
    "journal",
    "ledger",
    "order",
    "policy.declaration",
    "policy.explanation",
    "rebuild",
    "recipient",
    "reclaim",
    "reconcile",
    "recordings",
    "records",
    "redaction",
    "reissue",
    "restoring",
    "routes",
    "rules.combine",
    "rules.windows",
    "salvage",
    "settling",
    "statements",
    "stores.sql",
    "surroundings",
    "telling",
    "verification",
}
"""What pays, books, reclaims, reconciles and explains."""


def run() -> tuple[str, set[str], set[str]]:
    """
    Run the script; return its errors, the packages it has loaded, and the modules of ours.
    """
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    packages, ours, *_ = [*done.stdout.splitlines(), "", ""]
    return done.stderr, set(packages.split()), set(ours.split())


def test_a_process_that_only_answers_loads_neither_sdk_nor_database() -> None:
    """From the import to an approved purchase: no stripe, no HTTP, no SQL, nothing that only tests need."""
    errors, loaded, _ = run()

    assert "" == errors
    assert "issuing_disburse" in loaded
    assert set() == loaded & {
        "cattrs",
        "hypothesis",
        "requests",
        "rich",
        "sqlalchemy",
        "stripe",
        "tenacity",
        "typer",
        "urllib3",
    }


def test_a_process_that_only_answers_loads_nothing_of_ours_that_answers_nobody() -> None:
    """Workers and their rooms stay out until somebody asks for them, and each name here is a real room."""
    errors, _, ours = run()

    assert "" == errors
    assert {"deciding", "policy.judging", "webhooks"} <= ours
    assert set() == ours & NOT_NEEDED
    assert [] == [
        room for room in sorted(NOT_NEEDED) if find_spec(f"issuing_disburse.{room}") is None
    ]
