"""
What happens to the card that followed, when a merchant still takes money on the dead one?
"""

from datetime import timedelta

import pytest

from issuing_disburse import AmountRule, Disbursement, Status, Terms
from issuing_disburse.simulator.faults import Fault, Refuse
from world import World, make_order

TERMS = Terms(valid_for=timedelta(days=90), on_void="reissue", amount=AmountRule.up_to(), uses=2)


def replaced(world: World, *, lapsed: int = 12_500) -> tuple[str, Disbursement]:
    """
    Let a use lapse, and have the next card issued once it can hardly be captured any more.

    Returns:
        The authorization that lapsed, and the disbursement with its second card.
    """
    first = world.disburser.disburse(make_order(terms=TERMS)).card
    authorization = world.simulator.authorize(first.id, lapsed)["id"]
    world.simulator.clock.advance(timedelta(days=40))
    return authorization, world.disburser.reissue("claim-8841")


def limits_of(world: World, card_id: str) -> dict[str, int]:
    """
    Return Stripe's own limits of a card.
    """
    (card,) = (one for one in world.simulator.objects("card") if one["id"] == card_id)
    limits = card["spending_controls"]["spending_limits"]
    return {one["interval"]: one["amount"] for one in limits}


@pytest.mark.parametrize("walk", ["resume_all", "reclaim_expired"])
def test_capture_on_the_dead_card_lowers_the_new_one_first(world: World, walk: str) -> None:
    """Allotment at once, Stripe's limits with the next walk; nothing is covered by the account."""
    late, paid = replaced(world)
    assert {"per_authorization": 12_500, "all_time": 12_700} == limits_of(world, paid.card.id)

    world.simulator.capture(late, 5_000)

    assert not world.simulator.authorize(paid.card.id, 7_501)["approved"]
    getattr(world.disburser, walk)()
    assert {"per_authorization": 7_500, "all_time": 7_700} == limits_of(world, paid.card.id)
    assert world.simulator.authorize(paid.card.id, 7_500)["approved"]
    said = world.disburser.statement("claim-8841")
    assert (5_000, 7_500, 0) == (said.spent.minor, said.held.minor, said.covered.minor)
    assert ["late_capture"] == [one.kind for one in said.alerts]
    world.check_books("claim-8841")


def test_what_cannot_be_lowered_is_covered_and_named_after_the_late_capture(world: World) -> None:
    """The new card keeps what it holds; the late capture bears the name of what was missing."""
    late, paid = replaced(world)
    world.simulator.authorize(paid.card.id, 10_000)

    world.simulator.capture(late, 12_500)

    said = world.disburser.statement("claim-8841")
    (alert,) = said.alerts
    assert (12_500, 10_000, 10_000) == (said.spent.minor, said.held.minor, said.covered.minor)
    assert ("late_capture", -12_500, 10_000) == (alert.kind, alert.minor, alert.covered_minor)
    late_accounts = {
        line.source for entry in said.entries for line in entry.lines if line.effect == "capture"
    }
    assert f"late:{alert.object_id}" in late_accounts
    world.check_books("claim-8841")


def test_new_card_with_nothing_left_is_cancelled(world: World) -> None:
    """When the dead card took everything, the one that followed ends as well."""
    late, paid = replaced(world)
    world.simulator.capture(late, 12_500)

    world.disburser.resume_all()
    world.disburser.reclaim_expired()

    cards = {one["id"]: one["status"] for one in world.simulator.objects("card")}
    assert "canceled" == cards[paid.card.id]
    assert Status.CLOSED is world.disburser.get("claim-8841").status
    assert 0 == world.disburser.statement("claim-8841").covered.minor
    world.check_books("claim-8841")


def test_lowering_that_stripe_refuses_is_tried_again(world: World) -> None:
    """Until Stripe's limits say it, every walk tries; our own rules have said it all along."""
    late, paid = replaced(world)
    world.simulator.capture(late, 5_000)
    world.simulator.faults.add(Fault(endpoint="POST /v1/issuing/cards/:id", action=Refuse()))

    world.disburser.resume_all()
    assert 12_500 == limits_of(world, paid.card.id)["per_authorization"]
    world.disburser.resume_all()

    assert 7_500 == limits_of(world, paid.card.id)["per_authorization"]
    sent = world.sent("POST /v1/issuing/cards/" + paid.card.id)
    world.disburser.resume_all()
    assert sent == world.sent("POST /v1/issuing/cards/" + paid.card.id)


def test_card_that_followed_never_spends_what_may_still_be_captured(world: World) -> None:
    """A use that lapsed keeps its amount for 31 days, although it lies on the same allotment."""
    first = world.disburser.disburse(make_order(terms=TERMS)).card
    lapsed = world.simulator.authorize(first.id, 5_000)["id"]
    world.simulator.expire(lapsed)

    paid = world.disburser.reissue("claim-8841")

    assert 7_500 == limits_of(world, paid.card.id)["per_authorization"]
    assert world.simulator.authorize(paid.card.id, 7_000)["approved"]
    assert not world.simulator.authorize(paid.card.id, 501)["approved"]
    world.simulator.capture(lapsed, 5_000)
    assert 0 == world.disburser.statement("claim-8841").covered.minor
    world.check_books("claim-8841")
