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
from .categories import CategoryIn, CategoryNotIn, MCCIn, MCCNotIn, OrderCategories
from .checks import (
    AddressMatch,
    Channel,
    CVCMatch,
    NetworkRiskAtMost,
    OrderCardPresence,
    ThreeDSecure,
    Wallet,
)
from .combine import all_of, any_of, unless
from .countries import CountryIn, CountryNotIn, OrderCountries
from .merchants import FirstMerchantOnly, MerchantNameMatches, MerchantNetworkId, OrderMerchants
from .status import NotExpired, OpenDisbursement, SameCard
from .uses import UsesLeft
from .velocity import Velocity
from .windows import DatesBetween, DaysOfWeek, HoursBetween

__all__ = [
    "AddressMatch",
    "AmountAtMost",
    "AmountBetween",
    "CVCMatch",
    "CategoryIn",
    "CategoryNotIn",
    "Channel",
    "CountryIn",
    "CountryNotIn",
    "CurrencyIn",
    "DatesBetween",
    "DaysOfWeek",
    "FirstMerchantOnly",
    "HoursBetween",
    "MCCIn",
    "MCCNotIn",
    "MerchantNameMatches",
    "MerchantNetworkId",
    "NetworkRiskAtMost",
    "NotExpired",
    "OpenDisbursement",
    "OrderAmount",
    "OrderCardPresence",
    "OrderCategories",
    "OrderCountries",
    "OrderCurrency",
    "OrderMerchants",
    "PartialApproval",
    "SameCard",
    "ThreeDSecure",
    "UsesLeft",
    "Velocity",
    "Wallet",
    "WithinRemaining",
    "all_of",
    "any_of",
    "unless",
]
