"""
How does a bank account fill a balance, and when does it fail?
"""

from typing import ClassVar

from attrs import define

from issuing_disburse.simulator import events
from issuing_disburse.simulator.balance import BalanceType, announce, move
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.issuing import require_issuing
from issuing_disburse.simulator.listing import page
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.schema import (
    Amount,
    Choice,
    Currency,
    Free,
    Params,
    Range,
    Text,
    list_params,
    params,
    within,
)
from issuing_disburse.simulator.world import Call, Resource, Wire, World, changing

DAYS_TO_ARRIVE = 5
DAY_SECONDS = 86_400
VERIFIED = "btok_us_verified"
FAILURES = {
    "btok_us_verified_accountClosed": "account_closed",
    "btok_us_verified_debitNotAuthorized": "debit_not_authorized",
    "btok_us_verified_insufficientFunds": "insufficient_funds",
    "btok_us_verified_invalidCurrency": "invalid_currency",
    "btok_us_verified_noAccount": "no_account",
}
"""
Stripe's test sources that fail, and the failure code of each.
"""


@define(eq=False, kw_only=True)
class Topup(Resource):
    """
    Be one pull of money from outside.
    """

    noun: ClassVar[str] = "topup"

    amount: int
    currency: str
    status: str = "pending"
    destination_balance: BalanceType | None = None
    description: str | None = None
    statement_descriptor: str | None = None
    transfer_group: str | None = None
    payment_method: str | None = None
    failure_code: str | None = None
    balance_transaction: str | None = None

    def wire(self, world: World) -> Wire:
        wire: Wire = {
            "id": self.id,
            "object": "topup",
            "amount": self.amount,
            "balance_transaction": self.balance_transaction,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "expected_availability_date": self.created + DAYS_TO_ARRIVE * DAY_SECONDS,
            "failure_code": self.failure_code,
            "failure_message": None
            if self.failure_code is None
            else f"The bank refused the debit: {self.failure_code}.",
            "initiated_by": "user",
            "livemode": False,
            "metadata": self.metadata,
            "payment_method": self.payment_method,
            "payment_method_options": None,
            "source": None,
            "statement_descriptor": self.statement_descriptor,
            "status": self.status,
            "transfer_group": self.transfer_group,
        }
        if self.destination_balance is not None:
            wire["destination_balance"] = self.destination_balance
        return wire


CREATE = params(
    {
        "amount": Amount(required=True),
        "currency": Currency(required=True),
        "description": Text(),
        "destination_balance": Choice({"issuing", "payments"}),
        "metadata": Metadata(),
        "payment_method": Text(),
        "payment_method_options": Free(),
        "source": Text(),
        "statement_descriptor": Text(longest=15),
        "transfer_group": Text(),
    },
    exclusive=(("payment_method", "source"),),
)
UPDATE = params({"description": Text(clearable=True), "metadata": Metadata()})
RETRIEVE = params()
LIST = list_params(
    {"amount": Range(), "status": Choice({"canceled", "failed", "pending", "succeeded"})}
)


def create(call: Call) -> Topup:
    """
    Stripe: ``POST /v1/topups``.
    """
    world, asked = call.world, call.params
    if asked.get("destination_balance") == "issuing":
        require_issuing(call)
    topup = Topup(
        id=world.ids.new("tu"),
        account=call.account.id,
        created=world.seconds,
        amount=asked["amount"],
        currency=asked["currency"].lower(),
        destination_balance=asked.get("destination_balance"),
        description=asked.get("description"),
        statement_descriptor=asked.get("statement_descriptor"),
        transfer_group=asked.get("transfer_group"),
        payment_method=asked.get("payment_method"),
        metadata=merge_metadata({}, asked.get("metadata") or {}),
    )
    world.add(topup)
    events.emit(call, "topup.created", topup)
    outcome = _outcome(call, asked)
    if outcome is not None and world.behaviour.top_up_seconds > 0:
        world.later(world.behaviour.top_up_seconds, "settle_topup", topup.id, outcome)
    elif outcome is not None:
        settle(call, topup, outcome)
    return topup


def _outcome(call: Call, asked: Params) -> str | None:
    """
    Return what becomes of a new top-up: ``succeeded``, a failure code, or not yet known.
    """
    behaviour = call.world.behaviour
    source = asked.get("source")
    is_issuing = asked.get("destination_balance") == "issuing"
    if source is None and asked.get("payment_method") is None:
        waits = is_issuing and call.account.country == "US"
        return None if waits and behaviour.us_issuing_top_up_stays_pending else "succeeded"
    if source in FAILURES:
        return FAILURES[source]
    return None if is_issuing and not behaviour.verified_top_up_reaches_issuing else "succeeded"


def settle(call: Call, topup: Topup, outcome: str) -> None:
    """
    Let the bank answer: ``succeeded``, ``reversed``, or a failure code.
    """
    expected = "succeeded" if outcome == "reversed" else "pending"
    if topup.status != expected:
        raise ApiError(f"The top-up {topup.id} is {topup.status}, not {expected}.")
    balance: BalanceType = topup.destination_balance or "payments"
    with changing(topup, call.world):
        if outcome in {"succeeded", "reversed"}:
            topup.status = outcome
            sign, kind = (1, "topup") if outcome == "succeeded" else (-1, "topup_reversal")
            movement = move(
                call,
                sign * topup.amount,
                topup.currency,
                balance=balance,
                kind=kind,
                source=topup.id,
            )
            topup.balance_transaction = movement.id
        else:
            topup.status, topup.failure_code = "failed", outcome
    events.emit(call, f"topup.{topup.status}", topup)
    if outcome == "succeeded":
        announce(call)


def settle_due(call: Call, name: str, outcome: str) -> None:
    """
    Settle a top-up whose time has come, unless it was canceled meanwhile.
    """
    topup = call.world.get(Topup, name)
    if topup.status == "pending":
        settle(call, topup, outcome)


def retrieve(call: Call) -> Topup:
    """
    Stripe: ``GET /v1/topups/:id``.
    """
    return call.world.find(Topup, call.names[0], call.account.id)


def update(call: Call) -> Topup:
    """
    Stripe: ``POST /v1/topups/:id``.
    """
    topup, asked = retrieve(call), call.params
    with changing(topup, call.world):
        if "metadata" in asked:
            topup.metadata = merge_metadata(topup.metadata, asked["metadata"])
        topup.description = asked.get("description", topup.description)
    return topup


def cancel(call: Call) -> Topup:
    """
    Stripe: ``POST /v1/topups/:id/cancel``; only while it is pending.
    """
    topup = retrieve(call)
    if topup.status != "pending":
        raise ApiError(f"Top-ups that are {topup.status} cannot be canceled.")
    with changing(topup, call.world):
        topup.status = "canceled"
    events.emit(call, "topup.canceled", topup)
    return topup


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/topups``.
    """
    amounts = call.params.pop("amount", {})
    return page(call, Topup, "/v1/topups", wanted=lambda topup: within(topup.amount, amounts))
