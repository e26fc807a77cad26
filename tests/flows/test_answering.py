"""
Is every question answered in time, and with no more than may be said, when something is wrong?
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from attrs import evolve

from asking import deliver, is_approved, outcome_event, request_event
from issuing_disburse import (
    Allotment,
    AmountRule,
    AuthorizationPolicy,
    AuthorizationRequest,
    Decision,
    Money,
    Objection,
    Reply,
    Terms,
)
from issuing_disburse.claims import allotment_of
from issuing_disburse.ports import Transaction
from issuing_disburse.records import CardRecord
from issuing_disburse.stores.memory import MemoryStore
from postgres import NoServerError, Server
from sick_stores import Illness, SickStore
from world import World, make_order, open_world

DEADLINE_SECONDS = 0.4
PATIENCE_SECONDS = 1.9  # Stripe's two seconds; the deadline itself is timed by its own tests


def yes(request: AuthorizationRequest) -> Decision:
    """
    Approve whatever is asked, as a stand-in.
    """
    return Decision(approved=True, code="small")


@contextmanager
def sick_world(
    policy: AuthorizationPolicy | None = None, **options: Any
) -> Iterator[tuple[World, SickStore]]:
    """
    A world whose store can fall ill, and a policy that has little time.
    """
    chosen = policy or AuthorizationPolicy.default()
    chosen = evolve(chosen, deadline_seconds=DEADLINE_SECONDS)
    with open_world(options={"policy": chosen, **options}) as world:
        store = SickStore(MemoryStore(clock=world.simulator.clock.now))
        world.disburser = world.connect(store=store)
        world.simulator.deliver_webhooks_to(world.disburser.handle_webhook)
        try:
            yield world, store
        finally:
            store.heal()
            world.disburser.close()


def answered(world: World, event: dict[str, Any]) -> Reply:
    """
    Deliver *event* on a thread of its own, so that no answer at all is a failure and not a standstill.
    """
    replies: list[Reply] = []
    thread = threading.Thread(target=lambda: replies.append(deliver(world, event)), daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert len(replies) == 1, "no answer within Stripe's two seconds"
    return replies[0]


@pytest.mark.parametrize("reads_too", [True, False])
@pytest.mark.parametrize("illness", ["hangs", "gone", "broken"])
@pytest.mark.parametrize("stand_in", [None, yes])
def test_failing_store_leaves_it_to_the_stand_in(
    illness: Illness, *, reads_too: bool, stand_in: Any
) -> None:
    """Whatever the store does, the answer comes in time: a decline, or the declared stand-in; listed."""
    policy = evolve(AuthorizationPolicy.default(), stand_in=stand_in)
    with sick_world(policy) as (world, store):
        card = world.disburser.disburse(make_order()).card
        store.illness, store.reads_too = illness, reads_too

        event = request_event(world, card.id, 1)
        reply, again = answered(world, event), answered(world, event)
        store.heal()

        assert (stand_in is yes) is is_approved(reply)
        assert reply.body == again.body
        (alert,) = world.disburser.alerts("stand_in")
        assert (alert.object_id, alert.approved) == ("iauth_1", stand_in is yes)
        assert (alert.order_id, alert.policy) == ("claim-8841", world.disburser.policy.fingerprint)
        assert reply.body == answered(world, event).body


def remaining(world: World, card_id: str) -> int:
    """
    Return what the card may still spend, in minor units.
    """
    card = world.disburser.store.read(lambda tx: tx.get(CardRecord, card_id))
    assert card is not None
    return allotment_of(card).remaining.minor


def wait_for(what: Any, value: object) -> None:
    """
    Wait until another thread has brought *what* about.
    """
    patience = time.monotonic() + 10
    while what() != value and time.monotonic() < patience:
        time.sleep(0.005)
    assert value == what()


@pytest.mark.parametrize("illness", ["hangs", "hangs_after", "unknown"])
def test_claim_that_lost_its_deadline_is_given_back(illness: Illness) -> None:
    """A use that was promised after the answer had gone out is cancelled, or released at once."""
    with sick_world() as (world, store):
        card = world.disburser.disburse(make_order()).card
        store.illness, store.reads_too = illness, False

        reply = answered(world, request_event(world, card.id, 1))
        store.heal()

        assert not is_approved(reply)
        wait_for(lambda: remaining(world, card.id), 12_500)
        assert not is_approved(answered(world, request_event(world, card.id, 1)))
        assert is_approved(answered(world, request_event(world, card.id, 2)))


def test_late_claim_stays_when_the_stand_in_approved() -> None:
    """What was answered is what is promised: the stand-in's yes keeps the use."""
    policy = evolve(AuthorizationPolicy.default(), stand_in=yes)
    with sick_world(policy) as (world, store):
        card = world.disburser.disburse(make_order()).card
        store.illness, store.reads_too = "hangs_after", False

        assert is_approved(answered(world, request_event(world, card.id, 1)))
        store.heal()

        wait_for(lambda: remaining(world, card.id), 0)
        deliver(world, outcome_event(world, card.id, 1, approved=True))
        assert 0 == remaining(world, card.id)
        assert 12_500 == world.disburser.statement("claim-8841").held.minor


def test_stand_in_that_overruns_declines_in_time() -> None:
    """Isolated, a stand-in that never comes back is a decline, too."""
    stuck = threading.Event()

    def endless(request: AuthorizationRequest) -> Decision:
        stuck.wait(30)
        return yes(request)

    policy = evolve(AuthorizationPolicy.default(), stand_in=endless, isolated=True)
    with sick_world(policy) as (world, store):
        card = world.disburser.disburse(make_order()).card
        store.illness = "gone"

        reply = answered(world, request_event(world, card.id, 1))
        store.heal()
        stuck.set()

        assert not is_approved(reply)
        assert ["deadline"] == [one.code for one in world.disburser.alerts("stand_in")]


def raising(request: object, allotment: object) -> None:
    """
    Break.
    """
    raise SystemExit(3)


def test_rule_that_raises_declines_and_is_listed() -> None:
    """Even what is no ordinary exception only makes a decline, with the rule's name."""
    with sick_world(AuthorizationPolicy.default().with_rules(raising)) as (world, _):
        card = world.disburser.disburse(make_order()).card

        reply = answered(world, request_event(world, card.id, 1))

        assert not is_approved(reply)
        (alert,) = world.disburser.alerts("error")
        assert ("rule_error", "raising raised SystemExit") == (alert.code, alert.message)


@pytest.mark.parametrize("isolated", [True, False])
@pytest.mark.parametrize("store_hangs", [True, False])
def test_rule_that_overruns_declines_and_is_listed(*, isolated: bool, store_hangs: bool) -> None:
    """A rule that takes too long is a late decline; isolated, or with a store on a thread, in time."""
    stuck = threading.Event()

    def thinking(request: object, allotment: object) -> None:
        stuck.wait(DEADLINE_SECONDS + 0.2 if not isolated and not store_hangs else 30)

    policy = evolve(AuthorizationPolicy.default(), isolated=isolated).with_rules(thinking)
    policy = evolve(policy, deadline_seconds=DEADLINE_SECONDS)
    with open_world(options={"policy": policy}) as world:
        if store_hangs:
            world.disburser = world.connect(
                store=SickStore(MemoryStore(clock=world.simulator.clock.now))
            )
            world.simulator.deliver_webhooks_to(world.disburser.handle_webhook)
        card = world.disburser.disburse(make_order()).card

        reply = answered(world, request_event(world, card.id, 1))
        stuck.set()

        assert reply.decision is not None
        assert (False, "deadline") == (reply.decision.approved, reply.decision.source)
        assert ["deadline"] == [one.code for one in world.disburser.alerts("late")]
        assert 12_500 == remaining(world, card.id)


def test_time_that_the_store_took_is_not_given_to_the_rules() -> None:
    """Store and rules share one deadline: what the first took, the second has not."""
    readings = iter([0.0, 0.0, 0.0, *[0.5] * 1_000])
    with open_world(options={"timer": lambda: next(readings)}) as world:
        policy = world.disburser.policy
        card = world.disburser.disburse(make_order()).card

        reply = deliver(world, request_event(world, card.id, 1))

        assert policy.deadline_seconds == 0.8
        assert is_approved(reply)


@pytest.mark.parametrize(
    ("jump", "status"), [(timedelta(days=400), 400), (timedelta(days=-400), 400)]
)
def test_clock_that_jumped_declines_everything(jump: timedelta, status: int) -> None:
    """With the wrong time no signature is fresh: nothing is approved until the clock is right."""
    moved: list[timedelta] = []

    with open_world() as world:

        def clock() -> datetime:
            return world.simulator.clock.now() + sum(moved, timedelta())

        world.disburser = world.connect(clock=clock)
        world.simulator.deliver_webhooks_to(world.disburser.handle_webhook)
        card = world.disburser.disburse(make_order()).card
        moved.append(jump)

        reply = deliver(world, request_event(world, card.id, 1))
        moved.clear()

        assert (status, None) == (reply.status, reply.decision)
        assert is_approved(deliver(world, request_event(world, card.id, 1)))


@pytest.mark.parametrize("broken", ["clock", "timer"])
def test_broken_clock_raises_nothing(broken: str) -> None:
    """A clock or timer that raises makes no exception of ours, and no approval."""
    calls: list[bool] = []

    with open_world() as world:

        def odd(*, well: Any) -> Any:
            if calls:
                raise OSError("no time")
            return well()

        well = world.simulator.clock.now if broken == "clock" else time.monotonic
        world.disburser = world.connect(**{broken: lambda: odd(well=well)})
        world.simulator.deliver_webhooks_to(world.disburser.handle_webhook)
        card = world.disburser.disburse(make_order()).card
        calls.append(True)

        reply = deliver(world, request_event(world, card.id, 1))

        assert reply.status in {200, 400}
        assert not orjson.loads(reply.body).get("approved")


def test_frozen_timer_cannot_hold_an_answer_up(world: World) -> None:
    """A timer that stands still gives more time, never none: the answer comes."""
    frozen = world.connect(timer=lambda: 17.0)
    world.disburser.close()
    world.disburser = frozen
    world.simulator.deliver_webhooks_to(frozen.handle_webhook)
    card = frozen.disburse(make_order()).card

    assert is_approved(answered(world, request_event(world, card.id, 1)))


def test_booking_that_cannot_be_stored_is_wanted_again() -> None:
    """503 makes Stripe deliver again; then it is booked."""
    with sick_world() as (world, store):
        card = world.disburser.disburse(make_order()).card
        event = outcome_event(world, card.id, 1, approved=True)
        store.illness = "gone"
        refused = deliver(world, event)
        store.heal()

        assert (503, 200) == (refused.status, deliver(world, event).status)
        assert 12_500 == world.disburser.statement("claim-8841").held.minor


@pytest.mark.parametrize(
    ("taken", "code"), [(13_000, "above_terms"), (9_000, "below_terms"), (12_500, None)]
)
def test_amount_is_judged_again_at_capture(world: World, taken: int, code: str | None) -> None:
    """Captures cannot be declined: what the terms do not allow is told."""
    world.simulator.fund_issuing(world.account or "", 5_000)
    card = world.disburser.disburse(make_order()).card
    authorization = world.simulator.authorize(card.id, 12_500)

    world.simulator.capture(authorization["id"], taken)

    alerts = world.disburser.alerts("amount_outside_terms")
    assert ([code] if code else []) == [one.code for one in alerts]
    assert [Money(taken, "usd")] * len(alerts) == [one.amount for one in alerts]


def test_contended_card_is_declined_and_listed() -> None:
    """Who never gets a word in before the time is up is declined, and that is told."""
    terms = Terms(amount=AmountRule.up_to(), uses=100)
    busy: list[str] = []

    def overtaken(request: AuthorizationRequest, allotment: Allotment) -> None:
        if request.authorization_id == "iauth_1" and busy:

            def change(tx: Transaction) -> None:
                card = tx.get(CardRecord, busy[0])
                assert card is not None
                tx.put(evolve(card, remaining_minor=12_000 + card.version % 2))

            world.disburser.store.transact(change)

    with sick_world(AuthorizationPolicy.default().with_rules(overtaken)) as (world, _):
        busy.append(world.disburser.disburse(make_order(terms=terms)).card.id)

        reply = answered(world, request_event(world, busy[0], 1, 1_000))

        assert not is_approved(reply)
        assert ["contended"] == [one.code for one in world.disburser.alerts("contended")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_child_answers_on_threads_of_its_own() -> None:
    """A server that forks after its first answers goes on answering: parent's threads are not awaited."""
    with sick_world() as (world, _):
        card = world.disburser.disburse(make_order()).card
        assert is_approved(deliver(world, request_event(world, card.id, 1, 0)))

        child = os.fork()
        if child == 0:
            os._exit(0 if is_approved(deliver(world, request_event(world, card.id, 2))) else 1)
        _, status = os.waitpid(child, 0)

        assert 0 == os.waitstatus_to_exitcode(status)
        assert is_approved(answered(world, request_event(world, card.id, 3)))


def test_unwritable_words_of_a_rule_decline() -> None:
    """A reason that no store and no reply could hold is a broken rule, and does not block the list."""
    rule = lambda request, allotment: Objection("half", "caf\ud800")  # noqa: E731  # one line says it

    with sick_world(AuthorizationPolicy.default().with_rules(rule)) as (world, _):
        card = world.disburser.disburse(make_order()).card

        assert not is_approved(answered(world, request_event(world, card.id, 1)))
        assert ["rule_error"] == [one.code for one in world.disburser.alerts("error")]


def test_outage_is_written_down_whole() -> None:
    """Hundreds of answers of an outage are all listed afterwards, and given again to the same deliveries."""
    with sick_world() as (world, store):
        card = world.disburser.disburse(make_order()).card
        store.illness = "gone"
        replies = [deliver(world, request_event(world, card.id, number)) for number in range(250)]
        store.heal()

        assert 250 == len(world.disburser.alerts("stand_in"))
        assert [False] * 250 == [is_approved(one) for one in replies]
        assert is_approved(deliver(world, request_event(world, card.id, 1_000)))


@pytest.mark.long
def test_postgresql_that_stands_still_keeps_nobody_waiting() -> None:
    """A server that is stopped in its tracks answers nothing, not even an error: we do, in time."""
    try:
        server = Server.started()
    except NoServerError as absent:
        pytest.skip(str(absent))
    policy = evolve(AuthorizationPolicy.default(), deadline_seconds=DEADLINE_SECONDS)
    try:
        with open_world(server.new_schema_url(), options={"policy": policy}) as world:
            card = world.disburser.disburse(make_order()).card
            with server.standing_still():
                stopped = answered(world, request_event(world, card.id, 1))

            assert not is_approved(stopped)
            assert stopped.body == answered(world, request_event(world, card.id, 1)).body
            assert ["iauth_1"] == [one.object_id for one in world.disburser.alerts("stand_in")]
            wait_for(lambda: remaining(world, card.id), 12_500)
            assert is_approved(answered(world, request_event(world, card.id, 2)))
    finally:
        server.remove()
