"""
How does a store fail while a merchant waits?
"""

import threading
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeVar

from attrs import define, field

from issuing_disburse.exceptions import StoreError
from issuing_disburse.ledger import Entry
from issuing_disburse.ports import Store, Transaction

T = TypeVar("T")

Illness = Literal["", "hangs", "gone", "broken", "hangs_after", "unknown"]


@define
class SickStore:
    """
    A store that fails when it is told to, and is well otherwise.

    Attributes:
        illness: ``hangs`` before anything is done, whatever time-out it was given; ``hangs_after`` when
            everything was kept; ``gone`` refuses; ``broken`` raises what no store should; ``unknown``
            keeps everything and says that it does not know.
        reads_too: Whether reading is ill as well.
        well_again: Ends the hanging.
    """

    inner: Store
    illness: Illness = ""
    reads_too: bool = True
    well_again: threading.Event = field(factory=threading.Event)
    hung: list[str] = field(factory=list)

    def heal(self) -> None:
        """
        Be well from now on, and let go of who hangs.
        """
        self.illness = ""
        self.well_again.set()

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Do it, or fail.
        """
        illness = self.illness
        self._fail_before(illness)
        result = self.inner.transact(work, timeout_seconds=timeout_seconds)
        if illness == "hangs_after":
            self._hang()
        if illness == "unknown":
            raise StoreError("the commit was interrupted", code="commit_unknown")
        return result

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Do it, or fail.
        """
        if self.reads_too:
            self._fail_before(self.illness)
        return self.inner.read(work, timeout_seconds=timeout_seconds)

    def _fail_before(self, illness: Illness) -> None:
        if illness == "hangs":
            self._hang()
        if illness == "gone":
            raise StoreError("the database is gone", code="gone")
        if illness == "broken":
            raise RuntimeError("not an error of a store")

    def _hang(self) -> None:
        self.hung.append(threading.current_thread().name)
        assert self.well_again.wait(60)

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

    def __getattr__(self, name: str) -> Any:
        if name == "keeps_nobody_waiting":
            raise AttributeError(name)
        return getattr(self.inner, name)
