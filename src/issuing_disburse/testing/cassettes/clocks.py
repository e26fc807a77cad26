"""
What time is it while a test is recorded, and while it is replayed?
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from attrs import define, field

from .refusals import CassetteError


class Clock(Protocol):
    """
    A clock that a test may move, like a simulator's.
    """

    def now(self) -> datetime:
        """
        Return the time as an aware UTC datetime.
        """

    def sleep(self, seconds: float) -> None:
        """
        Let *seconds* pass.
        """

    def advance(self, delta: timedelta) -> None:
        """
        Move the clock by *delta*.
        """


class SystemClock:
    """
    The machine's own clock.
    """

    def now(self) -> datetime:
        """
        Return the time as an aware UTC datetime.
        """
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """
        Wait for *seconds*.
        """
        time.sleep(seconds)

    def advance(self, delta: timedelta) -> None:
        """
        Refuse: nobody moves the machine's clock.

        Raises:
            CassetteError: Always.
        """
        raise CassetteError(
            "the machine's clock cannot be moved: record against a simulator, and pass its clock",
            code="clock_fixed",
        )


@define
class ReplayClock:
    """
    Stands at the recorded times, moves with the replayed interactions, and never goes back.

    Args:
        moment: Where it starts, in UTC.
        due: Called with the time that is to be reached; lets happen what was recorded until then.
    """

    moment: datetime
    due: Callable[[datetime], None] = field(repr=False)

    def now(self) -> datetime:
        """
        Return the time as an aware UTC datetime.
        """
        return self.moment

    def reach(self, moment: datetime | None) -> None:
        """
        Move to *moment*, unless it is over.
        """
        if moment is not None and moment > self.moment:
            self.moment = moment

    def sleep(self, seconds: float) -> None:
        """
        Move the clock by *seconds* without waiting.
        """
        self.advance(timedelta(seconds=seconds))

    def advance(self, delta: timedelta) -> None:
        """
        Move the clock by *delta*; deliveries that came in on the way come in again.

        Raises:
            ValueError: The clock does not run backwards.
        """
        if delta < timedelta(0):
            raise ValueError("a clock cannot go back")
        until = self.moment + delta
        self.due(until)
        self.reach(until)


def _system_now() -> datetime:
    return datetime.now(UTC)


@define
class SteppingClock:
    """
    The machine's own clock while a cassette is recorded: it stands at the time of the last answer.

    A cassette knows the time at which each request was answered, and no other. A second that passes in
    between would be another second when the cassette is played.

    Args:
        real_now: What time it really is.
        wait: Really waits, for seconds.
    """

    _real_now: Callable[[], datetime] = _system_now
    _wait: Callable[[float], None] = time.sleep
    _moment: datetime = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._moment = self._real_now()

    def now(self) -> datetime:
        """
        Return the time of the last answer, in UTC.
        """
        return self._moment

    def step(self) -> None:
        """
        Move on to the time that it really is; never back.
        """
        self._moment = max(self._moment, self._real_now())

    def sleep(self, seconds: float) -> None:
        """
        Really wait, and move on by *seconds*, as a cassette that is played does without waiting.
        """
        self._wait(seconds)
        self._moment += timedelta(seconds=seconds)

    def advance(self, delta: timedelta) -> None:
        """
        Refuse: nobody moves the machine's clock, or Stripe's.

        Raises:
            CassetteError: Always.
        """
        SystemClock().advance(delta)
