"""
Which rules are there, ready to be put into a policy?

Amounts are minor units, days and hours those of UTC unless a *time_zone* is given. A setting that makes no
sense is an `InvalidInputError` when the rule is made.
"""

from __future__ import annotations

from issuing_disburse.on_demand import names_of as _names_of

TYPE_CHECKING = False  # what `typing` has, without loading it

if TYPE_CHECKING:
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

_NAMES_BY_ROOM = {
    "amounts": "AmountAtMost AmountBetween CurrencyIn OrderAmount OrderCurrency PartialApproval WithinRemaining",
    "categories": "CategoryIn CategoryNotIn MCCIn MCCNotIn OrderCategories",
    "checks": "AddressMatch Channel CVCMatch NetworkRiskAtMost OrderCardPresence ThreeDSecure Wallet",
    "combine": "all_of any_of unless",
    "countries": "CountryIn CountryNotIn OrderCountries",
    "merchants": "FirstMerchantOnly MerchantNameMatches MerchantNetworkId OrderMerchants",
    "status": "NotExpired OpenDisbursement SameCard",
    "uses": "UsesLeft",
    "velocity": "Velocity",
    "windows": "DatesBetween DaysOfWeek HoursBetween",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # so that a type checker still finds misspelt names
    __getattr__ = _names_of(globals(), _NAMES_BY_ROOM)

del TYPE_CHECKING
