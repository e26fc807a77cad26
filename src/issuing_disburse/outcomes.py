"""
How do orders flow into a run and outcomes out of it, on the caller's own thread?
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self

from .batch import Batch
from .exceptions import InvalidInputError, UnavailableError
from .order import Order
from .outcome import Outcome
from .records import DisbursementRecord


class Outcomes(Iterator[Outcome]):
    """
    The outcomes of many orders, as they finish.

    Orders are read on the thread that asks for outcomes, because cursors and sessions often belong to
    one thread. What is begun is finished when this is closed or dropped; an interrupt leaves it pending.

    Args:
        let_go: Leaves an order that was begun to whoever resumes it.
    """

    def __init__(
        self,
        orders: Iterable[Order],
        batch: Batch,
        *,
        let_go: Callable[[DisbursementRecord], None],
        progress: Callable[[Outcome], object] | None,
    ) -> None:
        self._batch = batch
        self._let_go = let_go
        self._progress = progress
        self._orders: Iterator[Order] | None = iter(orders)
        self._failure: Exception | None = None
        self._position = 0
        self._finalizer = weakref.finalize(self, batch.end)
        self._finalizer.atexit = False  # by then the threads have come to their end
        try:
            self._fill()
        except BaseException:
            self._stop()
            raise

    def _fill(self) -> None:
        while self._batch.has_room and self._pull():
            pass

    def _pull(self) -> bool:
        """
        Read one order and hand it in; tell whether there may be another one.
        """
        if self._orders is None:
            return False
        try:
            order: object = next(self._orders)
        except StopIteration:
            self._close_orders()
            return False
        except Exception as failure:  # noqa: BLE001 - raised once all outcomes are told
            failure.add_note(
                f"raised by the iterator of orders after {self._position} of them; those were worked "
                "on, and their outcomes were returned before this"
            )
            self._failure = failure
            self._close_orders()
            return False
        position, self._position = self._position, self._position + 1
        if isinstance(order, Order):
            self._batch.submit(position, order)
        else:
            error = InvalidInputError(
                f"orders[{position}]", f"{type(order).__name__} is no Order", "pass Order(...)"
            )
            self._batch.report(Outcome(position=position, error=error))
        return True

    def _close_orders(self) -> None:
        self._orders = None
        self._batch.end()

    def __next__(self) -> Outcome:
        try:
            outcome = self._next()
        except Exception:
            raise  # what is in flight is finished all the same
        except BaseException:
            self._stop()
            raise
        if outcome is not None:
            if self._progress is not None:
                self._progress(outcome)
            return outcome
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        raise StopIteration

    def _next(self) -> Outcome | None:
        while True:
            outcome = self._batch.take(waits=False)
            if outcome is None:
                if self._batch.has_room and self._pull():
                    continue
                outcome = self._batch.take(waits=True)
            if outcome is not None or self._orders is None:
                return outcome
            if not self._batch.has_room:
                self._orders = None
                msg = f"the disburser was closed after {self._position} orders; the rest was not begun"
                raise UnavailableError(msg, code="closed")

    def close(self) -> None:
        """
        Begin nothing more, and wait until what is begun is finished; closing twice is fine.

        What was finished stays to be asked for.
        """
        self._close_orders()
        try:
            self._batch.wait()
        except BaseException:
            self._stop()
            raise

    def _stop(self) -> None:
        """
        Begin nothing more and wait for the calls that are under way; the rest stays pending.
        """
        self._orders = None
        for one in self._batch.stop():
            with suppress(Exception):  # its lease runs out by itself
                self._let_go(one.record)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self._stop()
        else:
            self.close()
