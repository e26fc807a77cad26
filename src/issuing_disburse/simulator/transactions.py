"""
What did merchants finally take or give back?
"""

from datetime import UTC, datetime
from typing import ClassVar

from attrs import define

from issuing_disburse.simulator import events
from issuing_disburse.simulator.authorizations import Authorization
from issuing_disburse.simulator.balance import cover, move
from issuing_disburse.simulator.cardholders import Cardholder
from issuing_disburse.simulator.cards import Card, set_status
from issuing_disburse.simulator.decisions import count_payment
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.listing import page
from issuing_disburse.simulator.merchants import MERCHANT_DATA, merchant_wire
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.purchase_details import PURCHASE_DETAILS, details_wire
from issuing_disburse.simulator.schema import Amount, Choice, Currency, Text, list_params, params
from issuing_disburse.simulator.world import Call, Resource, Wire, World, changing


@define(eq=False, kw_only=True)
class Transaction(Resource):
    """
    Be one capture (negative) or refund (positive), in minor units.
    """

    noun: ClassVar[str] = "issuing transaction"
    indexed: ClassVar[tuple[str, ...]] = ("card", "cardholder")

    type: str
    amount: int
    currency: str
    merchant_amount: int
    merchant_currency: str
    merchant_data: Wire
    card: str
    cardholder: str
    authorization: str | None = None
    balance_transaction: str | None = None
    dispute: str | None = None
    wallet: str | None = None
    refunded: int = 0
    disputed: int = 0
    purchase_details: Wire | None = None
    authorization_code: str | None = None

    def wire(self, world: World) -> Wire:
        return {
            "id": self.id,
            "object": "issuing.transaction",
            "amount": self.amount,
            "amount_details": {"atm_fee": None, "cashback_amount": None},
            "authorization": self.authorization,
            "balance_transaction": self.balance_transaction,
            "card": self.card,
            "cardholder": self.cardholder,
            "created": self.created,
            "currency": self.currency,
            "dispute": self.dispute,
            "livemode": False,
            "merchant_amount": self.merchant_amount,
            "merchant_currency": self.merchant_currency,
            "merchant_data": self.merchant_data,
            "metadata": self.metadata,
            "network_data": {
                "authorization_code": self.authorization_code,
                "processing_date": datetime.fromtimestamp(self.created, UTC).date().isoformat(),
                "transaction_id": None,
            },
            "token": None,
            "type": self.type,
            "wallet": self.wallet,
        }


_UNPROMPTED = params(
    {
        "amount": Amount(required=True),
        "card": Text(required=True),
        "currency": Currency(),
        "merchant_data": MERCHANT_DATA,
        "purchase_details": PURCHASE_DETAILS,
    }
)
FORCE_CAPTURE = _UNPROMPTED
UNLINKED_REFUND = _UNPROMPTED
REFUND = params({"refund_amount": Amount()})
RETRIEVE = params()
UPDATE = params({"metadata": Metadata()})
LIST = list_params({"card": Text(), "cardholder": Text(), "type": Choice({"capture", "refund"})})


def book(
    call: Call,
    card: Card,
    amount: int,
    *,
    merchant: Wire,
    authorization: Authorization | None = None,
    merchant_amount: int | None = None,
    merchant_currency: str | None = None,
    purchase_details: Wire | None = None,
    kind: str | None = None,
) -> Transaction:
    """
    Book a capture (negative *amount*, minor units) or a refund; neither can be refused.

    Args:
        kind: The type, where the sign does not tell it: a refund that is taken back.
    """
    world = call.world
    code = None
    if authorization is not None:
        approved = [each for each in authorization.history if each["approved"]]
        code = approved[-1]["authorization_code"] if approved else None
    transaction = Transaction(
        id=world.ids.new("ipi"),
        account=call.account.id,
        created=world.seconds,
        type=kind or ("capture" if amount < 0 else "refund"),
        amount=amount,
        currency=card.currency,
        merchant_amount=amount if merchant_amount is None else merchant_amount,
        merchant_currency=merchant_currency or card.currency,
        merchant_data=merchant,
        card=card.id,
        cardholder=card.cardholder,
        authorization=None if authorization is None else authorization.id,
        wallet=None if authorization is None else authorization.wallet,
        purchase_details=details_wire(purchase_details),
        authorization_code=code if isinstance(code, str) else None,
    )
    movement = move(
        call,
        amount,
        card.currency,
        balance="issuing",
        kind="issuing_transaction",
        source=transaction.id,
    )
    transaction.balance_transaction = movement.id
    cover(call, card.currency)
    world.add(transaction)
    return transaction


def _card(call: Call) -> Card:
    asked = call.params
    card = call.world.find(Card, asked["card"], call.account.id, param="card", status=400)
    if asked.get("currency", card.currency).lower() != card.currency:
        raise ApiError("The currency must be the card's currency.", param="currency")
    return card


def count_spend(call: Call, card: Card, category: str, amount: int) -> None:
    """
    Count *amount* against the limits of a card and its holder, today.
    """
    world = call.world
    for each in (card.spend, world.get(Cardholder, card.cardholder).spend):
        each.add(world.seconds, category, amount, now=world.seconds, lag=0)


def force_capture(call: Call) -> Transaction:
    """
    Stripe: ``POST /v1/test_helpers/issuing/transactions/create_force_capture``.

    Goes through whatever the card's state, limits and balance, and counts as a payment.
    """
    card, amount = _card(call), call.params["amount"]
    merchant, category = merchant_wire(call, call.params.get("merchant_data"))
    transaction = book(
        call,
        card,
        -amount,
        merchant=merchant,
        purchase_details=call.params.get("purchase_details"),
    )
    count_spend(call, card, category, amount)
    exhausted = count_payment(card)
    events.emit(call, "issuing_transaction.created", transaction)
    if exhausted:
        set_status(call, card, "canceled", call.world.behaviour.used_up_cancellation_reason)
    return transaction


def unlinked_refund(call: Call) -> Transaction:
    """
    Stripe: ``POST /v1/test_helpers/issuing/transactions/create_unlinked_refund``.
    """
    card = _card(call)
    merchant, category = merchant_wire(call, call.params.get("merchant_data"))
    transaction = book(
        call,
        card,
        call.params["amount"],
        merchant=merchant,
        purchase_details=call.params.get("purchase_details"),
    )
    if call.world.behaviour.refunds_restore_limits:
        count_spend(call, card, category, -transaction.amount)
    events.emit(call, "issuing_transaction.created", transaction)
    return transaction


def refund(call: Call) -> Transaction:
    """
    Stripe: ``POST /v1/test_helpers/issuing/transactions/:id/refund``.
    """
    original = retrieve(call)
    if original.type != "capture":
        raise ApiError(f"The transaction {original.id} is not a capture.", param="transaction")
    rest = -original.amount - original.refunded
    amount = call.params.get("refund_amount", rest)
    if amount > rest or rest <= 0:
        raise ApiError(
            f"The refund amount is greater than the amount that is left to refund ({rest}).",
            param="refund_amount",
        )
    card = call.world.get(Card, original.card)
    authorization = (
        None
        if original.authorization is None
        else call.world.get(Authorization, original.authorization)
    )
    before = None if authorization is None else authorization.wire(call.world)
    transaction = book(
        call, card, amount, merchant=original.merchant_data, authorization=authorization
    )
    original.refunded += amount
    if call.world.behaviour.refunds_restore_limits:
        category = str(original.merchant_data["category"])
        count_spend(call, card, category, -amount)
    events.emit(call, "issuing_transaction.created", transaction)
    if authorization is not None:
        authorization.transactions = (*authorization.transactions, transaction.id)
        events.emit(call, "issuing_authorization.updated", authorization, before)
    return transaction


def take_back(call: Call, original: Transaction) -> Transaction:
    """
    Let a merchant take a refund back: a second refund, with a negative amount.
    """
    if original.type != "refund" or original.amount <= 0 or original.refunded:
        raise ApiError(f"The transaction {original.id} is no refund that can be taken back.")
    authorization = (
        None
        if original.authorization is None
        else call.world.get(Authorization, original.authorization)
    )
    before = None if authorization is None else authorization.wire(call.world)
    transaction = book(
        call,
        call.world.get(Card, original.card),
        -original.amount,
        merchant=original.merchant_data,
        authorization=authorization,
        kind="refund",
    )
    original.refunded = original.amount
    events.emit(call, "issuing_transaction.created", transaction)
    if authorization is not None:
        authorization.transactions = (*authorization.transactions, transaction.id)
        events.emit(call, "issuing_authorization.updated", authorization, before)
    return transaction


def retrieve(call: Call) -> Transaction:
    """
    Stripe: ``GET /v1/issuing/transactions/:id``.
    """
    return call.world.find(Transaction, call.names[0], call.account.id)


def update(call: Call) -> Transaction:
    """
    Stripe: ``POST /v1/issuing/transactions/:id``; metadata only.
    """
    transaction = retrieve(call)
    if "metadata" in call.params:
        with changing(transaction, call.world) as before:
            transaction.metadata = merge_metadata(transaction.metadata, call.params["metadata"])
        if transaction.authorization is not None:  # It shows its transactions in full.
            call.world.by_id[transaction.authorization].changed()
        events.emit(call, "issuing_transaction.updated", transaction, before)
    return transaction


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/issuing/transactions``.
    """
    return page(call, Transaction, "/v1/issuing/transactions")
