"""
What time is it while a test is recorded at Stripe, so that it is the same when the test is played?

A cassette knows the time at which each request was answered, and no other. So while it is recorded the time stands
still between the answers, too: a second that passes in between would be another second when it is played.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from attrs import define, field

from issuing_disburse.testing.cassettes.clocks import SystemClock


def _system_now() -> datetime:
    return datetime.now(UTC)


@define
class SteppingClock:
    """
    Stands at the time of the last answer.

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
        Really wait; the time is told by the next answer.
        """
        self._wait(seconds)

    def advance(self, delta: timedelta) -> None:
        """
        Refuse: nobody moves Stripe's clock.

        Raises:
            CassetteError: Always.
        """
        SystemClock().advance(delta)


class SteppingClient(stripe.HTTPClient):
    """
    Moves a clock on with each answer.
    """

    name = "stepping"

    def __init__(self, inner: stripe.HTTPClient, clock: SteppingClock) -> None:
        super().__init__()
        self._inner = inner
        self._clock = clock

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        """
        Send one request; see `stripe.HTTPClient`.
        """
        try:
            return self._inner.request(method, url, headers, post_data)
        finally:
            self._clock.step()

    def close(self) -> None:
        """
        Close the connections.
        """
        self._inner.close()  # type: ignore[no-untyped-call]  # the SDK's is untyped
