"""
Do the desk's flows pass on the simulator and on cassettes alike?

Recorded with ``pytest tests/test_flows.py --issuing=cassette --issuing-record=simulator``.
"""

from collections.abc import Callable
from typing import Any

from issuing_disburse import AmountRule, Disburser, Money, Order, Status, Terms

Maker = Callable[..., Order]


def test_a_claim_is_paid_and_spent(
    disburser: Disburser, issuing_simulator: Any, issuing_order: Maker
) -> None:
    """A garage asks for what it earned, collects it, and nothing is left."""
    order = issuing_order("125.00")
    card = disburser.disburse(order).card
    asked = issuing_simulator.authorize(card.id, 12_500)
    issuing_simulator.capture(asked["id"])

    assert Status.SPENT is disburser.get(order.id).status
    assert Money(12_500, "usd") == disburser.statement(order.id).spent


def test_what_is_left_comes_back(
    disburser: Disburser, issuing_simulator: Any, issuing_order: Maker
) -> None:
    """A repair that was cheaper leaves a rest, and the rest is reclaimed."""
    order = issuing_order("125.00", terms=Terms(amount=AmountRule.up_to()))
    card = disburser.disburse(order).card
    issuing_simulator.capture(issuing_simulator.authorize(card.id, 10_000)["id"])

    disburser.reclaim(order.id)

    said = disburser.statement(order.id)
    assert (Money(2_500, "usd"), Money(0, "usd")) == (said.reclaimed, said.remaining)
