"""
What does a store promise, at its simplest?

`MemoryStore` is the reference behaviour and keeps nothing beyond the process: for tests, and for a
process that can rebuild what it needs.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from issuing_disburse.exceptions import StaleRecordError, StoreTimeoutError
from issuing_disburse.ports import Clock, Transaction
from issuing_disburse.revision import revised
from issuing_disburse.rows import Row

from . import forks
from .promises import TRIES, check_find, closed, ended, nested, read_only, stale
from .shelf import Shelf

if TYPE_CHECKING:
    from issuing_disburse.ledger import Entry

R = TypeVar("R", bound=Row)
T = TypeVar("T")

_REST_SECONDS = 5.0
_PAGE = 1_000


class _Contents:
    def __init__(self) -> None:
        # Any: each shelf holds its own kind; a dict cannot say that its values follow its keys.
        self.shelves: defaultdict[type[Row], Shelf[Any]] = defaultdict(Shelf)
        self.chains: defaultdict[str, dict[int, Entry]] = defaultdict(dict)


_TakeBack: TypeAlias = tuple[Callable[..., None], tuple[Any, ...]]
"""What to call, and with what."""


class _MemoryTransaction:
    """
    Writes at once, and remembers how to take it back.
    """

    __slots__ = ("_clock", "_contents", "_is_ended", "_is_writable", "_undo", "stale")

    def __init__(self, contents: _Contents, clock: Clock, *, is_writable: bool) -> None:
        self._contents = contents
        self._clock = clock
        self._is_writable = is_writable
        self._is_ended = False
        self._undo: list[_TakeBack] = []
        self.stale: StaleRecordError | None = None

    def get(self, kind: type[R], key: str, *, lock: bool = False) -> R | None:
        if self._is_ended or (lock and not self._is_writable):
            self._check(writing=lock)
        found: R | None = self._contents.shelves[kind].rows.get(key)
        return found

    def find(
        self,
        kind: type[R],
        *,
        group: str | None = None,
        states: Sequence[str] | None = None,
        due_before: datetime | None = None,
        after: str = "",
        limit: int = 100,
        skip_locked: bool = False,
    ) -> tuple[R, ...]:
        self._check(writing=skip_locked)
        check_find(states=states, due_before=due_before, limit=limit)
        shelf: Shelf[R] = self._contents.shelves[kind]
        return shelf.find(
            group=group, states=states, due_before=due_before, after=after, limit=limit
        )

    def put(self, record: R) -> R:
        self._check(writing=True)
        shelf: Shelf[R] = self._contents.shelves[type(record)]
        key = record.key
        old = shelf.rows.get(key)
        if record.version != (0 if old is None else old.version):
            self.stale = stale(type(record))
            raise self.stale
        new = revised(record, version=record.version + 1)
        self._undo.append((shelf.place, (key, old)))
        shelf.place(key, new)
        return new

    def delete(self, kind: type[Row], key: str) -> None:
        self._check(writing=True)
        shelf = self._contents.shelves[kind]
        old = shelf.rows.get(key)
        if old is not None:
            self._undo.append((shelf.place, (key, old)))
            shelf.place(key, None)

    def append(self, entry: Entry) -> None:
        self._check(writing=True)
        chain = self._contents.chains[entry.scope]
        if entry.seq in chain:
            self.stale = stale(type(entry))
            raise self.stale
        self._undo.append((chain.__delitem__, (entry.seq,)))
        chain[entry.seq] = entry

    def entries(self, scope: str) -> tuple[Entry, ...]:
        self._check(writing=False)
        return _in_order(self._contents.chains.get(scope, {}))

    def now(self) -> datetime:
        self._check(writing=False)
        return self._clock()

    def _check(self, *, writing: bool) -> None:
        if self._is_ended:
            raise ended()
        if writing and not self._is_writable:
            raise read_only()

    def end(self, *, keep: bool) -> None:
        """
        Take back what was written unless it is to be kept, and refuse any further use.
        """
        self._is_ended = True
        if not keep:
            for take_back, what in reversed(self._undo):
                take_back(*what)


class MemoryStore:
    """
    A store in the memory of this process; one lock, everything in order.

    Args:
        clock: Returns the time now (UTC); leases are measured by it.

    Attributes:
        keeps_nobody_waiting: Its timeouts always hold, so that it may be asked without a watch.
    """

    keeps_nobody_waiting = True

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._contents = _Contents()
        self._lock = threading.Lock()
        self._owner = 0
        self._is_closed = False
        forks.join(self)

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Run *work* and keep what it wrote, or nothing; see `issuing_disburse.ports.Store.transact`.
        """
        self._enter(timeout_seconds)
        try:
            for tries_left in range(TRIES - 1, -1, -1):
                transaction = _MemoryTransaction(self._contents, self._clock, is_writable=True)
                keep = False
                try:
                    result = work(transaction)
                    keep = transaction.stale is None
                except StaleRecordError:
                    if not tries_left:
                        raise
                finally:
                    transaction.end(keep=keep)
                if keep:
                    return result
            raise stale(Row)  # a work that swallows the error is no better off
        finally:
            self._leave()

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Run *work* on one consistent state; see `issuing_disburse.ports.Store.read`.
        """
        self._enter(timeout_seconds)
        transaction = _MemoryTransaction(self._contents, self._clock, is_writable=False)
        try:
            return work(transaction)
        finally:
            transaction.end(keep=True)
            self._leave()

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Yield all ledger entries by scope and seq, from behind *after*.
        """
        scopes = self._locked(lambda: sorted(self._contents.chains))
        for scope in scopes:
            if scope >= after[0]:
                entries = self._locked(lambda: _in_order(self._contents.chains[scope]))  # noqa: B023 - called at once
                yield from (one for one in entries if (scope, one.seq) > after)

    def close(self) -> None:
        """
        Forget everything.
        """
        with self._lock:
            self._is_closed = True
            self._contents = _Contents()
        forks.leave(self)

    def _locked(self, call: Callable[[], T]) -> T:
        self._enter(None)
        try:
            return call()
        finally:
            self._leave()

    def _enter(self, timeout_seconds: float | None) -> None:
        me = threading.get_ident()
        if self._owner == me:
            raise nested()
        if not self._lock.acquire(blocking=False):
            timeout = -1 if timeout_seconds is None else max(0.0, timeout_seconds)
            if not self._lock.acquire(timeout=timeout):
                raise StoreTimeoutError("another work held the store until the time was up")
        if self._is_closed:
            self._lock.release()
            raise closed()
        self._owner = me

    def _leave(self) -> None:
        self._owner = 0
        self._lock.release()

    def before_fork(self) -> None:
        if self._owner != threading.get_ident() and self._lock.acquire(timeout=_REST_SECONDS):
            self._owner = -1

    def after_fork_in_parent(self) -> None:
        if self._owner == -1:
            self._leave()

    def after_fork_in_child(self) -> None:
        if self._owner != threading.get_ident():
            self._lock = threading.Lock()
            self._owner = 0


def _in_order(chain: dict[int, Entry]) -> tuple[Entry, ...]:
    return tuple([chain[seq] for seq in sorted(chain)])
