"""
When does an account's payments balance leave by itself?
"""

from attrs import frozen

from issuing_disburse.simulator.accounts import Account
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.form import Tree
from issuing_disburse.simulator.payouts import schedule as schedule_payouts
from issuing_disburse.simulator.schema import (
    Amount,
    Boolean,
    Choice,
    Clearable,
    Currency,
    Hash,
    Integer,
    NotImitated,
    Params,
    Sequence,
    Text,
    params,
)
from issuing_disburse.simulator.world import Call, Wire

RETRIEVE = params()
INTERVAL = Choice({"daily", "manual", "monthly", "weekly"})
WEEKDAY = Choice({"friday", "monday", "thursday", "tuesday", "wednesday"})
MONTH_DAYS = Sequence(Integer(least=1, most=31))


@frozen
class AmountsByCurrency:
    """
    Minor units by currency; an empty value takes one away.
    """

    required: bool = False

    def read(self, value: Tree, name: str) -> dict[str, int | None] | None:
        if value == "":
            return None
        if type(value) is not dict:
            raise ApiError("Invalid hash", param=name)
        for currency in value:
            CURRENCY.read(currency, name)
        return {
            currency.lower(): None if amount == "" else AMOUNT.read(amount, f"{name}[{currency}]")
            for currency, amount in value.items()
        }


CURRENCY = Currency()
AMOUNT = Amount(least=0)
UPDATE = params(
    {
        "payments": Hash(
            {
                "debit_negative_balances": Boolean(),
                "payouts": Hash(
                    {
                        "automatic_transfer_rules_by_currency": NotImitated(),
                        "minimum_balance_by_currency": AmountsByCurrency(),
                        "schedule": Hash(
                            {
                                "interval": INTERVAL,
                                "monthly_payout_days": MONTH_DAYS,
                                "weekly_payout_days": Sequence(WEEKDAY),
                            }
                        ),
                        "statement_descriptor": Text(clearable=True),
                    }
                ),
                "settlement_timing": Hash(
                    {
                        "delay_days_override": Clearable(Integer(least=0, most=31)),
                        "start_of_day": NotImitated(),
                    }
                ),
            }
        )
    }
)


def retrieve(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/balance_settings``.
    """
    account = call.account
    settings = account.payout_settings
    return {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": settings.get("debit_negative_balances", False),
            "payouts": {
                "minimum_balance_by_currency": settings.get("minimum_balance_by_currency") or {},
                "schedule": {
                    "interval": account.payout_interval,
                    "monthly_payout_days": settings.get("monthly_payout_days"),
                    "weekly_payout_days": settings.get("weekly_payout_days"),
                },
                "statement_descriptor": settings.get("statement_descriptor"),
                "status": "enabled" if account.external_account else "disabled",
            },
            "settlement_timing": {
                "delay_days": 2,
                "delay_days_override": settings.get("delay_days_override"),
            },
        },
    }


def update(call: Call) -> Wire:
    """
    Stripe: ``POST /v1/balance_settings``.
    """
    account = call.account
    payments = call.params.get("payments") or {}
    set_payouts(account, {**payments, **(payments.get("payouts") or {})})
    timing = payments.get("settlement_timing") or {}
    if "delay_days_override" in timing:
        account.payout_settings = {**account.payout_settings, **timing}
    account.changed()
    schedule_payouts(call, account)
    return retrieve(call)


def set_payouts(account: Account, asked: Params) -> None:
    """
    Change when and how far an account's payments balance is paid out.
    """
    schedule = dict(asked.get("schedule") or {})
    account.payout_interval = schedule.pop("interval", account.payout_interval)
    settings: dict[str, object] = {**account.payout_settings, **schedule}
    for name in ("debit_negative_balances", "statement_descriptor"):
        if name in asked:
            settings[name] = asked[name]
    if "minimum_balance_by_currency" in asked:
        old, floors = (
            settings.get("minimum_balance_by_currency"),
            asked["minimum_balance_by_currency"],
        )
        known = {**(old if isinstance(old, dict) else {}), **(floors or {})}
        settings["minimum_balance_by_currency"] = (
            {}
            if floors is None
            else {name: each for name, each in known.items() if each is not None}
        )
    account.payout_settings = settings
