"""
By which calls does money reach the Issuing balance, and leave it again?
"""

from __future__ import annotations

from .abilities import BalanceCheckedRoute, CheckedRoute
from .balance_transfers import Attributed, Attribution, BalanceTransfers
from .balances import insufficient, issuing_available
from .business_days import next_business_day
from .objects import BALANCE_TRANSFER, FUNDING_METADATA, REVERSAL, TRANSFER, is_balance_transfer
from .own_balance import BalanceTransferRoute
from .prefunded import PrefundedRoute
from .transfer import TransferRoute

__all__ = [
    "BALANCE_TRANSFER",
    "FUNDING_METADATA",
    "REVERSAL",
    "TRANSFER",
    "Attributed",
    "Attribution",
    "BalanceCheckedRoute",
    "BalanceTransferRoute",
    "BalanceTransfers",
    "CheckedRoute",
    "PrefundedRoute",
    "TransferRoute",
    "insufficient",
    "is_balance_transfer",
    "issuing_available",
    "next_business_day",
]
