"""
How long does what is asked of a store take, and as many bare commits in its place?
"""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from attrs import define

from issuing_disburse.ledger import Entry
from issuing_disburse.ports import Store, Transaction

T = TypeVar("T")
Work = Callable[[Transaction], T]


@define
class Timed:
    """
    A store, and the seconds that were spent in it.
    """

    inner: Store
    seconds: float = 0.0
    commits: int = 0

    def transact(self, work: Work[T], *, timeout_seconds: float | None = None) -> T:
        """
        Do it, and count it as a commit.
        """
        started = time.perf_counter()
        result = self.inner.transact(work, timeout_seconds=timeout_seconds)
        self.seconds += time.perf_counter() - started
        self.commits += 1
        return result

    def read(self, work: Work[T], *, timeout_seconds: float | None = None) -> T:
        """
        Do it.
        """
        started = time.perf_counter()
        result = self.inner.read(work, timeout_seconds=timeout_seconds)
        self.seconds += time.perf_counter() - started
        return result

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Pass on what the inner store has.
        """
        return self.inner.stream_entries(after=after)

    def close(self) -> None:
        """
        Close the inner store.
        """
        self.inner.close()


@define
class BareBeside(Timed):
    """
    A store in memory that makes one bare commit elsewhere for each of its own; only that is timed.
    """

    commit: Callable[[], None] = lambda: None

    def transact(self, work: Work[T], *, timeout_seconds: float | None = None) -> T:
        """
        Do it in memory, and commit one row of nobody's.
        """
        result = self.inner.transact(work, timeout_seconds=timeout_seconds)
        started = time.perf_counter()
        self.commit()
        self.seconds += time.perf_counter() - started
        self.commits += 1
        return result

    def read(self, work: Work[T], *, timeout_seconds: float | None = None) -> T:
        """
        Do it in memory.
        """
        return self.inner.read(work, timeout_seconds=timeout_seconds)
