"""
When does an account's payments balance leave by itself?
"""

from issuing_disburse.simulator.payouts import schedule as schedule_payouts
from issuing_disburse.simulator.schema import (
    Boolean,
    Choice,
    Free,
    Hash,
    Integer,
    Sequence,
    Text,
    params,
)
from issuing_disburse.simulator.world import Call, Wire

RETRIEVE = params()
UPDATE = params(
    {
        "payments": Hash(
            {
                "debit_negative_balances": Boolean(),
                "payouts": Hash(
                    {
                        "automatic_transfer_rules_by_currency": Free(),
                        "minimum_balance_by_currency": Free(),
                        "schedule": Hash(
                            {
                                "interval": Choice({"daily", "manual", "monthly", "weekly"}),
                                "monthly_payout_days": Sequence(Integer(least=1, most=31)),
                                "weekly_payout_days": Sequence(
                                    Choice({"friday", "monday", "thursday", "tuesday", "wednesday"})
                                ),
                            }
                        ),
                        "statement_descriptor": Text(clearable=True),
                    }
                ),
                "settlement_timing": Free(),
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
            "settlement_timing": {"delay_days": 2, "delay_days_override": None},
        },
    }


def update(call: Call) -> Wire:
    """
    Stripe: ``POST /v1/balance_settings``.
    """
    account = call.account
    payments = call.params.get("payments") or {}
    payouts = payments.get("payouts") or {}
    schedule = dict(payouts.get("schedule") or {})
    account.payout_interval = schedule.pop("interval", account.payout_interval)
    settings: dict[str, object] = {**account.payout_settings, **schedule}
    for name in ("minimum_balance_by_currency", "statement_descriptor"):
        if name in payouts:
            settings[name] = payouts[name]
    floors = settings.get("minimum_balance_by_currency")
    if isinstance(floors, dict):
        settings["minimum_balance_by_currency"] = {
            currency: int(amount) for currency, amount in floors.items() if str(amount).isdecimal()
        }
    if "debit_negative_balances" in payments:
        settings["debit_negative_balances"] = payments["debit_negative_balances"]
    account.payout_settings = settings
    account.changed()
    schedule_payouts(call, account)
    return retrieve(call)
