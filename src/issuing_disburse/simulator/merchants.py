"""
Who sells, in which category and currency, and what do they say about the purchase?
"""

from collections.abc import Mapping
from types import MappingProxyType

from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.merchant_categories import CODES, DEFAULT_CATEGORY
from issuing_disburse.simulator.purchase_details import Decimal
from issuing_disburse.simulator.schema import Boolean, Choice, Hash, Integer, Node, Params, Text
from issuing_disburse.simulator.world import Call, Wire

ZERO_DECIMAL = frozenset(
    [
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    ]
)


def _check_category(value: str, name: str) -> None:
    if value not in CODES:
        raise ApiError(f"Invalid {name}: must be one of the merchant categories.", param=name)


MERCHANT_DATA = Hash(
    {
        "category": Text(check=_check_category),
        "city": Text(clearable=True),
        "country": Text(longest=3),
        "name": Text(clearable=True),
        "network_id": Text(),
        "postal_code": Text(clearable=True),
        "state": Text(clearable=True),
        "terminal_id": Text(clearable=True),
        "url": Text(clearable=True),
    }
)
_CHECK = Choice({"match", "mismatch", "not_provided"})
VERIFICATION_DATA = Hash(
    {
        "address_line1_check": _CHECK,
        "address_postal_code_check": _CHECK,
        "authentication_exemption": Hash(
            {
                "claimed_by": Choice({"acquirer", "issuer"}, required=True),
                "type": Choice(
                    {"low_value_transaction", "transaction_risk_analysis", "unknown"},
                    required=True,
                ),
            }
        ),
        "cvc_check": _CHECK,
        "expiry_check": _CHECK,
        "three_d_secure": Hash(
            {
                "result": Choice(
                    {"attempt_acknowledged", "authenticated", "failed", "required"}, required=True
                )
            }
        ),
    },
    exclusive=(("authentication_exemption", "three_d_secure"),),
)
_LEVEL = Choice({"elevated", "highest", "low", "normal", "not_assessed", "unknown"}, required=True)
_RISK: dict[str, Node] = {
    "card_testing_risk": Hash(
        {
            "invalid_account_number_decline_rate_past_hour": Integer(least=0, most=10_000),
            "invalid_credentials_decline_rate_past_hour": Integer(least=0, most=10_000),
            "level": _LEVEL,
        }
    ),
    "fraud_risk": Hash({"level": _LEVEL, "score": Decimal()}),
    "merchant_dispute_risk": Hash({"dispute_rate": Integer(least=0, most=10_000), "level": _LEVEL}),
}
RISK_ASSESSMENT = Hash(_RISK)
CONTROLLABLE = Boolean()


def merchant_wire(call: Call, asked: Params | None) -> tuple[Wire, str]:
    """
    Return what Stripe shows of a merchant, and its category.
    """
    if not asked:
        country = call.account.country
        if country not in _USUAL:
            _USUAL[country] = _merchant({}, DEFAULT_CATEGORY, country)
        return _USUAL[country], DEFAULT_CATEGORY
    category = asked.get("category", DEFAULT_CATEGORY)
    return _merchant(asked, category, call.account.country), category


_USUAL: dict[str, Wire] = {}


_AT_HOME: Mapping[str, str] = MappingProxyType(
    {"city": "San Francisco", "postal_code": "94107", "state": "CA"}
)


def _merchant(given: Params, category: str, country: str) -> Wire:
    country = given.get("country", country)
    given = {**(_AT_HOME if country.upper() in {"US", "USA"} else {}), **given}
    return {
        "category": category,
        "category_code": CODES[category],
        "city": given.get("city"),
        "country": country,
        "name": given.get("name", "Rocket Rides"),
        "network_id": given.get("network_id", "1234567890"),
        "postal_code": given.get("postal_code"),
        "state": given.get("state"),
        "tax_id": None,
        "terminal_id": given.get("terminal_id"),
        "url": given.get("url"),
    }


def verification_wire(asked: Params | None) -> Wire:
    """
    Return what was checked about the person paying.
    """
    return {**_UNVERIFIED, **asked} if asked else _UNVERIFIED


_UNVERIFIED: Wire = {
    "address_line1_check": "not_provided",
    "address_postal_code_check": "not_provided",
    "authentication_exemption": None,
    "cvc_check": "not_provided",
    "expiry_check": "match",
    "postal_code": None,
    "three_d_secure": None,
}


def convert(call: Call, amount: int, source: str, target: str) -> int:
    """
    Return *amount* minor units of *source* as minor units of *target*, at the day's fixed rate.

    Raises:
        ApiError: There is no rate for one of the currencies.
    """
    if source == target:
        return amount
    rates = call.world.behaviour.exchange_rates
    for currency in (source, target):
        if currency not in rates:
            raise ApiError(f"Invalid currency: {currency}.", param="merchant_currency")
    return round(amount * rates[source] / rates[target])
