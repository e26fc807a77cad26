"""
How does money go from the platform to a connected account, and back?
"""

from typing import ClassVar

from attrs import define, field
from orjson import Fragment

from issuing_disburse.simulator import events
from issuing_disburse.simulator.accounts import Account
from issuing_disburse.simulator.balance import move
from issuing_disburse.simulator.errors import ApiError, balance_too_low, no_such
from issuing_disburse.simulator.listing import list_of, page
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.schema import (
    Amount,
    Boolean,
    Choice,
    Currency,
    Text,
    list_params,
    params,
)
from issuing_disburse.simulator.world import Call, Resource, Wire, World, changing

SHOWN_REVERSALS = 10


@define(eq=False, kw_only=True)
class Transfer(Resource):
    """
    Be one transfer between payments balances; it never touches an Issuing balance.
    """

    noun: ClassVar[str] = "transfer"
    indexed: ClassVar[tuple[str, ...]] = ("transfer_group", "destination")

    amount: int
    currency: str
    destination: str
    destination_payment: str
    balance_transaction: str
    description: str | None = None
    source_type: str = "card"
    transfer_group: str | None = None
    amount_reversed: int = 0
    reversals: list[str] = field(factory=list)

    def wire(self, world: World) -> Wire:
        newest = [world.by_id[name] for name in self.reversals[: -SHOWN_REVERSALS - 1 : -1]]
        return {
            "id": self.id,
            "object": "transfer",
            "amount": self.amount,
            "amount_reversed": self.amount_reversed,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "destination": self.destination,
            "destination_payment": self.destination_payment,
            "livemode": False,
            "metadata": self.metadata,
            "reversals": {
                **list_of(
                    [each.show(world) for each in newest],
                    f"/v1/transfers/{self.id}/reversals",
                    has_more=len(self.reversals) > SHOWN_REVERSALS,
                ),
                "total_count": len(self.reversals),
            },
            "reversed": self.amount_reversed == self.amount,
            "source_transaction": None,
            "source_type": self.source_type,
            "transfer_group": self.transfer_group,
        }

    def show(self, world: World) -> Fragment:
        if self.reversals:  # They are shown in full and have metadata of their own.
            self.shown = None
        return Resource.show(self, world)


@define(eq=False, kw_only=True)
class TransferReversal(Resource):
    """
    Be one part of a transfer that came back.
    """

    noun: ClassVar[str] = "transfer reversal"
    indexed: ClassVar[tuple[str, ...]] = ("transfer",)

    amount: int
    currency: str
    transfer: str
    balance_transaction: str
    destination_payment_refund: str

    def wire(self, world: World) -> Wire:
        return {
            "id": self.id,
            "object": "transfer_reversal",
            "amount": self.amount,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "destination_payment_refund": self.destination_payment_refund,
            "metadata": self.metadata,
            "source_refund": None,
            "transfer": self.transfer,
        }


CREATE = params(
    {
        "amount": Amount(required=True),
        "currency": Currency(required=True),
        "description": Text(),
        "destination": Text(required=True),
        "metadata": Metadata(),
        "source_transaction": Text(),
        "source_type": Choice({"bank_account", "card", "fpx"}),
        "transfer_group": Text(),
    }
)
UPDATE = params({"description": Text(clearable=True), "metadata": Metadata()})
RETRIEVE = params()
LIST = list_params({"destination": Text(), "transfer_group": Text()})
REVERSE = params(
    {
        "amount": Amount(),
        "description": Text(clearable=True),
        "metadata": Metadata(),
        "refund_application_fee": Boolean(),
    }
)
LIST_REVERSALS = list_params(created=False)
UPDATE_REVERSAL = params({"metadata": Metadata()})


def create(call: Call) -> Transfer:
    """
    Stripe: ``POST /v1/transfers``, from the calling account's payments balance.
    """
    world, asked = call.world, call.params
    amount, currency = asked["amount"], asked["currency"].lower()
    destination = world.by_id.get(asked["destination"])
    if not isinstance(destination, Account) or destination.account != call.account.id:
        raise no_such("destination", asked["destination"], param="destination", status=400)
    if not destination.can("transfers"):
        raise ApiError(
            "Your destination account needs to have at least one of the following capabilities"
            " enabled: transfers, crypto_transfers, legacy_payments",
            code="insufficient_capabilities_for_transfer",
            param="destination",
        )
    if "source_transaction" in asked:
        raise no_such("charge", asked["source_transaction"], param="source_transaction", status=400)
    _require(call.account, amount, currency)
    name = world.ids.new("tr")
    payment = world.ids.new("py")
    out = move(call, -amount, currency, balance="payments", kind="transfer", source=name)
    receiving = call.for_account(destination)
    move(receiving, amount, currency, balance="payments", kind="payment", source=payment)
    transfer = Transfer(
        id=name,
        account=call.account.id,
        created=world.seconds,
        amount=amount,
        currency=currency,
        destination=destination.id,
        destination_payment=payment,
        balance_transaction=out.id,
        description=asked.get("description"),
        source_type=asked.get("source_type", "card"),
        transfer_group=asked.get("transfer_group"),
        metadata=merge_metadata({}, asked.get("metadata") or {}),
    )
    world.add(transfer)
    events.emit(call, "transfer.created", transfer)
    return transfer


def _require(account: Account, amount: int, currency: str) -> None:
    if account.funds.get(("payments", currency), 0) < amount:
        raise balance_too_low(
            "You have insufficient funds in your Stripe account for this transfer. Your card"
            " balance is too low. You can use the the /v1/balance endpoint to view your Stripe"
            " balance (for more details, see stripe.com/docs/api#balance)."
        )


def retrieve(call: Call) -> Transfer:
    """
    Stripe: ``GET /v1/transfers/:id``.
    """
    return call.world.find(Transfer, call.names[0], call.account.id)


def update(call: Call) -> Transfer:
    """
    Stripe: ``POST /v1/transfers/:id``.
    """
    transfer, asked = retrieve(call), call.params
    with changing(transfer, call.world) as before:
        if "metadata" in asked:
            transfer.metadata = merge_metadata(transfer.metadata, asked["metadata"])
        transfer.description = asked.get("description", transfer.description)
    events.emit(call, "transfer.updated", transfer, before)
    return transfer


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/transfers``.
    """
    return page(call, Transfer, "/v1/transfers")


def reverse(call: Call) -> TransferReversal:
    """
    Stripe: ``POST /v1/transfers/:id/reversals``, from the destination's payments balance.
    """
    world, asked = call.world, call.params
    transfer = retrieve(call)
    rest = transfer.amount - transfer.amount_reversed
    amount = asked.get("amount", rest)
    if rest == 0:
        raise ApiError(f"The transfer {transfer.id} is already fully reversed.")
    if amount > rest:
        raise ApiError(
            f"The reversal amount ({amount}) is greater than the amount that is left on the"
            f" transfer ({rest}).",
            param="amount",
        )
    destination = world.get(Account, transfer.destination)
    if destination.funds.get(("payments", transfer.currency), 0) < amount:
        raise ApiError(
            f"The destination account {destination.id} does not have enough available balance to"
            " cover the reversal of this transfer.",
            code=world.behaviour.reversal_shortfall_code,
        )
    name, refund = world.ids.new("trr"), world.ids.new("pyr")
    paying = call.for_account(destination)
    move(
        paying, -amount, transfer.currency, balance="payments", kind="payment_refund", source=refund
    )
    back = move(
        call, amount, transfer.currency, balance="payments", kind="transfer_refund", source=name
    )
    reversal = TransferReversal(
        id=name,
        account=call.account.id,
        created=world.seconds,
        amount=amount,
        currency=transfer.currency,
        transfer=transfer.id,
        balance_transaction=back.id,
        destination_payment_refund=refund,
        metadata=merge_metadata({}, asked.get("metadata") or {}),
    )
    world.add(reversal)
    with changing(transfer, world) as before:
        transfer.amount_reversed += amount
        transfer.reversals = [*transfer.reversals, name]
    events.emit(call, "transfer.reversed", transfer, before)
    return reversal


def list_reversals(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/transfers/:id/reversals``.
    """
    transfer = retrieve(call)
    call.params["transfer"] = transfer.id
    return page(call, TransferReversal, f"/v1/transfers/{transfer.id}/reversals")


def retrieve_reversal(call: Call) -> TransferReversal:
    """
    Stripe: ``GET /v1/transfers/:id/reversals/:reversal``.
    """
    found = call.world.find(TransferReversal, call.names[1], call.account.id)
    if found.transfer != call.names[0]:
        raise no_such(TransferReversal.noun, call.names[1])
    return found


def update_reversal(call: Call) -> TransferReversal:
    """
    Stripe: ``POST /v1/transfers/:id/reversals/:reversal``; metadata only.
    """
    reversal = retrieve_reversal(call)
    if "metadata" in call.params:
        with changing(reversal, call.world):
            reversal.metadata = merge_metadata(reversal.metadata, call.params["metadata"])
    return reversal
