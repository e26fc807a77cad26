"""
How does an application on Starlette or FastAPI answer Stripe's webhooks?

`make_app` is what you need; the rest tries it on the simulator. Runs as it is.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import uvicorn
from starlette.applications import Starlette

from issuing_disburse import Address, Disburser, Money, Order, Recipient, UserTerms
from issuing_disburse.contrib.starlette import webhook_route
from issuing_disburse.simulator import IssuingSimulator

PATH = "/stripe/webhook"


def make_app(disburser: Disburser) -> Starlette:
    """
    Make an application with one more route; with FastAPI, append it to ``app.router.routes``.
    """
    return Starlette(routes=[webhook_route(PATH, disburser.handle_webhook)])


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """
    Serve *app* on loopback while a block runs. In production: ``uvicorn shop:app --workers 4``.
    """
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def main() -> None:
    """
    Let a merchant ask twice, while the simulator stands in for Stripe, on loopback, in real time.
    """
    with (
        IssuingSimulator(seed=7, platform_funds=1_000_000, start=datetime.now(UTC)) as simulator,
        simulator.serve() as stripe,
        Disburser.connect(
            api_key=simulator.api_key,
            account=simulator.create_account(),
            webhook_secret=simulator.webhook_secret,
            store="sqlite://",
            api_base=stripe.base_url,  # leave out to talk to Stripe
        ) as disburser,
        serving(make_app(disburser)) as base_url,
    ):
        stripe.deliver_webhooks_to(base_url + PATH)  # with Stripe: in its dashboard, once
        card = disburser.disburse(an_order()).card
        for amount_minor in (10_000, 12_500):
            authorization = simulator.authorize(card.id, amount=amount_minor)
            answer = "approved" if authorization["approved"] else "declined"
            reason = authorization["request_history"][0]["reason"]
            print(f"{Money(amount_minor, 'usd')}: {answer} ({reason})")


def an_order() -> Order:
    """
    Make an order for one purchase of 125.00.
    """
    supplier = Recipient.individual(
        reference="supplier-17",
        first_name="Jenny",
        last_name="Rosen",
        email="jenny@example.com",
        phone_number="+18008675309",
        date_of_birth=date(1985, 3, 14),
        user_terms=UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7"),
        billing=Address(
            line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
        ),
    )
    return Order(id="claim-8841", recipient=supplier, amount=Money.of("125.00", "usd"))


if __name__ == "__main__":
    main()
