"""
Who answers the programs under test: a simulated Stripe on loopback, with canaries in its answers.

The canaries exist in this process only. A program gets the key over the network, as it gets numbers,
so that no source line, no argument and no global of its own can show them.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from attrs import define, field

from issuing_disburse.simulator import IssuingSimulator

NUMBER = "4000009991357908"
CVC = "8264719"
KEY = "sk_test_CanaryKey5150"
WEBHOOK = "whsec_CanaryHook5150"
EPHEMERAL = "ek_test_CanaryEphemeral5150"
CANARIES = (NUMBER, CVC, KEY, WEBHOOK, EPHEMERAL)


class Handler(BaseHTTPRequestHandler):
    """
    Passes requests to the simulator under its own key, and plants canaries in what comes back.
    """

    protocol_version = "HTTP/1.1"
    server: "Wire"

    def do_GET(self) -> None:
        """
        Read.
        """
        self._pass_on()

    def do_POST(self) -> None:
        """
        Change.
        """
        self._pass_on()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        if path.startswith("/canary/"):
            canary = {"key": KEY, "webhook": WEBHOOK, "number": NUMBER, "cvc": CVC}
            self.close_connection = True
            self._answer(200, canary[path.removeprefix("/canary/")].encode())
            return
        is_secret = "expand" in query and "number" in query
        headers = {
            name: value for name, value in self.headers.items() if name.lower() != "authorization"
        }
        headers["Authorization"] = f"Bearer {self.server.simulator.api_key}"
        content, status, answered = self.server.simulator.http_client().request(
            self.command.lower(), f"https://api.stripe.com{self.path}", headers, body
        )
        planted = _planted(content)
        if is_secret:
            self.server.asked += 1
            fault = self.server.fault
            if fault == "dies":
                self.connection.close()
                return
            if fault == "cut":
                planted = planted[: planted.index(CVC.encode()) + len(CVC) + 4]
            if fault == "broken":
                planted = planted.replace(b'"object":', b'object":')
            if fault == "failing":
                status, planted = 500, b'{"oops": ' + planted + b"}"
        self._answer(status, planted, answered.get("Request-Id") or "req_1")

    def _answer(self, status: int, content: bytes, request_id: str = "req_1") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Request-Id", request_id)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # the base class' own
        """
        Say nothing.
        """


def _planted(content: bytes) -> bytes:
    answer = json.loads(content)
    for name, canary in (("number", NUMBER), ("cvc", CVC), ("secret", EPHEMERAL)):
        if isinstance(answer.get(name), str):
            answer[name] = canary
    return json.dumps(answer).encode()


@define(eq=False, slots=False)
class Wire(ThreadingHTTPServer):
    """
    The loopback server, and what goes wrong on it.
    """

    simulator: IssuingSimulator
    fault: str = ""
    asked: int = 0
    daemon_threads: bool = field(default=True)

    def __attrs_post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        """
        Where it listens.
        """
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """
        Say nothing when a client goes away.
        """


@contextmanager
def open_wire(fault: str = "") -> Iterator[tuple[Wire, str, str]]:
    """
    Serve a simulated Stripe; yields the server, an account and the id of a card on it.
    """
    import stripe  # noqa: PLC0415  # the tests of this process need it, the programs bring their own

    with IssuingSimulator(seed=7, platform_funds=1_000_000) as simulator:
        account = simulator.create_account()
        assert account is not None
        client = stripe.StripeClient(
            simulator.api_key, http_client=simulator.http_client(), stripe_account=account
        )
        holder = client.v1.issuing.cardholders.create(
            {
                "name": "Test Holder",
                "type": "individual",
                "individual": {
                    "first_name": "Test",
                    "last_name": "Holder",
                    "card_issuing": {
                        "user_terms_acceptance": {"date": 1_793_000_000, "ip": "203.0.113.7"}
                    },
                },
                "billing": {
                    "address": {
                        "line1": "1 Main St",
                        "city": "Columbus",
                        "state": "OH",
                        "postal_code": "43004",
                        "country": "US",
                    }
                },
            }
        )
        card = client.v1.issuing.cards.create(
            {"cardholder": holder.id, "currency": "usd", "type": "virtual", "status": "active"}
        )
        wire = Wire(simulator, fault)
        thread = threading.Thread(target=wire.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield wire, account, card.id
        finally:
            wire.shutdown()
            wire.server_close()
            thread.join()
