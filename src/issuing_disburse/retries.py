"""
When is a call to Stripe tried again, and after which wait?
"""

from __future__ import annotations

import tenacity as _t

from .exceptions import UnavailableError
from .ports import Sleep


def _is_worth_another_try(error: BaseException) -> bool:
    return isinstance(error, UnavailableError) and not error.is_recorded


def make_retrying(
    *, sleep: Sleep, attempts: int = 5, wait_max_seconds: float = 8.0, give_up_seconds: float = 60.0
) -> _t.Retrying:
    """
    Build the one retry policy: the same request, the same key, while nothing is known to be wrong.

    An answer that Stripe has recorded under the key is not asked for again: it could only repeat.
    """
    return _t.Retrying(
        retry=_t.retry_if_exception(_is_worth_another_try),
        stop=_t.stop_after_attempt(attempts) | _t.stop_after_delay(give_up_seconds),
        wait=_t.wait_random_exponential(multiplier=0.5, max=wait_max_seconds),
        sleep=sleep,
        reraise=True,
    )
