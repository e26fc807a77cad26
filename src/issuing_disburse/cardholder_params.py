"""
What does Stripe get to know of a recipient?
"""

from __future__ import annotations

import hashlib
from typing import Any

from .recipient import Recipient

RECIPIENT_METADATA = "issuing_disburse_recipient"


def cardholder_params(recipient: Recipient, identity: str) -> dict[str, Any]:
    """
    Return the parameters that create the cardholder of *recipient*.

    Stripe: ``POST /v1/issuing/cardholders``
    """
    params: dict[str, Any] = {
        "type": recipient.type,
        "name": recipient.name,
        **cardholder_details(recipient),
        "metadata": {RECIPIENT_METADATA: identity},
    }
    if recipient.type == "company":
        params["company"] = {"tax_id": recipient.tax_id} if recipient.tax_id else None
        return params
    born, terms = recipient.date_of_birth, recipient.user_terms
    params["individual"] = {
        "first_name": recipient.first_name,
        "last_name": recipient.last_name,
        "dob": {"day": born.day, "month": born.month, "year": born.year} if born else None,
        "card_issuing": {
            "user_terms_acceptance": {
                "date": terms.accepted_at,
                "ip": terms.ip,
                "user_agent": terms.user_agent,
            }
        }
        if terms
        else None,
    }
    return params


def cardholder_details(recipient: Recipient) -> dict[str, Any]:
    """
    Return what of a recipient may change without another cardholder.
    """
    address = recipient.billing
    return {
        "email": recipient.email,
        "phone_number": recipient.phone_number,
        "billing": {
            "address": {
                "line1": address.line1,
                "line2": address.line2,
                "city": address.city,
                "state": address.state,
                "postal_code": address.postal_code,
                "country": address.country,
            }
        },
    }


def details_digest(recipient: Recipient, identity: str) -> str:
    """
    Return the fingerprint of what may change: it tells when to update, and nothing else.
    """
    address = recipient.billing
    parts = [
        identity, recipient.email, recipient.phone_number, address.line1, address.line2,
        address.city, address.state, address.postal_code, address.country,
    ]  # fmt: skip
    return hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:32]
