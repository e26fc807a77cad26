"""
What does an object of Stripe's say, whole or thin, that our books need?
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from .exceptions import PayloadInvalidError
from .facts import AuthorizationFacts, DisputeFacts, TransactionFacts, Verdict

Fact: TypeAlias = AuthorizationFacts | TransactionFacts | DisputeFacts
Object: TypeAlias = Mapping[str, Any]


_SECONDS_MAX = 253_402_300_799  # the last second of the year 9999
_MINOR_MAX = 10**12


def when(value: object) -> datetime:
    """
    Read Stripe's Unix seconds.
    """
    if type(value) not in {int, float} or not 0 <= value <= _SECONDS_MAX:  # type: ignore[operator]  # a number by now
        raise PayloadInvalidError("created is no Unix time", param="created")
    return datetime.fromtimestamp(value, UTC)  # type: ignore[arg-type]  # likewise


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
    if type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not int or abs(value) > _MINOR_MAX:
        msg = f"{name} is no whole number of minor units"
        raise PayloadInvalidError(msg, param=name)
    return value


def _movements(transactions: Any) -> dict[str, int]:
    return {
        one["id"]: _minor(one.get("net", one.get("amount")), "balance_transactions.net")
        for one in _mappings(transactions)
        if isinstance(one.get("id"), str)
    }


def _mappings(value: Any) -> list[Object]:
    """
    Return the objects of a list; whatever else stands in its place, or among them, says nothing.
    """
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _ids(value: Any) -> frozenset[str]:
    found = value if isinstance(value, list) else ()
    return frozenset(name for one in found if (name := id_of(one)) is not None)


def text_of(place: Any, name: str) -> str:
    """
    Return a text that can be stored: half a character, which JSON allows, cannot.
    """
    value = place.get(name) if isinstance(place, Mapping) else None
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _history(value: Any) -> tuple[Verdict, ...]:
    # What cannot be read is left out: money must be booked all the same.
    found = [one for one in map(_verdict, _mappings(value)) if one is not None]
    return tuple(sorted(found, key=lambda one: one.at))


def _verdict(entry: Object) -> Verdict | None:
    try:
        return Verdict(
            at=when(entry.get("created")),
            minor=_minor(entry.get("amount"), "request_history.amount"),
            approved=entry.get("approved") is True,
            reason=text_of(entry, "reason"),
        )
    except PayloadInvalidError:
        return None


def authorization_facts(body: Object) -> AuthorizationFacts:
    """
    Read an ``issuing.authorization``, whole or thin.
    """
    merchant = body.get("merchant_data")
    return AuthorizationFacts(
        id=needed_id(body.get("id"), "id"),
        card_id=needed_id(body.get("card"), "card"),
        created=when(body.get("created")),
        approved=body.get("approved") is True,
        status=text_of(body, "status") or "pending",
        amount_minor=_minor(body.get("amount"), "amount"),
        movements=_movements(body.get("balance_transactions")),
        transactions=_ids(body.get("transactions")),
        merchant=text_of(merchant, "name"),
        category=text_of(merchant, "category"),
        has_lapsed=_has_lapsed(body),
        history=_history(body.get("request_history")),
    )


def _has_lapsed(body: Object) -> bool:
    """
    Tell whether it was reversed or expired, now or before a capture that came all the same.
    """
    if text_of(body, "status") in {"reversed", "expired"}:
        return True
    moved = _mappings(body.get("balance_transactions"))
    captures = [
        when(one["created"])
        for one in _mappings(body.get("transactions"))
        if one.get("type") == "capture" and one.get("created")
    ]
    before = [one for one in moved if captures and when(one.get("created") or 0) < min(captures)]
    held = sum(_minor(one.get("net", one.get("amount")), "net") for one in before)
    return bool(before) and held == 0


def transaction_facts(body: Object) -> TransactionFacts:
    """
    Read an ``issuing.transaction``.
    """
    merchant = body.get("merchant_data")
    return TransactionFacts(
        id=needed_id(body.get("id"), "id"),
        card_id=needed_id(body.get("card"), "card"),
        created=when(body.get("created")),
        type=text_of(body, "type"),
        minor=_minor(body.get("amount"), "amount"),
        authorization=id_of(body.get("authorization")),
        merchant=text_of(merchant, "name"),
    )


def dispute_facts(body: Object) -> DisputeFacts:
    """
    Read an ``issuing.dispute``.
    """
    moved = _mappings(body.get("balance_transactions"))
    return DisputeFacts(
        id=needed_id(body.get("id"), "id"),
        transaction=needed_id(body.get("transaction"), "transaction"),
        status=text_of(body, "status"),
        movements=_movements(moved),
        provisional=frozenset(
            str(one.get("id"))
            for one in moved
            if str(one.get("type")).startswith("issuing_dispute_provisional_credit")
        ),
    )
