"""
What does an object of Stripe's say, whole or thin, that our books need?
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from .exceptions import PayloadInvalidError
from .facts import AuthorizationFacts, DisputeFacts, TransactionFacts

Fact: TypeAlias = AuthorizationFacts | TransactionFacts | DisputeFacts
Object: TypeAlias = Mapping[str, Any]


def when(value: object) -> datetime:
    """
    Read Stripe's Unix seconds.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PayloadInvalidError("created is no Unix time", param="created")
    return datetime.fromtimestamp(value, UTC)


def id_of(value: Any) -> str | None:  # an id, an expanded object, or nothing
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else None


def needed_id(value: Any, name: str) -> str:
    found = id_of(value)
    if found is None:
        msg = f"{name} is missing"
        raise PayloadInvalidError(msg, param=name)
    return found


def _minor(value: Any, name: str) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if type(value) is not int:
        msg = f"{name} is no whole number of minor units"
        raise PayloadInvalidError(msg, param=name)
    return value


def _movements(transactions: Any) -> dict[str, int]:
    return {
        one["id"]: _minor(one.get("net", one.get("amount")), "balance_transactions.net")
        for one in transactions or ()
        if isinstance(one, Mapping) and isinstance(one.get("id"), str)
    }


def authorization_facts(body: Object) -> AuthorizationFacts:
    """
    Read an ``issuing.authorization``, whole or thin.
    """
    merchant = body.get("merchant_data") or {}
    return AuthorizationFacts(
        id=needed_id(body.get("id"), "id"),
        card_id=needed_id(body.get("card"), "card"),
        created=when(body.get("created")),
        approved=body.get("approved") is True,
        status=str(body.get("status") or "pending"),
        amount_minor=_minor(body.get("amount"), "amount"),
        movements=_movements(body.get("balance_transactions")),
        transactions=frozenset(
            found for one in body.get("transactions") or () if (found := id_of(one)) is not None
        ),
        merchant=str(merchant.get("name") or ""),
        category=str(merchant.get("category") or ""),
        has_lapsed=_has_lapsed(body),
    )


def _has_lapsed(body: Object) -> bool:
    """
    Tell whether it was reversed or expired, now or before a capture that came all the same.
    """
    if body.get("status") in {"reversed", "expired"}:
        return True
    moved = [one for one in body.get("balance_transactions") or () if isinstance(one, Mapping)]
    captures = [
        one["created"]
        for one in body.get("transactions") or ()
        if isinstance(one, Mapping) and one.get("type") == "capture" and one.get("created")
    ]
    before = [one for one in moved if captures and (one.get("created") or 0) < min(captures)]
    held = sum(_minor(one.get("net", one.get("amount")), "net") for one in before)
    return bool(before) and held == 0


def transaction_facts(body: Object) -> TransactionFacts:
    """
    Read an ``issuing.transaction``.
    """
    merchant = body.get("merchant_data") or {}
    return TransactionFacts(
        id=needed_id(body.get("id"), "id"),
        card_id=needed_id(body.get("card"), "card"),
        created=when(body.get("created")),
        type=str(body.get("type")),
        minor=_minor(body.get("amount"), "amount"),
        authorization=id_of(body.get("authorization")),
        merchant=str(merchant.get("name") or ""),
    )


def dispute_facts(body: Object) -> DisputeFacts:
    """
    Read an ``issuing.dispute``.
    """
    moved = [one for one in body.get("balance_transactions") or () if isinstance(one, Mapping)]
    return DisputeFacts(
        id=needed_id(body.get("id"), "id"),
        transaction=needed_id(body.get("transaction"), "transaction"),
        status=str(body.get("status")),
        movements=_movements(moved),
        provisional=frozenset(
            str(one.get("id"))
            for one in moved
            if str(one.get("type")).startswith("issuing_dispute_provisional_credit")
        ),
    )
