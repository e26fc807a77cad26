"""
What about an authorization should a person look at, and what has Stripe decided in our place?
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

from attrs import frozen

from .decision import Decision
from .money import Money
from .rows import Row, account_key
from .terms import Terms

if TYPE_CHECKING:
    from .facts import AuthorizationFacts, Facts, TransactionFacts
    from .ports import Transaction

AuthorizationAlertKind: TypeAlias = Literal[
    "stand_in",
    "late",
    "contended",
    "error",
    "miss",
    "not_asked",
    "not_told",
    "unknown_claim",
    "amount_outside_terms",
]

KINDS: frozenset[str] = frozenset(get_args(AuthorizationAlertKind))

MISSES = frozenset({"webhook_timeout", "webhook_error", "network_fallback"})
"""Stripe's reasons for a decision that was not ours although there is an endpoint."""

_NOT_ASKED = "card_active"  # approved by Stripe, because no endpoint takes the question


@frozen(kw_only=True)
class AuthorizationAlert:
    """
    Something about one authorization that a person should look at; it never stops anything.

    Attributes:
        kind: ``stand_in``: the store did not answer, the stand-in did (or declined for want of one);
            ``late``: the time was up; ``contended``: too many at once; ``error``: a rule, the policy
            or we ourselves failed; ``miss``: Stripe or the network decided, see *code*;
            ``not_asked``: Stripe approved because it has no endpoint to ask; ``not_told``: our answer
            did not get through by the API; ``unknown_claim``: Stripe knows no such authorization;
            ``amount_outside_terms``: the network took another amount than the terms allow.
        object_id: The authorization ``iauth_…``, or the transaction ``ipi_…`` of a capture.
        code: What was decided, or Stripe's reason.
        at: UTC; when the merchant asked, or took.
        approved: Whether the purchase went on.
        amount: What it was about, minor units.
        policy: Fingerprint of the policy that was asked, if one was.
    """

    kind: AuthorizationAlertKind
    object_id: str
    card_id: str
    code: str
    at: datetime
    approved: bool
    account: str | None = None
    order_id: str = ""
    amount: Money | None = None
    message: str = ""
    policy: str = ""


@frozen(kw_only=True)
class AlertRecord(Row):
    """
    An alert, kept. The same one is kept once, whoever reports it.
    """

    KIND: ClassVar[str] = "alert"

    alert: AuthorizationAlert

    @property
    def key(self) -> str:
        """The object, the kind and the code."""
        alert = self.alert
        moment = f"{alert.at:%Y%m%d%H%M%S}"  # the same thing may happen to each increment
        return f"{moment}/{alert.object_id}/{alert.kind}/{alert.code[:100]}"

    @property
    def group(self) -> str:
        """The account."""
        return account_key(self.alert.account)

    @property
    def state(self) -> str:
        """The kind."""
        return self.alert.kind


def keep_alert(tx: Transaction, alert: AuthorizationAlert) -> None:
    """
    Keep *alert* inside *tx*, once, however often it is told.
    """
    record = AlertRecord(alert=alert)
    if tx.get(AlertRecord, record.key) is None:
        tx.put(record)


@frozen(kw_only=True)
class Misses:
    """
    The authorizations that Stripe or the network decided without our answer, oldest first.

    Attributes:
        alerts: Each with Stripe's reason as its code.
    """

    alerts: tuple[AuthorizationAlert, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """
        How many for each of Stripe's reasons.
        """
        return dict(sorted(Counter(one.code for one in self.alerts).items()))

    def __len__(self) -> int:
        return len(self.alerts)

    def __iter__(self) -> Iterator[AuthorizationAlert]:
        return iter(self.alerts)


def kind_of(decision: Decision) -> AuthorizationAlertKind | None:
    """
    Return as what a decision is to be looked at; ``None`` for an ordinary one.
    """
    if decision.code == "contended":
        return "contended"
    if decision.source == "stand_in":
        return "stand_in"
    if decision.source == "deadline":
        return "late"
    return "error" if decision.source == "error" else None


def decided_without_us(fact: AuthorizationFacts, currency: str) -> Iterator[AuthorizationAlert]:
    """
    Yield the questions that Stripe or the network decided by itself.
    """
    for verdict in fact.history:
        is_miss = verdict.reason in MISSES
        if is_miss or (verdict.reason == _NOT_ASKED and verdict.approved):
            word = "approved" if verdict.approved else "declined"
            yield AuthorizationAlert(
                kind="miss" if is_miss else "not_asked",
                object_id=fact.id,
                card_id=fact.card_id,
                code=verdict.reason,
                at=verdict.at,
                approved=verdict.approved,
                amount=Money(verdict.minor, currency),
                message=f"{word} without an answer of ours",
            )


def taken_outside_terms(
    fact: TransactionFacts, facts: Facts, terms: Terms, ordered: Money
) -> Iterator[AuthorizationAlert]:
    """
    Yield a capture by which a purchase as a whole costs more than the terms allow, or ends at less.

    Captures cannot be declined; so the amount is judged once more when the network has acted. A
    merchant may capture in parts: too little is told when the authorization is closed.
    """
    if fact.minor >= 0 or fact.type == "refund":
        return
    authorization = facts.authorization(fact.authorization)
    parts = [one for one in facts.captures() if one.authorization == fact.authorization]
    taken = -fact.minor if fact.authorization is None else sum(-one.minor for one in parts)
    low, high = terms.amount.bounds(ordered)
    is_over = authorization is not None and authorization.status == "closed"
    if taken > high:
        problem = f"{Money(taken, ordered.currency)} was taken, at most {Money(high, ordered.currency)} is allowed"
    elif taken < low and (is_over or authorization is None):
        problem = f"{Money(taken, ordered.currency)} was taken, at least {Money(low, ordered.currency)} was expected"
    else:
        return
    yield AuthorizationAlert(
        kind="amount_outside_terms",
        object_id=fact.id,
        card_id=fact.card_id,
        code="above_terms" if taken > high else "below_terms",
        at=fact.created,
        approved=True,
        amount=Money(taken, ordered.currency),
        message=problem,
    )
