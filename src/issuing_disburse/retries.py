"""
When is a call to Stripe tried again, and after which wait?
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import tenacity as _t

from .exceptions import UnavailableError
from .ports import Sleep

T = TypeVar("T")

GIVE_UP_SECONDS = 60.0
WAIT_MIN_SECONDS = 0.25
"""Four waits between five tries: together they outlast the second in which Stripe counts requests."""


def until_answered(call: Callable[[], T], *, sleep: Sleep) -> T:
    """
    Call until there is an answer; a call that is answered at once costs nothing more.
    """
    began = time.monotonic()
    try:
        return call()
    except UnavailableError as error:
        if not _is_worth_another_try(error):
            raise
        first = [error]

    def again() -> T:
        if first:
            raise first.pop()
        return call()

    left = max(0.0, GIVE_UP_SECONDS - (time.monotonic() - began))
    return make_retrying(sleep=sleep, give_up_seconds=left)(again)


def _is_worth_another_try(error: BaseException) -> bool:
    return isinstance(error, UnavailableError) and not error.is_recorded


def make_retrying(
    *,
    sleep: Sleep,
    attempts: int = 5,
    wait_max_seconds: float = 8.0,
    give_up_seconds: float = GIVE_UP_SECONDS,
) -> _t.Retrying:
    """
    Build the one retry policy: the same request, the same key, while nothing is known to be wrong.

    An answer that Stripe has recorded under the key is not asked for again: it could only repeat.
    """
    return _t.Retrying(
        retry=_t.retry_if_exception(_is_worth_another_try),
        stop=_t.stop_after_attempt(attempts) | _t.stop_after_delay(give_up_seconds),
        wait=_t.wait_random_exponential(multiplier=0.5, min=WAIT_MIN_SECONDS, max=wait_max_seconds),
        sleep=sleep,
        reraise=True,
    )
