"""
How does an account move money between its own payments and Issuing balances?
"""

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from attrs import define

from issuing_disburse.simulator import events
from issuing_disburse.simulator.accounts import Account
from issuing_disburse.simulator.balance import BalanceType, announce, move
from issuing_disburse.simulator.errors import ApiError, balance_too_low
from issuing_disburse.simulator.issuing import require_issuing
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.schema import Amount, Choice, Currency, Hash, params
from issuing_disburse.simulator.world import Call, Resource, Wire, World

FRIDAY = 4


@define(eq=False, kw_only=True)
class BalanceTransfer(Resource):
    """
    Be one movement between two balances of one account; there is no status and no list.
    """

    noun: ClassVar[str] = "balance transfer"

    amount: int
    currency: str
    source: BalanceType
    destination: BalanceType
    taken: str
    given: str | None = None

    def wire(self, world: World) -> Wire:
        source: Wire = {"balance_transaction": self.taken}
        if self.source == "payments":
            source["source_type"] = "card"
        return {
            "id": self.id,
            "object": "balance_transfer",
            "amount": self.amount,
            "created": self.created,
            "currency": self.currency,
            "destination_balance": {
                "type": self.destination,
                self.destination: {"balance_transaction": self.given},
            },
            "hosted_regulatory_receipt_url": None,
            "livemode": False,
            "metadata": self.metadata,
            "source_balance": {"type": self.source, self.source: source},
        }


CREATE = params(
    {
        "amount": Amount(required=True),
        "currency": Currency(required=True),
        "destination_balance": Hash(
            {"type": Choice({"issuing", "payments"}, required=True)}, required=True
        ),
        "metadata": Metadata(),
        "source_balance": Hash(
            {"type": Choice({"issuing", "payments"}, required=True)}, required=True
        ),
    }
)


def create(call: Call) -> BalanceTransfer:
    """
    Stripe: ``POST /v1/balance_transfers`` (preview), as the account that owns both balances.
    """
    world, asked, behaviour = call.world, call.params, call.world.behaviour
    is_old = behaviour.balance_transfer_needs_preview and ".preview" not in call.version
    if is_old or not call.account.balance_transfers:
        raise ApiError(
            "Balance transfers are not enabled for this account.",
            status=behaviour.balance_transfer_refused_status,
            code=behaviour.balance_transfer_refused_code,
        )
    require_issuing(call)
    amount, currency = asked["amount"], asked["currency"].lower()
    source: BalanceType = asked["source_balance"]["type"]
    destination: BalanceType = asked["destination_balance"]["type"]
    if source == destination:
        raise ApiError(
            "The source and destination balances must be different.",
            code="balance_invalid_parameter",
            param="destination_balance[type]",
        )
    _require(call, source, amount, currency)
    name = world.ids.new(behaviour.balance_transfer_prefix)
    taken = move(
        call,
        -amount,
        currency,
        balance=source,
        kind=behaviour.balance_transfer_transaction_type,
        source=name if behaviour.balance_transfer_transaction_has_source else None,
    )
    transfer = BalanceTransfer(
        id=name,
        account=call.account.id,
        created=world.seconds,
        amount=amount,
        currency=currency,
        source=source,
        destination=destination,
        taken=taken.id,
        metadata=merge_metadata({}, asked.get("metadata") or {}),
    )
    world.add(transfer)
    if destination == "payments" or (
        call.account.country in behaviour.instant_balance_transfer_countries
    ):
        _credit(call, transfer)
    else:
        world.later(_seconds_to_next_business_day(world.seconds), "credit_balance_transfer", name)
    events.emit(call, "balance_transfer.created", transfer)
    if transfer.given is not None:
        announce(call)
    return transfer


def _require(call: Call, source: BalanceType, amount: int, currency: str) -> None:
    account = call.account
    there = (
        account.spendable(currency)
        if source == "issuing"
        else account.funds.get((source, currency), 0)
    )
    if there < amount:
        raise balance_too_low(
            f"You have insufficient funds in your {source} balance for this balance transfer."
        )


def _credit(call: Call, transfer: BalanceTransfer) -> None:
    behaviour = call.world.behaviour
    given = move(
        call,
        transfer.amount,
        transfer.currency,
        balance=transfer.destination,
        kind=behaviour.balance_transfer_transaction_type,
        source=transfer.id if behaviour.balance_transfer_transaction_has_source else None,
    )
    transfer.given = given.id
    transfer.changed()


def credit_due(call: Call, name: str) -> None:
    """
    Credit a balance transfer that took until the next business day.
    """
    transfer = call.world.get(BalanceTransfer, name)
    owner = call.for_account(call.world.get(Account, transfer.account))
    _credit(owner, transfer)
    announce(owner)


def _seconds_to_next_business_day(now: int) -> int:
    """
    Return the seconds until 09:00 UTC of the next day that is no weekend.
    """
    today = datetime.fromtimestamp(now, UTC)
    day = today + timedelta(days=1)
    while day.weekday() > FRIDAY:
        day += timedelta(days=1)
    opening = day.replace(hour=9, minute=0, second=0, microsecond=0)
    return int((opening - today).total_seconds())
