"""
Do rules over several cards see them all, and do shadows look on without deciding?
"""

import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from issuing_disburse import (
    Allotment,
    AuthorizationPolicy,
    AuthorizationRequest,
    Objection,
    StoreError,
    Terms,
)
from issuing_disburse.backtest import backtest
from issuing_disburse.onlookers import Onlookers
from issuing_disburse.rules import AmountAtMost, Velocity
from issuing_disburse.simulator import Behaviour
from issuing_disburse.simulator.faults import Fault, Webhook
from issuing_disburse.stores import open_store
from issuing_disburse.surroundings import surrounded
from issuing_disburse.testing.policy_kit import NOW, make_allotment, make_request
from replaying import OPEN
from world import World, make_order, make_recipient, open_world

DEFAULT = AuthorizationPolicy.default()
HOUR = timedelta(hours=1)
APPROVING = Behaviour(webhook_timeout_decision="approve")


def _once(scope: Any) -> AuthorizationPolicy:
    return DEFAULT.with_rules(Velocity(count_max=1, per=HOUR, scope=scope))


def _card(world: World, order_id: str, recipient: str, terms: Terms = OPEN) -> str:
    order = make_order(order_id, recipient=make_recipient(recipient), terms=terms)
    return world.disburser.disburse(order).card.id


def _ask(world: World, card_id: str, amount: int = 1_000) -> bool:
    approved = world.simulator.authorize(card_id, amount=amount)["approved"]
    assert isinstance(approved, bool)
    return approved


@pytest.mark.parametrize("store", ["memory://", "sqlite://"])
@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("card", (True, True, True)),
        ("recipient", (True, False, True)),
        ("account", (True, False, False)),
    ],
)
def test_velocity_counts_over_its_scope(store: str, scope: Any, expected: tuple[bool, ...]) -> None:
    """Uses of the recipient's other cards, or of the account's, count like the card's own."""
    with open_world(store, options={"policy": _once(scope)}) as world:
        cards = [_card(world, "a", "r1"), _card(world, "b", "r1"), _card(world, "c", "r2")]
        found = tuple(_ask(world, card) for card in cards)
        world.simulator.clock.advance(2 * HOUR)
        later = _ask(world, cards[1])
        recorded = tuple(world.disburser.recordings.recorded())

    assert expected == found
    assert later
    assert 0 == backtest(_once(scope), recorded).changed


def test_a_purchase_that_stripe_approved_alone_counts() -> None:
    """Nobody asked us, and the velocity of the account sees it all the same."""
    with open_world(
        options={"policy": _once("account")}, simulator={"behaviour": APPROVING}
    ) as world:
        first, second = _card(world, "a", "r1"), _card(world, "b", "r2")
        world.simulator.faults.add(
            Fault(event="issuing_authorization.request", action=Webhook(how="never"), times=1)
        )
        alone = _ask(world, first)
        asked = _ask(world, second)

    assert (True, False) == (alone, asked)


def test_a_use_that_was_given_back_does_not_count() -> None:
    """The history is made of claims, and a released claim is none."""
    with open_world(options={"policy": _once("account")}) as world:
        first, second = _card(world, "a", "r1"), _card(world, "b", "r2")
        world.simulator.faults.add(
            Fault(
                event="issuing_authorization.request",
                action=Webhook(how="late", seconds=3),
                times=1,
            )
        )
        late = _ask(world, first)  # approved by us, too late for Stripe
        asked = _ask(world, second)

    assert (False, True) == (late, asked)


class _Failing:
    """
    A store that is gone for what a policy needs beside the card.
    """

    def __init__(self, *, reading: bool) -> None:
        self._store = open_store("memory://", clock=lambda: NOW)
        self._reading = reading

    def read(self, work: Any, *, timeout_seconds: float | None = None) -> Any:
        if self._reading:
            raise StoreError("gone")
        return {"account": ()}

    def transact(self, work: Any, *, timeout_seconds: float | None = None) -> Any:
        raise StoreError("gone")


@pytest.mark.parametrize("reading", [True, False])
def test_a_history_that_is_not_known_or_not_kept_declines(*, reading: bool) -> None:
    """What cannot be counted, now or later, is not approved."""
    policy = surrounded(_once("account"), _Failing(reading=reading))  # type: ignore[arg-type]  # half a store

    assert "history_unknown" == policy.answer(make_request(), make_allotment()).code
    assert "history_unknown" == policy.decide(make_request(), make_allotment()).code


def test_a_policy_that_needs_nothing_is_asked_directly() -> None:
    """The default pays for none of this."""
    store = open_store("memory://", clock=lambda: NOW)

    assert DEFAULT is surrounded(DEFAULT, store)
    assert surrounded(_once("card"), store) == _once("card")


@pytest.fixture
def shadowed() -> Iterator[World]:
    """
    A world whose policy has a stricter shadow, and one that breaks.
    """

    def broken(request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        raise RuntimeError("broken")

    policy = DEFAULT.with_shadow(AmountAtMost(2_000), name="cap").with_shadow(broken, name="broken")
    with open_world(options={"policy": policy}) as world:
        yield world


def test_shadows_look_on_and_decide_nothing(shadowed: World) -> None:
    """What they say of each request is kept, beside what was answered."""
    card = _card(shadowed, "a", "r1")
    answers = [_ask(shadowed, card, amount) for amount in (1_000, 3_000)]
    kept = list(shadowed.disburser.recordings.shadows())

    assert [True, True] == answers
    assert {(1_000, True, False), (3_000, False, True)} == {
        (one.asked.minor, one.approved, one.changes) for one in kept if one.name == "cap"
    }
    assert {"rule_error"} == {one.code for one in kept if one.name == "broken"}
    assert all(one.was_approved for one in kept)


def test_shadows_are_forgotten_with_the_rest(shadowed: World) -> None:
    """One call removes all that is old."""
    recordings = shadowed.disburser.recordings
    _ask(shadowed, _card(shadowed, "a", "r1"))
    shadowed.simulator.clock.advance(2 * HOUR)

    assert 2 == len(list(recordings.shadows()))
    assert 2 < recordings.forget(before=shadowed.simulator.clock.now() - HOUR)
    assert [] == [*recordings.shadows(), *recordings.recorded()]


def test_forgetting_reaches_what_velocity_looks_at() -> None:
    """An index entry of another account stays."""
    with open_world(options={"policy": _once("recipient")}) as world:
        card = _card(world, "a", "r1")
        _ask(world, card)
        later = world.simulator.clock.now() + HOUR
        other = world.disburser.for_account("acct_other").recordings.forget(before=later)
        mine = world.disburser.recordings.forget(before=later)

    assert 0 == other
    assert 2 <= mine


def test_a_shadow_that_is_stuck_delays_no_answer() -> None:
    """Requests wait for it up to a bound; what comes on top is counted as missed."""
    inside, leave = threading.Event(), threading.Event()

    def stuck(request: AuthorizationRequest, allotment: Allotment) -> None:
        inside.set()
        leave.wait(30)

    store = open_store("memory://", clock=lambda: NOW)
    policy = evolve(DEFAULT, deadline_seconds=0.5).with_shadow(stuck, name="stuck")
    onlookers = Onlookers(policy, store, waiting_max=2)
    decision = DEFAULT.decide(make_request(), make_allotment())
    onlookers.show(make_request(), make_allotment(), decision)
    assert inside.wait(30)
    for _ in range(5):
        onlookers.show(make_request(), make_allotment(), decision)
    is_full = onlookers.flush(timeout_seconds=0)
    leave.set()

    assert not is_full
    assert 3 <= onlookers.missed


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_has_onlookers_of_its_own() -> None:
    """The thread stays with the parent; the child starts another."""
    store = open_store("memory://", clock=lambda: NOW)
    onlookers = Onlookers(DEFAULT.with_shadow(AmountAtMost(1), name="cap"), store)
    decision = DEFAULT.decide(make_request(), make_allotment())
    onlookers.show(make_request(), make_allotment(), decision)
    assert onlookers.flush()
    child = os.fork()
    if child == 0:  # pragma: no cover - the child's coverage is not collected
        onlookers.show(make_request(), make_allotment(), decision)
        os._exit(0 if onlookers.flush() else 1)

    assert 0 == os.waitpid(child, 0)[1]
