"""
What time is it here, and what is due when it moves on?
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import TypeAlias

from attrs import define, field

Argument: TypeAlias = str | int
Due: TypeAlias = tuple[int, int, str, tuple[Argument, ...]]
"""
When (microseconds since the epoch), a tie-breaker, the action's name, its arguments.
"""

SECOND = 1_000_000
START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
END = datetime(9000, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """
    Return an aware *moment* as whole microseconds since the epoch.
    """
    return (moment - _EPOCH) // timedelta(microseconds=1)


def as_datetime(micros: int) -> datetime:
    """
    Return microseconds since the epoch as an aware UTC moment.
    """
    return _EPOCH + timedelta(microseconds=micros)


@define
class Agenda:
    """
    Keep what will happen by itself, ordered by time; actions are names, so it can be saved.
    """

    entries: list[Due] = field(factory=list)
    counter: int = 0

    def add(self, due: int, action: str, *arguments: Argument) -> None:
        """
        Note that *action* is due at *due* microseconds.
        """
        self.counter += 1
        heappush(self.entries, (due, self.counter, action, arguments))

    def pop(self, until: int) -> Due | None:
        """
        Take the earliest entry that is due by *until*, or return ``None``.
        """
        if self.entries and self.entries[0][0] <= until:
            return heappop(self.entries)
        return None


@define
class SimulatorClock:
    """
    Show the simulator's time and move it; moving it lets everything due on the way happen.
    """

    _read: Callable[[], int]
    _move: Callable[[int], None]

    def now(self) -> datetime:
        """
        Return the simulated time as an aware UTC datetime.
        """
        return as_datetime(self._read())

    def sleep(self, seconds: float) -> None:
        """
        Move the clock by *seconds* without waiting.
        """
        self.advance(timedelta(seconds=seconds))

    def advance(self, delta: timedelta) -> None:
        """
        Move the clock by *delta*, stopping at every event that is due on the way.

        Raises:
            TypeError: *delta* is no timedelta; nothing happened.
            ValueError: The clock does not run backwards, nor beyond its end; nothing happened.
        """
        if not isinstance(delta, timedelta):
            message = "The clock is moved by a timedelta, such as timedelta(days=31)."
            raise TypeError(message)
        if delta < timedelta(0):
            message = "The simulator's clock cannot go back."
            raise ValueError(message)
        if self.now() > END - min(delta, END - _EPOCH):
            message = f"The simulator's clock ends with the year {END.year}."
            raise ValueError(message)
        self._move(delta // timedelta(microseconds=1))
