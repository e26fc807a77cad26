"""
How is one recorded thing written as one line of JSON, and read again?

The format has a version of its own; lines of a newer one are refused. A field that was not known is left
out. Amounts are minor units, times are UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from issuing_disburse.convert import decode, encode
from issuing_disburse.decision import AuthorizationRequest
from issuing_disburse.exceptions import DisburseError, InvalidInputError
from issuing_disburse.money import Money
from issuing_disburse.terms import Terms

from .happened import Recorded, RecordedCard, RecordedOutcome, RecordedRequest

LINES_VERSION = 1
"""What this version of the library writes, and the newest that it reads."""

_PLAIN = (
    "account",
    "is_livemode",
    "is_amount_controllable",
    "merchant_amount",
    "merchant_currency",
    "merchant_name",
    "merchant_network_id",
    "merchant_city",
    "merchant_country",
    "merchant_postal_code",
    "category",
    "mcc",
    "authorization_method",
    "card_presence",
    "wallet",
    "cvc_check",
    "expiry_check",
    "address_line1_check",
    "postal_code_check",
    "three_d_secure",
    "network_risk_score",
)


def to_line(one: Recorded) -> bytes:
    """
    Return *one* as a line of JSON, without the line feed.
    """
    if isinstance(one, RecordedRequest):
        return orjson.dumps(_request_fields(one))
    if isinstance(one, RecordedCard):
        return orjson.dumps(_card_fields(one))
    return orjson.dumps(
        {
            "v": LINES_VERSION,
            "kind": "outcome",
            "at": _text(one.at),
            "authorization_id": one.authorization_id,
            "card_id": one.card_id,
            "minor": one.minor,
        }
    )


def _request_fields(one: RecordedRequest) -> dict[str, Any]:
    asked = one.request
    fields: dict[str, Any] = {
        "v": LINES_VERSION,
        "kind": "request",
        "at": _text(asked.created),
        "event_id": asked.event_id,
        "authorization_id": asked.authorization_id,
        "card_id": asked.card_id,
        "currency": asked.amount.currency,
        "amount_minor": asked.amount.minor,
        "already_approved_minor": asked.already_approved.minor,
        "was_asked": one.was_asked,
        "approved": one.approved,
        "approved_minor": one.approved_minor,
        "code": one.code,
        "rule": one.rule,
    }
    if asked.cashback is not None:
        fields["cashback_minor"] = asked.cashback.minor
    for name in _PLAIN:
        value = getattr(asked, name)
        if value is not None and value is not False:
            fields[name] = value
    return fields


def _card_fields(card: RecordedCard) -> dict[str, Any]:
    return {
        "v": LINES_VERSION,
        "kind": "card",
        "card_id": card.card_id,
        "order_id": card.order_id,
        "account": card.account,
        "currency": card.amount.currency,
        "amount_minor": card.amount.minor,
        "terms": orjson.Fragment(encode(card.terms)),
        "expires_at": _text(card.expires_at),
        "is_livemode": card.is_livemode,
        "recipient": card.recipient,
        "probe_max_minor": card.probe_max_minor,
    }


def from_line(line: bytes) -> Recorded:
    """
    Return what `to_line` wrote.

    Raises:
        InvalidInputError: It is no such line, or of a newer version.
    """
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        found = None  # raised below, away from this error: it carries the whole line
    if type(found) is not dict:
        raise InvalidInputError("line", "is no JSON object", "write one object on each line")
    version = found.get("v")
    if version != LINES_VERSION:
        raise InvalidInputError(
            "line.v", f"is {version!r}, this library reads {LINES_VERSION}", "update the library"
        )
    reader = _READERS.get(str(found.get("kind")))
    if reader is None:
        raise InvalidInputError("line.kind", "is unknown", "use 'card', 'request' or 'outcome'")
    try:
        one = reader(found)
    except KeyError as missing:
        field = f"line.{missing.args[0]}"
    except (DisburseError, TypeError, ValueError, AttributeError) as wrong:
        raise InvalidInputError("line", f"holds a wrong value: {wrong}", "correct it") from None
    else:
        return one
    raise InvalidInputError(field, "is missing", "write it as `to_line` does")


def _request(found: dict[str, Any]) -> RecordedRequest:
    _check(found, str, "event_id", "authorization_id", "card_id", "code", "rule")
    _check(found, bool, "was_asked", "approved")
    _check(found, int, "approved_minor")
    currency = found["currency"]
    cashback = found.get("cashback_minor")
    plain = {name: found[name] for name in _PLAIN if name in found}
    return RecordedRequest(
        request=AuthorizationRequest(
            event_id=found["event_id"],
            authorization_id=found["authorization_id"],
            card_id=found["card_id"],
            amount=Money(found["amount_minor"], currency),
            already_approved=Money(found["already_approved_minor"], currency),
            created=_time(found["at"]),
            cashback=None if cashback is None else Money(cashback, currency),
            **plain,
        ),
        was_asked=found["was_asked"],
        approved=found["approved"],
        approved_minor=found["approved_minor"],
        code=found["code"],
        rule=found["rule"],
    )


def _card(found: dict[str, Any]) -> RecordedCard:
    _check(found, str, "card_id", "order_id", "recipient")
    _check(found, bool, "is_livemode")
    _check(found, int, "probe_max_minor")
    return RecordedCard(
        card_id=found["card_id"],
        order_id=found["order_id"],
        account=found["account"],
        amount=Money(found["amount_minor"], found["currency"]),
        terms=_terms(orjson.dumps(found["terms"])),
        expires_at=_time(found["expires_at"]),
        is_livemode=found["is_livemode"],
        recipient=found["recipient"],
        probe_max_minor=found["probe_max_minor"],
    )


def _outcome(found: dict[str, Any]) -> RecordedOutcome:
    _check(found, str, "authorization_id", "card_id")
    _check(found, int, "minor")
    return RecordedOutcome(
        authorization_id=found["authorization_id"],
        card_id=found["card_id"],
        at=_time(found["at"]),
        minor=found["minor"],
    )


_READERS: dict[str, Callable[[dict[str, Any]], Recorded]] = {
    "request": _request,
    "card": _card,
    "outcome": _outcome,
}


@lru_cache(maxsize=1_024)  # most cards of a team have the same terms
def _terms(body: bytes) -> Terms:
    return decode(Terms, body)


def _check(found: dict[str, Any], kind: type, *names: str) -> None:
    for name in names:
        if type(found[name]) is not kind:
            raise TypeError(f"{name} is no {kind.__name__}")


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at


def read_lines(lines: Iterable[bytes]) -> Iterator[Recorded]:
    """
    Read a file of such lines, one after the other; empty ones are passed over.

    Raises:
        InvalidInputError: Naming the line: it is none, or earlier than the one before it.
    """
    latest: datetime | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            one = from_line(line)
        except InvalidInputError as wrong:
            field = wrong.field.replace("line", f"line {number}", 1)
            raise InvalidInputError(field, wrong.problem, wrong.remedy) from None
        if not isinstance(one, RecordedCard):
            if latest is not None and one.at < latest:
                raise InvalidInputError(
                    f"line {number}.at", "is earlier than the line before", "sort by 'at'"
                )
            latest = one.at
        yield one
