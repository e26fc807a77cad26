"""
Which error of ours is one of the SDK's?
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .exceptions import (
    DisburseError,
    NotPermittedError,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
)

if TYPE_CHECKING:
    import stripe

_MESSAGE_MAX = 400


def translated(exc: stripe.StripeError, *, is_effect: bool) -> DisburseError:
    """
    Return our error for one of the SDK's, without bodies, headers or inner frames.

    Args:
        is_effect: Whether the request may have changed something at Stripe.
    """
    status = exc.http_status
    detail = exc.error
    code = exc.code or (detail.code if detail else None)
    headers = _lowered(exc.headers or {})
    message = (detail.message if detail and detail.message else "Stripe gave no reason")[
        :_MESSAGE_MAX
    ]
    context: dict[str, Any] = {
        "stripe_request_id": headers.get("request-id"),
        "code": code,
        "param": getattr(exc, "param", None) or (detail.param if detail else None),
    }
    if status is None:
        lost = "no answer came from Stripe"
        return (UnknownOutcomeError if is_effect else UnavailableError)(lost, **context)
    if status in {401, 403}:
        forbidden = NotPermittedError(message, **context)
        forbidden.is_recorded = headers.get("idempotent-replayed") == "true"
        return forbidden
    if status in {409, 429} or code == "rate_limit":  # rate limits have come as 400, too
        return UnavailableError(message, **context)
    if 400 <= status < 500 and status != 424:  # noqa: PLR2004  # 424: a dependency of Stripe's failed
        refused = RefusedError(message, **context)
        kind = detail.type if detail else None
        refused.is_replayed = (
            headers.get("idempotent-replayed") == "true" or kind == "idempotency_error"
        )
        return refused
    return failed(status, headers, is_effect=is_effect, code=code, param=context["param"])


def too_many(exc: stripe.StripeError) -> str | None:
    """
    Return what Stripe counts too many requests of; ``None`` for any other error.

    An object that another request holds (``lock_timeout``) is answered with 429, too: that is no rate.
    """
    detail = exc.error
    code = exc.code or (detail.code if detail else None)
    if (exc.http_status != 429 and code != "rate_limit") or code == "lock_timeout":  # noqa: PLR2004
        return None
    return _lowered(exc.headers or {}).get("stripe-rate-limited-reason") or "global-rate"


def failed(
    status: int,
    headers: Mapping[str, str],
    *,
    is_effect: bool,
    code: str | None = None,
    param: str | None = None,
) -> UnavailableError:
    """
    Return the error for an answer that is a failure of Stripe's, or that nobody can read.
    """
    lowered = _lowered(headers)
    reason = "Stripe failed" if status >= 500 else "Stripe's answer could not be read"  # noqa: PLR2004
    unknown = (UnknownOutcomeError if is_effect else UnavailableError)(
        f"{reason} (HTTP {status})",
        stripe_request_id=lowered.get("request-id"),
        code=code,
        param=param,
    )
    unknown.is_recorded = is_effect and (
        lowered.get("stripe-should-retry") == "false"
        or lowered.get("idempotent-replayed") == "true"
    )
    return unknown


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
