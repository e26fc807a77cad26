"""
How does a process die at one exact point, and what does the next one find?
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import stripe
from attrs import define

from issuing_disburse.ledger import Entry
from issuing_disburse.ports import Store, Transaction

T = TypeVar("T")


class ProcessDiedError(BaseException):
    """
    The power went off; nothing in the process catches this.
    """


@define
class Countdown:
    """
    Counts the points at which a process could die, and dies at one of them; then stays dead.

    Attributes:
        dies_at: The number of the point, from 1; 0 only counts.
    """

    dies_at: int = 0
    passed: int = 0
    is_dead: bool = False

    def point(self) -> None:
        """
        Pass one point, or die at it.
        """
        if self.is_dead:
            raise ProcessDiedError
        self.passed += 1
        if self.passed == self.dies_at:
            self.is_dead = True
            raise ProcessDiedError


@define
class CrashingStore:
    """
    A store whose process may die before and after each transaction.
    """

    inner: Store
    countdown: Countdown

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Die before it, do it, or die after it was kept.
        """
        self.countdown.point()
        result = self.inner.transact(work, timeout_seconds=timeout_seconds)
        self.countdown.point()
        return result

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Die before it, or do it.
        """
        self.countdown.point()
        return self.inner.read(work, timeout_seconds=timeout_seconds)

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Pass on what the inner store has.
        """
        return self.inner.stream_entries(after=after)

    def close(self) -> None:
        """
        Leave the inner store open: the next process uses it.
        """


class CrashingClient(stripe.HTTPClient):
    """
    A client whose process may die before and after each request.
    """

    name = "crashing"

    def __init__(self, inner: stripe.HTTPClient, countdown: Countdown) -> None:
        super().__init__()
        self._inner = inner
        self._countdown = countdown

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **options: Any,
    ) -> tuple[Any, int, Any]:
        """
        Die before the request is sent, send it, or die before its answer arrives.
        """
        self._countdown.point()
        answer = self._inner.request(method, url, headers, post_data, **options)
        self._countdown.point()
        return answer

    def close(self) -> None:
        """
        Leave the inner client open.
        """
