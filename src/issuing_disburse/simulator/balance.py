"""
How much money does an account have, and which movements made it so?
"""

from typing import ClassVar, Literal, TypeAlias

from attrs import define

from issuing_disburse.simulator import events
from issuing_disburse.simulator.accounts import Account
from issuing_disburse.simulator.listing import page
from issuing_disburse.simulator.schema import Text, list_params, params
from issuing_disburse.simulator.world import Call, Resource, Wire, World

BalanceType: TypeAlias = Literal["payments", "issuing"]

RETRIEVE = params()
RETRIEVE_TRANSACTION = params()
LIST = list_params(
    {
        "type": Text(),
        "source": Text(),
        "currency": Text(),
        "payout": Text(),
    }
)

CATEGORIES = {
    "payment": "charge",
    "payout": "payout",
    "issuing_dispute_provisional_credit": "issuing_dispute",
    "payout_cancel": "payout_reversal",
    "payout_failure": "payout_reversal",
    "topup": "topup",
    "topup_reversal": "topup_reversal",
    "transfer": "transfer",
    "transfer_refund": "transfer_reversal",
    "payment_refund": "refund",
    "adjustment": "other_adjustment",
}
"""
Reporting categories; a type that is not listed is its own category.
"""


@define(eq=False, kw_only=True)
class BalanceTransaction(Resource):
    """
    Be one movement of money: *amount* minor units, negative when it leaves.
    """

    noun: ClassVar[str] = "balance transaction"
    indexed: ClassVar[tuple[str, ...]] = ("source", "type", "payout")

    amount: int
    balance_type: BalanceType
    currency: str
    type: str
    source: str | None = None
    description: str | None = None
    payout: str | None = None

    def wire(self, world: World) -> Wire:
        return {
            "id": self.id,
            "object": "balance_transaction",
            "amount": self.amount,
            "available_on": self.created,
            "balance_type": self.balance_type,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "exchange_rate": None,
            "fee": 0,
            "fee_details": [],
            "net": self.amount,
            "reporting_category": CATEGORIES.get(self.type, self.type),
            "source": self.source,
            "status": "available",
            "type": self.type,
        }


def move(
    call: Call,
    amount: int,
    currency: str,
    *,
    balance: BalanceType,
    kind: str,
    source: str | None = None,
    description: str | None = None,
) -> BalanceTransaction:
    """
    Move *amount* minor units into (or, negative, out of) a balance of the calling account.

    Nothing is checked here: captures may take an Issuing balance below zero.
    """
    world, account = call.world, call.account
    entry = BalanceTransaction(
        id=world.ids.new("txn"),
        account=account.id,
        created=world.seconds,
        amount=amount,
        balance_type=balance,
        currency=currency,
        type=kind,
        source=source,
        description=description,
    )
    world.add(entry)
    key = (balance, currency)
    account.funds[key] = account.funds.get(key, 0) + amount
    return entry


def cover(call: Call, currency: str) -> None:
    """
    Cover a negative Issuing balance from the payments balance, where that is switched on.
    """
    account = call.account
    missing = -account.funds.get(("issuing", currency), 0)
    amount = min(missing, account.funds.get(("payments", currency), 0))
    if amount <= 0 or not call.world.behaviour.negative_balance_is_covered:
        return
    text = "Negative Issuing balance"
    move(call, -amount, currency, balance="payments", kind="adjustment", description=text)
    move(call, amount, currency, balance="issuing", kind="adjustment", description=text)


def wire_of(account: Account, world: World) -> Wire:
    """
    Return an account's balances as Stripe shows them.
    """
    amounts: dict[str, list[tuple[str, int]]] = {"payments": [], "issuing": []}
    for (balance, currency), amount in sorted(account.funds.items()):
        amounts[balance].append((currency, amount))
    payments = amounts["payments"] or [(account.default_currency, 0)]
    issuing = amounts["issuing"] or [(account.default_currency, 0)]
    wire: Wire = {
        "object": "balance",
        "available": [
            {"amount": amount, "currency": currency, "source_types": {"card": amount}}
            for currency, amount in payments
        ],
        "livemode": False,
        "pending": [
            {"amount": 0, "currency": currency, "source_types": {"card": 0}}
            for currency, _ in payments
        ],
    }
    if account.id == world.platform:
        wire["connect_reserved"] = [{"amount": 0, "currency": currency} for currency, _ in payments]
    if account.can("card_issuing"):
        wire["issuing"] = {
            "available": [{"amount": amount, "currency": currency} for currency, amount in issuing]
        }
    return wire


@define(eq=False, kw_only=True)
class BalanceNotice(Resource):
    """
    Show a balance inside an event.
    """

    owner: Account

    def wire(self, world: World) -> Wire:
        return wire_of(self.owner, world)


def announce(call: Call) -> None:
    """
    Tell that money has become available to the calling account.
    """
    notice = BalanceNotice(
        id="", account=call.account.id, created=call.world.seconds, owner=call.account
    )
    events.emit(call, "balance.available", notice)


def retrieve(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/balance``.
    """
    return wire_of(call.account, call.world)


def retrieve_transaction(call: Call) -> BalanceTransaction:
    """
    Stripe: ``GET /v1/balance_transactions/:id``.
    """
    return call.world.find(BalanceTransaction, call.names[0], call.account.id)


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/balance_transactions``.
    """
    return page(call, BalanceTransaction, "/v1/balance_transactions")
