"""
How many requests does Stripe take in a second, and against what is each one counted?
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, Self, TypeAlias

from attrs import field, frozen

from .exceptions import InvalidInputError

CountedBy: TypeAlias = Literal["account", "platform"]

PER_ENDPOINT = 25
PER_ACCOUNT_LIVE = 100
PER_ACCOUNT_TEST = 25
OWN = MappingProxyType({"POST /v1/payouts": 15})
"""Endpoints for which Stripe names a figure of their own."""

_NOUN = re.compile(r"v\d+|[a-z_]+", re.ASCII)
_ENDPOINT = re.compile(r"(?:GET|POST|DELETE) (?:/(?:v\d+|[a-z_]+|:id))+", re.ASCII)


def _check_count(name: str, value: Any) -> None:
    if type(value) is not int or value < 1:
        raise InvalidInputError(
            name, "is no whole number from 1", "say how many requests Stripe takes in a second"
        )


def _counted(limits: RateLimits, attribute: Any, value: Any) -> None:
    _check_count(f"rate_limits.{attribute.name}", value)


def _each_counted(limits: RateLimits, attribute: Any, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise InvalidInputError(
            "rate_limits.endpoints", "is no mapping", "pass {'POST /v1/payouts': 15}"
        )
    for name, most in value.items():
        if not isinstance(name, str) or not _ENDPOINT.fullmatch(name):
            raise InvalidInputError(
                "rate_limits.endpoints",
                "has a name that is no endpoint",
                "write it as 'POST /v1/payouts' or 'GET /v1/issuing/cards/:id'",
            )
        _check_count(f"rate_limits.endpoints[{name!r}]", most)


def _known(limits: RateLimits, attribute: Any, value: Any) -> None:
    if value not in ("account", "platform"):
        raise InvalidInputError(
            "rate_limits.counted_by", "is unknown", "use 'account' or 'platform'"
        )


def _yes_or_no(limits: RateLimits, attribute: Any, value: Any) -> None:
    if type(value) is not bool:
        raise InvalidInputError(
            "rate_limits.shared", "is neither True nor False", "use one of them"
        )


@frozen(kw_only=True)
class RateLimits:
    """
    What Stripe allows; the library stays under it, so that nothing is refused with 429.

    Stripe's page names 100 requests a second for a live account, 25 in a sandbox, and 25 for each
    endpoint unless it says otherwise. It does not say against which account a request with
    ``Stripe-Account`` is counted; a 429 slows down what it names in either case.

    >>> RateLimits(per_account=400, per_endpoint=100).endpoints["POST /v1/payouts"]
    15

    Attributes:
        per_account: Requests a second for each account.
        per_endpoint: Requests a second for each endpoint of each account.
        endpoints: Other figures for some endpoints, such as ``{"POST /v1/payouts": 15}``.
        counted_by: ``platform`` counts requests for connected accounts against the platform.
        shared: Whether all processes with the same store share the limits, by its tables: one or two short
            transactions for each request. Otherwise each process uses all of them.
    """

    per_account: int = field(validator=_counted)
    per_endpoint: int = field(default=PER_ENDPOINT, validator=_counted)
    endpoints: Mapping[str, int] = field(default=OWN, validator=_each_counted)
    counted_by: CountedBy = field(default="account", validator=_known)
    shared: bool = field(default=False, validator=_yes_or_no)

    @classmethod
    def by_mode(cls, *, is_livemode: bool) -> Self:
        """
        Return what Stripe allows unless it was asked for more.
        """
        return cls(per_account=PER_ACCOUNT_LIVE if is_livemode else PER_ACCOUNT_TEST)

    def of(self, endpoint: str) -> int:
        """
        Return how many requests a second *endpoint* takes.
        """
        return self.endpoints.get(endpoint, self.per_endpoint)


@lru_cache(maxsize=1024)
def endpoint_of(method: str, path: str) -> str:
    """
    Return the name of the operation behind a request: ids are ``:id``, the query is left out.

    >>> endpoint_of("get", "/v1/issuing/cards/ic_1Abc?expand=x")
    'GET /v1/issuing/cards/:id'
    """
    parts = path.partition("?")[0].split("/")
    shown = [part if not part or _NOUN.fullmatch(part) else ":id" for part in parts]
    return f"{method.upper()} {'/'.join(shown)}"
