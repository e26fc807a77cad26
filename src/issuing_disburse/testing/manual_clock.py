"""
What time is it, in a test without a simulator?
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import define, field

from issuing_disburse.exceptions import InvalidInputError

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""
Where a simulator's clock starts, too.
"""


@define
class ManualClock:
    """
    Stands still until somebody moves it: ``clock=clock.now, sleep=clock.sleep, timer=clock.timer``.

    >>> clock = ManualClock()
    >>> clock.sleep(90)
    >>> clock.now().isoformat()
    '2026-11-02T09:01:30+00:00'

    Attributes:
        slept: How long somebody has slept, in seconds, each time.
    """

    _moment: datetime = field(default=START)
    _began: datetime = field(init=False)
    slept: list[float] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self._moment, datetime) or self._moment.utcoffset() is None:
            raise InvalidInputError("moment", "is no time with a zone", "pass an aware datetime")
        self._began = self._moment

    def now(self) -> datetime:
        """
        Return the time as an aware datetime.
        """
        return self._moment

    def timer(self) -> float:
        """
        Return the seconds since the start, as a monotonic timer.
        """
        return (self._moment - self._began).total_seconds()

    def sleep(self, seconds: float) -> None:
        """
        Move on by *seconds*, without waiting, and note it.
        """
        self.slept.append(seconds)
        self.advance(timedelta(seconds=seconds))

    def advance(self, delta: timedelta) -> None:
        """
        Move on by *delta*.

        Raises:
            ValueError: A clock does not run backwards.
        """
        if delta < timedelta(0):
            raise ValueError("a clock cannot go back")
        self._moment += delta
