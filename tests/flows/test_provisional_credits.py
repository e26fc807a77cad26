"""
What do the books say of a credit that may be taken back until its dispute is decided?
"""

from itertools import permutations
from typing import Any

import orjson
import pytest

from issuing_disburse import Alert, Status
from issuing_disburse.signatures import sign
from world import World, make_order

ORDER = "claim-8841"


def movement(name: str, kind: str, minor: int) -> dict[str, Any]:
    """
    Describe a balance transaction of the dispute.
    """
    return {"id": name, "type": kind, "amount": minor, "net": minor, "currency": "usd"}


CREDIT = movement("txn_p", "issuing_dispute_provisional_credit", 12_500)
BACK = movement("txn_r", "issuing_dispute_provisional_credit_reversal", -12_500)
FINAL = movement("txn_f", "issuing_dispute", 12_500)
WON = (("submitted", [CREDIT]), ("submitted", [CREDIT, BACK]), ("won", [CREDIT, BACK, FINAL]))
LOST = (("submitted", []), ("submitted", [CREDIT]), ("lost", [CREDIT, BACK]))


def spend(world: World) -> dict[str, Any]:
    """
    Pay the order, let a merchant take all of it, and return the capture.
    """
    card = world.disburser.disburse(make_order()).card
    world.simulator.capture(world.simulator.authorize(card.id, 12_500)["id"])
    (capture,) = world.simulator.objects("transaction", world.account)
    return {"id": capture["id"], "card": card.id}


def tell(world: World, capture: dict[str, Any], status: str, moved: list[dict[str, Any]]) -> None:
    """
    Have Stripe say how the dispute stands, twice.
    """
    dispute = {
        "id": "idp_1", "object": "issuing.dispute", "transaction": capture, "status": status,
        "balance_transactions": moved,
    }  # fmt: skip
    event = {
        "id": f"evt_{status}_{len(moved)}", "object": "event", "type": "issuing_dispute.updated",
        "account": world.account, "livemode": False, "data": {"object": dispute},
    }  # fmt: skip
    payload = orjson.dumps(event)
    signature = sign(payload, world.simulator.webhook_secret, world.simulator.clock.now())
    for _ in range(2):
        assert 200 == world.disburser.handle_webhook(payload, signature).status


def alert_of(world: World) -> Alert:
    """
    Return the one alert of the statement, which balances.
    """
    statement = world.disburser.statement(ORDER)
    assert statement.is_balanced, statement
    (alert,) = statement.alerts
    return alert


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize(("life", "left"), [(WON, 12_500), (LOST, 0)], ids=["won", "lost"])
def test_provisional_credits_converge_in_every_order(
    world: World,
    life: tuple[tuple[str, list[dict[str, Any]]], ...],
    left: int,
    order: tuple[int, ...],
) -> None:
    """Given, taken back and decided, each told twice: the same figures whatever came last."""
    capture = spend(world)

    for number in order:
        tell(world, capture, *life[number])

    said = world.disburser.statement(ORDER)
    assert (left, left, 0) == (said.disputed.minor, said.remaining.minor, said.covered.minor)
    assert ("provisional_credit", left) == (alert_of(world).kind, alert_of(world).minor)
    assert Status.SPENT is said.status


def test_a_credit_that_was_reclaimed_and_is_taken_back_is_covered_and_named(world: World) -> None:
    """The account pays for it, and the statement says for which dispute."""
    capture = spend(world)
    tell(world, capture, "submitted", [CREDIT])
    world.simulator.fund_issuing(world.account or "", 12_500)  # what the credit brought
    assert "closed" == world.disburser.reclaim(ORDER).outcome

    tell(world, capture, "lost", [CREDIT, BACK])

    said = world.disburser.statement(ORDER)
    assert (12_500, 12_500, 0) == (said.covered.minor, said.reclaimed.minor, said.remaining.minor)
    assert ("provisional_credit", 12_500) == (alert_of(world).kind, alert_of(world).covered_minor)
