"""
How does money leave an account for its bank, by request or by schedule?
"""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from attrs import define

from issuing_disburse.simulator import events
from issuing_disburse.simulator.accounts import Account
from issuing_disburse.simulator.balance import BalanceType, announce, move
from issuing_disburse.simulator.errors import ApiError, balance_too_low, no_such
from issuing_disburse.simulator.listing import page
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.schema import (
    Amount,
    Choice,
    Currency,
    Range,
    Text,
    list_params,
    params,
    within,
)
from issuing_disburse.simulator.world import Call, Resource, Wire, World, changing

DAY_SECONDS = 86_400
DAYS_TO_ARRIVE = 2
FRIDAY = 4


@define(eq=False, kw_only=True)
class Payout(Resource):
    """
    Be one payment to the account's own bank.
    """

    noun: ClassVar[str] = "payout"

    amount: int
    currency: str
    balance: BalanceType
    destination: str
    balance_transaction: str
    automatic: bool = False
    status: str = "pending"
    description: str | None = None
    statement_descriptor: str | None = None
    failure_code: str | None = None
    failure_balance_transaction: str | None = None
    original_payout: str | None = None
    reversed_by: str | None = None

    @property
    def arrival_date(self) -> int:
        """
        Return when the bank is expected to have it, Unix seconds.
        """
        return self.created + DAYS_TO_ARRIVE * DAY_SECONDS

    def wire(self, world: World) -> Wire:
        return {
            "id": self.id,
            "object": "payout",
            "amount": self.amount,
            "application_fee": None,
            "application_fee_amount": None,
            "arrival_date": self.arrival_date,
            "automatic": self.automatic,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "destination": self.destination,
            "failure_balance_transaction": self.failure_balance_transaction,
            "failure_code": self.failure_code,
            "failure_message": None
            if self.failure_code is None
            else f"The bank refused the payout: {self.failure_code}.",
            "livemode": False,
            "metadata": self.metadata,
            "method": "standard",
            "original_payout": self.original_payout,
            "payout_method": None,
            "reconciliation_status": "completed" if self.automatic else "not_applicable",
            "reversed_by": self.reversed_by,
            "source_type": "card",
            "statement_descriptor": self.statement_descriptor,
            "status": self.status,
            "trace_id": None,
            "type": "bank_account",
        }


CREATE = params(
    {
        "amount": Amount(required=True),
        "currency": Currency(required=True),
        "description": Text(),
        "destination": Text(),
        "metadata": Metadata(),
        "method": Choice({"instant", "standard"}),
        "payout_method": Text(),
        "source_balance": Choice({"issuing", "payments"}),
        "source_type": Choice({"bank_account", "card", "fpx"}),
        "statement_descriptor": Text(longest=22),
    }
)
UPDATE = params({"metadata": Metadata()})
RETRIEVE = params()
CANCEL = params()
LIST = list_params(
    {
        "arrival_date": Range(),
        "destination": Text(),
        "status": Choice({"canceled", "failed", "in_transit", "paid", "pending"}),
    }
)


def create(call: Call) -> Payout:
    """
    Stripe: ``POST /v1/payouts``; with ``source_balance=issuing`` from the Issuing balance.
    """
    asked, account = call.params, call.account
    amount, currency = asked["amount"], asked["currency"].lower()
    balance: BalanceType = asked.get("source_balance", "payments")
    if account.external_account is None:
        raise ApiError(
            f"Sorry, you don't have any external accounts in that currency ({currency})."
        )
    if asked.get("destination", account.external_account) != account.external_account:
        raise no_such("external account", asked["destination"], param="destination", status=400)
    if "payout_method" in asked:
        raise no_such("payout method", asked["payout_method"], param="payout_method", status=400)
    there = (
        account.spendable(currency)
        if balance == "issuing"
        else account.funds.get((balance, currency), 0)
    )
    if there < amount:
        raise balance_too_low(
            f"You have insufficient funds in your {balance} balance for this payout."
        )
    return _pay(call, amount, currency, balance, account.external_account)


def _pay(
    call: Call,
    amount: int,
    currency: str,
    balance: BalanceType,
    destination: str,
    *,
    automatic: bool = False,
) -> Payout:
    world, asked = call.world, call.params
    name = world.ids.new("po")
    movement = move(call, -amount, currency, balance=balance, kind="payout", source=name)
    payout = Payout(
        id=name,
        account=call.account.id,
        created=world.seconds,
        amount=amount,
        currency=currency,
        balance=balance,
        destination=destination,
        balance_transaction=movement.id,
        automatic=automatic,
        description=asked.get("description"),
        statement_descriptor=asked.get("statement_descriptor"),
        metadata=merge_metadata({}, asked.get("metadata") or {}),
    )
    if automatic:
        movement.payout = name
        world.index(movement, "payout")
    world.add(payout)
    expect_settlement(call, payout)
    events.emit(call, "payout.created", payout)
    return payout


def expect_settlement(call: Call, payout: Payout) -> None:
    """
    Let a new payout arrive by itself when its days are over.
    """
    call.world.later(DAYS_TO_ARRIVE * DAY_SECONDS, "settle_payout", payout.id)


def settle(call: Call, payout: Payout, failure: str | None = None) -> None:
    """
    Let the bank answer: it took the money, or it sends it back with a *failure* code.
    """
    if payout.status != "pending":
        raise ApiError(f"The payout {payout.id} is {payout.status}, not pending.")
    with changing(payout, call.world):
        payout.status, payout.failure_code = ("failed", failure) if failure else ("paid", None)
        if failure:
            payout.failure_balance_transaction = _give_back(call, payout, "payout_failure")
    events.emit(call, f"payout.{payout.status}", payout)


def settle_due(call: Call, name: str) -> None:
    """
    Let a payout arrive whose time has come, unless it was canceled meanwhile.
    """
    payout = call.world.get(Payout, name)
    if payout.status == "pending":
        settle(call, payout)


def _give_back(call: Call, payout: Payout, kind: str) -> str:
    movement = move(
        call,
        payout.amount,
        payout.currency,
        balance=payout.balance,
        kind=kind,
        source=payout.id,
    )
    announce(call)
    return movement.id


def retrieve(call: Call) -> Payout:
    """
    Stripe: ``GET /v1/payouts/:id``.
    """
    return call.world.find(Payout, call.names[0], call.account.id)


def update(call: Call) -> Payout:
    """
    Stripe: ``POST /v1/payouts/:id``; metadata only.
    """
    payout = retrieve(call)
    if "metadata" in call.params:
        with changing(payout, call.world) as before:
            payout.metadata = merge_metadata(payout.metadata, call.params["metadata"])
        events.emit(call, "payout.updated", payout, before)
    return payout


def cancel(call: Call) -> Payout:
    """
    Stripe: ``POST /v1/payouts/:id/cancel``; only while it is pending and not automatic.
    """
    payout = retrieve(call)
    if payout.status != "pending" or payout.automatic:
        raise ApiError(f"The payout {payout.id} can no longer be canceled.")
    with changing(payout, call.world):
        payout.status = "canceled"
        payout.failure_balance_transaction = _give_back(call, payout, "payout_cancel")
    events.emit(call, "payout.canceled", payout)
    return payout


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/payouts``.
    """
    arrival = call.params.pop("arrival_date", {})
    return page(
        call, Payout, "/v1/payouts", wanted=lambda payout: within(payout.arrival_date, arrival)
    )


def schedule(call: Call, account: Account) -> None:
    """
    Start an account's automatic payouts, unless they are manual or under way.
    """
    if account.payout_interval != "manual" and not account.is_payout_scheduled:
        account.is_payout_scheduled = True
        today = call.world.seconds % DAY_SECONDS
        call.world.later(DAY_SECONDS - today, "pay_out", account.id)


def pay_out_due(call: Call, name: str) -> None:
    """
    Pay the payments balance out if today is a day for it, and look again tomorrow.
    """
    account = call.world.get(Account, name)
    account.is_payout_scheduled = False
    floors = account.payout_settings.get("minimum_balance_by_currency")
    if _is_payout_day(account, call.world.seconds) and account.external_account:
        for (balance, currency), amount in sorted(account.funds.items()):
            floor = floors.get(currency, 0) if isinstance(floors, dict) else 0
            if balance == "payments" and amount > floor:
                owner = call.for_account(account)
                _pay(
                    owner,
                    amount - floor,
                    currency,
                    "payments",
                    account.external_account,
                    automatic=True,
                )
    schedule(call, account)


def _is_payout_day(account: Account, now: int) -> bool:
    today = datetime.fromtimestamp(now, UTC)
    settings, interval = account.payout_settings, account.payout_interval
    if interval == "daily":
        return today.weekday() <= FRIDAY
    if interval == "weekly":
        days = settings.get("weekly_payout_days") or ["monday"]
        return today.strftime("%A").lower() in (days if isinstance(days, list) else ())
    if interval == "monthly":
        days = settings.get("monthly_payout_days") or [1]
        last = (today + timedelta(days=1)).day == 1
        return isinstance(days, list) and (
            today.day in days or (last and any(day > today.day for day in days))
        )
    return False
