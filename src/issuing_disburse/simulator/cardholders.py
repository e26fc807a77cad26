"""
Who may use a card, and what is still missing from them?
"""

from typing import ClassVar

from attrs import define, field
from orjson import loads

from issuing_disburse.simulator import events
from issuing_disburse.simulator.encoding import to_json
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.issuing import require_issuing
from issuing_disburse.simulator.listing import page
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.people import (
    check_birth,
    check_email,
    check_name,
    check_person,
    e164,
)
from issuing_disburse.simulator.schema import (
    ACCEPTANCE,
    ADDRESS,
    Choice,
    Hash,
    Integer,
    Node,
    Params,
    Sequence,
    Text,
    list_params,
    params,
)
from issuing_disburse.simulator.spending import (
    NO_CONTROLS,
    Controls,
    Spend,
    cardholder_controls,
    controls_wire,
    read_controls,
)
from issuing_disburse.simulator.world import Call, Resource, Wire, World, changing

_ASKED_OF_LISTED = (
    "individual.dob.day",
    "individual.dob.month",
    "individual.dob.year",
    "individual.verification.document",
)
SCREENINGS = frozenset({None, "under_review", "listed", "rejected.listed"})
WATCHLIST_BIRTH_DATE = {"day": 1, "month": 1, "year": 1900}


@define(eq=False, kw_only=True)
class Cardholder(Resource):
    """
    Be one person or company that may hold cards.

    *screening* is what the watchlist says: ``None``, ``under_review``, ``listed`` or
    ``rejected.listed``.
    """

    noun: ClassVar[str] = "issuing cardholder"
    indexed: ClassVar[tuple[str, ...]] = ("email",)

    name: str
    type: str
    status: str
    billing: dict[str, object]
    country: str
    email: str | None = None
    phone_number: str | None = None
    individual: bytes = b"null"
    due: tuple[str, ...] = ()
    tax_id_provided: bool = False
    preferred_locales: list[str] | None = None
    controls: Controls = NO_CONTROLS
    screening: str | None = None
    spend: Spend = field(factory=Spend)

    def past_due(self) -> list[str]:
        """
        Return the fields that are missing; whom the watchlist names must tell who they are.
        """
        return [*(_ASKED_OF_LISTED if self.screening == "listed" else ()), *self.due]

    def set_person(self, person: dict[str, object]) -> None:
        """
        Set who the holder is, and find out what is missing.

        A US individual needs names and the acceptance of the user terms.
        """
        self.individual = to_json(person or None)
        self.due = ()
        if self.type != "individual" or self.country != "US":
            return
        due: list[str] = []
        due += [
            f"individual.{name}" for name in ("first_name", "last_name") if not person.get(name)
        ]
        issuing = person.get("card_issuing")
        terms = issuing.get("user_terms_acceptance") if isinstance(issuing, dict) else None
        due += [
            f"individual.card_issuing.user_terms_acceptance.{name}"
            for name in ("date", "ip")
            if not (isinstance(terms, dict) and terms.get(name))
        ]
        self.due = tuple(due)

    def person(self) -> dict[str, object]:
        """
        Return who the holder is, as far as known.
        """
        known: dict[str, object] | None = loads(self.individual)
        return known or {}

    def disabled_reason(self) -> str | None:
        """
        Return why authorizations on all cards of this holder are declined, if they are.
        """
        if self.screening is not None:
            return self.screening
        return "requirements.past_due" if self.past_due() else None

    def wire(self, world: World) -> Wire:
        return {
            "id": self.id,
            "object": "issuing.cardholder",
            "billing": {"address": self.billing},
            "company": {"tax_id_provided": self.tax_id_provided}
            if self.type == "company"
            else None,
            "created": self.created,
            "email": self.email,
            "individual": loads(self.individual),
            "livemode": False,
            "metadata": self.metadata,
            "name": self.name,
            "phone_number": self.phone_number,
            "preferred_locales": self.preferred_locales,
            "requirements": {
                "disabled_reason": self.disabled_reason(),
                "past_due": self.past_due(),
            },
            "spending_controls": controls_wire(
                self.controls, currency=self.controls.limits_currency
            ),
            "status": self.status,
            "type": self.type,
        }


_FIELDS: dict[str, Node] = {
    "company": Hash({"tax_id": Text()}),
    "email": Text(check=check_email, clearable=True),
    "individual": Hash(
        {
            "card_issuing": Hash({"user_terms_acceptance": Hash(ACCEPTANCE)}),
            "dob": Hash(
                {
                    "day": Integer(required=True, least=1, most=31),
                    "month": Integer(required=True, least=1, most=12),
                    "year": Integer(required=True, least=1900, most=9999),
                }
            ),
            "first_name": Text(check=check_person),
            "last_name": Text(check=check_person),
            "verification": Hash(
                {"document": Hash({"back": Text(clearable=True), "front": Text(clearable=True)})}
            ),
        }
    ),
    "metadata": Metadata(),
    "phone_number": Text(clearable=True, longest=20),
    "preferred_locales": Sequence(Choice({"de", "en", "es", "fr", "it"})),
    "spending_controls": cardholder_controls(),
    "status": Choice({"active", "inactive"}),
}
CREATE = params(
    {
        **_FIELDS,
        "billing": Hash({"address": Hash(ADDRESS, required=True)}, required=True),
        "name": Text(required=True, check=check_name),
        "type": Choice({"company", "individual"}),
    }
)
UPDATE = params({**_FIELDS, "billing": Hash({"address": Hash(ADDRESS, required=True)})})
RETRIEVE = params()
LIST = list_params(
    {
        "email": Text(),
        "phone_number": Text(),
        "status": Choice({"active", "blocked", "inactive"}),
        "type": Choice({"company", "individual"}),
    }
)


def create(call: Call) -> Cardholder:
    """
    Stripe: ``POST /v1/issuing/cardholders``.
    """
    require_issuing(call)
    world, asked = call.world, call.params
    kind = asked.get("type", "individual")
    if kind == "company" and not world.behaviour.company_cardholders:
        raise ApiError("Cardholder type must be individual.", param="type")
    if not world.behaviour.digits_in_names and any(map(str.isdigit, asked["name"])):
        raise ApiError("Invalid name: it must not contain numbers.", param="name")
    holder = Cardholder(
        id=world.ids.new("ich"),
        account=call.account.id,
        created=world.seconds,
        name=asked["name"],
        type=kind,
        status=asked.get("status", "active"),
        billing={},
        country=call.account.country,
        email=asked.get("email"),
    )
    if "individual" not in asked:
        holder.set_person({})
    _apply(call, holder, asked)
    world.add(holder)
    _screen(call, holder)
    events.emit(call, "issuing_cardholder.created", holder)
    return holder


def _apply(call: Call, holder: Cardholder, asked: Params) -> None:
    if "billing" in asked:
        holder.billing = {"line2": None, "state": None, **asked["billing"]["address"]}
    if "individual" in asked:
        holder.set_person(_person(call, holder, asked["individual"]))
    if asked.get("phone_number"):
        holder.phone_number = e164(asked["phone_number"], holder.country)
    elif "phone_number" in asked:
        holder.phone_number = None
    for name in ("email", "status", "preferred_locales"):
        if name in asked:
            setattr(holder, name, asked[name])
    if asked.get("company"):
        holder.tax_id_provided = "tax_id" in asked["company"]
    if "metadata" in asked:
        holder.metadata = merge_metadata(holder.metadata, asked["metadata"])
    if "spending_controls" in asked:
        holder.controls = read_controls(holder.controls, asked["spending_controls"])


def _person(call: Call, holder: Cardholder, asked: Params) -> dict[str, object]:
    if holder.type != "individual":
        raise ApiError(
            "You can only set `individual` on individual cardholders.", param="individual"
        )
    old = holder.person()
    issuing = asked.get("card_issuing") or old.get("card_issuing") or {}
    terms = issuing.get("user_terms_acceptance") if isinstance(issuing, dict) else None
    verification = asked.get("verification") or old.get("verification") or {}
    document = verification.get("document") if isinstance(verification, dict) else None
    birth = asked.get("dob") or old.get("dob")
    if isinstance(birth, dict) and birth["year"] is not None:
        check_birth(birth, call.world.seconds)
    return {
        "card_issuing": {
            "user_terms_acceptance": {"date": None, "ip": None, "user_agent": None, **(terms or {})}
        },
        "dob": birth or {"day": None, "month": None, "year": None},
        "first_name": asked.get("first_name", old.get("first_name")),
        "last_name": asked.get("last_name", old.get("last_name")),
        "verification": {"document": {"back": None, "front": None, **(document or {})}},
    }


def _screen(call: Call, holder: Cardholder) -> None:
    """
    Screen a new or changed holder against the watchlist, at once or after some seconds.
    """
    if holder.screening == "rejected.listed":
        return
    birth = holder.person().get("dob")
    verdict = "listed" if birth == WATCHLIST_BIRTH_DATE else None
    delay = call.world.behaviour.screening_seconds
    if delay <= 0:
        holder.screening = verdict
        holder.changed()
        return
    holder.screening = "under_review"
    holder.changed()
    call.world.later(delay, "finish_screening", holder.id, verdict or "")


def finish_screening(call: Call, holder_id: str, verdict: str) -> None:
    """
    Let a screening that was under way come to its result.
    """
    holder = call.world.get(Cardholder, holder_id)
    if holder.screening == "under_review":
        set_screening(call, holder, verdict or None)


def set_screening(call: Call, holder: Cardholder, verdict: str | None) -> None:
    """
    Set what the watchlist says; a confirmed hit blocks the holder.
    """
    with changing(holder, call.world) as before:
        holder.screening = verdict
        if verdict == "rejected.listed":
            holder.status = "blocked"
    events.emit(call, "issuing_cardholder.updated", holder, before)


def retrieve(call: Call) -> Cardholder:
    """
    Stripe: ``GET /v1/issuing/cardholders/:id``.
    """
    return call.world.find(Cardholder, call.names[0], call.account.id)


def update(call: Call) -> Cardholder:
    """
    Stripe: ``POST /v1/issuing/cardholders/:id``.
    """
    holder = retrieve(call)
    asked = call.params
    if holder.status == "blocked" and "status" in asked:
        raise ApiError("The status of a blocked cardholder cannot be changed.", param="status")
    old_email = holder.email
    with changing(holder, call.world) as before:
        _apply(call, holder, asked)
    call.world.reindex(holder, "email", old_email)
    if "individual" in asked:
        _screen(call, holder)
    events.emit(call, "issuing_cardholder.updated", holder, before)
    return holder


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/issuing/cardholders``.
    """
    return page(call, Cardholder, "/v1/issuing/cardholders")
