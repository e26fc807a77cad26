"""
Does a run over many orders come to its end when the machine, or somebody's own code, lets it down?
"""

import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from issuing_disburse import Disburser, Order, Status
from issuing_disburse.exceptions import UnavailableError
from issuing_disburse.money import Money
from issuing_disburse.ports import FundingReceipt, Journal
from world import World, make_order, make_recipient

HOW_MANY = 8


def make_orders(how_many: int = HOW_MANY) -> list[Order]:
    """
    Make orders, each for a person of its own.
    """
    return [
        make_order(
            f"order-{number}",
            recipient=make_recipient(f"supplier-{number}", email=f"jenny{number}@example.com"),
        )
        for number in range(how_many)
    ]


@contextmanager
def no_more_threads_than(most: int) -> Iterator[None]:
    """
    Be a system that has no threads left for a run once it has so many.
    """
    start, begun = threading.Thread.start, []

    def started(thread: threading.Thread) -> None:
        if thread.name.startswith("disburse_many"):
            if len(begun) >= most:
                raise RuntimeError("can't start new thread")
            begun.append(thread)
        start(thread)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", started)
        yield


def test_a_run_goes_on_with_the_threads_it_has(world: World) -> None:
    """A system that has no more of them slows a run down: no order is dropped, and nobody waits forever."""
    with no_more_threads_than(2):
        outcomes = list(world.disburser.disburse_many(make_orders()))

    assert HOW_MANY == len([one for one in outcomes if one.is_paid])
    world.check_books(*(f"order-{one}" for one in range(HOW_MANY)))


def test_a_run_without_any_thread_says_so(world: World) -> None:
    """Nothing is begun, the caller is told instead of kept waiting, and can hand the orders in again."""
    with no_more_threads_than(0):
        run = world.disburser.disburse_many(make_orders())
        with pytest.raises(UnavailableError, match="hand it in again") as raised:
            next(run)
        run.close()

    assert "no_threads" == raised.value.code
    assert [] == world.simulator.objects("cardholder", world.account)
    assert all(one.is_paid for one in world.disburser.disburse_many(make_orders()))


def in_a_child(act: Callable[[], object]) -> int:
    """
    Do it in a forked child that has ten seconds; return its exit code, or minus the signal it died of.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns when threads are about
        child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.alarm(10)
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("end", ["close", "interrupt", "drop", "take"])
def test_a_forked_child_is_not_kept_by_its_parents_run(world: World, end: str) -> None:
    """What is begun is the parent's: the child ends, whoever held a lock when it was forked."""
    run = world.disburser.disburse_many(make_orders())
    (batch,) = world.disburser._connection.batches  # noqa: SLF001 - whose lock a worker may hold
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with batch._changed:  # noqa: SLF001 - likewise
            is_held.set()
            may_go.wait()

    def leave() -> None:
        if end == "close":
            run.close()
        elif end == "interrupt":
            run.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
        elif end == "drop":
            run._finalizer()  # noqa: SLF001 - what the garbage collector calls
        else:
            with pytest.raises(UnavailableError, match="anew"):
                next(run)

    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait()
    try:
        code = in_a_child(leave)
    finally:
        may_go.set()
        holder.join()

    assert 0 == code
    assert HOW_MANY == len([one for one in run if one.is_paid])


class BankClosedError(Exception):
    """
    An error that cannot be copied, as many are: it needs more than its message.
    """

    def __init__(self, message: str, opens_at: str) -> None:
        super().__init__(message)
        self.opens_at = opens_at


class ClosedBank:
    """
    Somebody's own route, on a bad day.
    """

    members_max = 1_000

    def check(self, account: str | None) -> None:
        """
        Find nothing to check.
        """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Raise what is no error of this library's.
        """
        raise BankClosedError("the bank is closed", opens_at="monday")

    def give_back(
        self,
        account: str | None,
        amount: Money,
        *,
        key: str,
        receipts: Sequence[FundingReceipt],
        journal: Journal,
    ) -> FundingReceipt:
        """
        Have nothing to give back.
        """
        return FundingReceipt(amount=Money.zero(amount.currency))


def test_an_error_that_cannot_be_copied_is_told_as_it_is(world: World) -> None:
    """It is the outcome of all orders of a funding, and all of them are let go at once."""
    closed: Disburser = world.connect(route=ClosedBank())

    outcomes = list(closed.disburse_many(make_orders(4)))

    errors: list[Any] = [one.error for one in outcomes]
    assert [BankClosedError] * 4 == [type(one) for one in errors]
    assert ["monday"] * 4 == [one.opens_at for one in errors]
    again = list(closed.disburse_many(make_orders(4)))
    assert [BankClosedError] * 4 == [type(one.error) for one in again]
    assert {Status.PENDING} == {closed.get(f"order-{one}").status for one in range(4)}
