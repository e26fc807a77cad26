"""
Who is paid in the EU and the UK, and by which bank transfers?
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from issuing_disburse import Address, Order, PushRoute, Terms
from world import World, make_order, make_recipient, open_world

BERLIN = Address(line1="Torstr. 1", city="Berlin", postal_code="10119", country="DE")
LONDON = Address(line1="1 High St", city="London", postal_code="E1 6AN", country="GB")

HOMES = {
    "eur": ("DE", BERLIN, "+493012345678"),
    "gbp": ("GB", LONDON, "+442079460000"),
}
"""Country of the account, address and phone number of the recipient, by currency."""


def local_order(
    currency: str,
    id: str = "claim-8841",  # noqa: A002  # the order's own word
    amount: str = "125.00",
    terms: Terms | None = None,
) -> Order:
    """
    Make an order for a person in the region of *currency*.
    """
    _, billing, phone = HOMES[currency]
    recipient = make_recipient(phone_number=phone, user_terms=None, billing=billing)
    return make_order(id, amount, currency=currency, recipient=recipient, terms=terms)


@contextmanager
def open_region(currency: str, *, route: Any = None, **options: Any) -> Iterator[World]:
    """
    Open a world whose account is at home where *currency* is spent.
    """
    country = HOMES[currency][0]
    chosen = PushRoute() if route is None else route
    with open_world(
        simulator={"country": country},
        platform_funds=0,
        country=country,
        options={"route": chosen, **options},
    ) as world:
        yield world


def send_bank_transfer(world: World, minor: int, currency: str) -> None:
    """
    Let one bank transfer arrive at the account's funding instructions.
    """
    world.simulator.fund_issuing(world.account or "", minor, currency)
