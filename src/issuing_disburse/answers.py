"""
What of an answer of Stripe's is kept, and is all of it there?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .exceptions import UnknownOutcomeError
from .ports import Outcome


def kept(keep: Callable[[Any], Outcome], answer: Mapping[str, Any]) -> Outcome:
    """
    Reduce *answer* by *keep*, and make sure that it can be relied on.

    Stripe has said yes, but not to what: the effect is there, so nothing is recorded, and the same
    key, or a look once it is too old, tells what was done.

    Raises:
        UnknownOutcomeError: A field that is needed is missing, or of another type.
    """
    try:
        outcome = keep(answer)
    except (KeyError, TypeError, AttributeError, ValueError) as odd:
        raise _odd(answer, f"{type(odd).__name__}: {odd}") from None
    name, minor = outcome.get("id", "-"), outcome.get("minor", 0)
    if not isinstance(name, str) or not name:
        raise _odd(answer, "id is no identifier")
    if type(minor) is not int:
        raise _odd(answer, "amount is no whole number")
    return outcome


def _odd(answer: Mapping[str, Any], why: str) -> UnknownOutcomeError:
    kind = answer.get("object") if isinstance(answer.get("object"), str) else "object"
    msg = (
        f"Stripe's answer about a {kind} cannot be relied on ({why}); it is asked again when the "
        "order is resumed"
    )
    return UnknownOutcomeError(msg, code="answer_odd")
