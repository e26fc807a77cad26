"""
By which Stripe objects does money move, and how are they told apart?
"""

from __future__ import annotations

from typing import Any

from issuing_disburse.prepared import Answer

FUNDING_METADATA = "issuing_disburse_funding"

TRANSFER = "transfer"
REVERSAL = "transfer_reversal"
BALANCE_TRANSFER = "balance_transfer"
TOPUP = "topup"
TOPUP_REVERSAL = "topup_reversal"
PAYOUT = "payout"
PAYOUT_RETURN = "payout_return"
BANK_TRANSFER = "bank_transfer"

_OTHER_TYPES = ("issuing_", "topup", "payout")
_OTHER_SOURCES = (
    "iauth_",
    "ipi_",
    "idp_",
    "tu_",
    "po_",
    "tr_",
    "trr_",
    "py_",
    "pyr_",
    "ch_",
    "re_",
)


def is_balance_transfer(transaction: Answer) -> bool:
    """
    Tell whether a balance transaction may be a side of a balance transfer.

    Stripe states neither its type nor its source: it is what no other object is named for.
    """
    if str(transaction.get("type")).startswith(_OTHER_TYPES):
        return False
    name = id_of(transaction.get("source"))
    return name is None or not str(name).startswith(_OTHER_SOURCES)


def id_of(value: Any) -> str | None:
    """
    Return the id of what Stripe names by its id or shows whole.
    """
    return value.get("id") if isinstance(value, dict) else value
