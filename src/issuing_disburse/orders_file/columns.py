"""
What may the columns of a payout list be called?
"""

from __future__ import annotations

NEEDED = ("id", "type", "line1", "city", "postal_code", "country", "amount", "currency")
"""The columns that every file has."""

COLUMNS = (
    *NEEDED,
    "first_name", "last_name", "name_on_card", "company_name", "reference", "email",
    "phone_number", "date_of_birth", "tax_id", "terms_accepted_at", "terms_ip", "line2", "state",
    "valid_days", "amount_rule",
)  # fmt: skip
"""All columns that are understood."""

ONLY_INDIVIDUAL = (
    "first_name", "last_name", "name_on_card", "date_of_birth", "terms_accepted_at", "terms_ip"
)  # fmt: skip
ONLY_COMPANY = ("company_name", "tax_id")

WHOLE_OR_WRONG = frozenset({"type", "country", "currency"})
"""Columns in which no value can be the beginning of another one."""

COLUMN_OF_FIELD = {
    "recipient.user_terms": "terms_accepted_at",
    "recipient.user_terms.accepted_at": "terms_accepted_at",
    "recipient.user_terms.ip": "terms_ip",
    "amount.minor": "amount",
    "terms.valid_for": "valid_days",
    "terms.amount.kind": "amount_rule",
}
"""Where a field of an order that is wrong stands in the file, if it is called otherwise there."""


def normal(name: str) -> str:
    """
    Return how a column is looked up: case and space around it do not matter.
    """
    return name.strip().lower()


def shown(name: str) -> str:
    """
    Return as much of an unknown name as may be printed on any terminal.
    """
    return ascii(name)[1:41].rstrip("'")
