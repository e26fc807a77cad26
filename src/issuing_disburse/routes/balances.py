"""
What does an account have, and how much is missing?
"""

from __future__ import annotations

from collections.abc import Sequence

from issuing_disburse.exceptions import InsufficientIssuingBalanceError
from issuing_disburse.money import Money
from issuing_disburse.ports import FundingReceipt
from issuing_disburse.prepared import Answer


def issuing_available(balance: Answer, currency: str) -> Money:
    """
    Read what the Issuing balance has available, in minor units; an absent one is empty.

    Stripe: ``GET /v1/balance``
    """
    return available(balance.get("issuing") or {}, currency)


def available(part: Answer, currency: str) -> Money:
    """
    Read what one part of a balance has available, in minor units.
    """
    minor = sum(one["amount"] for one in part.get("available") or () if one["currency"] == currency)
    return Money(minor, currency)


def at_most_brought(amount: Money, receipts: Sequence[FundingReceipt], kind: str) -> Money:
    """
    Return *amount*, or what the movements of that *kind* in *receipts* still have, if that is less.
    """
    brought = sum(one.minor for receipt in receipts for one in receipt.moved if one.object == kind)
    return Money(max(0, min(amount.minor, brought)), amount.currency)


def insufficient(
    *, available: Money, promised: Money, wanted: Money, whose: str, request_id: str | None = None
) -> InsufficientIssuingBalanceError:
    """
    Build the error that says how much is missing.
    """
    missing = wanted + promised - available
    error = InsufficientIssuingBalanceError(
        f"{whose} has {available} available, {promised} of it promised; {wanted} is needed, "
        f"{missing} is missing. Add funds and disburse the same order again",
        code="balance_insufficient",
        stripe_request_id=request_id,
    )
    error.available, error.promised, error.missing = available, promised, missing
    error.whose = whose
    return error
