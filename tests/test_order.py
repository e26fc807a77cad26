"""
Is an order refused as long as anything in it is wrong, and before anything is sent?
"""

from datetime import date
from typing import Any

import pytest
from hypothesis import given

import strategies
from issuing_disburse.exceptions import InvalidInputError, OrderNotFoundError
from issuing_disburse.fingerprint import fingerprint
from issuing_disburse.money import Money
from issuing_disburse.order import Order
from issuing_disburse.terms import AmountRule, Terms
from world import make_order, make_recipient, open_world


def refusal(**changes: Any) -> InvalidInputError:
    """
    Return the error that an order with *changes* ends with.
    """
    whole = {"id": "claim-8841", "recipient": make_recipient(), "amount": Money(12_500, "usd")}
    with pytest.raises(InvalidInputError) as caught:
        Order(**{**whole, **changes})
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("id", ["a", "claim-8841", "!", "a b", "A/b#c:d@e~", "x" * 200])
def test_order_takes_printable_ids(id: str) -> None:  # noqa: A002  # the order's own word
    """Any id that can be printed in ASCII and has no space at its ends."""
    assert id == make_order(id).id


@pytest.mark.parametrize(
    "id",
    [
        "",
        " ",
        " a",
        "a ",
        "a\n",
        "a\tb",
        "a\x00",
        "\x1f",
        "ä",
        "x" * 201,
        "\N{ZERO WIDTH SPACE}",
        7,
        None,
        b"a",
    ],
)
def test_order_refuses_when_the_id_is_weird(id: object) -> None:  # noqa: A002  # likewise
    """Control characters, spaces at the ends, other scripts and other types name the field."""
    error = refusal(id=id)

    assert "order.id" == error.field
    assert "claim-8841" in error.remedy


@pytest.mark.parametrize(
    ("amount", "field"),
    [
        (125.0, "order.amount"),
        (125, "order.amount"),
        ("125.00", "order.amount"),
        (None, "order.amount"),
        (Money(0, "usd"), "order.amount"),
        (Money(-12_500, "usd"), "order.amount"),
        (Money(1_000_001, "usd"), "order.amount"),
        (Money(12_500, "jpy"), "order.amount.currency"),
        (Money(12_500, "chf"), "order.amount.currency"),
    ],
)
def test_order_refuses_when_the_amount_is_no_card_amount(amount: object, field: str) -> None:
    """Floats, nothing, debts, too much and currencies that no card has name the field."""
    assert field == refusal(amount=amount).field


@pytest.mark.parametrize("currency", ["usd", "eur", "gbp"])
def test_order_takes_the_largest_purchase_that_stripe_allows(currency: str) -> None:
    """10,000.00 is fine, in each currency that a card can have."""
    assert Money(1_000_000, currency) == make_order(amount="10000.00", currency=currency).amount


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"recipient": None}, "order.recipient"),
        ({"recipient": "supplier-17"}, "order.recipient"),
        ({"terms": None}, "order.terms"),
        ({"terms": {"uses": 1}}, "order.terms"),
        ({"terms": Terms(amount=AmountRule.between(1, 100))}, "terms.amount"),
        (
            {"terms": Terms(amount=AmountRule.exact().with_tolerance(over_minor=10**6))},
            "order.amount",
        ),
    ],
)
def test_order_refuses_when_its_parts_do_not_fit(changes: dict[str, Any], field: str) -> None:
    """A part of another type, or terms that do not carry the amount, name the field."""
    assert field == refusal(**changes).field


@given(strategies.orders())
def test_orders_that_are_made_can_be_told_apart(order: Order) -> None:
    """Every order that can be made has a fingerprint."""
    assert 40 == len(fingerprint(order))


@pytest.mark.parametrize(
    ("changes", "currency", "field"),
    [
        ({"phone_number": None}, "eur", "recipient.phone_number"),
        ({"phone_number": None}, "gbp", "recipient.phone_number"),
        ({"date_of_birth": date(2999, 1, 1)}, "usd", "recipient.date_of_birth"),
        ({"date_of_birth": date(2020, 1, 1)}, "usd", "recipient.date_of_birth"),
    ],
)
def test_disburse_refuses_before_any_call_when_stripe_would_refuse_later(
    changes: dict[str, Any], currency: str, field: str
) -> None:
    """What needs currency or date to be judged is refused with nothing sent of it, nor stored."""
    order = make_order(currency=currency, recipient=make_recipient(**changes))
    with open_world() as world:
        with pytest.raises(InvalidInputError) as caught:
            world.disburser.disburse(order)

        assert field == caught.value.field
        # At its first use a store learns whose books it keeps; that says nothing of the order.
        assert [] == world.client.requests
        with pytest.raises(OrderNotFoundError):
            world.disburser.get(order.id)
