"""
Does repairing stay harmless when it is done twice, by two at once, or while clocks and listeners misbehave?
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from behind_our_back import Somebody, open_accident
from issuing_disburse.domain_events import Spent
from world import make_order


def lose_a_capture(world: Somebody) -> None:
    """
    Let a merchant collect, and let the events about it get lost.
    """
    world.lose("issuing_transaction.created", "issuing_authorization.updated")
    card = world.disburser.disburse(make_order()).card
    world.simulator.capture(world.simulator.authorize(card.id, 12_500)["id"])
    world.lose()


def test_a_second_repair_of_the_same_differences_books_nothing() -> None:
    """Whoever repairs an old list again finds that it says nothing new, and the ledger stays."""
    with open_accident() as world:
        lose_a_capture(world)
        found = world.disburser.reconcile()
        first = world.disburser.repair(found)
        before = list(world.disburser.store.stream_entries())

        again = world.disburser.repair(found)

        assert "booked" in {one.outcome for one in first}
        assert {"unchanged"} == {one.outcome for one in again}
        assert before == list(world.disburser.store.stream_entries())
        assert world.disburser.reconcile().is_clean


def test_two_workers_that_repair_at_once_book_it_once(tmp_path: Path) -> None:
    """Both reconcile, both repair on one database: the money is booked once, nobody fails."""
    with open_accident(f"sqlite:///{tmp_path / 'books.sqlite3'}") as world:
        lose_a_capture(world)
        with world.connect(store=world.store) as other, ThreadPoolExecutor(2) as both:
            lists = [one.reconcile() for one in (world.disburser, other)]
            pairs = zip((world.disburser, other), lists, strict=True)
            done = list(both.map(lambda pair: pair[0].repair(pair[1]), pairs))

        assert "failed" not in {one.outcome for repairs in done for one in repairs}
        assert 12_500 == world.disburser.statement("claim-8841").spent.minor
        assert world.disburser.reconcile().is_clean
        world.disburser.verify_ledger()


def test_a_listener_that_stops_listening_while_it_is_told_hears_it_once() -> None:
    """Unsubscribing inside of a handler is fine; the others are told all the same."""
    with open_accident() as world:
        heard: list[str] = []

        def once(event: Spent) -> None:
            heard.append("once")
            stop()
            stop()

        stop = world.disburser.on(Spent, once)
        world.disburser.on(Spent, lambda _: heard.append("always"))
        for name in ("claim-1", "claim-2"):
            card = world.disburser.disburse(make_order(name)).card
            world.simulator.capture(world.simulator.authorize(card.id, 12_500)["id"])

        assert ["once", "always", "always"] == heard


def test_no_age_is_below_zero_when_the_clock_goes_backwards() -> None:
    """A server whose clock is a day behind finds the same differences, none of them from the future."""
    with open_accident() as world:
        lose_a_capture(world)
        late = world.disburser.reconcile()
        now = world.simulator.clock.now
        with world.connect(
            store=world.disburser.store, clock=lambda: now() - timedelta(days=1)
        ) as behind:
            early = behind.reconcile()

            assert {one.object_id for one in late.discrepancies} == {
                one.object_id for one in early.discrepancies
            }
            assert {0} == {one.age_seconds for one in early.discrepancies}
