"""
What took or brought money although nobody could decline it any more, and how is it called?
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from attrs import frozen

from .facts import AuthorizationFacts, Facts, TransactionFacts

AlertKind: TypeAlias = Literal[
    "late_capture",
    "force_capture",
    "over_capture",
    "replaced_card_capture",
    "unlinked_refund",
    "dispute",
    "provisional_credit",
]


class Late(NamedTuple):
    """
    How much of one object came late, and in which way; minor units, never negative.
    """

    kind: AlertKind
    minor: int


@frozen(kw_only=True)
class Alert:
    """
    Something that a person should look at; it never stops anything.

    Attributes:
        object_id: Stripe's ``ipi_…`` or ``idp_…``; its ledger account is ``late:<object_id>``.
        minor: What it took (negative) or brought (positive), in minor units.
        covered_minor: How much of it the cards did not have, so that the account paid; minor units.
        remedy: What can be done about it.
    """

    kind: AlertKind
    object_id: str
    minor: int
    covered_minor: int = 0
    remedy: str = ""


REMEDIES: dict[AlertKind, str] = {
    "late_capture": "the authorization had ended before; dispute it if nothing was delivered",
    "force_capture": "nobody approved it; dispute it if the recipient does not know it",
    "over_capture": "the merchant took more than was approved; dispute the excess",
    "replaced_card_capture": "the card was dead already; the one that followed was lowered by it",
    "unlinked_refund": "it names no authorization; make sure that it belongs to this order",
    "dispute": "money of a dispute moved; follow it until it is won or lost",
    "provisional_credit": "the credit may be taken back until the dispute is decided",
}


def late_captures(facts: Facts) -> dict[str, Late]:
    """
    Return the captures that nobody could decline, by id, with how much of each is meant.

    Derived from the merged facts alone: the same facts name the same ones, in whatever order they
    came. Of a capture beyond what was approved only the excess is meant.
    """
    found: dict[str, Late] = {}
    captured: dict[str, int] = {}
    for one in facts.captures():
        authorization = facts.authorization(one.authorization)
        late = _late(facts, one, authorization, captured.get(one.authorization or "", 0))
        if one.authorization is not None:
            captured[one.authorization] = captured.get(one.authorization, 0) - one.minor
        if late is not None:
            found[one.id] = late
    return found


def _late(
    facts: Facts, one: TransactionFacts, authorization: AuthorizationFacts | None, before: int
) -> Late | None:
    taken = max(0, -one.minor)
    if authorization is None or not authorization.approved:
        return Late("force_capture", taken)
    if authorization.has_lapsed:
        return Late("late_capture", taken)
    over = min(taken, before + taken - authorization.amount_minor)
    if over > 0:
        return Late("over_capture", over)
    if one.card_id in facts.replaced:
        return Late("replaced_card_capture", 0)
    return None


def is_unlinked(refund: TransactionFacts) -> bool:
    """
    Tell whether a refund names no authorization.
    """
    return refund.authorization is None


def may_still_capture_minor(facts: Facts, authorization: AuthorizationFacts) -> int:
    """
    Return what a merchant may still take on an authorization that has ended, in minor units.

    A reversal to zero is certain; anything else that ended without its capture may still come.
    """
    if not authorization.approved or authorization.status == "pending":
        return 0
    taken = sum(-one.minor for one in facts.captures() if one.authorization == authorization.id)
    if taken and not authorization.has_lapsed:
        return 0
    return max(0, authorization.amount_minor - taken)
