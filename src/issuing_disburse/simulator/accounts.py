"""
Who can hold balances and issue cards, and what is still missing for it?
"""

from typing import ClassVar

from attrs import define, field

from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.simulator.listing import list_of
from issuing_disburse.simulator.world import Resource, Wire, World

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
    kind: str = "none"
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
            "type": self.kind,
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


def currency_of(country: str, behaviour: Behaviour) -> str:
    """
    Return the currency of a country's accounts and cards.
    """
    known = {"US": "usd", "GB": "gbp", "CA": behaviour.canadian_currency}
    return known.get(country, "eur")


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
