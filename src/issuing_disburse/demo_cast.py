"""
Who plays in the demo: which made-up people are paid, by which merchants are their cards charged?
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Literal, TypeAlias

from attrs import frozen

from .money import Money
from .order import Order
from .recipient import Address, Recipient, UserTerms
from .terms import Terms

Fate: TypeAlias = Literal[
    "everything",
    "voided",
    "unused",
    "refunded",
    "wrong_amount",
    "used_twice",
    "never_collected",
    "spent",
]

_EACH_ONCE: tuple[Fate, ...] = (
    "everything",
    "voided",
    "unused",
    "refunded",
    "wrong_amount",
    "used_twice",
    "never_collected",
    "spent",
)
_COMMON: tuple[Fate, ...] = ("spent", "spent", "spent", *_EACH_ONCE[1:])

_FIRST = (
    "Ada", "Ben", "Carla", "David", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas",
    "Kira", "Liam", "Maya", "Noah", "Olga", "Priya", "Quinn", "Rosa", "Samir", "Tessa",
)  # fmt: skip
_LAST = (
    "Adler", "Brooks", "Castillo", "Dunn", "Ellery", "Ferris", "Gupta", "Hale", "Ibarra",
    "Jensen", "Kowal", "Lindt", "Moreau", "Nolan", "Ortiz", "Park", "Reyes",
)  # fmt: skip
_TOWNS = (
    ("Columbus", "OH", "43004"),
    ("Denver", "CO", "80202"),
    ("Portland", "OR", "97205"),
    ("Austin", "TX", "78701"),
    ("Madison", "WI", "53703"),
)


@frozen(kw_only=True)
class Merchant:
    """
    A made-up shop, as the card network describes it.
    """

    name: str
    category: str
    city: str
    network_id: str

    def as_data(self) -> dict[str, object]:
        """
        Return it as the simulator's ``merchant_data``.
        """
        return {
            "name": self.name,
            "category": self.category,
            "city": self.city,
            "network_id": self.network_id,
        }


MERCHANTS = (
    Merchant(
        name="Corner Hardware", category="hardware_stores", city="Columbus", network_id="DEMO0001"
    ),
    Merchant(
        name="Paper and Pen",
        category="stationary_office_supplies_printing_and_writing_paper",
        city="Denver",
        network_id="DEMO0002",
    ),
    Merchant(name="Harbor Books", category="book_stores", city="Portland", network_id="DEMO0003"),
    Merchant(
        name="Tool Library", category="equipment_rental", city="Austin", network_id="DEMO0004"
    ),
    Merchant(
        name="Copy Works",
        category="quick_copy_repro_and_blueprint",
        city="Madison",
        network_id="DEMO0005",
    ),
)


def made_up_orders(count: int, *, random: Random, now: datetime) -> tuple[Order, ...]:
    """
    Make *count* orders for made-up contractors, from 20.00 to 499.99 usd each.

    Args:
        now: UTC; the users have accepted their terms the day before.
    """
    accepted = UserTerms(accepted_at=now - timedelta(days=1), ip="203.0.113.7")
    return tuple(_order(number, random, accepted) for number in range(1, count + 1))


def _order(number: int, random: Random, accepted: UserTerms) -> Order:
    first, last = random.choice(_FIRST), random.choice(_LAST)
    city, state, postal_code = random.choice(_TOWNS)
    recipient = Recipient.individual(
        reference=f"contractor-{number:04d}",
        first_name=first,
        last_name=last,
        email=f"{first}.{last}.{number}@example.com".lower(),
        phone_number=f"+1614555{random.randint(100, 199):04d}",
        date_of_birth=date(
            random.randint(1960, 2002), random.randint(1, 12), random.randint(1, 28)
        ),
        user_terms=accepted,
        billing=Address(
            line1=f"{random.randint(1, 999)} Example Street",
            city=city,
            state=state,
            postal_code=postal_code,
            country="US",
        ),
    )
    return Order(
        id=f"demo-{number:04d}",
        recipient=recipient,
        amount=Money(random.randint(2_000, 49_999), "usd"),
        terms=Terms(valid_for=timedelta(days=30)),
    )


def fates(random: Random) -> Iterator[Fate]:
    """
    Yield what happens to each card in turn: everything once, then mostly what happens mostly.
    """
    yield from _EACH_ONCE
    while True:
        yield random.choice(_COMMON)
