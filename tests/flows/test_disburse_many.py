"""
Are many orders paid as one would be, each once, with few calls, whatever becomes of one of them?
"""

import gc
import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from attrs import evolve

from issuing_disburse import InvalidInputError, Order, Outcome, Status
from issuing_disburse.disburser import WINDOW
from issuing_disburse.exceptions import (
    FundingRouteUnavailableError,
    InsufficientIssuingBalanceError,
    OrderConflictError,
    RefusedError,
    UnavailableError,
)
from issuing_disburse.records import FundingRecord
from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.simulator.faults import Fault, Refuse, ServerError
from world import World, make_order, make_recipient, open_world

AMOUNT = 12_500
FUNDS = 1_000_000


def make_orders(how_many: int, *, people: int = 0, prefix: str = "order") -> list[Order]:
    """
    Make orders, each for a person of its own, or for so many *people* in turn.
    """
    return [
        make_order(
            f"{prefix}-{number}",
            recipient=make_recipient(
                f"supplier-{number % (people or how_many)}",
                email=f"jenny{number % (people or how_many)}@example.com",
            ),
        )
        for number in range(how_many)
    ]


def by_id(outcomes: list[Outcome]) -> dict[str | None, Outcome]:
    """
    Sort outcomes by order.
    """
    return {one.order_id: one for one in outcomes}


def test_many_new_recipients_cost_two_calls_each(world: World) -> None:
    """Money moves once for all of them: a transfer, a balance transfer, one read of the balance."""
    orders = make_orders(20)

    outcomes = list(world.disburser.disburse_many(orders))

    assert list(range(20)) == sorted(one.position for one in outcomes)
    assert all(one.is_paid and one.error is None for one in outcomes)
    assert 1 == world.sent("POST /v1/transfers") == world.sent("POST /v1/balance_transfers")
    assert 1 == world.sent("GET /v1/balance") == world.sent("GET /v1/balance_settings")
    assert 20 == len(world.simulator.objects("cardholder", world.account))
    assert 20 == world.sent("POST /v1/issuing/cards")
    world.check_books(*(one.id for one in orders))


def test_known_recipients_cost_one_call_each(world: World) -> None:
    """Beside what moves the money for all, an order for a known recipient is its card."""
    list(world.disburser.disburse_many(make_orders(10)))
    before = len(world.client.requests)

    outcomes = list(world.disburser.disburse_many(make_orders(10, prefix="again")))

    assert all(one.is_paid for one in outcomes)
    assert 10 + 2 == len(world.client.requests) - before
    world.check_books("again-0", "again-9")


def test_the_members_of_a_shared_funding_are_named(world: World) -> None:
    """One record says what moved, by which objects, for whom."""
    orders = make_orders(5)
    list(world.disburser.disburse_many(orders))

    (funding,) = world.disburser.store.read(lambda tx: tx.find(FundingRecord))

    assert sorted(f"{world.account}/{one.id}" for one in orders) == sorted(funding.members)
    assert 5 * AMOUNT == funding.amount.minor == funding.brought_minor
    (transfer,) = world.simulator.objects("transfer")
    assert (funding.id, 5 * AMOUNT) == (transfer["transfer_group"], transfer["amount"])


def test_it_begins_before_the_first_outcome_is_asked_for(world: World) -> None:
    """Whoever only calls it has paid: closing waits for that."""
    run = world.disburser.disburse_many(make_orders(5))

    run.close()

    assert [Status.ACTIVE] * 5 == [world.disburser.get(f"order-{one}").status for one in range(5)]
    assert 5 == len([one for one in run if one.is_paid])


def test_one_bad_order_never_stops_the_others(world: World) -> None:
    """What is no order, a conflict, a refused recipient and a refused card are outcomes of their own."""
    good = make_orders(4)
    world.disburser.disburse(make_order("known", "10.00"))
    named = make_recipient("stranger", first_name="Nobody", email="nobody@example.com")
    world.simulator.faults.add(Fault(action=Refuse(), endpoint="POST /v1/issuing/cardholders"))
    orders: list[Any] = [make_order("refused", recipient=named)]
    refused = list(world.disburser.disburse_many(orders))
    orders = [good[0], None, good[1], make_order("known", "11.00"), good[2], "text", good[3]]

    outcomes = list(world.disburser.disburse_many(orders))

    assert isinstance(refused[0].error, RefusedError)
    assert Status.FAILED is refused[0].disbursement.status
    told = {one.position: one for one in outcomes}
    assert all(told[place].is_paid for place in (0, 2, 4, 6))
    assert isinstance(told[1].error, InvalidInputError)
    assert told[1].order_id is None
    assert "orders[5]" in str(told[5].error)
    assert isinstance(told[3].error, OrderConflictError)
    world.check_books(*(one.id for one in good), "known")


def test_an_id_that_comes_twice_is_paid_once(world: World) -> None:
    """The same order again is what is there, other content under its id is a conflict."""
    order = make_order("twice")
    orders = [order, order, evolve(order, amount=order.amount + order.amount), *make_orders(3)]

    outcomes = list(world.disburser.disburse_many(orders))

    told = {one.position: one for one in outcomes}
    assert told[0].is_paid
    assert told[1].is_paid
    assert told[0].disbursement.card == told[1].disbursement.card
    assert isinstance(told[2].error, OrderConflictError)
    assert 4 == len(world.simulator.objects("card", world.account))


def test_two_orders_for_one_new_recipient_make_one_cardholder(world: World) -> None:
    """The second waits until the first has the cardholder, and then needs no call for it."""
    outcomes = list(world.disburser.disburse_many(make_orders(12, people=3)))

    assert all(one.is_paid for one in outcomes)
    assert 3 == world.sent("POST /v1/issuing/cardholders")


def test_what_the_iterator_of_orders_raises_comes_after_all_outcomes(world: World) -> None:
    """Nothing that was handed in before is lost, and the error says so."""

    def orders() -> Iterator[Order]:
        yield from make_orders(6)
        raise OSError("the disk is gone")

    run = world.disburser.disburse_many(orders())
    outcomes = [next(run) for _ in range(6)]

    assert all(one.is_paid for one in outcomes)
    with pytest.raises(OSError, match="disk") as raised:
        next(run)
    assert "after 6 of them" in raised.value.__notes__[0]
    assert [] == list(run)


def test_a_run_reads_no_further_ahead_than_its_window(world: World) -> None:
    """Of an endless list no more is read than was taken out, plus the window; the rest is untouched."""
    read = count()

    def orders() -> Iterator[Any]:
        while True:
            next(read)
            yield None

    run = world.disburser.disburse_many(orders())
    for _ in range(10):
        next(run)

    assert WINDOW + 10 >= next(read)
    run.close()


def test_orders_are_read_on_the_thread_that_asks(world: World) -> None:
    """A cursor or a session may belong to one thread."""
    readers = set()

    def orders() -> Iterator[Order]:
        for order in make_orders(5):
            readers.add(threading.get_ident())
            yield order

    list(world.disburser.disburse_many(orders()))

    assert {threading.get_ident()} == readers


def test_what_is_begun_is_finished_when_the_run_is_dropped(world: World) -> None:
    """Whoever stops asking leaves no order half done."""
    run = world.disburser.disburse_many(make_orders(30))
    next(run)
    (batch,) = world.disburser._connection.batches  # noqa: SLF001 - to wait for it

    del run
    gc.collect()
    batch.wait()

    assert 30 == len(world.simulator.objects("card", world.account))
    world.check_books("order-0", "order-29")


def test_closing_the_disburser_finishes_what_is_begun() -> None:
    """The store is not closed under a run, and the run says that the rest was not begun."""
    with open_world("memory://") as world:
        run = world.connect(store=world.disburser.store).disburse_many(make_orders(3))
        endless = world.disburser.disburse_many(None for _ in count())

        world.disburser.close()

        with pytest.raises(UnavailableError, match="closed"):
            for _ in endless:
                pass
        assert 3 == len(list(run))


def test_an_interrupt_leaves_orders_pending_and_resume_all_goes_on(world: World) -> None:
    """Ctrl-C waits for no more than the calls under way; then every order is there once."""
    seen = count()

    def interrupt(outcome: Outcome) -> None:
        if next(seen) == 1:
            raise KeyboardInterrupt

    orders = make_orders(40)
    with (
        pytest.raises(KeyboardInterrupt),
        world.disburser.disburse_many(orders, progress=interrupt, workers=2) as run,
    ):
        for _ in run:
            pass

    world.disburser.resume_all()
    outcomes = list(world.disburser.disburse_many(orders))
    assert all(one.is_paid for one in outcomes)
    assert 40 == len(world.simulator.objects("card", world.account))
    assert 40 * AMOUNT == world.simulator.issuing_balance(world.account)
    world.check_books(*(one.id for one in orders))


def test_progress_is_called_with_each_outcome(world: World) -> None:
    """On the caller's thread, before the outcome is returned."""
    told: list[Outcome] = []

    outcomes = list(world.disburser.disburse_many(make_orders(4), progress=told.append))

    assert outcomes == told


def test_money_for_some_pays_those_in_order() -> None:
    """The transfer for all is refused once; those it suffices for are paid, the others are told."""
    with open_world("memory://", platform_funds=6 * AMOUNT + 100) as world:
        orders = make_orders(10)

        outcomes = by_id(list(world.disburser.disburse_many(orders)))

        paid = [name for name, one in outcomes.items() if one.is_paid]
        failed = [one for one in outcomes.values() if not one.is_paid]
        assert (6, 4) == (len(paid), len(failed))
        for one in failed:
            assert isinstance(one.error, InsufficientIssuingBalanceError)
            assert one.order_id == one.error.order_id
            assert Status.FAILED is one.disbursement.status
        assert 2 == world.sent("POST /v1/transfers")
        world.simulator.fund_platform(10 * AMOUNT)
        again = list(world.disburser.disburse_many(orders))
        assert all(one.is_paid for one in again)
        world.check_books(*(one.id for one in orders))


def test_a_second_leg_that_is_refused_fails_all_and_leaves_nothing_moved(world: World) -> None:
    """The one transfer is reversed, every order says why, and the next one is refused before a call."""
    world.simulator.faults.add(Fault(action=Refuse(), endpoint="POST /v1/balance_transfers"))

    outcomes = list(world.disburser.disburse_many(make_orders(5)))

    assert all(isinstance(one.error, FundingRouteUnavailableError) for one in outcomes)
    assert {Status.FAILED} == {one.disbursement.status for one in outcomes}
    assert 1 == world.sent("POST /v1/transfers")
    assert FUNDS == world.simulator.payments_balance(None)
    assert () == world.disburser.reconcile().discrepancies


def test_money_that_stripe_does_not_answer_for_leaves_all_pending(world: World) -> None:
    """One error for all of them, each its own; any one that is resumed moves the money for all."""
    world.simulator.faults.add(
        Fault(action=ServerError(), endpoint="POST /v1/balance_transfers", times=0)
    )
    outcomes = list(world.disburser.disburse_many(make_orders(5)))
    assert all(isinstance(one.error, UnavailableError) and one.is_pending for one in outcomes)
    assert {f"order-{one}" for one in range(5)} == {one.error.order_id for one in outcomes}
    world.simulator.faults.clear()

    resumed = world.disburser.resume("order-3")

    assert Status.ACTIVE is resumed.status
    assert 5 * AMOUNT == world.simulator.issuing_balance(world.account)
    world.disburser.resume_all()
    assert 1 == len(world.simulator.objects("transfer"))
    world.check_books(*(f"order-{one}" for one in range(5)))


def test_a_refused_card_gives_back_its_share_alone(world: World) -> None:
    """What the others were promised stays; the share goes home the way it came."""
    world.simulator.faults.add(Fault(action=Refuse(), endpoint="POST /v1/issuing/cards", nth=3))

    outcomes = list(world.disburser.disburse_many(make_orders(6)))

    (failed,) = [one for one in outcomes if not one.is_paid]
    assert Status.FAILED is failed.disbursement.status
    assert 5 * AMOUNT == world.simulator.issuing_balance(world.account)
    assert FUNDS - 5 * AMOUNT == world.simulator.payments_balance(None)
    again = world.disburser.resume_all()
    assert () == again
    world.check_books(*(one.order_id for one in outcomes if one.is_paid))
    name = failed.order_id
    order = next(one for one in make_orders(6) if one.id == name)
    assert Status.ACTIVE is world.disburser.disburse(order).status
    assert 6 * AMOUNT == world.simulator.issuing_balance(world.account)
    world.check_books(*(one.order_id for one in outcomes))


def test_each_share_comes_back_by_itself(world: World) -> None:
    """Reclaimed one by one, spent in part or whole: the one transfer is reversed by what is left of each."""
    outcomes = by_id(list(world.disburser.disburse_many(make_orders(4))))
    spent = world.simulator.authorize(outcomes["order-1"].disbursement.card.id, AMOUNT)["id"]
    world.simulator.capture(spent)

    first = world.disburser.reclaim("order-0")
    world.check_books(*outcomes)
    rest = [world.disburser.reclaim(f"order-{one}") for one in range(4)]

    assert AMOUNT == first.reclaimed.minor
    assert ["closed"] * 4 == [one.outcome for one in rest]
    assert 0 == world.simulator.issuing_balance(world.account)
    assert FUNDS - AMOUNT == world.simulator.payments_balance(None)
    (transfer,) = world.simulator.objects("transfer")
    assert 3 * AMOUNT == transfer["amount_reversed"]
    world.check_books(*outcomes)


def test_a_shares_reversal_by_hand_is_counted_once(world: World) -> None:
    """What somebody has sent home by hand need not go home again, for one of the members."""
    list(world.disburser.disburse_many(make_orders(3)))
    (transfer,) = world.simulator.objects("transfer")
    world.simulator._move(  # noqa: SLF001  # its other business, from which the reversal is paid
        world.account or "", AMOUNT, "usd", "payments", "adjustment", "Other business"
    )
    api = world.disburser._connection.api  # noqa: SLF001  # the connection that is there anyway
    path = f"/v1/transfers/{transfer['id']}/reversals"
    api.prepare(path, {"amount": AMOUNT}, account=None, keep=lambda answer: answer)("by-hand")

    for one in range(3):
        world.disburser.reclaim(f"order-{one}")

    (transfer,) = world.simulator.objects("transfer")
    assert 3 * AMOUNT == transfer["amount_reversed"]
    assert FUNDS == world.simulator.payments_balance(None)
    world.check_books("order-0", "order-1", "order-2")


def test_cardholders_under_review_are_asked_for_in_pages() -> None:
    """One page for all of them, and no call for each; those that pass are paid."""
    slow = Behaviour(screening_seconds=2.0)
    with open_world("memory://", simulator={"behaviour": slow}) as world:
        outcomes = list(world.disburser.disburse_many(make_orders(30)))

        assert all(one.is_paid for one in outcomes)
        assert 0 == world.sent("GET /v1/issuing/cardholders/:id")
        assert 12 >= world.sent("GET /v1/issuing/cardholders")
        world.check_books("order-0", "order-29")


def test_a_cardholder_that_stays_under_review_leaves_its_order_pending() -> None:
    """It waits for Stripe, with no error, and nothing is moved for it."""
    slow = Behaviour(screening_seconds=timedelta(days=1).total_seconds())
    with open_world("memory://", simulator={"behaviour": slow}) as world:
        outcomes = list(world.disburser.disburse_many(make_orders(3)))

        assert all(one.is_pending and one.error is None for one in outcomes)
        codes = {one.disbursement.reason.code for one in outcomes}
        assert {"cardholder_under_review"} == codes
        assert 0 == world.sent("POST /v1/transfers")


@pytest.mark.parametrize("workers", [0, 257, True, 1.5])
def test_a_number_of_workers_that_is_none_is_refused(world: World, workers: Any) -> None:
    """Before anything is read or sent."""
    with pytest.raises(InvalidInputError, match="workers"):
        world.disburser.disburse_many([], workers=workers)
    with pytest.raises(InvalidInputError, match="orders"):
        world.disburser.disburse_many(make_order())  # type: ignore[arg-type]


def test_a_failing_progress_ends_the_loop_and_loses_nothing(world: World) -> None:
    """What the callback raises is the caller's; the orders are paid all the same."""

    def fail(outcome: Outcome) -> None:
        raise LookupError("no such bar")

    run = world.disburser.disburse_many(make_orders(3), progress=fail)
    with pytest.raises(LookupError):
        next(run)
    run.close()

    assert 3 == len(world.simulator.objects("card", world.account))
