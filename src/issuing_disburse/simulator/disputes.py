"""
How is a capture contested, and with what result?
"""

from typing import ClassVar

from attrs import define

from issuing_disburse.simulator import events
from issuing_disburse.simulator.balance import move
from issuing_disburse.simulator.errors import ApiError, parameter_missing
from issuing_disburse.simulator.evidence import EVIDENCE, check_complete, merged
from issuing_disburse.simulator.listing import page
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.schema import (
    Amount,
    Choice,
    Hash,
    Params,
    Text,
    list_params,
    params,
)
from issuing_disburse.simulator.transactions import Transaction
from issuing_disburse.simulator.world import Call, Resource, Wire, World, changing

WINDOW_DAYS = 110
DAY_SECONDS = 86_400


@define(eq=False, kw_only=True)
class Dispute(Resource):
    """
    Be one contested capture; it can be submitted once.
    """

    noun: ClassVar[str] = "issuing dispute"
    indexed: ClassVar[tuple[str, ...]] = ("transaction",)

    amount: int
    currency: str
    transaction: str
    evidence: dict[str, object]
    status: str = "unsubmitted"
    loss_reason: str | None = None
    movements: tuple[str, ...] = ()

    def wire(self, world: World) -> Wire:
        wire: Wire = {
            "id": self.id,
            "object": "issuing.dispute",
            "amount": self.amount,
            "balance_transactions": [world.by_id[name].show(world) for name in self.movements],
            "created": self.created,
            "currency": self.currency,
            "evidence": self.evidence,
            "livemode": False,
            "metadata": self.metadata,
            "status": self.status,
            "transaction": self.transaction,
        }
        if self.loss_reason is not None:
            wire["loss_reason"] = self.loss_reason
        return wire


CREATE = params(
    {
        "amount": Amount(),
        "evidence": EVIDENCE,
        "metadata": Metadata(),
        "transaction": Text(),
        "treasury": Hash({"received_debit": Text(required=True)}),
    }
)
UPDATE = params({"amount": Amount(), "evidence": EVIDENCE, "metadata": Metadata()})
SUBMIT = params({"metadata": Metadata()})
RETRIEVE = params()
LIST = list_params(
    {
        "status": Choice({"expired", "lost", "submitted", "unsubmitted", "won"}),
        "transaction": Text(),
    }
)


def create(call: Call) -> Dispute:
    """
    Stripe: ``POST /v1/issuing/disputes``.
    """
    world, asked = call.world, call.params
    if "treasury" in asked:
        raise ApiError("This simulator has no Treasury transactions.", param="treasury")
    if "transaction" not in asked:
        raise parameter_missing("transaction")
    transaction = world.find(
        Transaction, asked["transaction"], call.account.id, param="transaction", status=400
    )
    if transaction.type != "capture":
        raise ApiError("Only captures can be disputed.", param="transaction")
    if transaction.dispute is not None:
        raise ApiError(
            f"The transaction {transaction.id} has already been disputed.", param="transaction"
        )
    dispute = Dispute(
        id=world.ids.new("idp"),
        account=call.account.id,
        created=world.seconds,
        amount=_amount(transaction, asked),
        currency=transaction.currency,
        transaction=transaction.id,
        evidence=merged({"reason": "other"}, asked.get("evidence") or {}),
        metadata=merge_metadata({}, asked.get("metadata") or {}),
    )
    world.add(dispute)
    with changing(transaction, world) as before:
        transaction.dispute = dispute.id
    if transaction.authorization is not None:
        world.by_id[transaction.authorization].changed()
    world.later(WINDOW_DAYS * DAY_SECONDS, "expire_dispute", dispute.id)
    events.emit(call, "issuing_dispute.created", dispute)
    events.emit(call, "issuing_transaction.updated", transaction, before)
    return dispute


def _amount(transaction: Transaction, asked: Params) -> int:
    most = -transaction.amount - transaction.refunded
    amount: int = asked.get("amount", most)
    if not 0 < amount <= most:
        raise ApiError(
            f"The disputed amount must be between 1 and {most}, what was not refunded.",
            param="amount",
        )
    return amount


def retrieve(call: Call) -> Dispute:
    """
    Stripe: ``GET /v1/issuing/disputes/:id``.
    """
    return call.world.find(Dispute, call.names[0], call.account.id)


def update(call: Call) -> Dispute:
    """
    Stripe: ``POST /v1/issuing/disputes/:id``; after it was submitted, metadata only.
    """
    dispute, asked = retrieve(call), call.params
    if dispute.status != "unsubmitted" and {"amount", "evidence"} & set(asked):
        raise ApiError("A dispute that was submitted can no longer be changed.", param="evidence")
    with changing(dispute, call.world) as before:
        if "amount" in asked:
            dispute.amount = _amount(call.world.get(Transaction, dispute.transaction), asked)
        if "evidence" in asked:
            dispute.evidence = merged(dispute.evidence, asked["evidence"])
        if "metadata" in asked:
            dispute.metadata = merge_metadata(dispute.metadata, asked["metadata"])
    events.emit(call, "issuing_dispute.updated", dispute, before)
    return dispute


def submit(call: Call) -> Dispute:
    """
    Stripe: ``POST /v1/issuing/disputes/:id/submit``; once, and with evidence for the reason.
    """
    dispute = retrieve(call)
    if dispute.status != "unsubmitted":
        raise ApiError(f"The dispute {dispute.id} is {dispute.status} and cannot be submitted.")
    check_complete(dispute.evidence)
    with changing(dispute, call.world):
        dispute.status = "submitted"
        if "metadata" in call.params:
            dispute.metadata = merge_metadata(dispute.metadata, call.params["metadata"])
    events.emit(call, "issuing_dispute.submitted", dispute)
    return dispute


def decide(call: Call, dispute: Dispute, *, won: bool) -> None:
    """
    Let the network decide: the money comes back, or it does not.
    """
    if dispute.status != "submitted":
        raise ApiError(f"The dispute {dispute.id} is {dispute.status}, not submitted.")
    with changing(dispute, call.world):
        dispute.status = "won" if won else "lost"
        dispute.loss_reason = None if won else "transaction_authorized"
        if won:
            movement = move(
                call,
                dispute.amount,
                dispute.currency,
                balance="issuing",
                kind="issuing_dispute",
                source=dispute.id,
            )
            dispute.movements = (*dispute.movements, movement.id)
    if won:
        events.emit(call, "issuing_dispute.funds_reinstated", dispute)
    events.emit(call, "issuing_dispute.closed", dispute)


def expire_due(call: Call, name: str) -> None:
    """
    Let a dispute lapse that was not submitted in time.
    """
    dispute = call.world.get(Dispute, name)
    if dispute.status == "unsubmitted":
        with changing(dispute, call.world):
            dispute.status = "expired"
        events.emit(call, "issuing_dispute.closed", dispute)


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/issuing/disputes``.
    """
    return page(call, Dispute, "/v1/issuing/disputes")
