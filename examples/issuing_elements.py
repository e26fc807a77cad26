"""
How does a recipient see the card in the browser, without our server ever seeing its number?

Runs on the simulator as it is, on loopback: a page, the endpoint that makes the key, and a client that
stands for the browser. `PAGE` and `Endpoint` are the parts to keep; in a real page Stripe.js makes the nonce.
"""

import json
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from issuing_disburse import (
    Address,
    DisburseError,
    Disburser,
    Money,
    Order,
    OrderNotFoundError,
    Recipient,
    RefusedError,
    Terms,
    UserTerms,
)
from issuing_disburse.simulator import IssuingSimulator

# Who is signed in, by the session's token; yours comes from your framework.
SESSIONS = {"session-of-jenny": "claim-8841"}

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Your card</title>
<script src="https://js.stripe.com/v3/"></script>
<p>Number <span id="number"></span></p>
<p>Expires <span id="expiry"></span></p>
<p>CVC <span id="cvc"></span></p>
<p id="problem" role="alert"></p>
<script>
  const card = "{card}";
  const stripe = Stripe("{publishable_key}", {{
    stripeAccount: "{account}",
    betas: ["issuing_elements_2"],
  }});
  async function show() {{
    const made = await stripe.createEphemeralKeyNonce({{issuingCard: card}});
    if (made.error) throw new Error(made.error.message);
    const answer = await fetch("/card-key", {{
      method: "POST",
      headers: {{"Content-Type": "application/json"}},
      body: JSON.stringify({{nonce: made.nonce}}),
    }});
    const key = await answer.json();
    if (!answer.ok) throw new Error(key.error);
    const options = {{issuingCard: card, nonce: made.nonce, ephemeralKeySecret: key.secret}};
    await stripe.retrieveIssuingCard(card, {{ephemeralKeySecret: key.secret, nonce: made.nonce}});
    const elements = stripe.elements();
    elements.create("issuingCardNumberDisplay", options).mount("#number");
    elements.create("issuingCardExpiryDisplay", options).mount("#expiry");
    elements.create("issuingCardCvcDisplay", options).mount("#cvc");
  }}
  show().catch((problem) => {{
    document.getElementById("problem").textContent = problem.message;
  }});
</script>
"""


class Endpoint(BaseHTTPRequestHandler):
    """
    Serves the page, and makes a key for the person who may see the card.
    """

    @property
    def disburser(self) -> Disburser:
        """
        Who pays: the server has it.
        """
        return cast("Server", self.server).disburser

    def do_GET(self) -> None:
        """
        Answer with the page.
        """
        order_id = self._order_of_the_session()
        if order_id is None:
            self._answer(404, b"{}")
            return
        card = self.disburser.get(order_id).card
        page = PAGE.format(
            card=card.id, account=card.account or "", publishable_key="pk_test_yours"
        )
        self._answer(200, page.encode(), "text/html; charset=utf-8")

    def do_POST(self) -> None:
        """
        Answer with a key for the page's nonce. The order comes from the session, never from the page.
        """
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), 4_096))
        order_id = self._order_of_the_session()
        if order_id is None:
            self._answer(404, b"{}")
            return
        try:
            nonce = json.loads(body).get("nonce")
            key = self.disburser.issuing_elements_key(order_id, nonce)
        except (ValueError, AttributeError, OrderNotFoundError):
            self._answer(400, b'{"error": "no nonce"}')
        except RefusedError as refusal:
            self._answer(409, json.dumps({"error": refusal.code}).encode())
        except DisburseError:
            self._answer(503, b'{"error": "try again with a new nonce"}')
        else:
            self._answer(200, json.dumps({"secret": key.secret.revealed()}).encode())

    def _order_of_the_session(self) -> str | None:
        return SESSIONS.get(self.headers.get("Authorization", ""))

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class' own
        """
        Log nothing.
        """


class Server(ThreadingHTTPServer):
    """
    The endpoint on loopback.
    """

    def __init__(self, disburser: Disburser) -> None:
        super().__init__(("127.0.0.1", 0), Endpoint)
        self.disburser = disburser


def ask(server: Server, session: str, nonce: str) -> tuple[int, dict[str, str]]:
    """
    Post a nonce as the page does.
    """
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.server_address[1]}/card-key",
        data=json.dumps({"nonce": nonce}).encode(),
        headers={"Authorization": session},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal)


def main() -> None:
    """
    Pay an order, and let its holder, a stranger and a second use of the nonce ask for a key.
    """
    with (
        IssuingSimulator(seed=7, platform_funds=1_000_000) as simulator,
        Disburser.connect(
            api_key=simulator.api_key,
            account=simulator.create_account(),
            webhook_secret=simulator.webhook_secret,
            store="sqlite://",
            http_client=simulator.http_client(),
            clock=simulator.clock.now,
            sleep=simulator.clock.sleep,
        ) as disburser,
        Server(disburser) as server,
    ):
        disburser.disburse(an_order())
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            status, key = ask(server, "session-of-jenny", "nonce-made-by-the-page")
            print(f"the holder: {status}, a secret of {len(key['secret'])} characters")
            print(
                f"the same nonce again: {ask(server, 'session-of-jenny', 'nonce-made-by-the-page')}"
            )
            print(f"a stranger: {ask(server, 'somebody', 'another-nonce')}")
        finally:
            server.shutdown()
            thread.join()


def an_order() -> Order:
    """
    Make an order to pay.
    """
    return Order(
        id="claim-8841",
        recipient=Recipient.individual(
            reference="supplier-17",
            first_name="Jenny",
            last_name="Rosen",
            user_terms=UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7"),
            billing=Address(
                line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
            ),
        ),
        amount=Money.of("125.00", "usd"),
        terms=Terms(valid_for=timedelta(days=30)),
    )


if __name__ == "__main__":
    main()
