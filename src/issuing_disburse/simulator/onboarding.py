"""
How is an account connected, and how does it come to be able to issue?
"""

from issuing_disburse.simulator import events
from issuing_disburse.simulator.accounts import (
    CAPABILITIES,
    ISSUING_COUNTRIES,
    Account,
    Capability,
    currency_of,
)
from issuing_disburse.simulator.balance_settings import (
    INTERVAL,
    MONTH_DAYS,
    WEEKDAY,
    set_payouts,
)
from issuing_disburse.simulator.errors import ApiError, no_such
from issuing_disburse.simulator.listing import list_of, page
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.payouts import schedule as schedule_payouts
from issuing_disburse.simulator.schema import (
    ACCEPTANCE,
    Boolean,
    Choice,
    Currency,
    Free,
    Hash,
    Integer,
    Node,
    NotImitated,
    Params,
    Sequence,
    Text,
    list_params,
    params,
)
from issuing_disburse.simulator.world import Call, Wire, changing

_REQUESTS = Hash({name: Hash({"requested": Boolean()}) for name in sorted(CAPABILITIES)})


_FIELDS: dict[str, Node] = {
    "account_token": NotImitated(),
    "business_profile": Free(),
    "business_type": Choice({"company", "government_entity", "individual", "non_profit"}),
    "capabilities": _REQUESTS,
    "company": Free(),
    "default_currency": Currency(),
    "documents": NotImitated(),
    "email": Text(),
    "external_account": Free(),
    "groups": NotImitated(),
    "individual": Free(),
    "metadata": Metadata(),
    "settings": Hash(
        {
            "bacs_debit_payments": NotImitated(),
            "branding": Free(),
            "card_issuing": Hash({"tos_acceptance": Hash(ACCEPTANCE)}),
            "card_payments": Free(),
            "invoices": NotImitated(),
            "payments": Free(),
            "payouts": Hash(
                {
                    "debit_negative_balances": Boolean(),
                    "schedule": Hash(
                        {
                            "delay_days": Text(),
                            "interval": INTERVAL,
                            "monthly_anchor": Integer(least=1, most=31),
                            "monthly_payout_days": MONTH_DAYS,
                            "weekly_anchor": Choice({"saturday", "sunday", *WEEKDAY.values}),
                            "weekly_payout_days": Sequence(WEEKDAY),
                        }
                    ),
                    "statement_descriptor": Text(),
                }
            ),
            "paypay_payments": NotImitated(),
            "sepa_debit_payments": NotImitated(),
            "treasury": NotImitated(),
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
        default_currency=currency_of(country, world.behaviour),
        controller=_controller(asked),
        kind=asked.get("type", "none" if "controller" in asked else "standard"),
    )
    _apply(call, account, asked)
    world.add(account)
    schedule_payouts(call.for_account(account), account)
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
    payouts = settings.get("payouts")
    if payouts:
        schedule = dict(payouts.get("schedule") or {})
        for anchor, days in (
            ("monthly_anchor", "monthly_payout_days"),
            ("weekly_anchor", "weekly_payout_days"),
        ):
            if anchor in schedule:
                schedule.setdefault(days, [schedule.pop(anchor)])
        schedule.pop("delay_days", None)
        set_payouts(account, {**payouts, "schedule": schedule})
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
    schedule_payouts(call.for_account(account), account)
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
