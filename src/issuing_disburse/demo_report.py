"""
What happened in the demo, and do its books balance?
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias

from attrs import frozen

from .disbursement import Disbursement
from .money import Money
from .reclamation import Reclamation
from .reconcile import Reconciliation
from .statements import Statement

Action: TypeAlias = Literal["authorize", "capture", "void", "lapse", "refund"]
Outcome: TypeAlias = Literal["approved", "declined", "done"]
Decider: TypeAlias = Literal["policy", "stripe", "merchant"]

COLUMNS = ("funded", "spent", "refunded", "reclaimed", "held", "remaining")
"""The columns of the closing statement, in order."""

FIGURES = (*COLUMNS, "disputed", "covered")
"""All figures of a statement; the last two are nothing, as a rule."""


@frozen(kw_only=True)
class Event:
    """
    One thing that a merchant did with a card.

    Attributes:
        at: UTC, by the simulated clock.
        decided_by: The policy (by webhook), Stripe alone (its own controls come first), or, where
            nobody is asked, the merchant.
        reason: Why it was approved or declined, as a code; with the policy's own words behind it.
    """

    at: datetime
    order_id: str
    last4: str
    merchant: str
    action: Action
    amount: Money
    outcome: Outcome
    decided_by: Decider
    reason: str = ""


@frozen(kw_only=True)
class Refusal:
    """
    An order that got no card, and why.
    """

    order_id: str
    message: str


@frozen(kw_only=True)
class DemoReport:
    """
    The whole story in figures.

    Attributes:
        issued: As it stood when the cards had been issued.
        closed: As it stood at the end, in the same order as *statements*.
        platform_before: The platform's balance at Stripe before the first order, in minor units.
        platform_after: And at the end.
        issuing_after: What is left on the connected account's Issuing balance.
    """

    seed: int
    account: str
    currency: str
    started_at: datetime
    ended_at: datetime
    issued: tuple[Disbursement, ...]
    refused: tuple[Refusal, ...]
    events: tuple[Event, ...]
    reclamations: tuple[Reclamation, ...]
    closed: tuple[Disbursement, ...]
    statements: tuple[Statement, ...]
    reconciliation: Reconciliation
    platform_before: Money
    platform_after: Money
    issuing_after: Money

    def total(self, column: str) -> Money:
        """
        Add up one figure of all statements, such as ``"spent"``.
        """
        minor = sum(getattr(statement, column).minor for statement in self.statements)
        return Money(minor, self.currency)

    @property
    def unexplained(self) -> Money:
        """
        What the statements do not explain of the change in Stripe's own balances; zero, one hopes.
        """
        gone = self.platform_before - self.platform_after - self.issuing_after
        net_spent = self.total("spent") - self.total("refunded") - self.total("disputed")
        return gone - net_spent - self.total("held")

    @property
    def is_balanced(self) -> bool:
        """
        Whether every statement adds up, Stripe agrees object by object, and no cent is unexplained.
        """
        return (
            all(statement.is_balanced for statement in self.statements)
            and not self.reconciliation.discrepancies
            and self.unexplained.is_zero
        )


def money(amount: Money) -> dict[str, int | str]:
    """
    Write an amount for JSON: minor units and currency.
    """
    return {"minor": amount.minor, "currency": amount.currency}


def when(moment: datetime | None) -> str | None:
    """
    Write a time for JSON: ISO 8601, UTC.
    """
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def disbursement_document(one: Disbursement) -> dict[str, object]:
    """
    Write a disbursement for JSON; of the card only what may be logged.
    """
    card, reason = one.card_or_none, one.reason
    return {
        "order_id": one.order_id,
        "status": one.status.value,
        "amount": money(one.amount),
        "last4": card and card.last4,
        "created_at": when(one.created_at),
        "expires_at": when(one.expires_at),
        "attempt": one.attempt,
        "reason": reason
        and {
            "code": reason.code,
            "message": reason.message,
            "remedy": reason.remedy,
            "stripe_request_id": reason.stripe_request_id,
            "retry_at": when(reason.retry_at),
        },
    }


def statement_document(statement: Statement) -> dict[str, object]:
    """
    Write a statement for JSON, without its ledger entries.
    """
    return {
        "order_id": statement.order_id,
        "status": statement.status.value,
        **{name: money(getattr(statement, name)) for name in FIGURES},
        "is_balanced": statement.is_balanced,
    }


def reclamation_document(one: Reclamation) -> dict[str, object]:
    """
    Write what became of one rest for JSON.
    """
    return {
        "order_id": one.order_id,
        "outcome": one.outcome,
        "status": one.status.value,
        "reclaimed": money(one.reclaimed),
        "held": money(one.held),
        "look_again_at": when(one.look_again_at),
        "message": one.message,
    }


def reconciliation_document(done: Reconciliation) -> dict[str, object]:
    """
    Write a reconciliation for JSON.
    """
    return {
        "account": done.account,
        "at": when(done.at),
        "since": when(done.since),
        "until": when(done.until),
        "matched": done.matched,
        "reads": done.reads,
        "notes": list(done.notes),
        "differences": [
            {
                "kind": one.kind,
                "object_id": one.object_id,
                "here": money(one.here),
                "there": money(one.there),
                "age_seconds": one.age_seconds,
                "severity": one.severity,
                "action": one.action,
                "remedy": one.remedy,
                "object_type": one.object_type,
                "here_status": one.here_status,
                "there_status": one.there_status,
                "order_id": one.order_id,
            }
            for one in done.discrepancies
        ],
    }


def report_document(report: DemoReport) -> Mapping[str, object]:
    """
    Write the whole story for JSON: the same facts as on the screen.
    """
    return {
        "seed": report.seed,
        "account": report.account,
        "currency": report.currency,
        "started_at": when(report.started_at),
        "ended_at": when(report.ended_at),
        "issued": [disbursement_document(one) for one in report.issued],
        "refused": [{"order_id": one.order_id, "message": one.message} for one in report.refused],
        "events": [_event(one) for one in report.events],
        "reclamations": [reclamation_document(one) for one in report.reclamations],
        "statements": [
            {**statement_document(statement), "last4": one.card_or_none and one.card_or_none.last4}
            for statement, one in zip(report.statements, report.closed, strict=True)
        ],
        "totals": {name: money(report.total(name)) for name in FIGURES},
        "reconciliation": reconciliation_document(report.reconciliation),
        "platform_before": money(report.platform_before),
        "platform_after": money(report.platform_after),
        "issuing_after": money(report.issuing_after),
        "unexplained": money(report.unexplained),
        "is_balanced": report.is_balanced,
    }


def _event(one: Event) -> dict[str, object]:
    return {
        "at": when(one.at),
        "order_id": one.order_id,
        "last4": one.last4,
        "merchant": one.merchant,
        "action": one.action,
        "amount": money(one.amount),
        "outcome": one.outcome,
        "decided_by": one.decided_by,
        "reason": one.reason,
    }
