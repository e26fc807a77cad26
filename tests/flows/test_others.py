"""
Who answers for a card that is not ours, or that may become ours in a moment?
"""

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest
from attrs import evolve

from asking import deliver, is_approved, outcome_event, request_event
from issuing_disburse import AuthorizationPolicy, Reply, Status, UnavailableError
from issuing_disburse.records import ParkedEvent
from issuing_disburse.simulator.faults import Fault, ServerError
from world import World, make_order, open_world

Event = dict[str, Any]


class Program:
    """
    Another Issuing program behind the same endpoint; it knows its own cards.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.knows_everything = False

    def __call__(self, event: Event) -> Reply | None:
        """
        Answer for cards that begin with ``ic_theirs``.
        """
        found = event["data"]["object"].get("card") or {}
        card = found.get("id") if isinstance(found, dict) else found
        if not (self.knows_everything or str(card).startswith("ic_theirs")):
            return None
        self.seen.append(event["id"])
        return Reply(status=200, headers={}, body=orjson.dumps({"approved": True}))


@pytest.fixture
def program() -> Program:
    """
    The other program.
    """
    return Program()


@pytest.fixture(params=["idle", "pending"])
def shared(request: pytest.FixtureRequest, program: Program) -> Iterator[World]:
    """
    A world in which nothing of ours is on its way, or a card whose answer was lost.
    """
    with open_world(options={"others": program}) as world:
        if request.param == "pending":
            lose_a_card(world)
        yield world


def lose_a_card(world: World) -> None:
    """
    Create a card and lose the answer: it exists at Stripe and is not recorded here.
    """
    world.disburser.disburse(make_order("earlier-1", "10.00"))  # an account that is known already
    for action, endpoint in (
        (ServerError(after_commit=True), "POST /v1/issuing/cards"),
        (ServerError(), "GET /v1/issuing/cards"),
    ):
        world.simulator.faults.add(Fault(endpoint=endpoint, action=action, times=0))
    with suppress(UnavailableError):
        world.disburser.disburse(make_order())
    world.simulator.faults.clear()
    assert world.disburser.get("claim-8841").status is Status.PENDING


def test_request_for_their_card_is_theirs(shared: World, program: Program) -> None:
    """Whatever is on its way here, their card is theirs to answer for."""
    reply = deliver(shared, request_event(shared, "ic_theirs", 1))

    assert is_approved(reply)
    assert ["evt_1"] == program.seen


def test_request_for_nobodys_card_is_declined(shared: World) -> None:
    """A card that neither of us knows is declined, also when it may become ours in a moment."""
    reply = deliver(shared, request_event(shared, "ic_unknown", 1))

    assert not is_approved(reply)
    assert reply.decision is not None
    assert "unknown_card" == reply.decision.code


def test_their_events_reach_them(shared: World, program: Program) -> None:
    """Their bookings reach them while an order of ours is pending, too."""
    reply = deliver(shared, outcome_event(shared, "ic_theirs", 1, approved=True))

    assert 200 == reply.status
    assert ["evt_1_created"] == program.seen


def test_our_events_never_reach_them(program: Program) -> None:
    """What is about a card of ours is nobody else's business."""
    with open_world(options={"others": program}) as world:
        card = world.disburser.disburse(make_order()).card
        program.knows_everything = True

        authorization = world.simulator.authorize(card.id, 12_500)
        world.simulator.capture(authorization["id"])

        about_ours = [name for name in program.seen if not name.startswith("evt_x")]
        events = {one["id"]: one["type"] for one in world.simulator.objects("event", world.account)}
        assert [] == [
            name
            for name in about_ours
            if events.get(name, "").startswith(("issuing_auth", "issuing_tr"))
        ]
        world.check_books("claim-8841")


def test_event_of_a_card_on_its_way_is_booked_later_although_they_took_it(program: Program) -> None:
    """A program that says yes to everything does not make our card's purchase disappear."""
    with open_world(options={"others": program}) as world:
        lose_a_card(world)
        program.knows_everything = True
        known = world.disburser.get("earlier-1").card.id
        (lost,) = [
            one for one in world.simulator.objects("card", world.account) if one["id"] != known
        ]

        reply = deliver(world, outcome_event(world, lost["id"], 1, approved=True))
        parked = world.disburser.store.read(lambda tx: tx.find(ParkedEvent))
        world.disburser.resume("claim-8841")

        assert 200 == reply.status
        assert [lost["id"]] == [one.card_id for one in parked]
        assert 12_500 == world.disburser.statement("claim-8841").held.minor


def test_failing_program_makes_stripe_deliver_again(shared: World) -> None:
    """What they could not take is not answered as if they had."""

    def failing(event: Event) -> Reply | None:
        raise RuntimeError("down")

    world = shared
    world.disburser = world.connect(others=failing)

    booking = deliver(world, outcome_event(world, "ic_theirs", 1, approved=True))
    question = deliver(world, request_event(world, "ic_theirs", 2))

    assert 503 == booking.status
    assert not is_approved(question)


def test_other_mode_is_theirs_and_never_ours(program: Program) -> None:
    """A live event at a test connection decides and books nothing here; others may take it."""
    with open_world(options={"others": program}) as world:
        card = world.disburser.disburse(make_order()).card
        question = {**request_event(world, card.id, 1), "livemode": True}
        booking = {**outcome_event(world, card.id, 2, approved=True), "livemode": True}
        declined, ignored = deliver(world, question), deliver(world, booking)
        program.knows_everything = True
        taken = [deliver(world, question), deliver(world, booking)]

        assert not is_approved(declined)
        assert (200, 0) == (ignored.status, world.disburser.statement("claim-8841").held.minor)
        assert [True, True] == [is_approved(one) for one in taken]


@pytest.mark.parametrize("where", ["nowhere", "contradicting"])
def test_booking_without_a_mode_is_refused(world: World, where: str) -> None:
    """An event that does not say whether it is live is not taken for either."""
    card = world.disburser.disburse(make_order()).card
    event = outcome_event(world, card.id, 1, approved=True)
    del event["livemode"]
    if where == "contradicting":
        event["livemode"], event["data"]["object"]["livemode"] = False, True

    assert 400 == deliver(world, event).status
    assert world.disburser.statement("claim-8841").held.is_zero


def test_one_endpoint_serves_every_account(world: World) -> None:
    """A disburser answers and books for all accounts of its store, by the event's account."""
    second = world.simulator.create_account()
    card = world.disburser.for_account(second).disburse(make_order("other-1")).card
    question = {**request_event(world, card.id, 1), "account": second}
    booking = {**outcome_event(world, card.id, 1, approved=True), "account": second}
    stranger = {**request_event(world, card.id, 2), "account": "acct_stranger"}
    mislaid = {**outcome_event(world, card.id, 3, approved=True), "account": "acct_stranger"}

    assert is_approved(deliver(world, question))
    assert [200, 200] == [deliver(world, booking).status, deliver(world, mislaid).status]
    assert not is_approved(deliver(world, stranger))
    assert 12_500 == world.disburser.for_account(second).statement("other-1").held.minor


def test_others_that_never_come_back_do_not_delay_the_answer() -> None:
    """Who is asked about foreign cards has as long as the policy: then it is a decline, and listed."""
    stuck = threading.Event()
    policy = evolve(AuthorizationPolicy.default(), deadline_seconds=0.2)

    def others(event: Event) -> None:
        stuck.wait(30)

    with open_world(options={"others": others, "policy": policy}) as world:
        reply = deliver(world, request_event(world, "ic_theirs", 1))
        stuck.set()

        assert not is_approved(reply)
        assert reply.decision is not None
        assert ("deadline", "deadline") == (reply.decision.code, reply.decision.source)
        assert ["late"] == [one.kind for one in world.disburser.alerts()]
