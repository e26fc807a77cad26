"""
What does an authorization look like, and what may its issuer do with it?
"""

from typing import ClassVar, TypeAlias

from attrs import define, frozen

from issuing_disburse.simulator import events
from issuing_disburse.simulator.cards import Card
from issuing_disburse.simulator.listing import page
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.schema import Choice, Text, list_params, params
from issuing_disburse.simulator.world import Call, Resource, Wire, World, changing

Atom: TypeAlias = str | int | bool | None
PRESENT_METHODS = frozenset({"chip", "contactless", "swipe"})


@frozen(kw_only=True)
class Inquiry:
    """
    Be one question a merchant asks: may I hold *amount* minor units (more)?
    """

    amount: int
    currency: str
    merchant_amount: int
    merchant_currency: str
    is_amount_controllable: bool = False
    atm_fee: int | None = None
    cashback_amount: int | None = None
    requested_at: int = 0
    risk_score: int | None = None

    def wire(self) -> Wire:
        return {
            "amount": self.amount,
            "amount_details": self.details(),
            "currency": self.currency,
            "is_amount_controllable": self.is_amount_controllable,
            "merchant_amount": self.merchant_amount,
            "merchant_currency": self.merchant_currency,
            "network_risk_score": self.risk_score,
        }

    @property
    def least_part(self) -> int:
        """
        Return the least that may be approved of it: cash is handed out in full or not at all.
        """
        return max(1, self.cashback_amount or 0)

    def details(self) -> Wire:
        """
        Return what part of the amount is a fee or cash.
        """
        return {"atm_fee": self.atm_fee, "cashback_amount": self.cashback_amount}


@define(eq=False, kw_only=True)
class Authorization(Resource):
    """
    Be one authorization from the first question to the last capture.

    *held* is what it holds at this moment; *captured* what was captured of it.
    """

    noun: ClassVar[str] = "issuing authorization"
    indexed: ClassVar[tuple[str, ...]] = ("card", "cardholder")

    card: str
    cardholder: str
    currency: str
    merchant_currency: str
    method: str
    merchant_data: Wire
    category: str
    verification_data: Wire
    acquirer: str | None = None
    merchant_amount: int = 0
    amount: int = 0
    approved: bool = False
    status: str = "pending"
    wallet: str | None = None
    fleet: Wire | None = None
    fuel: Wire | None = None
    atm_fee: int | None = None
    cashback_amount: int | None = None
    pending: Inquiry | None = None
    history: tuple[dict[str, Atom], ...] = ()
    movements: tuple[str, ...] = ()
    transactions: tuple[str, ...] = ()
    challenges: list[Wire] | None = None
    verified_by_challenge: bool | None = None
    held: int = 0
    captured: int = 0
    is_counted: bool = False
    is_probe: bool = False

    @property
    def presence(self) -> str:
        """
        Return whether the card is there in person.
        """
        return "present" if self.method in PRESENT_METHODS else "not_present"

    def inside(self, world: World) -> Resource:
        return world.by_id[self.card]

    def wire(self, world: World) -> Wire:
        by_id = world.by_id
        return {
            "id": self.id,
            "object": "issuing.authorization",
            "amount": self.amount,
            "amount_details": {
                "atm_fee": self.atm_fee,
                "cashback_amount": self.cashback_amount,
            },
            "approved": self.approved,
            "authorization_method": self.method,
            "balance_transactions": [by_id[name].show(world) for name in self.movements],
            "card": by_id[self.card].show(world),
            "card_presence": self.presence,
            "cardholder": self.cardholder,
            "created": self.created,
            "currency": self.currency,
            "fleet": self.fleet,
            "fraud_challenges": self.challenges,
            "fuel": self.fuel,
            "livemode": False,
            "merchant_amount": self.merchant_amount,
            "merchant_currency": self.merchant_currency,
            "merchant_data": self.merchant_data,
            "metadata": self.metadata,
            "network_data": {
                "acquiring_institution_id": self.acquirer,
                "system_trace_audit_number": None,
                "transaction_id": None,
            },
            "pending_request": None if self.pending is None else self.pending.wire(),
            "request_history": [_decision(entry) for entry in self.history],
            "status": self.status,
            "token": None,
            "transactions": [by_id[name].show(world) for name in self.transactions],
            "verification_data": self.verification_data,
            "verified_by_fraud_challenge": self.verified_by_challenge,
            "wallet": self.wallet,
        }


def _decision(entry: dict[str, Atom]) -> Wire:
    """
    Return one line of the history as Stripe nests it.
    """
    return {
        "amount": entry["amount"],
        "amount_details": {
            "atm_fee": entry["atm_fee"],
            "cashback_amount": entry["cashback_amount"],
        },
        "approved": entry["approved"],
        "authorization_code": entry["authorization_code"],
        "created": entry["created"],
        "currency": entry["currency"],
        "merchant_amount": entry["merchant_amount"],
        "merchant_currency": entry["merchant_currency"],
        "network_risk_score": entry["network_risk_score"],
        "reason": entry["reason"],
        "reason_message": entry["reason_message"],
        "requested_at": entry["requested_at"],
    }


RETRIEVE = params()
UPDATE = params({"metadata": Metadata()})
LIST = list_params(
    {
        "card": Text(),
        "cardholder": Text(),
        "status": Choice({"closed", "expired", "pending", "reversed"}),
    }
)


def retrieve(call: Call) -> Authorization:
    """
    Stripe: ``GET /v1/issuing/authorizations/:id``.
    """
    return call.world.find(Authorization, call.names[0], call.account.id)


def update(call: Call) -> Authorization:
    """
    Stripe: ``POST /v1/issuing/authorizations/:id``; metadata only, even while it is decided.
    """
    authorization = retrieve(call)
    if "metadata" in call.params:
        with changing(authorization, call.world) as before:
            authorization.metadata = merge_metadata(authorization.metadata, call.params["metadata"])
        if authorization.pending is None:
            events.emit(call, "issuing_authorization.updated", authorization, before)
    return authorization


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/issuing/authorizations``.
    """
    return page(call, Authorization, "/v1/issuing/authorizations")


def card_of(call: Call, authorization: Authorization) -> Card:
    """
    Return the card an authorization was made on.
    """
    return call.world.get(Card, authorization.card)
