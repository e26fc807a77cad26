"""
Where can a bank transfer be sent so that it fills an Issuing balance?
"""

from issuing_disburse.simulator.accounts import Account
from issuing_disburse.simulator.balance import announce, move
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.issuing import require_issuing
from issuing_disburse.simulator.listing import list_of
from issuing_disburse.simulator.schema import Amount, Choice, Currency, Hash, list_params, params
from issuing_disburse.simulator.world import Call, Wire

_TYPES = {"US": "us_bank_transfer", "GB": "gb_bank_transfer"}
CREATE = params(
    {
        "bank_transfer": Hash(
            {
                "type": Choice(
                    {"eu_bank_transfer", "gb_bank_transfer", "us_bank_transfer"}, required=True
                )
            },
            required=True,
        ),
        "currency": Currency(required=True),
        "funding_type": Choice({"bank_transfer"}, required=True),
    }
)
LIST = list_params()
FUND = params({"amount": Amount(required=True), "currency": Currency(required=True)})


def create(call: Call) -> Wire:
    """
    Stripe: ``POST /v1/issuing/funding_instructions``; always the same ones for an account.
    """
    require_issuing(call)
    currency = _currency(call)
    kind = call.params["bank_transfer"]["type"]
    expected = _TYPES.get(call.account.country, "eu_bank_transfer")
    if kind != expected:
        raise ApiError(
            f"An account in {call.account.country} is funded by {expected}.",
            param="bank_transfer[type]",
        )
    return _instructions(call, currency)


def _currency(call: Call) -> str:
    currency: str = call.params["currency"].lower()
    if currency != call.account.default_currency:
        raise ApiError(
            f"This account is funded in {call.account.default_currency}.", param="currency"
        )
    return currency


def _instructions(call: Call, currency: str) -> Wire:
    account = call.account
    if currency not in account.funding_instructions:
        number = call.world.ids.digits(10)
        account.funding_instructions = {**account.funding_instructions, currency: number}
    return _wire(account, currency, account.funding_instructions[currency])


def _wire(account: Account, currency: str, number: str) -> Wire:
    kind = _TYPES.get(account.country, "eu_bank_transfer")
    details: Wire
    if kind == "us_bank_transfer":
        address, networks = "aba", ["ach", "domestic_wire_us"]
        details = {
            "account_number": number,
            "bank_name": "STRIPE TEST BANK",
            "routing_number": "110000000",
        }
    elif kind == "gb_bank_transfer":
        address, networks = "sort_code", ["bacs", "fps"]
        details = {
            "account_holder_name": "Test account",
            "account_number": number[:8],
            "sort_code": "108800",
        }
    else:
        address, networks = "iban", ["sepa"]
        details = {
            "account_holder_name": "Test account",
            "bic": "TESTDEFFXXX",
            "country": account.country,
            "iban": f"{account.country}00TEST{number}",
        }
    return {
        "object": "funding_instructions",
        "bank_transfer": {
            "country": account.country,
            "financial_addresses": [
                {"type": address, address: details, "supported_networks": networks}
            ],
            "type": kind,
        },
        "currency": currency,
        "funding_type": "bank_transfer",
        "livemode": False,
    }


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/issuing/funding_instructions``.
    """
    known = call.account.funding_instructions
    return list_of(
        [_wire(call.account, currency, number) for currency, number in sorted(known.items())],
        "/v1/issuing/funding_instructions",
    )


def fund(call: Call) -> Wire:
    """
    Stripe: ``POST /v1/test_helpers/issuing/fund_balance``; one bank transfer arrives.
    """
    require_issuing(call)
    if call.account.country == "US" and call.world.behaviour.us_fund_balance_refused:
        raise ApiError("A Funding Instruction is not currently supported for US")
    currency = _currency(call)
    move(
        call,
        call.params["amount"],
        currency,
        balance="issuing",
        kind="topup",
        description="Bank transfer",
    )
    announce(call)
    return _instructions(call, currency)
