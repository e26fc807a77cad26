"""
Do ten flows pass wherever they play: on a simulator, on cassettes, and at Stripe's test mode?

They ask for nothing that Stripe's test mode cannot carry: the money is there before, nobody moves a clock, and what
Stripe itself declines is declined whether or not we are asked. ``make record`` records the cassettes anew.
"""

from collections.abc import Callable
from typing import Any

from issuing_disburse import AmountRule, Disburser, Money, Order, Status, Terms
from issuing_disburse.testing import Happened

Maker = Callable[..., Order]
UP_TO = Terms(amount=AmountRule.up_to())
TWICE = Terms(amount=AmountRule.up_to(), uses=2)


def usd(minor: int) -> Money:
    """
    Return dollars.
    """
    return Money(minor, "usd")


def test_an_order_is_paid_once(disburser: Disburser, issuing_order: Maker) -> None:
    """The same order asked for twice is one card, and its money is set aside."""
    order = issuing_order()
    first, again = disburser.disburse(order), disburser.disburse(order)

    assert Status.ACTIVE is first.status
    assert first.card == again.card
    assert usd(12_500) == disburser.statement(order.id).remaining


def test_two_orders_of_one_recipient_share_a_cardholder(
    disburser: Disburser, issuing_order: Maker
) -> None:
    """The same recipient is one cardholder, with a card for each order."""
    first, second = (disburser.disburse(issuing_order(amount)) for amount in ("60.00", "40.00"))

    assert first.cardholder_id == second.cardholder_id
    assert first.card.id != second.card.id


def test_the_exact_amount_is_spent(
    disburser: Disburser, issuing_simulator: Any, issuing_order: Maker
) -> None:
    """The merchant asks for the order's amount, collects it, and nothing is left."""
    order = issuing_order()
    card = disburser.disburse(order).card
    asked = issuing_simulator.authorize(card.id, 12_500)
    assert usd(12_500) == disburser.statement(order.id).held

    issuing_simulator.capture(asked["id"])

    said = disburser.statement(order.id)
    assert (usd(12_500), usd(0), usd(0)) == (said.spent, said.held, said.remaining)
    assert disburser.get(order.id).status in {Status.SPENT, Status.CLOSING}  # as it was told first
    assert said.is_balanced


def test_more_than_was_ordered_is_declined(
    disburser: Disburser, issuing_simulator: Any, issuing_order: Maker
) -> None:
    """What exceeds the order is declined by Stripe's own limit, and costs nothing."""
    order = issuing_order()
    card = disburser.disburse(order).card

    asked = issuing_simulator.authorize(card.id, 12_600)

    assert (False, "spending_controls") == (asked["approved"], last_reason(asked))
    assert usd(12_500) == disburser.statement(order.id).remaining


def test_a_used_card_is_used_up(
    disburser: Disburser, issuing_simulator: Any, issuing_order: Maker
) -> None:
    """A single-use card is dead after its use."""
    order = issuing_order()
    card = disburser.disburse(order).card
    issuing_simulator.capture(issuing_simulator.authorize(card.id, 12_500)["id"])

    again = issuing_simulator.authorize(card.id, 12_500)

    assert again["approved"] is False
    assert usd(12_500) == disburser.statement(order.id).spent


def test_a_voided_use_is_reissued(
    disburser: Disburser, issuing_simulator: Any, issuing_order: Maker
) -> None:
    """A void gives no use back, so another card is issued, and works."""
    order = issuing_order(terms=Terms(on_void="reissue"))
    dead = disburser.disburse(order).card
    issuing_simulator.reverse(issuing_simulator.authorize(dead.id, 12_500)["id"])

    fresh = disburser.reissue(order.id).card

    assert dead.id != fresh.id
    issuing_simulator.capture(issuing_simulator.authorize(fresh.id, 12_500)["id"])
    assert usd(12_500) == disburser.statement(order.id).spent


def test_two_captures_are_one_use(
    disburser: Disburser, issuing_simulator: Any, issuing_order: Maker
) -> None:
    """A split shipment is collected in two parts of one approved purchase."""
    order = issuing_order()
    card = disburser.disburse(order).card
    asked = issuing_simulator.authorize(card.id, 12_500)["id"]
    issuing_simulator.capture(asked, 5_000, close=False)
    assert usd(7_500) == disburser.statement(order.id).held

    issuing_simulator.capture(asked, 7_500)

    said = disburser.statement(order.id)
    assert (usd(12_500), usd(0)) == (said.spent, said.held)


def test_a_refund_is_on_the_card_again(
    disburser: Disburser, issuing_simulator: Any, issuing_order: Maker
) -> None:
    """What a merchant gives back belongs to the order, and is taken home with the rest."""
    order = issuing_order(terms=UP_TO)
    card = disburser.disburse(order).card
    bought = issuing_simulator.capture(issuing_simulator.authorize(card.id, 10_000)["id"])

    issuing_simulator.refund(bought["transactions"][-1]["id"], 4_000)

    assert usd(4_000) == disburser.statement(order.id).refunded
    assert "closed" == disburser.reclaim(order.id).outcome
    assert usd(6_500) == disburser.statement(order.id).reclaimed


def test_the_rest_is_taken_back(
    disburser: Disburser, issuing_simulator: Any, issuing_order: Maker
) -> None:
    """The card is cancelled, what was not spent is free for other orders, and nothing works any more."""
    order = issuing_order(terms=TWICE)
    card = disburser.disburse(order).card
    issuing_simulator.capture(issuing_simulator.authorize(card.id, 9_000)["id"])

    done = disburser.reclaim(order.id)

    assert ("closed", usd(3_500), usd(9_000)) == (done.outcome, done.reclaimed, done.spent)
    assert issuing_simulator.authorize(card.id, 3_500)["approved"] is False
    assert disburser.statement(order.id).is_balanced


def test_a_story_is_told_wherever_it_can_be(scenario: Callable[..., Happened]) -> None:
    """What nobody could decline is covered and named, in a scenario of the kit."""
    told = scenario("over_capture")

    assert ["over_capture"] == [one.kind for one in told.alerts]
    assert usd(1_250) == told.statement.covered
    assert () == told.discrepancies


def last_reason(authorization: Any) -> str:
    """
    Return Stripe's reason for its last verdict.
    """
    return str(authorization["request_history"][-1]["reason"])
