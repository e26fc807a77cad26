"""
Does money that a bank is asked for arrive once, and what if it never does, or is taken back?
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from issuing_disburse import (
    FundingRouteUnavailableError,
    InvalidInputError,
    Money,
    Status,
    TopUpRoute,
)
from issuing_disburse.exceptions import RefusedError, UnavailableError
from issuing_disburse.simulator.faults import Fault, LoseConnection, Refuse, Webhook
from world import World, make_order, open_world


@pytest.fixture(params=["memory://", "sqlite://"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """
    An account in the US that debits its own bank for each order.
    """
    route = TopUpRoute(statement_descriptor="PAYOUTS")
    with open_world(request.param, options={"route": route}, platform_funds=0) as opened:
        yield opened


def only_topup(world: World) -> str:
    """
    Return the id of the one top-up there is.
    """
    (topup,) = world.simulator.objects("topup", world.account)
    return str(topup["id"])


def test_an_order_waits_until_the_bank_has_paid(world: World) -> None:
    """The card is issued when the top-up has succeeded, not before, and the rest is paid out."""
    waiting = world.disburser.disburse(make_order())
    assert waiting.reason is not None
    assert (Status.PENDING, "money_in_flight") == (waiting.status, waiting.reason.code)
    assert waiting.reason.retry_at is not None
    assert [Status.PENDING] == [one.status for one in world.disburser.resume_all()]
    world.check_books()

    world.simulator.settle_topup(only_topup(world))

    assert [Status.ACTIVE] == [one.status for one in world.disburser.resume_all()]
    world.check_books("claim-8841")
    assert Money(12_500, "usd") == world.disburser.reclaim("claim-8841").on_its_way
    world.simulator.clock.advance(timedelta(days=3))
    (done,) = world.disburser.reclaim_expired()
    assert "closed" == done.outcome
    assert 0 == world.simulator.issuing_balance(world.account)
    world.check_books("claim-8841")


def test_a_topup_that_no_event_told_of_is_found(world: World) -> None:
    """Without any webhook the next walk asks about the top-up and goes on."""
    world.disburser.disburse(make_order())
    world.simulator.faults.add(Fault(action=Webhook(how="never"), times=0))
    world.simulator.settle_topup(only_topup(world))

    assert [Status.ACTIVE] == [one.status for one in world.disburser.resume_all()]
    world.check_books("claim-8841")


def test_a_topup_that_reconcile_sees_first_is_no_difference(world: World) -> None:
    """Money of ours that arrived in silence is booked before the books are compared."""
    world.disburser.disburse(make_order())
    world.simulator.faults.add(Fault(action=Webhook(how="never"), times=0))
    world.simulator.settle_topup(only_topup(world))

    world.check_books()
    assert Status.ACTIVE is world.disburser.resume("claim-8841").status


@pytest.mark.parametrize("how", ["insufficient_funds", "canceled"])
@pytest.mark.parametrize("is_told", [True, False])
def test_a_topup_that_fails_fails_its_order(world: World, how: str, is_told: bool) -> None:
    """The order fails with the bank's reason, nothing stays promised, and it can be tried again."""
    world.disburser.disburse(make_order())
    silence = Fault(action=Webhook(how="never"), times=0)
    if not is_told:
        world.simulator.faults.add(silence)
    if how == "canceled":
        world.send(f"/v1/topups/{only_topup(world)}/cancel")
    else:
        world.simulator.settle_topup(only_topup(world), how)

    with pytest.raises(FundingRouteUnavailableError) as caught:
        world.disburser.resume("claim-8841")

    assert how == caught.value.code
    assert Status.FAILED is world.disburser.get("claim-8841").status
    world.check_books()
    world.simulator.faults.clear()
    assert Status.PENDING is world.disburser.disburse(make_order()).status
    assert 2 == world.sent("POST /v1/topups")
    again = [one for one in world.simulator.objects("topup") if one["status"] == "pending"]
    world.simulator.settle_topup(again[0]["id"])
    assert Status.ACTIVE is world.disburser.resume("claim-8841").status
    world.check_books("claim-8841")


@pytest.mark.parametrize("is_told", [True, False])
def test_a_topup_taken_back_after_the_card_is_not_paid_out_again(
    world: World, is_told: bool
) -> None:
    """The bank has its money already: the rest leaves the card, and nothing leaves the balance."""
    world.disburser.disburse(make_order())
    world.simulator.settle_topup(only_topup(world))
    world.disburser.resume("claim-8841")
    if not is_told:
        world.simulator.faults.add(Fault(action=Webhook(how="never"), times=0))

    world.simulator.settle_topup(only_topup(world), "reversed")

    done = world.disburser.reclaim("claim-8841")
    assert ("closed", Money(12_500, "usd")) == (done.outcome, done.reclaimed)
    assert Money(0, "usd") == done.on_its_way
    assert 0 == world.sent("POST /v1/payouts")
    assert 0 == world.simulator.issuing_balance(world.account)
    world.check_books("claim-8841")


def test_a_topup_taken_back_before_the_card_fails_the_order(world: World) -> None:
    """Money that came and went between two looks issues no card, and both sides are booked."""
    world.disburser.disburse(make_order())
    world.simulator.faults.add(Fault(action=Webhook(how="never"), times=0))
    world.simulator.settle_topup(only_topup(world))
    world.simulator.settle_topup(only_topup(world), "reversed")

    with pytest.raises(FundingRouteUnavailableError):
        world.disburser.resume("claim-8841")

    assert 0 == world.sent("POST /v1/issuing/cards")
    world.check_books()


def test_a_refused_card_sends_the_topup_back(world: World) -> None:
    """An order that fails after its money came pays it out, and says when a bank sends it back."""
    world.disburser.disburse(make_order())
    world.simulator.settle_topup(only_topup(world))
    refusal = Refuse(code="no_card", message="No.")
    world.simulator.faults.add(Fault(endpoint="POST /v1/issuing/cards", action=refusal))

    with pytest.raises(RefusedError):
        world.disburser.resume("claim-8841")

    assert Status.FAILED is world.disburser.get("claim-8841").status
    assert 0 == world.simulator.issuing_balance(world.account)
    world.check_books()
    (payout,) = world.simulator.objects("payout", world.account)
    world.simulator.settle_payout(payout["id"], "account_closed")
    assert 12_500 == world.simulator.issuing_balance(world.account)
    world.check_books()


def test_a_payout_that_comes_back_is_paid_out_again(world: World) -> None:
    """What the top-up brought counts as brought again when the bank sends it back."""
    world.disburser.disburse(make_order())
    world.simulator.settle_topup(only_topup(world))
    world.disburser.resume_all()
    world.disburser.reclaim("claim-8841")
    (payout,) = world.simulator.objects("payout", world.account)
    world.simulator.settle_payout(payout["id"], "account_closed")
    world.simulator.clock.advance(timedelta(days=1))

    (again,) = world.disburser.reclaim_expired()

    assert Money(12_500, "usd") == again.on_its_way
    assert 0 == world.simulator.issuing_balance(world.account)
    world.check_books("claim-8841")


def test_a_lost_answer_makes_one_topup(world: World) -> None:
    """A crash right after the call is finished with the same top-up, by key and by looking."""
    faults = world.simulator.faults
    for after_commit, times in ((True, 1), (False, 0)):
        faults.add(
            Fault(
                endpoint="POST /v1/topups",
                action=LoseConnection(after_commit=after_commit),
                times=times,
            )
        )
    with pytest.raises(UnavailableError):
        world.disburser.disburse(make_order())
    faults.clear()
    world.simulator.clock.advance(timedelta(days=2))

    assert Status.PENDING is world.disburser.resume("claim-8841").status
    world.simulator.settle_topup(only_topup(world))
    assert Status.ACTIVE is world.disburser.resume("claim-8841").status
    world.check_books("claim-8841")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"statement_descriptor": "sixteen letters!"}, "statement_descriptor"),
        ({"statement_descriptor": "Zürich"}, "statement_descriptor"),
        ({"source": "src_1", "payment_method": "pm_1"}, "payment_method"),
    ],
)
def test_a_route_that_cannot_work_is_refused_when_it_is_made(
    arguments: dict[str, str], field: str
) -> None:
    """The field is named before anything is sent."""
    with pytest.raises(InvalidInputError) as caught:
        TopUpRoute(**arguments)

    assert field == caught.value.field
