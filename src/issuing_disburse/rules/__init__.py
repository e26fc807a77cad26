"""
Which rules are there, ready to be put into a policy?
"""

from __future__ import annotations

from .amounts import (
    AmountAtMost,
    AmountBetween,
    CurrencyIn,
    OrderAmount,
    OrderCurrency,
    PartialApproval,
    WithinRemaining,
)
from .categories import OrderCategories
from .checks import OrderCardPresence
from .countries import OrderCountries
from .merchants import FirstMerchantOnly, OrderMerchants
from .status import NotExpired, OpenDisbursement
from .uses import UsesLeft

__all__ = [
    "AmountAtMost",
    "AmountBetween",
    "CurrencyIn",
    "FirstMerchantOnly",
    "NotExpired",
    "OpenDisbursement",
    "OrderAmount",
    "OrderCardPresence",
    "OrderCategories",
    "OrderCountries",
    "OrderCurrency",
    "OrderMerchants",
    "PartialApproval",
    "UsesLeft",
    "WithinRemaining",
]
