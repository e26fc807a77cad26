"""
Is everything in place before the first real order?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

from attrs import frozen

from .exceptions import DisburseError, RefusedError
from .funding import BalanceFunder
from .ports import Clock
from .prepared import Answer
from .routes import DepositRoute, FollowedRoute
from .stripe_api import StripeAPI

Verdict = Literal["ok", "problem", "unknown", "by_hand"]

_REQUEST_EVENT = "issuing_authorization.request"
_BASIL = "2025-03-31"

BY_HAND = (
    ("time-out setting", "Dashboard, Issuing settings: decline authorizations when the webhook times out"),
    ("use case", "Stripe has approved who holds these cards and what they are for"),
    ("one endpoint", "exactly one endpoint answers issuing_authorization.request"),
)  # fmt: skip

PERMISSIONS = (
    "Issuing: cardholders, cards (write); authorizations, transactions, disputes (read)",
    "Connect: account, balance settings (read); transfers, balance transfers (write), or what your route calls",
    "Core: balance, balance transactions (read); for preflight also accounts and webhook endpoints (read)",
    "Core: ephemeral keys (write), for issuing_elements_key only",
)
"""The least a restricted key needs."""


@frozen(kw_only=True)
class Check:
    """
    One thing that was looked at.

    Attributes:
        name: What was looked at: ``issuing``, ``webhooks``, ``funding route``, ``balance``, …
        verdict: ``ok``; ``problem``; ``unknown``: Stripe did not say; ``by_hand`` where no API shows it.
        detail: What was found, or what to do.
    """

    name: str
    verdict: Verdict
    detail: str


@frozen(kw_only=True)
class Preflight:
    """
    What stands between this set-up and its first order.
    """

    account: str | None
    checks: tuple[Check, ...]

    @property
    def is_ready(self) -> bool:
        """
        Whether nothing that can be seen is wrong.
        """
        return not any(check.verdict == "problem" for check in self.checks)


@frozen(kw_only=True)
class Inspector:
    """
    Looks at what Stripe's API can show; changes nothing.
    """

    account: str | None
    api: StripeAPI
    funder: BalanceFunder
    clock: Clock

    def inspect(self, *, probe: bool = False) -> Preflight:
        """
        Run every check. See `issuing_disburse.Disburser.preflight`.
        """
        if probe:
            self.funder.clear(self.account)
        looks: tuple[tuple[str, Callable[[], Check]], ...] = (
            ("issuing", self._issuing),
            ("webhooks", self._webhooks),
            ("funding route", self._route),
            ("balance", self._balance),
        )
        checks = [self._guarded(name, look) for name, look in looks]
        checks += [Check(name=name, verdict="by_hand", detail=text) for name, text in BY_HAND]
        needed = "; ".join(PERMISSIONS)
        checks.append(Check(name="permissions", verdict="by_hand", detail=needed))
        return Preflight(account=self.account, checks=tuple(checks))

    def _guarded(self, name: str, look: Callable[[], Check]) -> Check:
        try:
            return look()
        except RefusedError as refusal:
            return Check(name=name, verdict="problem", detail=str(refusal))
        except DisburseError as unclear:
            return Check(name=name, verdict="unknown", detail=str(unclear))

    def _issuing(self) -> Check:
        """
        Look at the capability.

        Stripe: ``GET /v1/accounts/:id/capabilities/card_issuing``
        """
        name = "issuing"
        if self.account is None:
            self.api.get("/v1/issuing/cards", {"limit": 1}, account=None)
            return Check(name=name, verdict="ok", detail="the platform may use Issuing")
        path = f"/v1/accounts/{self.account}/capabilities/card_issuing"
        capability = self.api.get(path, account=None)
        if capability["status"] == "active":
            return Check(name=name, verdict="ok", detail="card_issuing is active")
        due = (capability.get("requirements") or {}).get("currently_due") or ()
        detail = f"card_issuing is {capability['status']}; due: {', '.join(due) or 'ask Stripe'}"
        return Check(name=name, verdict="problem", detail=detail)

    def _webhooks(self) -> Check:
        """
        Look for the endpoint that is asked.

        Stripe: ``GET /v1/webhook_endpoints``
        """
        name = "webhooks"
        asked = [
            one
            for one in self.api.pages("/v1/webhook_endpoints", {}, account=None)
            if _REQUEST_EVENT in one["enabled_events"] and one["status"] == "enabled"
        ]
        problems = list(_endpoint_problems(asked))
        if problems:
            return Check(name=name, verdict="problem", detail="; ".join(problems))
        names = ", ".join(one["id"] for one in asked)
        if len(asked) > 1:
            detail = f"{names} are asked; only one may be for this account: Stripe does not say whose answer counts"
            return Check(name=name, verdict="unknown", detail=detail)
        return Check(name=name, verdict="ok", detail=f"{names} is asked")

    def _route(self) -> Check:
        self.funder.check(self.account)
        route = self.funder.route
        detail = f"{type(route).__name__} can be used"
        if isinstance(route, DepositRoute):
            known = route.known_instructions(self.account)
            where = "; ".join(f"{one.currency} to {one}" for one in known)
            detail += f"; send {where}" if known else "; funding_needed() says where to send money"
        return Check(name="funding route", verdict="ok", detail=detail)

    def _balance(self) -> Check:
        if isinstance(self.funder.route, FollowedRoute):
            return self._issuing_balance()
        balance = self.api.get("/v1/balance", account=None)
        parts = ", ".join(f"{one['amount']} {one['currency']}" for one in balance["available"])
        has_money = any(one["amount"] > 0 for one in balance["available"])
        verdict: Verdict = "ok" if has_money else "problem"
        return Check(
            name="balance", verdict=verdict, detail=f"the platform has {parts or 'nothing'} (minor)"
        )

    def _issuing_balance(self) -> Check:
        """
        Look at the account's own money: a route from a bank does not touch the platform's.
        """
        issuing = self.api.get("/v1/balance", account=self.account).get("issuing") or {}
        parts = [f"{one['amount']} {one['currency']}" for one in issuing.get("available") or ()]
        detail = f"the Issuing balance has {', '.join(parts) or 'nothing yet'} (minor)"
        return Check(name="balance", verdict="ok", detail=detail)


def _endpoint_problems(asked: list[Answer]) -> Iterator[str]:
    if not asked:
        yield f"no enabled endpoint subscribes to {_REQUEST_EVENT}; '*' does not include it"
    for one in asked:
        version = one.get("api_version")
        if version is not None and version[: len(_BASIL)] < _BASIL:
            yield f"{one['id']} is pinned to {version}: before basil, expired looks like reversed"
