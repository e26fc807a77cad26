"""
What happened, as values that an application can act upon?

None of them holds a card number, a name or an address. They are told after the commit, so what they
say is stored; the books do not depend on anybody hearing them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from attrs import frozen

from .money import Money
from .reconcile import Discrepancy


@frozen(kw_only=True)
class DomainEvent:
    """
    Something that happened on one account; subscribe to it to hear of everything.

    Attributes:
        at: UTC; when we booked it.
        account: The connected account; ``None`` is the platform itself.
    """

    at: datetime
    account: str | None


@frozen(kw_only=True)
class OrderEvent(DomainEvent):
    """
    Something that happened to one order.
    """

    order_id: str


@frozen(kw_only=True)
class Issued(OrderEvent):
    """
    A card was issued; *generation* 2 and more are reissued ones.
    """

    card_id: str
    amount: Money
    generation: int = 1


@frozen(kw_only=True)
class Approved(OrderEvent):
    """
    Stripe says that an authorization was approved, whoever decided.
    """

    card_id: str
    authorization_id: str
    amount: Money
    merchant: str = ""


@frozen(kw_only=True)
class Declined(OrderEvent):
    """
    Stripe says that an authorization was declined. May be told again if Stripe delivers again.

    Attributes:
        reason: Stripe's word, such as ``webhook_declined`` or ``card_inactive``.
        code: Our policy's word, if it was the policy that declined.
    """

    card_id: str
    authorization_id: str
    amount: Money
    reason: str
    code: str = ""
    merchant: str = ""


@frozen(kw_only=True)
class Spent(OrderEvent):
    """
    A merchant collected.
    """

    card_id: str
    transaction_id: str
    amount: Money
    authorization_id: str | None = None
    merchant: str = ""


@frozen(kw_only=True)
class Voided(OrderEvent):
    """
    An authorization ended without being collected; an ``expired`` one may still be.

    Attributes:
        amount: What was held until then.
    """

    card_id: str
    authorization_id: str
    amount: Money
    status: str


@frozen(kw_only=True)
class Refunded(OrderEvent):
    """
    A merchant gave money back; a negative amount takes an earlier refund back.
    """

    card_id: str
    transaction_id: str
    amount: Money
    merchant: str = ""


@frozen(kw_only=True)
class CapturedBeyond(OrderEvent):
    """
    A capture took more than was agreed: subscribe to it to hear of all kinds.

    Attributes:
        amount: What it took.
        beyond: The part of it that came late, forced, or beyond what was approved.
        remedy: What can be done about it.
    """

    transaction_id: str
    amount: Money
    beyond: Money
    remedy: str = ""


@frozen(kw_only=True)
class CapturedLate(CapturedBeyond):
    """
    It came after the authorization had ended, or on a card that had been replaced.
    """


@frozen(kw_only=True)
class OverCaptured(CapturedBeyond):
    """
    It took more than was approved.
    """


@frozen(kw_only=True)
class ForceCaptured(CapturedBeyond):
    """
    Nobody was asked.
    """


@frozen(kw_only=True)
class Disputed(OrderEvent):
    """
    A dispute moved money, or its status changed.

    Attributes:
        amount: What it has brought back so far.
    """

    dispute_id: str
    amount: Money
    status: str


@frozen(kw_only=True)
class Reclaimed(OrderEvent):
    """
    What was left on an order's cards was taken back.
    """

    amount: Money


@frozen(kw_only=True)
class DifferenceFound(DomainEvent):
    """
    A reconciliation found a difference.
    """

    difference: Discrepancy


@frozen(kw_only=True)
class BalanceLow(DomainEvent):
    """
    What is on the Issuing balance and promised to nobody has fallen below a threshold.
    """

    free: Money
    threshold: Money


EventName = Literal[
    "issued", "approved", "declined", "spent", "voided", "refunded", "captured_late",
    "over_captured", "force_captured", "disputed", "reclaimed", "difference_found", "balance_low",
]  # fmt: skip

NAMES: dict[type[DomainEvent], EventName] = {
    Issued: "issued",
    Approved: "approved",
    Declined: "declined",
    Spent: "spent",
    Voided: "voided",
    Refunded: "refunded",
    CapturedLate: "captured_late",
    OverCaptured: "over_captured",
    ForceCaptured: "force_captured",
    Disputed: "disputed",
    Reclaimed: "reclaimed",
    DifferenceFound: "difference_found",
    BalanceLow: "balance_low",
}
"""Every event that is told, with the name it has in logs and metrics."""
