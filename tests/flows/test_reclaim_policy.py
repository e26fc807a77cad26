"""
Does a reclaim do what its policy says, by any number of workers?
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from issuing_disburse import AmountRule, PrefundedRoute, ReclaimPolicy, Status, Terms
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.reclamation import Reclamation
from reclaiming import ORDER, paid, told, usd
from world import World, make_order, open_world


@pytest.fixture
def world() -> Iterator[World]:
    """
    A world in the US, in memory: that stores behave alike is proven elsewhere.
    """
    with open_world() as opened:
        yield opened


def test_hold_captured_late_while_it_is_waited_for(world: World) -> None:
    """With a grace for lapsed holds a late capture is paid from what was set aside, not covered."""
    world.disburser = world.connect(
        store=world.disburser.store, reclaim_policy=ReclaimPolicy(lapsed_grace=timedelta(days=30))
    )
    card = paid(world)
    authorization = world.simulator.authorize(card, 9_000)["id"]
    world.simulator.clock.advance(timedelta(days=8))

    waiting = world.disburser.reclaim(ORDER)

    assert ("waiting", "look_again", 0, 3_500, 9_000) == told(waiting)
    world.simulator.capture(authorization)
    done = world.disburser.reclaim(ORDER)
    assert ("closed", "nothing", 9_000, 3_500, 0) == told(done)
    assert done.covered.is_zero
    world.check_books(ORDER)


def test_grace_for_a_lapsed_hold_ends(world: World) -> None:
    """What was set aside and never captured comes home when the grace is over."""
    world.disburser = world.connect(
        store=world.disburser.store, reclaim_policy=ReclaimPolicy(lapsed_grace=timedelta(days=30))
    )
    card = paid(world)
    world.simulator.authorize(card, 9_000)
    world.simulator.clock.advance(timedelta(days=8))
    waiting = world.disburser.reclaim(ORDER)
    assert waiting.look_again_at is not None
    world.simulator.clock.advance(waiting.look_again_at - world.simulator.clock.now())

    (done,) = world.disburser.reclaim_expired()

    assert ("closed", "nothing", 0, 12_500, 0) == told(done)
    assert 1_000_000 == world.simulator.payments_balance(None)
    world.check_books(ORDER)


def test_reversed_hold_needs_no_grace(world: World) -> None:
    """A reversal is certain: its money comes home at once, whatever the grace."""
    world.disburser = world.connect(
        store=world.disburser.store, reclaim_policy=ReclaimPolicy(lapsed_grace=timedelta(days=30))
    )
    card = paid(world)
    world.simulator.reverse(world.simulator.authorize(card, 9_000)["id"])

    (done,) = world.disburser.reclaim_expired()

    assert ("closed", "nothing", 0, 12_500, 0) == told(done)
    world.check_books(ORDER)


@pytest.mark.parametrize("store", ["memory://", "sqlite"])
def test_several_workers_at_once(store: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Four walks over the same twelve orders bring each one home once."""
    path = tmp_path_factory.mktemp("store") / "books.sqlite3"
    with open_world(store if store == "memory://" else f"sqlite:///{path}") as world:
        names = [f"order-{number}" for number in range(12)]
        for name in names:
            world.disburser.disburse(make_order(name))
        world.simulator.clock.advance(timedelta(days=31))

        def walk(_: int) -> list[Reclamation]:
            with world.connect(store=world.disburser.store) as worker:
                return list(worker.reclaim_expired())

        with ThreadPoolExecutor(4) as pool:
            done = [one for walked in pool.map(walk, range(4)) for one in walked]

        assert 12 * 12_500 == sum(one.reclaimed.minor for one in done)
        assert {"closed", "busy"} >= {one.outcome for one in done}
        assert 1_000_000 == world.simulator.payments_balance(None)
        assert 12 == len(world.simulator.objects("transfer_reversal"))
        world.check_books(*names)


def test_limit_and_progress(world: World) -> None:
    """A run for cron stops after its limit, tells of each one, and the next run goes on."""
    for name in ("a", "b", "c"):
        world.disburser.disburse(make_order(name))
    world.simulator.clock.advance(timedelta(days=31))
    seen: list[str] = []

    first = world.disburser.reclaim_expired(limit=2, progress=lambda one: seen.append(one.order_id))

    assert seen == [one.order_id for one in first]
    assert 2 == len(first)
    (last,) = world.disburser.reclaim_expired()
    assert {"a", "b", "c"} == {*seen, last.order_id}
    world.check_books("a", "b", "c")


@pytest.fixture
def kept() -> Iterator[World]:
    """
    A world whose small rests stay on the Issuing balance.
    """
    policy = ReclaimPolicy(keep_up_to_minor=500)
    with open_world(options={"reclaim_policy": policy}) as opened:
        yield opened


@pytest.mark.parametrize(("spent", "stays"), [(12_000, 500), (11_999, 0)])
def test_small_rests_stay_on_the_balance(kept: World, spent: int, stays: int) -> None:
    """Up to the limit a rest leaves the card only; a cent more goes home."""
    card = paid(kept)
    kept.simulator.capture(kept.simulator.authorize(card, spent)["id"])

    (done,) = kept.disburser.reclaim_expired()

    assert ("closed", "nothing", spent, 12_500 - spent, 0) == told(done)
    assert (usd(12_500 - spent), usd(stays)) == (done.reclaimed, done.kept)
    assert stays == kept.simulator.issuing_balance(kept.account)
    kept.check_books(ORDER)


def test_a_policy_may_wait_after_expiry_and_after_use() -> None:
    """What is over by the calendar is left alone for as long as the policy says."""
    policy = ReclaimPolicy(close_after=timedelta(days=5), close_spent_after=timedelta(days=10))
    with open_world(options={"reclaim_policy": policy}) as world:
        world.disburser.disburse(make_order("unused"))
        card = world.disburser.disburse(make_order("used")).card.id
        world.simulator.capture(world.simulator.authorize(card, 12_500)["id"])
        assert () == world.disburser.reclaim_expired()
        world.simulator.clock.advance(timedelta(days=10))
        assert ["used"] == [one.order_id for one in world.disburser.reclaim_expired()]
        world.simulator.clock.advance(timedelta(days=24))
        assert () == world.disburser.reclaim_expired()
        world.simulator.clock.advance(timedelta(days=1))
        assert ["unused"] == [one.order_id for one in world.disburser.reclaim_expired()]
        world.check_books("unused", "used")


def test_a_refunded_card_that_lives_is_not_closed_before_its_time(world: World) -> None:
    """A refund on a card with uses left makes it usable again, and the walk leaves it alone."""
    card = paid(world, Terms(valid_for=timedelta(days=30), uses=2, amount=AmountRule.up_to()))
    world.simulator.capture(world.simulator.authorize(card, 12_500)["id"])
    (capture,) = world.simulator.objects("transaction", world.account)
    world.simulator.refund(capture["id"], 5_000)
    assert Status.ACTIVE is world.disburser.get(ORDER).status

    assert () == world.disburser.reclaim_expired()

    assert Status.ACTIVE is world.disburser.get(ORDER).status
    world.check_books(ORDER)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ReclaimPolicy(close_after=timedelta(days=-1)),
        lambda: ReclaimPolicy(lapsed_grace=timedelta(days=400)),
        lambda: ReclaimPolicy(keep_up_to_minor=-1),
        lambda: ReclaimPolicy(way_back="nowhere"),  # type: ignore[arg-type]  # the point
        lambda: ReclaimPolicy(hold_for=7),  # type: ignore[arg-type]  # the point
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(make: Callable[[], ReclaimPolicy]) -> None:
    """The field and what to pass are named, when it is made."""
    with pytest.raises(InvalidInputError, match=r"reclaim_policy\.\w+"):
        make()


def test_what_is_kept_by_hand_is_never_a_movement() -> None:
    """A route that moves nothing says that everything stayed."""
    with open_world(options={"route": PrefundedRoute()}, issuing_funds=12_500) as world:
        paid(world)

        done = world.disburser.reclaim(ORDER)

        assert (usd(12_500), usd(12_500)) == (done.reclaimed, done.kept)
        world.check_books(ORDER)
