"""
How does a test end a process, lose an answer or refuse a call at one exact point of a route?

Where money moves is the route's own affair; that each of its calls goes through the journal is not. So
the journal is the place to interrupt it, whatever it talks to.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import define, field, frozen

from issuing_disburse.exceptions import FundingRouteUnavailableError, UnknownOutcomeError
from issuing_disburse.journal import StoredCall
from issuing_disburse.ports import Call, Journal, Outcome


class ProcessEndedError(BaseException):
    """
    The power went off; nothing in a process catches this.
    """


@define
class Watch:
    """
    What is to go wrong, and what was seen.

    Attributes:
        ends_at: The process ends at this point, from 1; there are three for each call: before it,
            after it, and after its outcome was stored.
        loses: The answer of this call is lost, from 1; it was carried out.
        refuses: This call is refused, from 1; it was not carried out.
        problems: What a route did that no route may do.
    """

    ends_at: int = 0
    loses: int = 0
    refuses: int = 0
    points: int = 0
    calls: int = 0
    problems: list[str] = field(factory=list)

    @property
    def has_struck(self) -> bool:
        """
        Whether the run got as far as what was to go wrong.
        """
        return 0 < self.ends_at <= self.points or 0 < max(self.loses, self.refuses) <= self.calls

    def point(self) -> None:
        """
        Pass one point, or end there; who has ended does nothing more.
        """
        self.points += 1
        if 0 < self.ends_at <= self.points:
            raise ProcessEndedError

    def around(self, call: Call, key: str) -> Outcome:
        """
        Make *call*, unless something goes wrong before it or after it.
        """
        self.point()
        self.calls += 1
        if self.calls == self.refuses:
            raise FundingRouteUnavailableError("refused by the test", code="refused_by_test")
        outcome = call(key)
        if self.calls == self.loses:
            raise UnknownOutcomeError("lost by the test", code="lost_by_test")
        self.point()
        return outcome


@define(eq=False)
class WatchedJournal:
    """
    The library's journal, with a watch on every call that goes through it.

    Attributes:
        trace: Returns something that changes whenever money moves.
    """

    inner: Journal
    watch: Watch
    trace: Callable[[], object]
    seen: object = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.seen = self.trace()

    def compare(self, when: str) -> None:
        """
        Note it when money has moved since the last call.
        """
        now = self.trace()
        if now != self.seen:
            self.watch.problems.append(f"money moved outside of the journal {when}")
        self.seen = now

    def once(self, step: str, call: Call, look: Callable[[], Outcome | None]) -> Outcome:
        """
        Have one effect once; see `issuing_disburse.ports.Journal`.
        """
        self.compare(f"before the step {step!r}")
        watched = _StoredWatchedCall if isinstance(call, StoredCall) else _WatchedCall
        outcome = self.inner.once(step, watched(call, self), look)
        self.compare(f"in the step {step!r}, but not in its call")
        self.watch.point()
        return outcome

    def begun(self, step: str) -> datetime | None:
        """
        Return when *step* was first sent.
        """
        return self.inner.begun(step)

    def make(self, call: Call, key: str) -> Outcome:
        """
        Make one call, in which money may move.
        """
        self.compare("while the journal looked")
        try:
            return self.watch.around(call, key)
        finally:
            self.seen = self.trace()


@frozen
class _WatchedCall:
    call: Any  # Any: a call that is stored, or one that is not
    journal: WatchedJournal

    def __call__(self, key: str) -> Outcome:
        return self.journal.make(self.call, key)


@frozen
class _StoredWatchedCall(_WatchedCall):
    @property
    def encoded(self) -> bytes:
        stored: bytes = self.call.encoded
        return stored

    def as_stored(self, encoded: bytes) -> Call:
        return _WatchedCall(self.call.as_stored(encoded), self.journal)
