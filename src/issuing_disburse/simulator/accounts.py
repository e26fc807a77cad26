"""
Who can hold balances and issue cards, and what is still missing for it?
"""

from typing import ClassVar

from attrs import define, field

from issuing_disburse.simulator import events
from issuing_disburse.simulator.errors import ApiError, no_such
from issuing_disburse.simulator.listing import list_of, page
from issuing_disburse.simulator.schema import (
    ACCEPTANCE,
    Boolean,
    Choice,
    Free,
    Hash,
    Metadata,
    Node,
    Params,
    Sequence,
    Text,
    list_params,
    merge_metadata,
    params,
)
from issuing_disburse.simulator.world import Call, Resource, Wire, World, changing

CURRENCIES = {"US": "usd", "GB": "gbp"}
ISSUING_COUNTRIES = frozenset(
    [
        "AT",
        "BE",
        "CA",
        "CY",
        "DE",
        "EE",
        "ES",
        "FI",
        "FR",
        "GB",
        "GR",
        "HR",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PT",
        "SI",
        "SK",
        "US",
    ]
)
CAPABILITIES = frozenset(
    {
        "card_issuing",
        "card_payments",
        "legacy_payments",
        "sepa_debit_payments",
        "transfers",
        "treasury",
        "us_bank_account_ach_payments",
    }
)
_TERMS = "settings.card_issuing.tos_acceptance"
_SERVICES = "tos_acceptance"


@define(eq=False, kw_only=True)
class Account(Resource):
    """
    Be the platform or a connected account, with its balances.

    *funds* holds the available minor units by balance and currency; *held* the open holds;
    *reserved* what authorizations still being decided would take.
    """

    noun: ClassVar[str] = "account"

    country: str
    default_currency: str
    email: str | None = None
    business_type: str | None = None
    details: dict[str, object] = field(factory=dict)
    controller: dict[str, object] = field(factory=dict)
    requested: dict[str, int] = field(factory=dict)
    disabled: dict[str, str] = field(factory=dict)
    services_terms: dict[str, object] = field(factory=dict)
    issuing_terms: dict[str, object] = field(factory=dict)
    external_account: str | None = None
    payout_interval: str = "daily"
    is_payout_scheduled: bool = False
    payout_settings: dict[str, object] = field(factory=dict)
    balance_transfers: bool = True
    issuing_elements: bool = True
    funds: dict[tuple[str, str], int] = field(factory=dict)
    held: dict[str, int] = field(factory=dict)
    reserved: dict[str, int] = field(factory=dict)
    funding_instructions: dict[str, str] = field(factory=dict)
    states: dict[str, str] = field(factory=dict, repr=False)

    def can(self, capability: str) -> bool:
        """
        Say whether a capability is active.
        """
        return self.status(capability) == "active"

    def status(self, capability: str) -> str:
        """
        Return a capability's status; it is active as soon as nothing is missing.
        """
        known = self.states.get(capability)
        if known is None:
            if capability not in self.requested:
                known = "unrequested"
            elif self.missing(capability) or capability in self.disabled:
                known = "inactive"
            else:
                known = "active"
            self.states[capability] = known
        return known

    def changed(self) -> None:
        Resource.changed(self)
        self.states.clear()

    def missing(self, capability: str) -> list[str]:
        """
        Return the requirements that keep a capability inactive.
        """
        due = [] if self.business_type else ["business_type"]
        due += [
            f"{_SERVICES}.{name}" for name in ("date", "ip") if not self.services_terms.get(name)
        ]
        if capability == "card_issuing":
            due += [
                f"{_TERMS}.{name}" for name in ("date", "ip") if not self.issuing_terms.get(name)
            ]
        return due

    def spendable(self, currency: str) -> int:
        """
        Return the Issuing minor units that a new authorization may still take.
        """
        return self.funds.get(("issuing", currency), 0) - self.reserved.get(currency, 0)

    def wire(self, world: World) -> Wire:
        due = sorted({each for name in self.requested for each in self.missing(name)})
        disabled = next(iter(self.disabled.values()), "requirements.past_due" if due else None)
        return {
            "id": self.id,
            "object": "account",
            "business_profile": self.details.get("business_profile") or {"mcc": None, "url": None},
            "business_type": self.business_type,
            "capabilities": {name: self.status(name) for name in sorted(self.requested)},
            "charges_enabled": self.can("card_payments"),
            "controller": self.controller,
            "country": self.country,
            "created": self.created,
            "default_currency": self.default_currency,
            "details_submitted": not due,
            "email": self.email,
            "external_accounts": list_of(
                [] if self.external_account is None else [self._bank_account()],
                f"/v1/accounts/{self.id}/external_accounts",
            ),
            "future_requirements": requirements([], None),
            "metadata": self.metadata,
            "payouts_enabled": self.external_account is not None and not due,
            "requirements": requirements(due, disabled),
            "settings": self._settings(),
            "tos_acceptance": {"date": None, "ip": None, "user_agent": None, **self.services_terms},
            "type": "standard" if self.id == world.platform else "none",
        }

    def _settings(self) -> Wire:
        return {
            "branding": {
                "icon": None,
                "logo": None,
                "primary_color": None,
                "secondary_color": None,
            },
            "card_issuing": {
                "tos_acceptance": {"date": None, "ip": None, **self.issuing_terms},
            },
            "card_payments": {
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": None, "timezone": "Etc/UTC"},
            "payments": {
                "statement_descriptor": None,
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
            },
            "payouts": {
                "debit_negative_balances": False,
                "schedule": {"delay_days": 2, "interval": self.payout_interval},
                "statement_descriptor": None,
            },
        }

    def _bank_account(self) -> Wire:
        return {
            "id": self.external_account,
            "object": "bank_account",
            "account": self.id,
            "account_holder_name": None,
            "account_holder_type": None,
            "account_type": None,
            "available_payout_methods": ["standard"],
            "bank_name": "STRIPE TEST BANK",
            "country": self.country,
            "currency": self.default_currency,
            "default_for_currency": True,
            "fingerprint": None,
            "last4": "6789",
            "metadata": {},
            "routing_number": "110000000",
            "status": "new",
        }


def requirements(due: list[str], disabled: str | None) -> Wire:
    """
    Return the requirements hash that accounts and capabilities share.
    """
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": due,
        "disabled_reason": disabled,
        "errors": [],
        "eventually_due": due,
        "past_due": due,
        "pending_verification": [],
    }


_REQUESTS = Hash({name: Hash({"requested": Boolean()}) for name in sorted(CAPABILITIES)})
_FIELDS: dict[str, Node] = {
    "business_profile": Free(),
    "business_type": Choice({"company", "government_entity", "individual", "non_profit"}),
    "capabilities": _REQUESTS,
    "company": Free(),
    "default_currency": Text(),
    "email": Text(),
    "external_account": Free(),
    "individual": Free(),
    "metadata": Metadata(),
    "settings": Hash(
        {
            "branding": Free(),
            "card_issuing": Hash({"tos_acceptance": Hash(ACCEPTANCE)}),
            "card_payments": Free(),
            "payments": Free(),
            "payouts": Free(),
        }
    ),
    "tos_acceptance": Hash({**ACCEPTANCE, "service_agreement": Text()}),
}
CREATE = params(
    {
        **_FIELDS,
        "country": Text(longest=2),
        "type": Choice({"custom", "express", "standard"}),
        "controller": Hash(
            {
                "fees": Hash({"payer": Choice({"account", "application"})}),
                "losses": Hash({"payments": Choice({"application", "stripe"})}),
                "requirement_collection": Choice({"application", "stripe"}),
                "stripe_dashboard": Hash({"type": Choice({"express", "full", "none"})}),
            }
        ),
    }
)
UPDATE = params(_FIELDS)
RETRIEVE = params()
LIST = list_params()
UPDATE_CAPABILITY = params({"requested": Boolean()})
EXTERNAL_ACCOUNTS = Sequence(Free())


def create(call: Call) -> Account:
    """
    Stripe: ``POST /v1/accounts``.
    """
    world, asked = call.world, call.params
    country = asked.get("country", call.account.country).upper()
    if country not in ISSUING_COUNTRIES:
        raise ApiError(
            f"{country} is not a country this simulator has accounts for.", param="country"
        )
    account = Account(
        id=world.ids.account(),
        account=world.platform,
        created=world.seconds,
        country=country,
        default_currency=CURRENCIES.get(country, "eur"),
        controller=_controller(asked),
    )
    _apply(call, account, asked)
    world.add(account)
    return account


def _controller(asked: Params) -> dict[str, object]:
    given = asked.get("controller") or {}
    custom = asked.get("type") == "custom"
    return {
        "type": "application",
        "fees": {
            "payer": given.get("fees", {}).get("payer", "application" if custom else "account")
        },
        "is_controller": True,
        "losses": {
            "payments": given.get("losses", {}).get(
                "payments", "application" if custom else "stripe"
            )
        },
        "requirement_collection": given.get(
            "requirement_collection", "application" if custom else "stripe"
        ),
        "stripe_dashboard": {
            "type": given.get("stripe_dashboard", {}).get("type", "none" if custom else "full")
        },
    }


def _apply(call: Call, account: Account, asked: Params) -> None:
    for name in ("email", "business_type", "default_currency"):
        if name in asked:
            setattr(account, name, asked[name])
    if "metadata" in asked:
        account.metadata = merge_metadata(account.metadata, asked["metadata"])
    if asked.get("external_account"):
        account.external_account = account.external_account or call.world.ids.new("ba")
    settings = asked.get("settings") or {}
    card_issuing = settings.get("card_issuing") or {}
    account.issuing_terms = account.issuing_terms | (card_issuing.get("tos_acceptance") or {})
    account.services_terms = account.services_terms | (asked.get("tos_acceptance") or {})
    account.details = account.details | {
        name: asked[name] for name in ("business_profile", "company", "individual") if name in asked
    }
    for name, request in (asked.get("capabilities") or {}).items():
        _request(call, account, name, wanted=request.get("requested", False))
    account.changed()


def _request(call: Call, account: Account, name: str, *, wanted: bool) -> None:
    """
    Ask for a capability, or give it back.
    """
    if not wanted:
        account.requested = {k: v for k, v in account.requested.items() if k != name}
        return
    platform = call.world.get(Account, call.world.platform)
    if name == "card_issuing":
        if not platform.can("card_issuing"):
            raise ApiError(
                "card_issuing can only be requested if your platform has been onboarded on Stripe"
                " Issuing already."
            )
        dashboard = account.controller.get("stripe_dashboard")
        collection = account.controller.get("requirement_collection")
        if dashboard != {"type": "none"} or collection != "application":
            raise ApiError(
                "The card_issuing capability is only available to accounts without a Stripe-hosted"
                " dashboard whose requirements the platform collects.",
                param="capabilities[card_issuing]",
            )
    account.requested = {**account.requested, name: call.world.seconds}


def _connected(call: Call, name: str) -> Account:
    """
    Return the account a URL names: the caller's own, or one connected to the platform.
    """
    world = call.world
    found = world.by_id.get(name)
    if isinstance(found, Account) and call.account.id in {name, found.account}:
        return found
    raise ApiError(
        f"The provided key does not have access to account '{name[:60]}' (or that account does not"
        " exist). Application access may have been revoked.",
        status=403,
        code="account_invalid",
    )


def retrieve_own(call: Call) -> Account:
    """
    Stripe: ``GET /v1/account``.
    """
    return call.account


def retrieve(call: Call) -> Account:
    """
    Stripe: ``GET /v1/accounts/:id``.
    """
    return _connected(call, call.names[0])


def update(call: Call) -> Account:
    """
    Stripe: ``POST /v1/accounts/:id``.
    """
    account = _connected(call, call.names[0])
    with changing(account, call.world) as before:
        _apply(call, account, call.params)
    announce(call, account, before)
    return account


def announce(call: Call, account: Account, before: Wire) -> None:
    """
    Tell that an account has changed, and each capability that changed with it.
    """
    theirs = call.for_account(account)
    events.emit(theirs, "account.updated", account, before)
    old = before["capabilities"]
    for name in account.requested:
        if isinstance(old, dict) and old.get(name) != account.status(name):
            shown = Capability(
                id=name, account=account.id, created=call.world.seconds, of=account.id
            )
            events.emit(theirs, "capability.updated", shown, {"status": old.get(name)})


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/accounts``.
    """
    return page(call, Account, "/v1/accounts")


@define(eq=False, kw_only=True)
class Capability(Resource):
    """
    Show one capability of an account; the account holds the state.
    """

    noun: ClassVar[str] = "capability"

    of: str

    def wire(self, world: World) -> Wire:
        account = world.get(Account, self.of)
        due = account.missing(self.id)
        disabled = account.disabled.get(self.id, "requirements.fields_needed" if due else None)
        return {
            "id": self.id,
            "object": "capability",
            "account": account.id,
            "future_requirements": requirements([], None),
            "requested": self.id in account.requested,
            "requested_at": account.requested.get(self.id),
            "requirements": requirements(due, disabled),
            "status": account.status(self.id),
        }


def _capability(call: Call, account: Account, name: str) -> Capability:
    if name not in CAPABILITIES:
        raise no_such("capability", name)
    return Capability(id=name, account=account.id, created=call.world.seconds, of=account.id)


def retrieve_capability(call: Call) -> Capability:
    """
    Stripe: ``GET /v1/accounts/:id/capabilities/:capability``.
    """
    return _capability(call, _connected(call, call.names[0]), call.names[1])


def update_capability(call: Call) -> Capability:
    """
    Stripe: ``POST /v1/accounts/:id/capabilities/:capability``.
    """
    account = _connected(call, call.names[0])
    capability = _capability(call, account, call.names[1])
    if "requested" in call.params:
        with changing(account, call.world) as before:
            _request(call, account, capability.id, wanted=call.params["requested"])
        announce(call, account, before)
    return capability


def list_capabilities(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/accounts/:id/capabilities``.
    """
    account = _connected(call, call.names[0])
    names = sorted(account.requested)
    return list_of(
        [_capability(call, account, name).show(call.world) for name in names],
        f"/v1/accounts/{account.id}/capabilities",
    )
