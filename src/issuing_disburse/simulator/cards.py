"""
Which cards are there, what state are they in, and how often may each still pay?
"""

from datetime import UTC, datetime
from typing import ClassVar

from attrs import define, field

from issuing_disburse.simulator import events
from issuing_disburse.simulator.card_rules import (
    check_activation,
    check_currency,
    check_holder,
    check_number,
    expiry,
    refuse_physical,
)
from issuing_disburse.simulator.cardholders import Cardholder
from issuing_disburse.simulator.errors import ApiError, parameter_missing
from issuing_disburse.simulator.expansion import SECRETS
from issuing_disburse.simulator.issuing import require_issuing
from issuing_disburse.simulator.listing import page
from issuing_disburse.simulator.metadata import merge_metadata
from issuing_disburse.simulator.schema import Params
from issuing_disburse.simulator.spending import (
    NO_CONTROLS,
    Controls,
    Spend,
    controls_wire,
    read_controls,
)
from issuing_disburse.simulator.world import Call, Resource, Wire, World, changing

_WALLETS: Wire = {
    "apple_pay": {"eligible": True, "ineligible_reason": None},
    "google_pay": {"eligible": True, "ineligible_reason": None},
    "primary_account_identifier": None,
}


@define(eq=False, kw_only=True)
class Card(Resource):
    """
    Be one virtual card.

    *payments* counts what the lifecycle control counts; *probes* the small uncaptured
    authorizations that it does not count yet.
    """

    noun: ClassVar[str] = "issuing card"
    indexed: ClassVar[tuple[str, ...]] = ("cardholder", "last4")

    cardholder: str
    currency: str
    status: str
    number: str
    cvc: str
    last4: str
    exp_month: int
    exp_year: int
    controls: Controls = NO_CONTROLS
    payment_count: int | None = None
    payments: int = 0
    probes: int = 0
    cancellation_reason: str | None = None
    replacement_for: str | None = None
    replacement_reason: str | None = None
    replaced_by: str | None = None
    financial_account: str | None = None
    spend: Spend = field(factory=Spend)

    def inside(self, world: World) -> Resource:
        return world.by_id[self.cardholder]

    def wire(self, world: World) -> Wire:
        behaviour = world.behaviour
        return {
            "id": self.id,
            "object": "issuing.card",
            "brand": "Visa",
            "cancellation_reason": self.cancellation_reason,
            "cardholder": world.by_id[self.cardholder].show(world),
            "created": self.created,
            "currency": self.currency,
            "exp_month": self.exp_month,
            "exp_year": self.exp_year,
            "financial_account": self.financial_account,
            "last4": self.last4,
            "latest_fraud_warning": None,
            "lifecycle_controls": None
            if self.payment_count is None
            else {"cancel_after": {"payment_count": self.payment_count}},
            "livemode": False,
            "metadata": self.metadata,
            "personalization_design": None,
            "replaced_by": self.replaced_by,
            "replacement_for": self.replacement_for,
            "replacement_reason": self.replacement_reason,
            "second_line": None,
            "shipping": None,
            "spending_controls": controls_wire(
                self.controls,
                currency=self.currency,
                default_limit=behaviour.default_daily_limit
                if behaviour.default_limit_visible
                else None,
            ),
            "status": self.status,
            "type": "virtual",
            "wallets": _WALLETS,
        }

    def is_used_up(self) -> bool:
        """
        Say whether the lifecycle control has counted as many payments as it allows.
        """
        return self.payment_count is not None and self.payments >= self.payment_count

    def is_expired(self, now: int) -> bool:
        """
        Say whether the last day of the expiry month is over, in UTC.
        """
        today = datetime.fromtimestamp(now, UTC)
        return (today.year, today.month) > (self.exp_year, self.exp_month)


def create(call: Call) -> Card:
    """
    Stripe: ``POST /v1/issuing/cards``; neither checks nor reserves any balance.
    """
    require_issuing(call)
    world, asked = call.world, call.params
    refuse_physical(asked)
    if "cardholder" not in asked:
        raise parameter_missing("cardholder")
    holder = world.find(
        Cardholder, asked["cardholder"], call.account.id, param="cardholder", status=400
    )
    currency = asked["currency"].lower()
    check_currency(call, currency)
    check_holder(call, holder)
    check_number(call, world.found(Card, call.account.id, "cardholder", holder.id))
    status = asked.get("status", "inactive")
    if status == "active":
        check_activation(holder)
    month, year = expiry(call, asked)
    replaced = _replaced(call, asked)
    number = world.ids.card_number()
    card = Card(
        id=world.ids.new("ic"),
        account=call.account.id,
        created=world.seconds,
        cardholder=holder.id,
        currency=currency,
        status=status,
        number=number,
        cvc=world.ids.digits(3),
        last4=number[-4:],
        exp_month=month,
        exp_year=year,
        financial_account=asked.get("financial_account"),
    )
    if "lifecycle_controls" in asked:
        card.payment_count = asked["lifecycle_controls"]["cancel_after"]["payment_count"]
    if asked.get("spending_controls"):
        card.controls = read_controls(card.controls, asked["spending_controls"])
    if asked.get("metadata"):
        card.metadata = merge_metadata({}, asked["metadata"])
    world.add(card)
    if replaced is not None:
        _replace(call, replaced, card, asked["replacement_reason"])
    events.emit(call, "issuing_card.created", card)
    return card


def _replaced(call: Call, asked: Params) -> Card | None:
    """
    Return the card that a new one is to replace, once Stripe's conditions hold.
    """
    name, reason = asked.get("replacement_for"), asked.get("replacement_reason")
    if name is None and reason is None:
        return None
    for key in ("replacement_for", "replacement_reason"):
        if asked.get(key) is None:
            raise parameter_missing(key)
    old = call.world.find(Card, str(name), call.account.id, param="replacement_for", status=400)
    if old.replaced_by is not None:
        raise ApiError("This card has already been replaced.", param="replacement_for")
    if reason in {"lost", "stolen"} and old.status != "canceled":
        raise ApiError(
            "A lost or stolen card must be canceled before it is replaced.",
            param="replacement_for",
        )
    return old


def _replace(call: Call, old: Card, new: Card, reason: str) -> None:
    """
    Tie a replacement to its original; limits follow the chain, a worn card's number too.
    """
    with changing(old, call.world) as before:
        old.replaced_by = new.id
    new.replacement_for, new.replacement_reason = old.id, reason
    new.spend = old.spend
    if reason in {"damaged", "expired"}:
        new.number, new.last4 = old.number, old.last4
    events.emit(call, "issuing_card.updated", old, before)
    if new.status == "active":
        _retire_original(call, new)


def _retire_original(call: Call, card: Card) -> None:
    if card.replacement_for is None:
        return
    old = call.world.get(Card, card.replacement_for)
    if card.replacement_reason in {"damaged", "expired"} and old.status != "canceled":
        set_status(call, old, "canceled")


def set_status(call: Call, card: Card, status: str, reason: str | None = None) -> None:
    """
    Move a card to another state and tell of it.
    """
    old: Wire = {"cancellation_reason": card.cancellation_reason, "status": card.status}
    card.status, card.cancellation_reason = status, reason
    card.changed()
    changed = events.difference(old, {"cancellation_reason": reason, "status": status})
    events.emit(call, "issuing_card.updated", card, changed=changed)


def retrieve(call: Call) -> Card | Wire:
    """
    Stripe: ``GET /v1/issuing/cards/:id``; the only place that shows number and CVC, if expanded.
    """
    card = call.world.find(Card, call.names[0], call.account.id)
    secrets = SECRETS.intersection(call.expand)
    if not secrets:
        return card
    if card.status == "canceled" and not call.world.behaviour.canceled_card_secrets_readable:
        raise ApiError("The number of a canceled card cannot be retrieved.", param="expand")
    call.expand = tuple(path for path in call.expand if path not in SECRETS)
    return {**card.wire(call.world), **{name: getattr(card, name) for name in sorted(secrets)}}


def update(call: Call) -> Card:
    """
    Stripe: ``POST /v1/issuing/cards/:id``; a canceled card only takes new metadata.
    """
    card = call.world.find(Card, call.names[0], call.account.id)
    asked = call.params
    refuse_physical({"type": "virtual", **asked})
    status = asked.get("status", card.status)
    if card.status == "canceled" and set(asked) - {"metadata", "expand"}:
        raise ApiError(
            "You cannot change a card that has been canceled.",
            code=call.world.behaviour.canceled_card_code,
            param="status",
        )
    if status == "active" and card.status != "active":
        check_activation(call.world.get(Cardholder, card.cardholder))
    if "cancellation_reason" in asked and status != "canceled":
        raise ApiError(
            "You can only set `cancellation_reason` when canceling a card.",
            param="cancellation_reason",
        )
    activated = status == "active" and card.status != "active"
    with changing(card, call.world) as before:
        card.status = status
        card.cancellation_reason = asked.get("cancellation_reason", card.cancellation_reason)
        card.financial_account = asked.get("financial_account", card.financial_account)
        if "metadata" in asked:
            card.metadata = merge_metadata(card.metadata, asked["metadata"])
        if asked.get("spending_controls"):
            card.controls = read_controls(
                card.controls,
                asked["spending_controls"],
                unset_restores_default=call.world.behaviour.unset_limits_restore_default,
            )
    events.emit(call, "issuing_card.updated", card, before)
    if activated:
        _retire_original(call, card)
    return card


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/issuing/cards``.
    """
    asked = call.params
    if asked.pop("type", "virtual") != "virtual" or asked.pop("personalization_design", None):
        return page(call, Card, "/v1/issuing/cards", wanted=lambda _card: False)
    return page(call, Card, "/v1/issuing/cards")
