"""
Is what a caller hands to the disburser of the kind that it must be, before anything is done with it?
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from .exceptions import InvalidInputError
from .hidden import Hidden
from .money import Money

_API_KEY = re.compile(r"[sr]k_(test|live)_[!-~]+", re.ASCII)
_ANY_KEY = re.compile(r"[srp]k_(?:test|live)_")
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(?:[.;][!-~ ]*)?", re.ASCII)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PROBE_MOST_MINOR = 10_000  # a test of a card, not a purchase


def mode_of(key: Hidden) -> bool:
    """
    Return whether *key* is a live one.

    Raises:
        InvalidInputError: It is no secret or restricted key.
    """
    text: object = key.revealed()
    found = _API_KEY.fullmatch(text) if isinstance(text, str) else None
    del text  # error reporters keep the variables of frames they find in a traceback
    if found is None:
        raise InvalidInputError(
            "api_key",
            "is no secret or restricted key of Stripe's",
            "pass sk_test_…, sk_live_… or rk_…",
        )
    return found[1] == "live"


def check_secrets(secrets: Hidden | Iterable[Hidden]) -> None:
    """
    Refuse an API key in the place of a signing secret; its rest is checked where it is used.
    """
    each = (secrets,) if isinstance(secrets, Hidden) else tuple(secrets)
    if any(_ANY_KEY.match(str(one.revealed())) for one in each):
        raise InvalidInputError(
            "webhook_secret",
            "is an API key",
            "pass the endpoint's signing secret, which begins with 'whsec_'",
        )


def check_account(account: Any) -> None:
    """
    Refuse what is no id of an account.
    """
    if account is not None and (not isinstance(account, str) or not account.startswith("acct_")):
        raise InvalidInputError(
            "account", "is no account id", "pass 'acct_…', or None for the platform's own balance"
        )


def check_answering(answer_by: Any, probe_max_minor: Any) -> None:
    """
    Refuse an unknown way to answer, and a test of a card that would be a purchase.
    """
    if answer_by not in ("webhook", "api"):
        raise InvalidInputError("answer_by", "is unknown", "use 'webhook' or 'api'")
    if type(probe_max_minor) is not int or not 0 <= probe_max_minor <= _PROBE_MOST_MINOR:
        raise InvalidInputError(
            "probe_max_minor", "must be a whole number from 0 to 10000", "use 100, Stripe's 1 USD"
        )


def check_parts(
    *, policy: Any, route: Any, reclaim_policy: Any, others: Any, http_client: Any
) -> None:
    """
    Refuse a part that lacks what will be called, or is a class where an object is meant.
    """
    for name, part, methods, remedy in (
        ("policy", policy, ("answer", "decide"), "pass an AuthorizationPolicy"),
        ("route", route, ("fund", "give_back"), "pass a FundingRoute, such as PrefundedRoute(...)"),
        ("reclaim_policy", reclaim_policy, ("is_over",), "pass ReclaimPolicy(...)"),
        ("others", others, ("__call__",), "pass a function of the event"),
        ("http_client", http_client, ("request",), "pass a stripe.HTTPClient, or leave it out"),
    ):
        if part is None:
            continue
        if isinstance(part, type):
            raise InvalidInputError(name, f"is the class {part.__name__}", "pass an object of it")
        if not all(callable(getattr(part, method, None)) for method in methods):
            raise InvalidInputError(name, f"{type(part).__name__} is none", remedy)


def check_time(*, clock: Any, sleep: Any, timer: Any, lease_seconds: Any) -> None:
    """
    Refuse a clock that is none or has no zone, and a lease of no length.
    """
    for name, part in (("clock", clock), ("sleep", sleep), ("timer", timer)):
        if not callable(part):
            raise InvalidInputError(name, f"{type(part).__name__} is no function", "pass one")
        if inspect.iscoroutinefunction(part):  # such as asyncio.sleep: it would not wait at all
            raise InvalidInputError(name, "is awaited", "pass a plain function, such as time.sleep")
    now = clock()
    if not isinstance(now, datetime) or now.utcoffset() is None:
        raise InvalidInputError(
            "clock", "returns no time with a zone", "pass lambda: datetime.now(UTC)"
        )
    is_number = isinstance(lease_seconds, int | float) and not isinstance(lease_seconds, bool)
    if not is_number or not math.isfinite(lease_seconds) or lease_seconds <= 0:
        raise InvalidInputError("lease_seconds", "is no positive number", "use 120")


def check_limits(limits: Any) -> None:
    """
    Refuse rate limits that are a bare number: of which account, and of which endpoint?
    """
    if limits in (None, "by_mode"):
        return
    from .rate_limits import RateLimits  # noqa: PLC0415 - few pass their own

    if not isinstance(limits, RateLimits):
        raise InvalidInputError(
            "rate_limits",
            f"{type(limits).__name__} is no RateLimits",
            "pass RateLimits(per_account=…)",
        )


def check_address(api_base: Any, *, preview_version: Any, is_livemode: bool) -> None:
    """
    Refuse an address that is none or would show a live key to the network, and an unknown version.
    """
    if not isinstance(preview_version, str) or not _VERSION.fullmatch(preview_version):
        raise InvalidInputError(
            "preview_version", "is no version of Stripe's API", "write it as '2026-10-14.preview'"
        )
    if api_base is None:
        return
    from urllib.parse import urlsplit  # noqa: PLC0415 - few pass an address

    try:
        parts = urlsplit(api_base) if isinstance(api_base, str) else None
        host = parts.hostname if parts else None
    except ValueError:
        parts = host = None
    if parts is None or parts.scheme not in ("http", "https") or not host:
        raise InvalidInputError("api_base", "is no address", "write it as 'http://127.0.0.1:12111'")
    if parts.path.rstrip("/").endswith("/v1"):
        raise InvalidInputError("api_base", "ends with a version", "leave out '/v1', it is added")
    if is_livemode and parts.scheme == "http" and host not in _LOOPBACK:
        raise InvalidInputError(
            "api_base", "would show a live key to the network", "use https, or a test key"
        )


def thresholds(low_balance: Any) -> tuple[Money, ...]:
    """
    Return the amounts of *low_balance*, one or several.
    """
    is_one = isinstance(low_balance, Money) or not isinstance(low_balance, Iterable)
    given = (low_balance,) if is_one else tuple(low_balance)
    if not all(isinstance(one, Money) for one in given):
        raise InvalidInputError("low_balance", "is no amount of money", "pass Money.of(...)")
    return given


def check_period(since: Any, until: Any) -> None:
    """
    Refuse times without a zone, and a period that ends before it begins.
    """
    for name, value in (("since", since), ("until", until)):
        if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
            raise InvalidInputError(name, "is no time with a zone", "pass an aware datetime")
    if since is not None and until is not None and since >= until:
        raise InvalidInputError("until", "is not after since", "pass the end of the period")


def check_limit(limit: Any) -> None:
    """
    Refuse a limit that is no positive count.
    """
    if limit is not None and (type(limit) is not int or limit < 1):
        raise InvalidInputError(
            "limit", "must be a whole number from 1", "pass one, or leave it out for all"
        )


def check_kind(name: str, value: Any, kind: type) -> None:
    """
    Refuse what is no *kind*, by the name of the argument.
    """
    if not isinstance(value, kind):
        raise InvalidInputError(
            name, f"{type(value).__name__} is no {kind.__name__}", f"pass {kind.__name__}(...)"
        )


def check_count(name: str, value: Any, *, most: int) -> None:
    """
    Refuse what is no whole number from 1 to *most*.
    """
    if type(value) is not int or not 1 <= value <= most:
        raise InvalidInputError(name, f"must be a whole number from 1 to {most}", "leave it out")
