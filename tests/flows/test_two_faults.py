"""
Does a second misfortune turn the first one into lost or doubled money?
"""

import pytest

from issuing_disburse import Status, Terms
from issuing_disburse.exceptions import DisburseError, RefusedError
from issuing_disburse.simulator.faults import Fault, LoseConnection, Refuse
from world import World, make_order

CARDS = "POST /v1/issuing/cards"
BALANCE_TRANSFERS = "POST /v1/balance_transfers"
REVERSALS = "POST /v1/transfers/:id/reversals"


def lose_answers(world: World, endpoint: str) -> None:
    """
    Let the first call have its effect and lose its answer; nothing gets through afterwards.
    """
    faults = world.simulator.faults
    faults.add(Fault(endpoint=endpoint, action=LoseConnection(after_commit=True)))
    faults.add(Fault(endpoint=endpoint, action=LoseConnection(after_commit=False), times=0))


def live_cards(world: World) -> int:
    """
    Count the cards that are not cancelled.
    """
    cards = world.simulator.objects("card", world.account)
    return sum(card["status"] != "canceled" for card in cards)


def test_card_of_unknown_fate_is_settled_before_the_recipient_is_judged(world: World) -> None:
    """A recipient who is listed meanwhile does not make us forget a card that exists."""
    lose_answers(world, CARDS)
    with pytest.raises(DisburseError):
        world.disburser.disburse(make_order())
    world.simulator.faults.clear()
    (holder,) = world.simulator.objects("cardholder", world.account)
    world.simulator.set_screening(holder["id"], "listed")

    paid = world.disburser.disburse(make_order())

    assert paid.status is Status.ACTIVE
    assert live_cards(world) == 1
    world.check_books("claim-8841")


def test_reversal_that_is_refused_keeps_the_order_waiting(world: World) -> None:
    """A transfer whose onward leg and reversal are both refused is not forgotten."""
    world.simulator.faults.add(Fault(endpoint=BALANCE_TRANSFERS, action=Refuse()))
    world.simulator.faults.add(Fault(endpoint=REVERSALS, action=Refuse()))
    with pytest.raises(DisburseError) as caught:
        world.disburser.disburse(make_order())

    assert caught.value.code == "funds_stranded"
    assert world.disburser.get("claim-8841").status is Status.PENDING
    (resumed,) = world.disburser.resume_all()
    assert resumed.status is Status.FAILED
    assert world.simulator.payments_balance(None) == 1_000_000
    world.check_books("claim-8841")


def test_begun_reversal_is_never_followed_by_the_onward_leg(world: World) -> None:
    """After a reversal of unknown fate the account's own earnings stay its own."""
    world.simulator.faults.add(Fault(endpoint=BALANCE_TRANSFERS, action=Refuse()))
    lose_answers(world, REVERSALS)
    with pytest.raises(DisburseError):
        world.disburser.disburse(make_order())
    world.simulator.faults.clear()

    (resumed,) = world.disburser.resume_all()

    assert resumed.status is Status.FAILED
    assert world.simulator.issuing_balance(world.account) == 0
    assert world.simulator.payments_balance(None) == 1_000_000


def test_forbidden_after_a_lost_answer_reverses_nothing(world: World) -> None:
    """A 403 after a balance transfer that may have worked leaves everything as it is."""
    world.simulator.faults.add(
        Fault(endpoint=BALANCE_TRANSFERS, action=LoseConnection(after_commit=True))
    )
    world.simulator.faults.add(
        Fault(endpoint=BALANCE_TRANSFERS, action=Refuse(status=403, recorded=False))
    )
    with pytest.raises(DisburseError):
        world.disburser.disburse(make_order())

    assert world.disburser.get("claim-8841").status is Status.PENDING
    assert world.sent("POST /v1/transfers") == 1
    world.simulator.faults.clear()
    assert world.disburser.resume("claim-8841").status is Status.ACTIVE
    assert world.simulator.issuing_balance(world.account) == 12_500
    world.check_books("claim-8841")


def test_way_back_that_was_begun_is_finished_before_anything_else(world: World) -> None:
    """A card refused, a give-back interrupted: the retry gives back first and issues nothing unfunded."""
    world.simulator.faults.add(Fault(endpoint=CARDS, action=Refuse()))
    world.simulator.faults.add(Fault(endpoint=REVERSALS, action=Refuse()))
    with pytest.raises(RefusedError):
        world.disburser.disburse(make_order())
    assert world.disburser.get("claim-8841").status is Status.PENDING

    (resumed,) = world.disburser.resume_all()

    assert resumed.status is Status.FAILED
    assert live_cards(world) == 0
    assert world.simulator.payments_balance(None) == 1_000_000
    world.check_books("claim-8841")


def test_reissue_of_unknown_fate_is_cancelled_by_reclaim(world: World) -> None:
    """A second card whose answer was lost is found and cancelled, not left alive."""
    card = world.disburser.disburse(make_order(terms=Terms(on_void="reissue"))).card
    world.simulator.reverse(world.simulator.authorize(card.id, 12_500)["id"])
    lose_answers(world, CARDS)
    with pytest.raises(DisburseError):
        world.disburser.reissue("claim-8841")
    world.simulator.faults.clear()

    done = world.disburser.reclaim("claim-8841")

    assert done.outcome == "closed"
    assert live_cards(world) == 0
    assert world.simulator.payments_balance(None) == 1_000_000
    world.check_books("claim-8841")


def test_interrupted_reclaim_is_booked_although_a_capture_came_between(world: World) -> None:
    """What was on its way back when a merchant took the rest is booked all the same."""
    card = world.disburser.disburse(make_order("a")).card
    world.disburser.disburse(make_order("b"))
    world.simulator.faults.add(Fault(endpoint=REVERSALS, action=Refuse()))
    assert world.disburser.reclaim("a").outcome == "stuck"
    world.simulator.force_capture(card.id, 12_500)

    assert world.disburser.reclaim("a").outcome == "closed"

    assert world.simulator.payments_balance(world.account) == 0
    world.check_books("a", "b")
