"""
How do you put a question to a policy in a test, and how do you know that it is sound?
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from issuing_disburse.decision import Allotment, AuthorizationRequest, Use
from issuing_disburse.money import Money
from issuing_disburse.terms import PROBE_MAX_MINOR, Terms

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
"""When the builders' questions are asked: a Monday morning, UTC."""

_MERCHANT: dict[str, Any] = {
    "merchant_name": "Rocket Rides",
    "merchant_network_id": "4445001",
    "merchant_city": "San Francisco",
    "merchant_country": "US",
    "merchant_postal_code": "94107",
    "category": "taxicabs_limousines",
    "mcc": "4121",
}


def make_request(
    amount: int | Money = 12_500,
    *,
    currency: str = "usd",
    already_approved: int | Money = 0,
    **changes: Any,
) -> AuthorizationRequest:
    """
    Make the question of an ordinary online purchase; *changes* replace single fields.

    Args:
        amount: What is asked now; an integer counts minor units of *currency*.
        already_approved: What an increment adds to.

    >>> make_request(4_200, merchant_country="FR").amount
    Money(4200, 'usd')
    """
    asked = _money(amount, currency)
    fields: dict[str, Any] = {
        "event_id": "evt_example",
        "authorization_id": "iauth_example",
        "card_id": "ic_example",
        "amount": asked,
        "already_approved": _money(already_approved, asked.currency),
        "created": NOW,
        "account": "acct_example",
        "merchant_amount": asked.minor,
        "merchant_currency": asked.currency,
        "authorization_method": "online",
        "card_presence": "not_present",
        "cvc_check": "match",
        "expiry_check": "match",
        "address_line1_check": "match",
        "postal_code_check": "match",
        **_MERCHANT,
    }
    return AuthorizationRequest(**{**fields, **changes})


def make_allotment(
    amount: int | Money = 12_500,
    *,
    currency: str = "usd",
    terms: Terms | None = None,
    history: Iterable[Use] = (),
    **changes: Any,
) -> Allotment:
    """
    Make what a fresh card may do under *terms*, less what *history* has used; *changes* replace fields.

    Args:
        amount: The order's amount; an integer counts minor units of *currency*.
        history: Approved uses, oldest first.

    >>> make_allotment(12_500, remaining=2_000).remaining
    Money(2000, 'usd')
    """
    ordered = _money(amount, currency)
    terms = terms or Terms()
    uses = tuple(history)
    probes = sum(use.is_probe for use in uses)
    fields: dict[str, Any] = {
        "order_id": "claim-8841",
        "card_id": "ic_example",
        "account": "acct_example",
        "amount": ordered,
        "remaining": Money(
            terms.most(ordered).minor - sum(use.amount.minor for use in uses), ordered.currency
        ),
        "uses_left": max(0, terms.uses - (len(uses) - probes)),
        "is_open": True,
        "expires_at": NOW + terms.valid_for,
        "terms": terms,
        "probe_max_minor": PROBE_MAX_MINOR,
        "probes_left": max(0, terms.uses - probes),
        "history": uses,
    }
    if "remaining" in changes:
        changes["remaining"] = _money(changes["remaining"], ordered.currency)
    return Allotment(**{**fields, **changes})


def make_use(
    amount: int | Money = 4_000,
    *,
    currency: str = "usd",
    ago: timedelta = timedelta(hours=1),
    **changes: Any,
) -> Use:
    """
    Make one approved use, so long *ago*; *changes* replace single fields.

    >>> make_use(50, is_probe=True).amount
    Money(50, 'usd')
    """
    fields: dict[str, Any] = {
        "authorization_id": "iauth_earlier",
        "at": NOW - ago,
        "amount": _money(amount, currency),
        "merchant_name": _MERCHANT["merchant_name"],
        "merchant_network_id": _MERCHANT["merchant_network_id"],
    }
    return Use(**{**fields, **changes})


def _money(value: int | Money, currency: str) -> Money:
    return value if isinstance(value, Money) else Money(value, currency)
