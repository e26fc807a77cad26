"""
By which calls does money reach the Issuing balance, and leave it again?
"""

from __future__ import annotations

from .abilities import (
    BalanceCheckedRoute,
    CheckedRoute,
    ConnectedRoute,
    DepositRoute,
    Fate,
    FollowedRoute,
    SharedRoute,
)
from .balance_transfers import Attributed, Attribution, BalanceTransfers
from .balances import insufficient, issuing_available
from .business_days import next_business_day
from .instructions import Deposit, FundingInstructions
from .objects import (
    BALANCE_TRANSFER,
    BANK_TRANSFER,
    FUNDING_METADATA,
    PAYOUT,
    PAYOUT_RETURN,
    REVERSAL,
    TOPUP,
    TOPUP_REVERSAL,
    TRANSFER,
    is_balance_transfer,
)
from .own_balance import BalanceTransferRoute
from .prefunded import PrefundedRoute
from .push import PushRoute
from .topup import TopUpRoute
from .transfer import TransferRoute

__all__ = [
    "BALANCE_TRANSFER",
    "BANK_TRANSFER",
    "FUNDING_METADATA",
    "PAYOUT",
    "PAYOUT_RETURN",
    "REVERSAL",
    "TOPUP",
    "TOPUP_REVERSAL",
    "TRANSFER",
    "Attributed",
    "Attribution",
    "BalanceCheckedRoute",
    "BalanceTransferRoute",
    "BalanceTransfers",
    "CheckedRoute",
    "ConnectedRoute",
    "Deposit",
    "DepositRoute",
    "Fate",
    "FollowedRoute",
    "FundingInstructions",
    "PrefundedRoute",
    "PushRoute",
    "SharedRoute",
    "TopUpRoute",
    "TransferRoute",
    "insufficient",
    "is_balance_transfer",
    "issuing_available",
    "next_business_day",
]
