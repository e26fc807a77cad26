"""
What do a good request and a good answer look like, as the SDK types them?

All values are made up.
"""

from typing import Any

GOOD: dict[str, dict[str, Any]] = {
    "/v1/issuing/cards": {
        "cardholder": "ich_1",
        "currency": "usd",
        "type": "virtual",
        "status": "active",
        "lifecycle_controls": {"cancel_after": {"payment_count": 1}},
        "spending_controls": {
            "allowed_categories": ["bakeries"],
            "spending_limits": [{"amount": 12_500, "interval": "all_time"}],
        },
        "metadata": {"order": "claim-8841"},
    },
    "/v1/issuing/cardholders": {
        "name": "Jenny Rosen",
        "type": "individual",
        "email": "jenny@example.com",
        "individual": {
            "first_name": "Jenny",
            "last_name": "Rosen",
            "dob": {"day": 14, "month": 3, "year": 1985},
        },
        "billing": {
            "address": {
                "line1": "123 Main St",
                "city": "Columbus",
                "postal_code": "43004",
                "country": "US",
            }
        },
    },
    "/v1/test_helpers/issuing/authorizations": {
        "card": "ic_1",
        "amount": 12_500,
        "authorization_method": "online",
        "merchant_data": {"category": "bakeries", "name": "Corner Bakery"},
    },
    "/v1/transfers": {"amount": 12_500, "currency": "usd", "destination": "acct_1"},
}

CARD: dict[str, Any] = {
    "id": "ic_1",
    "object": "issuing.card",
    "brand": "Visa",
    "cardholder": {
        "id": "ich_1",
        "object": "issuing.cardholder",
        "billing": {"address": {"line1": "123 Main St", "city": "Columbus", "country": "US"}},
        "created": 1_793_610_000,
        "livemode": False,
        "metadata": {},
        "name": "Jenny Rosen",
        "requirements": {"disabled_reason": None, "past_due": []},
        "status": "active",
        "type": "individual",
    },
    "created": 1_793_610_000,
    "currency": "usd",
    "exp_month": 12,
    "exp_year": 2026,
    "last4": "0013",
    "livemode": False,
    "metadata": {"order": "claim-8841"},
    "spending_controls": {"spending_limits": [{"amount": 12_500, "interval": "all_time"}]},
    "status": "canceled",
    "type": "virtual",
}

AUTHORIZATION: dict[str, Any] = {
    "id": "iauth_1",
    "object": "issuing.authorization",
    "amount": 12_500,
    "approved": True,
    "authorization_method": "online",
    "balance_transactions": [],
    "card": CARD,
    "cardholder": "ich_1",
    "created": 1_793_610_060,
    "currency": "usd",
    "livemode": False,
    "merchant_amount": 12_500,
    "merchant_currency": "usd",
    "merchant_data": {"category": "bakeries", "category_code": "5462", "network_id": "123"},
    "metadata": {},
    "request_history": [
        {
            "amount": 12_500,
            "approved": True,
            "created": 1_793_610_060,
            "currency": "usd",
            "merchant_amount": 12_500,
            "merchant_currency": "usd",
            "reason": "webhook_approved",
        }
    ],
    "status": "pending",
    "transactions": [],
    "verification_data": {
        "address_line1_check": "not_provided",
        "address_postal_code_check": "match",
        "cvc_check": "match",
        "expiry_check": "match",
    },
}
