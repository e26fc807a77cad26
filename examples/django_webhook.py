"""
How does an application on Django answer Stripe's webhooks?

`make_app` holds what belongs into your ``urls.py``; the rest tries it on the simulator. Runs as it is.
"""

import threading
import types
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import cast
from wsgiref.types import WSGIApplication

from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.urls import path

from issuing_disburse import Address, Disburser, Money, Order, Recipient, UserTerms
from issuing_disburse.contrib.django import webhook_view
from issuing_disburse.simulator import IssuingSimulator

PATH = "/stripe/webhook"


def make_app(disburser: Disburser) -> WSGIApplication:
    """
    Make a project of one view; on ASGI, take ``async_webhook_view`` instead.
    """
    urls = types.ModuleType("urls")
    urls.urlpatterns = [path(PATH.removeprefix("/"), webhook_view(disburser.handle_webhook))]  # type: ignore[attr-defined]  # urls.py
    settings.configure(ALLOWED_HOSTS=["127.0.0.1"], LOGGING_CONFIG=None, ROOT_URLCONF=urls)
    return cast("WSGIApplication", get_wsgi_application())  # Django has no types


class Quiet(WSGIRequestHandler):  # type: ignore[misc]  # Django has no types
    """
    Write no line for each request.
    """

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """
        Say nothing.
        """


@contextmanager
def serving(app: WSGIApplication) -> Iterator[str]:
    """
    Serve *app* on loopback while a block runs. In production: ``gunicorn --threads 16 shop.wsgi``.
    """
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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
