"""
What does this event ask, as far as we need to know?
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

import orjson

from .decision import AuthorizationRequest
from .exceptions import PayloadInvalidError
from .money import EXPONENTS, Money

REQUEST_TYPE = "issuing_authorization.request"
"""The one event that waits for our answer."""

_AMOUNT_MAX = 10**12
_SECONDS_MAX = 253_402_300_799  # the last second of the year 9999
_NOTHING: Mapping[str, Any] = {}
_TABLE = (dict, Mapping)  # dict first: asking an abstract class takes seven times as long


def _refuse(path: str, problem: str) -> NoReturn:
    # The value stays out of the message: it may be a person's, and it may be long.
    raise PayloadInvalidError(f"{path} {problem}", param=path)


def raw_bytes(payload: object) -> bytes:
    """
    Return the raw body as bytes.

    Raises:
        PayloadInvalidError: It was decoded, or parsed, before it came here: nobody signed that.
    """
    if type(payload) is bytes:
        return payload
    if isinstance(payload, bytes | bytearray | memoryview):
        return bytes(payload)
    raise PayloadInvalidError(
        f"the payload is {type(payload).__name__}: pass the raw body, as bytes", param="payload"
    )


def read_event(payload: bytes) -> dict[str, Any]:
    """
    Parse the raw body of a verified delivery.

    Raises:
        PayloadInvalidError: No JSON object with a ``type``. The message holds nothing of the payload.
    """
    payload = raw_bytes(payload)
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError:
        event = _read_leniently(payload)  # away from the error: it carries the whole payload
    if type(event) is not dict:
        _refuse("payload", "is no JSON object")
    if type(event.get("type")) is not str:
        _refuse("type", "is missing")
    return event


def _read_leniently(payload: bytes) -> Any:
    """
    Parse what Stripe signed although strict JSON forbids it: NaN, a byte order mark, half a character.

    Numbers that are none become ``null``, half characters question marks: what is left can be stored.
    """
    try:
        found = json.loads(payload, parse_constant=lambda _: None)
        clean = json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")
        return json.loads(clean)
    except (ValueError, RecursionError):
        return None


def read_request(
    event: Mapping[str, Any], *, received_at: datetime | None = None
) -> AuthorizationRequest:
    """
    Read what a merchant asks for out of an ``issuing_authorization.request`` event.

    Only what rules look at is read, so new fields and new values of Stripe's pass. What is missing
    is ``None``, except that a question cannot be judged without a card, an amount, a currency, a
    time and the mode.

    Args:
        event: As `read_event` returned it.
        received_at: Stands in for a missing ``created``; pass the signed timestamp (UTC).

    Raises:
        PayloadInvalidError: Naming the field at fault (``param``), never its value.

    Stripe: ``issuing_authorization.request``
    """
    livemode = event.get("livemode")
    if type(livemode) is not bool:
        _refuse("livemode", "is missing")
    data = event.get("data")
    found = data.get("object") if isinstance(data, _TABLE) else None
    if not isinstance(found, _TABLE):
        _refuse("data.object", "is missing")
    if found.get("livemode") is (not livemode):
        _refuse("data.object.livemode", "contradicts the event's")
    pending = found.get("pending_request")
    if not isinstance(pending, _TABLE):
        _refuse("data.object.pending_request", "is missing")

    card = found.get("card")
    expanded = card if isinstance(card, _TABLE) else _NOTHING
    card_id = expanded.get("id") or card
    if type(card_id) is not str or not card_id:
        _refuse("data.object.card", "has no id")
    currency = _currency(pending, found, expanded)
    minor = _minor("data.object.pending_request.amount", pending.get("amount"))
    before = found.get("amount")
    before_minor = 0 if before is None else _minor("data.object.amount", before)
    cashback = _object(pending, "amount_details").get("cashback_amount")
    event_id, authorization_id = _ids(event, found, f"{before_minor}+{minor}")
    account = event.get("account")
    if account is not None and (type(account) is not str or not account):
        _refuse("account", "is no text")

    merchant = _object(found, "merchant_data")
    checks = _object(found, "verification_data")
    country = _text(merchant.get("country"))
    return AuthorizationRequest(
        event_id=event_id,
        authorization_id=authorization_id,
        card_id=card_id,
        amount=Money(minor, currency),
        already_approved=Money(before_minor, currency) if before_minor else _zero(currency),
        created=_created(event.get("created"), received_at),
        account=account,
        is_livemode=livemode,
        is_amount_controllable=pending.get("is_amount_controllable") is True,
        cashback=None
        if cashback is None
        else Money(
            _minor("data.object.pending_request.amount_details.cashback_amount", cashback), currency
        ),
        merchant_amount=_count(pending.get("merchant_amount")),
        merchant_currency=_lower(pending.get("merchant_currency")),
        merchant_name=_text(merchant.get("name")),
        merchant_network_id=_text(merchant.get("network_id")),
        merchant_city=_text(merchant.get("city")),
        merchant_country=country.upper() if country else None,
        merchant_postal_code=_text(merchant.get("postal_code")),
        category=_text(merchant.get("category")),
        mcc=_mcc(merchant.get("category_code")),
        authorization_method=_text(found.get("authorization_method")),
        card_presence=_text(found.get("card_presence")),
        wallet=_text(found.get("wallet")),
        cvc_check=_text(checks.get("cvc_check")),
        expiry_check=_text(checks.get("expiry_check")),
        address_line1_check=_text(checks.get("address_line1_check")),
        postal_code_check=_text(checks.get("address_postal_code_check")),
        three_d_secure=_text(_object(checks, "three_d_secure").get("result")),
        network_risk_score=_count(pending.get("network_risk_score")),
    )


def _ids(event: Mapping[str, Any], found: Mapping[str, Any], asked: str) -> tuple[str, str]:
    # Each falls back to the other; an increment without an event id is still another question.
    event_id = _text(event.get("id"))
    authorization_id = _text(found.get("id")) or event_id
    if authorization_id is None:
        _refuse("data.object.id", "is missing")
    return event_id or f"{authorization_id}/{asked}", authorization_id


def _currency(*places: Mapping[str, Any]) -> str:
    for place in places:
        code = place.get("currency")
        if code is None:
            continue
        if type(code) is str and code.lower() in EXPONENTS:
            return code.lower()
        _refuse("data.object.currency", "is no known currency")
    _refuse("data.object.currency", "is missing")


@functools.cache
def _zero(currency: str) -> Money:
    return Money.zero(currency)


def _created(value: Any, received_at: datetime | None) -> datetime:
    if value is None and received_at is not None:
        return received_at
    if type(value) not in {int, float} or not 0 <= value <= _SECONDS_MAX:
        _refuse("created", "is missing or no time")
    return datetime.fromtimestamp(value, UTC)


def _minor(path: str, value: Any) -> int:
    count = _count(value)
    if count is None or count > _AMOUNT_MAX:
        _refuse(path, "is missing or no amount in minor units")
    return count


def _count(value: Any) -> int | None:
    # 12500.0 passes as 12500; true is an int to Python, not to us.
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and value >= 0 else None


def _object(place: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = place.get(key)
    return value if isinstance(value, _TABLE) else _NOTHING


def _text(value: Any) -> str | None:
    return value if type(value) is str and value else None


def _lower(value: Any) -> str | None:
    return value.lower() if type(value) is str and value else None


def _mcc(value: Any) -> str | None:
    return f"{value:04d}" if type(value) is int and 0 <= value <= 9999 else _text(value)  # noqa: PLR2004 - four digits
