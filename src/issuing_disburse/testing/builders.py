"""
How does a test get an order and a recipient without spelling out a person each time?
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from attrs import evolve

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import Money
from issuing_disburse.order import Order
from issuing_disburse.recipient import Address, Recipient, UserTerms
from issuing_disburse.terms import Terms

HOMES = {
    "usd": (
        "US",
        "+18008675309",
        Address(
            line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
        ),
    ),
    "eur": (
        "DE",
        "+493012345678",
        Address(line1="Torstr. 1", city="Berlin", postal_code="10119", country="DE"),
    ),
    "gbp": (
        "GB",
        "+442079460000",
        Address(line1="1 High St", city="London", postal_code="E1 6AN", country="GB"),
    ),
}
"""
Country, phone number and address of somebody who is paid in each currency.
"""


def make_address(currency: str = "usd", **changes: Any) -> Address:
    """
    Make an address where *currency* is spent; *changes* are fields of `issuing_disburse.Address`.

    >>> make_address("eur").country
    'DE'
    """
    return evolve(HOMES[_known(currency)][2], **changes)


def make_recipient(
    reference: str = "supplier-17", *, currency: str = "usd", **changes: Any
) -> Recipient:
    """
    Make an individual whom Stripe has nothing against.

    Args:
        currency: Whose cards they can hold: it chooses address, phone number, and US user terms.
        changes: Arguments of `issuing_disburse.Recipient.individual`, such as ``email="…"``.

    Raises:
        InvalidInputError: Naming the field.
    """
    _, phone, _ = HOMES[_known(currency)]
    accepted = UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7")
    details: dict[str, Any] = {
        "reference": reference,
        "first_name": "Jenny",
        "last_name": "Rosen",
        "email": "jenny@example.com",
        "phone_number": phone,
        "date_of_birth": date(1985, 3, 14),
        "user_terms": accepted if currency == "usd" else None,
        "billing": make_address(currency),
        **changes,
    }
    return Recipient.individual(**details)


def make_order(
    id: str = "order-1",  # noqa: A002  # the order's own word
    amount: str | Money = "125.00",
    *,
    currency: str = "usd",
    recipient: Recipient | None = None,
    terms: Terms | None = None,
) -> Order:
    """
    Make an order: single use for the exact amount and 30 days, unless told otherwise.

    >>> make_order(amount="80.00").amount
    Money(8000, 'usd')

    Args:
        amount: In words of `issuing_disburse.Money.of`, or money, which brings its currency.
        recipient: `make_recipient` of the currency if left out.

    Raises:
        InvalidInputError: Naming the field.
    """
    if isinstance(amount, Money):
        currency = amount.currency
    return Order(
        id=id,
        recipient=recipient or make_recipient(currency=currency),
        amount=amount if isinstance(amount, Money) else Money.of(amount, _known(currency)),
        terms=terms or Terms(valid_for=timedelta(days=30)),
    )


def _known(currency: str) -> str:
    if currency not in HOMES:
        raise InvalidInputError(
            "currency", f"nobody here is paid in {currency!r}", f"use one of {', '.join(HOMES)}"
        )
    return currency
