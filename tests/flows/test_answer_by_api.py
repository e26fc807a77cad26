"""
Does the old way of answering work, for accounts that still use it, and is the webhook answered too?
"""

from collections.abc import Iterator

import pytest

from asking import deliver, is_approved, request_event
from issuing_disburse import InvalidInputError
from issuing_disburse.simulator.faults import Fault, LoseConnection, ServerError
from world import World, make_order, open_world

APPROVE = "POST /v1/issuing/authorizations/:id/approve"
DECLINE = "POST /v1/issuing/authorizations/:id/decline"


@pytest.fixture
def world() -> Iterator[World]:
    """
    A world that answers by the deprecated endpoints.
    """
    with open_world(options={"answer_by": "api"}) as opened:
        yield opened


@pytest.mark.parametrize(("amount", "verb"), [(12_500, "approve"), (9_900, "decline")])
def test_decision_is_told_by_the_api(world: World, amount: int, verb: str) -> None:
    """The call is made, with the same words as the reply, and Stripe takes it."""
    card = world.disburser.disburse(make_order()).card

    authorization = world.simulator.authorize(card.id, amount)

    assert (verb == "approve") is authorization["approved"]
    path = f"POST /v1/issuing/authorizations/{authorization['id']}/{verb}"
    assert 1 == world.sent(path)
    assert () == world.disburser.alerts()
    world.check_books("claim-8841")


@pytest.mark.parametrize("failure", [ServerError(), LoseConnection()])
def test_webhook_is_answered_although_the_call_fails(
    world: World, failure: ServerError | LoseConnection
) -> None:
    """A lost call leaves the reply, which says the same; and it is told that it was lost."""
    card = world.disburser.disburse(make_order()).card
    world.simulator.faults.add(Fault(endpoint=APPROVE, action=failure))

    authorization = world.simulator.authorize(card.id, 12_500)

    assert authorization["approved"]
    assert 1 == sum("/approve" in one for one in world.client.requests)
    assert ["not_told"] == [one.kind for one in world.disburser.alerts()]


def test_webhook_is_answered_when_stripe_takes_no_call(world: World) -> None:
    """An authorization that is not pending, or none at all, refuses the call; the reply stands."""
    card = world.disburser.disburse(make_order()).card

    reply = deliver(world, request_event(world, card.id, 1))

    assert is_approved(reply)
    assert ["not_told"] == [one.kind for one in world.disburser.alerts()]


def test_same_delivery_is_told_under_the_same_key(world: World) -> None:
    """A repeated delivery repeats the same call, never the opposite one."""
    card = world.disburser.disburse(make_order()).card
    event = request_event(world, card.id, 1, 9_900)

    deliver(world, event)
    deliver(world, event)

    assert 2 == sum(one.endswith("/iauth_1/decline") for one in world.client.requests)
    assert 0 == sum("/approve" in one for one in world.client.requests)


def test_unknown_way_of_answering_is_refused() -> None:
    """A misspelt way is an error at connection, not a silence in front of a merchant."""
    with pytest.raises(InvalidInputError) as refused, open_world(options={"answer_by": "API"}):
        pass

    assert "answer_by" == refused.value.field
