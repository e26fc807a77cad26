"""
Do the books hold together under any order of merchant, platform, bank and clock actions?
"""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from orjson import loads

from busy_world import ACTIONS, BusyWorld
from issuing_disburse.simulator import IssuingSimulator
from world_books import check, check_deliveries


@settings(max_examples=6, stateful_step_count=200)
class Books(RuleBasedStateMachine):
    """
    Random operations; the books are checked after every tenth and at the end.
    """

    steps = 0

    @initialize(seed=st.integers(0, 3))
    def start(self, seed: int) -> None:
        self.world = BusyWorld(seed)

    @rule(
        action=st.sampled_from(ACTIONS),
        pick=st.integers(0, 80),
        amount=st.integers(1, 60_000),
    )
    def act(self, action: str, pick: int, amount: int) -> None:
        self.world.act(action, pick, amount)

    @invariant()
    def books_hold(self) -> None:
        self.steps += 1
        if hasattr(self, "world") and self.steps % 10 == 0:
            check(self.world)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            check(self.world)


TestBooks = Books.TestCase


def _run(operations: int, seed: int, every: int) -> BusyWorld:
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    world = BusyWorld(seed)
    for number in range(1, operations + 1):
        world.act(random.choice(ACTIONS), random.randrange(10**6), random.randrange(1, 60_000))
        if number % every == 0:
            check(world)
    world.mood = b'{"approved":true}'
    world.sim.clock.advance(timedelta(days=1))
    check(world)
    check_deliveries(world)
    return world


def test_every_action_succeeds_and_most_are_refused_at_times():
    """A thousand operations reach every kind of action, so none is there for show."""
    done = _run(1_500, seed=3, every=500).done

    assert set(ACTIONS) == {action for action in ACTIONS if done[action]}


@pytest.mark.long
def test_books_hold_over_twenty_thousand_operations():
    """One seed, twenty thousand operations, the books held against the objects on the way."""
    assert 20_000 == sum(_run(20_000, seed=11, every=2_500).done.values())


@pytest.mark.soak
def test_books_hold_over_a_million_operations():
    """One seed, a million operations, in worlds of twenty thousand so that memory lasts."""
    seeds = Random(12)  # noqa: S311 - repeatable on purpose
    done = [
        sum(_run(20_000, seed=seeds.randrange(10**9), every=5_000).done.values()) for _ in range(50)
    ]

    assert 1_000_000 == sum(done)


@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PATCH", "\x00"]),
    path=st.one_of(
        st.text(max_size=40),
        st.sampled_from(
            [
                "/v1/issuing/cards",
                "/v1/transfers",
                "/v1/accounts",
                "/v1/topups",
                "/v1/../x",
                "/v1//",
            ]
        ),
    ),
    headers=st.dictionaries(
        st.sampled_from(["Content-Type", "Stripe-Version", "Idempotency-Key", "stripe-account"]),
        st.text(max_size=20),
    ),
    body=st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.tuples(
                st.sampled_from(["a", "card", "type", "metadata[x]", "a[]", "a[b]", "expand[0]"]),
                st.text(max_size=9),
            ),
            max_size=9,
        ).map(lambda pairs: "&".join(f"{k}={v}" for k, v in pairs).encode("utf-8", "ignore")),
    ),
)
@settings(max_examples=300)
def test_garbage_gets_a_stripe_shaped_answer(method, path, headers, body):
    """Whatever comes in, the answer is Stripe-shaped and no 500."""
    sim = _GARBAGE
    sent = {"Authorization": f"Bearer {sim.api_key}", **headers}
    answer = sim.handle(method, path, sent, body)

    assert answer.status < 500, answer.body
    assert answer.status == 200 or "message" in loads(answer.body)["error"]


_GARBAGE = IssuingSimulator(seed=5)


@pytest.mark.parametrize(
    "body",
    [
        b"a" * 5_000_000,
        b"a" + b"[a]" * 50_000 + b"=1",
        b"&".join(b"a%d=1" % place for place in range(10_000)),
        b"metadata" + b"[" * 9_000,
        b"%" * 10_000,
        b"\x00" * 1_000,
    ],
)
def test_large_garbage_is_refused_quickly(body):
    """Huge, deep and endless bodies are 4xx."""
    answer = _GARBAGE.handle(
        "POST",
        "/v1/issuing/cardholders",
        {"Authorization": f"Bearer {_GARBAGE.api_key}"},
        body,
    )

    assert 400 <= answer.status < 500
