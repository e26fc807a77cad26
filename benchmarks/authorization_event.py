"""
What does Stripe send when a merchant asks, in all its length?
"""

import json
from collections.abc import Iterator
from typing import Any

from issuing_disburse.testing.policy_kit import NOW

_ADDRESS = {
    "city": "Columbus",
    "country": "US",
    "line1": "123 Main St",
    "line2": None,
    "postal_code": "43004",
    "state": "OH",
}
_NO_CONTROLS: dict[str, Any] = {
    "allowed_card_presences": [],
    "allowed_categories": [],
    "allowed_merchant_countries": [],
    "blocked_card_presences": [],
    "blocked_categories": [],
    "blocked_merchant_countries": [],
    "spending_limits": [],
    "spending_limits_currency": None,
}
_CARDHOLDER: dict[str, Any] = {
    "id": "ich_1Pgag4B7WZ01zgkWbench000",
    "object": "issuing.cardholder",
    "billing": {"address": _ADDRESS},
    "company": None,
    "created": 1_793_600_000,
    "email": "jenny@example.com",
    "individual": {
        "card_issuing": {
            "user_terms_acceptance": {
                "date": 1_793_500_000,
                "ip": "203.0.113.7",
                "user_agent": None,
            }
        },
        "dob": {"day": 14, "month": 3, "year": 1985},
        "first_name": "Jenny",
        "last_name": "Rosen",
        "verification": {"document": {"back": None, "front": None}},
    },
    "livemode": False,
    "metadata": {"issuing_disburse_recipient": "4f1d0c6a93b27e58"},
    "name": "Jenny Rosen",
    "phone_number": "+18008675309",
    "preferred_locales": [],
    "requirements": {"disabled_reason": None, "past_due": []},
    "spending_controls": _NO_CONTROLS,
    "status": "active",
    "type": "individual",
}
_CARD: dict[str, Any] = {
    "id": "ic_CARD",
    "object": "issuing.card",
    "brand": "Visa",
    "cancellation_reason": None,
    "cardholder": _CARDHOLDER,
    "created": 1_793_600_010,
    "currency": "usd",
    "exp_month": 12,
    "exp_year": 2026,
    "last4": "0016",
    "latest_fraud_warning": None,
    "lifecycle_controls": {"cancel_after": {"payment_count": 1}},
    "livemode": False,
    "metadata": {
        "issuing_disburse_order": "claim-8841",
        "issuing_disburse_amount": "12500",
        "issuing_disburse_expires_at": "1796202000",
        "issuing_disburse_fingerprint": "0123456789abcdef",
    },
    "personalization_design": None,
    "replaced_by": None,
    "replacement_for": None,
    "replacement_reason": None,
    "second_line": None,
    "shipping": None,
    "spending_controls": {
        **_NO_CONTROLS,
        "spending_limits": [
            {"amount": 12_500, "categories": [], "interval": "all_time"},
            {"amount": 12_500, "categories": [], "interval": "per_authorization"},
        ],
        "spending_limits_currency": "usd",
    },
    "status": "active",
    "type": "virtual",
    "wallets": {
        "apple_pay": {"eligible": True, "ineligible_reason": None},
        "google_pay": {"eligible": True, "ineligible_reason": None},
        "primary_account_identifier": None,
    },
}
_AUTHORIZATION: dict[str, Any] = {
    "id": "iauth_CARD",
    "object": "issuing.authorization",
    "amount": 0,
    "amount_details": {"atm_fee": 0, "cashback_amount": 0},
    "approved": False,
    "authorization_method": "online",
    "balance_transactions": [],
    "card": _CARD,
    "card_presence": "not_present",
    "cardholder": _CARDHOLDER["id"],
    "created": int(NOW.timestamp()),
    "currency": "usd",
    "fleet": None,
    "fraud_challenges": [],
    "fuel": None,
    "livemode": False,
    "merchant_amount": 0,
    "merchant_currency": "usd",
    "merchant_data": {
        "category": "computer_software_stores",
        "category_code": "5734",
        "city": "San Francisco",
        "country": "US",
        "name": "Rocket Software",
        "network_id": "1234567890",
        "postal_code": "94107",
        "state": "CA",
        "tax_id": None,
        "terminal_id": "04599842",
        "url": "https://rocket-software.example.com/",
    },
    "metadata": {},
    "network_data": {
        "acquiring_institution_id": "426312",
        "system_trace_audit_number": "083241",
        "transaction_id": "386020500921337",
    },
    "pending_request": {
        "amount": 12_500,
        "amount_details": {"atm_fee": 0, "cashback_amount": 0},
        "currency": "usd",
        "is_amount_controllable": False,
        "merchant_amount": 12_500,
        "merchant_currency": "usd",
        "network_risk_score": 12,
    },
    "request_history": [],
    "status": "pending",
    "token": None,
    "transactions": [],
    "treasury": None,
    "verification_data": {
        "address_line1_check": "match",
        "address_postal_code_check": "match",
        "authentication_exemption": None,
        "cvc_check": "match",
        "expiry_check": "match",
        "postal_code": "43004",
        "three_d_secure": {"result": "authenticated"},
    },
    "verified_by_fraud_challenge": None,
    "wallet": None,
}
_EVENT: dict[str, Any] = {
    "id": "evt_CARD",
    "object": "event",
    "account": "acct_1Pgag4B7WZ01zgk",
    "api_version": "2026-10-28.endive",
    "context": "acct_1Pgag4B7WZ01zgk",
    "created": int(NOW.timestamp()),
    "data": {"object": _AUTHORIZATION},
    "livemode": False,
    "pending_webhooks": 1,
    "request": {"id": None, "idempotency_key": None},
    "type": "issuing_authorization.request",
}
ACCOUNT: str = _EVENT["account"]


def card_id(number: int) -> str:
    """
    Name the card that the event of that *number* asks about.
    """
    return f"ic_{number:024d}"


def payloads(numbers: range) -> Iterator[bytes]:
    """
    Yield one event for each number, indented as Stripe sends it, each about another card.
    """
    body = json.dumps(_EVENT, indent=2)
    for number in numbers:
        yield body.replace("_CARD", f"_{number:024d}").encode()
