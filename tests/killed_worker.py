"""
What does a worker do that is killed at any moment, and finds what an earlier one has left?

It runs in a process of its own: issues orders, answers Stripe's webhooks, lets merchants buy, takes back
the rest of every third order, and resumes whatever is pending. Run by `killing`.
"""

import json
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from attrs import define

from issuing_disburse import Disburser
from issuing_disburse.exceptions import UnavailableError
from world import make_order, make_recipient

AMOUNT = 12_500
RECLAIM_EVERY = 3
SPEND_EVERY = 2
BULK_WORKERS = 8


@define(kw_only=True)
class Task:
    """
    What a worker is told on its command line.

    Attributes:
        port: Where it answers webhooks; 0 leaves that to another worker.
        first: The number of the first order, *last* of the one behind the last.
        issues_only: Whether nobody buys and nothing is taken back.
        in_bulk: Whether it pays half of all orders as one list, from number *first* on and coming round.
        lease_seconds: How long others wait for the orders of a worker that was killed.
    """

    base_url: str
    api_key: str
    secret: str
    account: str
    store: str
    port: int
    first: int
    last: int
    issues_only: bool = False
    in_bulk: bool = False
    lease_seconds: float = 0.5

    def connect(self) -> Disburser:
        """
        Connect to the simulator and the store that all workers share.
        """
        return Disburser.connect(
            api_key=self.api_key,
            account=self.account,
            webhook_secret=self.secret,
            store=self.store,
            api_base=self.base_url,
            lease_seconds=self.lease_seconds,
            rate_limits=None,  # this simulator has none: no real second is to pass
        )


def order_id(number: int) -> str:
    """
    Return the id of an order.
    """
    return f"order-{number}"


def order(number: int):
    """
    Make an order; three in a row are for one recipient.
    """
    person = number // 3
    recipient = make_recipient(f"supplier-{person}", email=f"jenny{person}@example.com")
    return make_order(order_id(number), "125.00", recipient=recipient)


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disburser: Disburser

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        reply = self.disburser.handle_webhook(body, self.headers["Stripe-Signature"])
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        return


def open_door(disburser: Disburser, port: int) -> ThreadingHTTPServer:
    """
    Answer webhooks on *port* until the server is shut down.
    """
    door = type("Door", (_Door,), {"disburser": disburser})
    ThreadingHTTPServer.allow_reuse_address = True
    server = ThreadingHTTPServer(("127.0.0.1", port), door)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def ask(task: Task, verb: str, **given: object) -> object:
    """
    Have the simulator do what a merchant does.
    """
    request = Request(  # noqa: S310 - loopback
        f"{task.base_url}/_simulator/{verb}",
        json.dumps(given).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
        return json.load(answer).get("result")


def spend(task: Task, disburser: Disburser, number: int) -> None:
    """
    Buy something with the card of one order, if that has not happened yet.
    """
    paid = disburser.get(order_id(number))
    if paid.status.value != "active" or paid.card_or_none is None:
        return
    with suppress(HTTPError):  # an answer of the simulator's: no such use of this card now
        authorization = ask(task, "authorize", card_id=paid.card.id, amount=AMOUNT)
        if isinstance(authorization, dict) and authorization["approved"]:
            ask(task, "capture", authorization_id=authorization["id"])


def work(task: Task, disburser: Disburser) -> None:
    """
    Do all there is to do.
    """
    if task.in_bulk:
        numbers = [(task.first + one) % task.last for one in range(task.last // 2)]
        for _ in disburser.disburse_many(map(order, numbers), workers=BULK_WORKERS):
            pass
        return
    for number in range(task.first, task.last):
        with suppress(UnavailableError):  # somebody else is at it, or was, until the lease ends
            disburser.disburse(order(number))
            if task.issues_only:
                continue
            if number % SPEND_EVERY == 0:
                spend(task, disburser, number)
            if number % RECLAIM_EVERY == 0:
                disburser.reclaim(order_id(number))
    disburser.resume_all()


def main() -> None:
    """
    Work until there is nothing left to do, or until killed.
    """
    task = Task(**json.loads(sys.argv[1]))
    with task.connect() as disburser:
        if task.port:
            open_door(disburser, task.port)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        work(task, disburser)


if __name__ == "__main__":
    main()
