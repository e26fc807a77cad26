"""
Who is the same recipient, and what is never got around?
"""

from datetime import timedelta

import pytest

from issuing_disburse import Status
from issuing_disburse.exceptions import DisburseError, RecipientNotReadyError
from issuing_disburse.parking import PARKED_FOR
from issuing_disburse.records import ParkedEvent
from issuing_disburse.simulator.faults import Fault, LoseConnection, Webhook
from late_things import won_dispute
from world import ADDRESS, World, make_order, make_recipient


def named(first_name: str, **changes: object) -> object:
    """
    Describe the usual recipient under another first name.
    """
    return make_recipient(first_name=first_name, **changes)


def test_new_name_is_a_new_cardholder(world: World) -> None:
    """Stripe cannot rename a cardholder; an address or phone updates it instead."""
    world.disburser.disburse(make_order("a"))
    moved = make_recipient(phone_number="+18008675310", billing=ADDRESS)
    world.disburser.disburse(make_order("b", recipient=moved))
    assert 1 == len(world.simulator.objects("cardholder", world.account))

    world.disburser.disburse(make_order("c", recipient=named("Jennifer")))

    assert 2 == len(world.simulator.objects("cardholder", world.account))


@pytest.mark.parametrize("verdict", ["listed", "rejected.listed"])
def test_new_name_does_not_get_around_a_rejection(world: World, verdict: str) -> None:
    """What Stripe has rejected stays rejected for that reference; nobody else is touched."""
    world.disburser.disburse(make_order("a"))
    (holder,) = world.simulator.objects("cardholder", world.account)
    world.simulator.set_screening(holder["id"], verdict)

    with pytest.raises(RecipientNotReadyError):
        world.disburser.disburse(make_order("b", recipient=named("Jennifer")))

    assert 1 == len(world.simulator.objects("cardholder", world.account))
    assert world.disburser.get("b").status is Status.FAILED
    other = named("Jennifer", reference="supplier-18")
    assert world.disburser.disburse(make_order("c", recipient=other)).status is Status.ACTIVE


def test_screening_is_awaited_with_a_bound_and_then_pending(world: World) -> None:
    """An order whose recipient is still screened waits, and is paid by a later resume."""
    world.disburser.disburse(make_order("a"))
    (holder,) = world.simulator.objects("cardholder", world.account)
    world.simulator.set_screening(holder["id"], "under_review")

    waiting = world.disburser.disburse(make_order("b"))
    assert waiting.status is Status.PENDING
    assert waiting.reason is not None
    assert "cardholder_under_review" == waiting.reason.code
    world.simulator.set_screening(holder["id"], None)

    assert [Status.ACTIVE] == [one.status for one in world.disburser.resume_all()]


def test_parked_events_do_not_stay_for_ever(world: World) -> None:
    """An event for somebody else's card, kept while an order was pending, is dropped after a week."""
    cards = "POST /v1/issuing/cards"
    for after_commit, times in ((True, 1), (False, 0)):
        action = LoseConnection(after_commit=after_commit)
        world.simulator.faults.add(Fault(endpoint=cards, action=action, times=times))
    with pytest.raises(DisburseError):
        world.disburser.disburse(make_order())
    (card,) = world.simulator.objects("card", world.account)
    world.simulator.force_capture(card["id"], 100)
    parked = world.disburser.store.read(lambda tx: tx.find(ParkedEvent))
    assert 1 == len(parked)

    world.simulator.clock.advance(PARKED_FOR + timedelta(hours=1))
    world.disburser.resume_all()

    assert () == world.disburser.store.read(lambda tx: tx.find(ParkedEvent))
    world.simulator.faults.clear()
    world.disburser.resume_all()
    world.disburser.reclaim("claim-8841")
    assert 100 == world.disburser.statement("claim-8841").spent.minor
    world.check_books("claim-8841")


def test_reclaim_reads_disputes_that_no_event_told_of(world: World) -> None:
    """A lost webhook about a dispute costs nothing: its money is found and given back."""
    card = world.disburser.disburse(make_order()).card.id
    for kind in ("created", "submitted", "funds_reinstated", "closed"):
        event = f"issuing_dispute.{kind}"
        world.simulator.faults.add(Fault(event=event, action=Webhook(how="never"), times=0))
    won_dispute(world, card)
    world.simulator.faults.clear()

    assert "closed" == world.disburser.reclaim("claim-8841").outcome

    assert 12_500 == world.disburser.statement("claim-8841").disputed.minor
    assert 1_000_000 == world.simulator.payments_balance(None)
    world.check_books("claim-8841")
