"""
What stands in every flow: a simulated Stripe, an account, a disburser, and orders to pay.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from attrs import define, field

from contract_client import ContractClient
from issuing_disburse import (
    Address,
    Disburser,
    Money,
    Order,
    Recipient,
    Terms,
    UserTerms,
)
from issuing_disburse.simulator import IssuingSimulator

ADDRESS = Address(
    line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
)
TERMS = UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7")


def make_recipient(reference: str = "supplier-17", **changes: Any) -> Recipient:
    """
    Describe a person in the US whom Stripe has nothing against.
    """
    details: dict[str, Any] = {
        "reference": reference,
        "first_name": "Jenny",
        "last_name": "Rosen",
        "email": "jenny@example.com",
        "phone_number": "+18008675309",
        "date_of_birth": date(1985, 3, 14),
        "user_terms": TERMS,
        "billing": ADDRESS,
        **changes,
    }
    return Recipient.individual(**details)


def make_order(
    id: str = "claim-8841",  # noqa: A002  # the order's own word
    amount: str = "125.00",
    *,
    currency: str = "usd",
    recipient: Recipient | None = None,
    terms: Terms | None = None,
) -> Order:
    """
    Make an order for the person of `make_recipient`.
    """
    return Order(
        id=id,
        recipient=recipient or make_recipient(),
        amount=Money.of(amount, currency),
        terms=terms or Terms(valid_for=timedelta(days=30)),
    )


@define
class World:
    """
    A simulated Stripe with one account, and a disburser whose requests are checked against the SDK.
    """

    simulator: IssuingSimulator
    account: str | None
    store: str
    options: dict[str, Any] = field(factory=dict)
    connector: Callable[..., Any] = Disburser.connect
    client: ContractClient = field(init=False)
    disburser: Disburser = field(init=False)
    opened: ExitStack = field(init=False, factory=ExitStack)

    def __attrs_post_init__(self) -> None:
        self.client = ContractClient(self.simulator.http_client())
        self.disburser = self.connect()
        # Whichever disburser is the world's own by then: it may be replaced.
        self.simulator.deliver_webhooks_to(
            lambda payload, signature: self.disburser.handle_webhook(payload, signature)  # noqa: PLW0108 - late
        )

    def connect(self, **changes: Any) -> Disburser:
        """
        Make a disburser for this world's account and store; the world closes it at its end.
        """
        options: dict[str, Any] = {
            "api_key": self.simulator.api_key,
            "account": self.account,
            "webhook_secret": self.simulator.webhook_secret,
            "store": self.store,
            "http_client": self.client,
            "clock": self.simulator.clock.now,
            "sleep": self.simulator.clock.sleep,
            **self.options,
            **changes,
        }
        disburser: Disburser = self.opened.enter_context(self.connector(**options))
        return disburser

    def sent(self, method_and_path: str) -> int:
        """
        Count the requests for one endpoint.
        """
        return self.client.requests.count(method_and_path)

    def send(self, path: str, **params: Any) -> None:
        """
        Do something at Stripe that the library leaves to people, as at a dashboard.
        """
        api = self.disburser._connection.api  # noqa: SLF001  # the connection that is there anyway
        call = api.prepare(path, params, account=self.account, keep=lambda answer: answer)
        call(f"by-hand-{path}")

    def check_books(self, *order_ids: str) -> None:
        """
        Fail unless every statement balances and Stripe has nothing to add.
        """
        for order_id in order_ids:
            statement = self.disburser.statement(order_id)
            assert statement.is_balanced, statement
        assert () == self.disburser.reconcile().discrepancies


@contextmanager
def open_world(
    store: str = "memory://",
    *,
    platform_funds: int = 1_000_000,
    options: dict[str, Any] | None = None,
    simulator: dict[str, Any] | None = None,
    connector: Callable[..., Any] = Disburser.connect,
    **account: Any,
) -> Iterator[World]:
    """
    Open a world and, at its end, hold every request to the SDK's own types.
    """
    with IssuingSimulator(seed=7, platform_funds=platform_funds, **(simulator or {})) as stripe:
        world = World(stripe, stripe.create_account(**account), store, options or {}, connector)
        with world.opened:
            yield world
        assert world.client.problems == []
