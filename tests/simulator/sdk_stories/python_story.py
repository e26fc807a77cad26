"""
How does stripe-python tell the story: synchronously, and asynchronously over another client?
"""

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.request import Request, urlopen

import stripe

HOLDER: Any = {
    "name": "Ada",
    "type": "company",
    "billing": {"address": {"line1": "1", "city": "C", "postal_code": "1", "country": "US"}},
}
ORDER: Any = {
    "currency": "usd",
    "type": "virtual",
    "status": "active",
    "lifecycle_controls": {"cancel_after": {"payment_count": 1}},
    "spending_controls": {"spending_limits": [{"amount": 9_000, "interval": "all_time"}]},
    "metadata": {"order": "claim-1"},
}


class Receiver:
    """
    A webhook receiver that verifies by the SDK's own `construct_event`, and answers questions.
    """

    def __init__(self, client: stripe.StripeClient) -> None:
        self.client = client
        self.secret = ""
        self.seen: list[str] = []
        self.forged = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receiver.answer(body, self.headers["Stripe-Signature"])
                self.send_response(200)
                self.send_header("Stripe-Version", "2026-10-28.endive")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever, daemon=True)

    def answer(self, body: bytes, signature: str) -> bytes:
        event = self.client.construct_event(body, signature, self.secret)
        try:
            self.client.construct_event(body + b" ", signature, self.secret)
        except stripe.SignatureVerificationError:
            self.forged += 1
        self.seen.append(event.type)
        if event.type != "issuing_authorization.request":
            return b"{}"
        approved = event.data.object["pending_request"]["amount"] <= 5_000
        return json.dumps({"approved": approved, "metadata": {"answered_by": "story"}}).encode()

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def _settle(base: str) -> None:
    request = Request(  # noqa: S310 - loopback
        f"{base}/_simulator/settle", b"{}", {"Content-Type": "application/json"}
    )
    with urlopen(request) as answer:  # noqa: S310 - loopback
        answer.read()


async def tell(base: str, key: str, account: str, *, is_async: bool) -> dict[str, Any]:
    """
    Tell the story: with ``is_async`` by the SDK's coroutines, else by its plain methods.
    """
    http_client = stripe.HTTPXClient() if is_async else None
    client = stripe.StripeClient(
        key, base_addresses={"api": base}, http_client=http_client, max_network_retries=2
    )
    own: Any = {"stripe_account": account}

    async def do(service: Any, verb: str, *arguments: Any) -> Any:
        method: Callable[..., Any] = getattr(service, f"{verb}_async" if is_async else verb)
        return await method(*arguments) if is_async else method(*arguments)

    async def refusal(service: Any, verb: str, *arguments: Any) -> Any:
        try:
            await do(service, verb, *arguments)
        except stripe.StripeError as error:
            return [error.http_status, error.code]
        return None

    v1 = client.v1
    with Receiver(client) as receiver:
        port = receiver.server.server_port
        endpoint = await do(
            v1.webhook_endpoints,
            "create",
            {
                "url": f"http://127.0.0.1:{port}/hook",
                "connect": True,
                "enabled_events": ["*", "issuing_authorization.request"],
            },
        )
        receiver.secret = endpoint.secret
        holder = await do(v1.issuing.cardholders, "create", HOLDER, own)
        order = {**ORDER, "cardholder": holder.id}
        keyed = {**own, "idempotency_key": "card-1"}
        card = await do(v1.issuing.cards, "create", order, keyed)
        again = await do(v1.issuing.cards, "create", order, keyed)
        helper = v1.test_helpers.issuing.authorizations
        declined = await do(helper, "create", {"card": card.id, "amount": 6_000}, own)
        bought = await do(helper, "create", {"card": card.id, "amount": 4_000}, own)
        first = {"capture_amount": 1_500, "close_authorization": False}
        part = await do(helper, "capture", bought.id, first, own)
        done = await do(helper, "capture", bought.id, {"capture_amount": 2_500}, own)
        secrets = {"expand": ["number", "cvc"]}
        dead = await do(v1.issuing.cards, "retrieve", card.id, secrets, own)
        refunds = v1.test_helpers.issuing.transactions
        await do(refunds, "refund", done.transactions[0].id, {}, own)
        page = await do(v1.issuing.transactions, "list", {"limit": 1}, own)
        listed = (
            [one.amount async for one in page.auto_paging_iter()]
            if is_async
            else [one.amount for one in page.auto_paging_iter()]
        )
        sent = {"amount": 70, "currency": "usd", "destination": account, "transfer_group": "g"}
        transfer = await do(v1.transfers, "create", sent)
        back = await do(v1.transfers.reversals, "create", transfer.id, {"amount": 20})
        after = await do(v1.transfers, "retrieve", transfer.id)
        balance = await do(v1.balance, "retrieve", {}, own)
        refused = [
            await refusal(v1.issuing.cards, "update", card.id, {"status": "active"}, own),
            await refusal(v1.issuing.cards, "retrieve", "ic_none", {}, own),
            await refusal(v1.transfers, "create", {"amount": 1, "currency": "usd"}),
        ]
        _settle(base)
    if http_client is not None:
        await http_client.close_async()
    return {
        "same_card": card.id == again.id,
        "declined": [declined.approved, declined.request_history[0].reason],
        "approved": [bought.approved, bought.metadata["answered_by"]],
        "captured": [part.status, done.status],
        "card": [dead.status, dead.number[:9], len(dead.cvc), dead.metadata["order"]],
        "listed": listed,
        "transfer": [back.amount, after.amount_reversed],
        "issuing": [each.amount for each in balance.issuing.available],
        "refused": refused,
        "asked": receiver.seen.count("issuing_authorization.request"),
        "kinds": sorted(set(receiver.seen)),
        "forged_refused": receiver.forged == len(receiver.seen),
    }
