"""
What does the seal cost: on calls that can hold no secret, and on the one that does?

Prints one JSON object: medians of processor time in microseconds over interleaved rounds, and the ratios
that count. "Over loopback" is a whole call by a socket: what a call costs before a network and Stripe are added.

    python benchmarks/bench_sealing.py [--quick]
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import stripe

from issuing_disburse.connections import PooledClient
from issuing_disburse.hidden import Hidden
from issuing_disburse.redaction import is_harmless, redacted
from issuing_disburse.sealing import DUMMY_KEY, SealingTransport
from issuing_disburse.stripe_api import StripeAPI

KEY = "sk_test_benchmark"
HOLDER = {
    "id": "ich_1", "object": "issuing.cardholder", "email": "jenny@example.com",
    "phone_number": "+18008675309", "name": "Jenny Rosen", "status": "active", "type": "individual",
    "billing": {"address": {"line1": "123 Main St", "city": "Columbus", "country": "US"}},
    "metadata": {f"field_{count}": "x" * 60 for count in range(20)},
}  # fmt: skip
CARD = {
    "id": "ic_1", "object": "issuing.card", "brand": "Visa", "currency": "usd", "exp_month": 12,
    "exp_year": 2029, "last4": "0010", "status": "active", "livemode": False, "cardholder": HOLDER,
    "spending_controls": {"spending_limits": [{"amount": 12_500, "interval": "all_time"}] * 4},
    "metadata": {f"field_{count}": "x" * 30 for count in range(10)},
}  # fmt: skip
BODY = json.dumps(CARD, indent=2).encode()
SECRET = json.dumps({**CARD, "number": "4000009990000010", "cvc": "837"}, indent=2).encode()
PATH = "/v1/issuing/cards/ic_1"
ASKING = f"{PATH}?expand[0]=number&expand[1]=cvc"


class Canned(stripe.HTTPClient):
    """
    Answers at once.
    """

    name = "canned"

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, dict[str, str]]:
        """
        Answer with a card, with its number if that was asked for.
        """
        return (SECRET if "expand" in url else BODY), 200, {"Request-Id": "req_1"}

    def close(self) -> None:
        """
        Have nothing to close.
        """


def client(transport: stripe.HTTPClient, key: str) -> stripe.StripeClient:
    """
    Return the SDK's client over a transport.
    """
    return stripe.StripeClient(key, http_client=transport)


SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.send_header("Request-Id", "req_1")
        self.end_headers()
        self.wfile.write(BODY)
    def log_message(self, *arguments):
        pass
BODY = sys.stdin.buffer.read()
server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@contextmanager
def served() -> Iterator[str]:
    """
    Serve the card from another process, so that only our side's processor time is counted.
    """
    server = subprocess.Popen(  # noqa: S603 - this interpreter, and the text above
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        server.stdin.write(BODY)
        server.stdin.close()
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def cases(address: str) -> dict[str, Callable[[], object]]:
    """
    Return what is measured.
    """
    base: Any = {"api": address}
    pooled = PooledClient()
    far = stripe.StripeClient(KEY, http_client=pooled, base_addresses=base)
    over = SealingTransport(pooled, Hidden(KEY))
    far_sealed = stripe.StripeClient(DUMMY_KEY, http_client=over, base_addresses=base)
    bare = client(Canned(), KEY)
    sealed = client(SealingTransport(Canned(), Hidden(KEY)), DUMMY_KEY)
    api = StripeAPI(api_key=KEY, sleep=lambda seconds: None, http_client=Canned())
    return {
        "sdk": lambda: bare.raw_request("get", PATH),
        "sdk over the seal": lambda: sealed.raw_request("get", PATH),
        "sdk over loopback": lambda: far.raw_request("get", PATH),
        "sdk over the seal over loopback": lambda: far_sealed.raw_request("get", PATH),
        "ours": lambda: api.get(PATH, account=None),
        "sdk, a number": lambda: bare.raw_request("get", ASKING),
        "ours, a number, sealed": lambda: api.read_card("ic_1", account=None),
        "search alone": lambda: is_harmless(BODY),
        "seal alone": lambda: redacted(BODY, is_doubtful=False, key=KEY),
        "seal alone, a number": lambda: redacted(SECRET, is_doubtful=True, key=KEY),
    }


def measured(
    found: dict[str, Callable[[], object]], rounds: int, round_seconds: float
) -> dict[str, float]:
    """
    Return the median of each case in microseconds, all of them interleaved.
    """
    loops: dict[str, int] = {}
    for name, call in found.items():
        started = time.process_time()
        for _ in range(20):
            call()
        loops[name] = max(1, int(round_seconds / ((time.process_time() - started) / 20)))
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, call in found.items():
            started = time.process_time()
            for _ in range(loops[name]):
                call()
            times[name].append((time.process_time() - started) / loops[name] * 1e6)
    return {name: round(statistics.median(one), 2) for name, one in times.items()}


def main() -> None:
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    quick = parser.parse_args().quick
    with served() as address:
        medians = measured(cases(address), 5 if quick else 15, 0.01 if quick else 0.04)
    ratios = {
        "sdk over the seal / sdk": medians["sdk over the seal"] / medians["sdk"],
        "sdk over the seal / sdk, over loopback": (
            medians["sdk over the seal over loopback"] / medians["sdk over loopback"]
        ),
        "ours / sdk": medians["ours"] / medians["sdk"],
        "ours, a number / sdk, a number": (
            medians["ours, a number, sealed"] / medians["sdk, a number"]
        ),
    }
    print(
        json.dumps(
            {
                "body_bytes": len(BODY),
                "medians_us": medians,
                "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
