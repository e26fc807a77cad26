"""
What does this event ask, as far as we need to know?
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
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
_OF_AUTHORIZATION = (
    "merchant_data",
    "verification_data",
    "authorization_method",
    "card_presence",
    "wallet",
)
_OF_PENDING = (
    "amount_details",
    "is_amount_controllable",
    "merchant_amount",
    "merchant_currency",
    "network_risk_score",
)
_OF_MERCHANT = (
    "name",
    "network_id",
    "city",
    "country",
    "postal_code",
    "category",
    "category_code",
)
_OF_CHECKS = (
    "cvc_check",
    "expiry_check",
    "address_line1_check",
    "address_postal_code_check",
    "three_d_secure",
)
_NO_MERCHANT = (None,) * len(_OF_MERCHANT)
_NO_CHECKS = (None,) * len(_OF_CHECKS)
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
    import json  # noqa: PLC0415 - Stripe writes strict JSON

    try:
        found = json.loads(payload, parse_constant=lambda _: None)
        clean = json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")
        return json.loads(clean)
    except (ValueError, RecursionError):
        return None


def read_request(
    event: Mapping[str, Any], *, received_at: datetime | Callable[[], datetime] | None = None
) -> AuthorizationRequest:
    """
    Read what a merchant asks for out of an ``issuing_authorization.request`` event.

    Only what rules look at is read, so new fields and new values of Stripe's pass. What is missing
    is ``None``, except that a question cannot be judged without a card, an amount, a currency, a
    time and the mode.

    Args:
        event: As `read_event` returned it.
        received_at: Stands in for a missing ``created``: the signed timestamp (UTC), or a clock.

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
    event_id, authorization_id = _ids(event, found, before_minor, minor)
    account = event.get("account")
    if account is not None and (type(account) is not str or not account):
        _refuse("account", "is no text")
    return _read(
        found,
        pending,
        event_id=event_id,
        authorization_id=authorization_id,
        card_id=card_id,
        amount=Money(minor, currency),
        already_approved=Money(before_minor, currency) if before_minor else _zero(currency),
        created=_created(event.get("created"), received_at),
        account=account,
        is_livemode=livemode,
    )


def _read(
    found: Mapping[str, Any], pending: Mapping[str, Any], *, amount: Money, **known: Any
) -> AuthorizationRequest:
    # A merchant waits for this: one walk over each object, and the checks in the lines themselves.
    merchant, checks, method, presence, wallet = map(found.get, _OF_AUTHORIZATION)
    details, is_controllable, merchant_amount, merchant_currency, score = map(
        pending.get, _OF_PENDING
    )
    name, network_id, city, country, postal_code, category, code = (
        map(merchant.get, _OF_MERCHANT) if isinstance(merchant, _TABLE) else _NO_MERCHANT
    )
    cvc, expiry, line1, postal_check, secure = (
        map(checks.get, _OF_CHECKS) if isinstance(checks, _TABLE) else _NO_CHECKS
    )
    cashback = details.get("cashback_amount") if isinstance(details, _TABLE) else None
    result = secure.get("result") if isinstance(secure, _TABLE) else None
    return AuthorizationRequest.of_checked(
        {
            "amount": amount,
            "is_amount_controllable": is_controllable is True,
            "cashback": None if cashback is None else _cashback(cashback, amount.currency),
            "merchant_amount": _count(merchant_amount),
            "merchant_currency": _lower(merchant_currency),
            "merchant_name": name if type(name) is str and name else None,
            "merchant_network_id": network_id if type(network_id) is str and network_id else None,
            "merchant_city": city if type(city) is str and city else None,
            "merchant_country": country.upper() if type(country) is str and country else None,
            "merchant_postal_code": postal_code
            if type(postal_code) is str and postal_code
            else None,
            "category": category if type(category) is str and category else None,
            "mcc": code if type(code) is str and code else _mcc(code),
            "authorization_method": method if type(method) is str and method else None,
            "card_presence": presence if type(presence) is str and presence else None,
            "wallet": wallet if type(wallet) is str and wallet else None,
            "cvc_check": cvc if type(cvc) is str and cvc else None,
            "expiry_check": expiry if type(expiry) is str and expiry else None,
            "address_line1_check": line1 if type(line1) is str and line1 else None,
            "postal_code_check": postal_check
            if type(postal_check) is str and postal_check
            else None,
            "three_d_secure": result if type(result) is str and result else None,
            "network_risk_score": _count(score),
            **known,
        }
    )


def _ids(
    event: Mapping[str, Any], found: Mapping[str, Any], before_minor: int, minor: int
) -> tuple[str, str]:
    # Each falls back to the other; an increment without an event id is still another question.
    event_id = _text(event.get("id"))
    authorization_id = _text(found.get("id")) or event_id
    if authorization_id is None:
        _refuse("data.object.id", "is missing")
    return event_id or f"{authorization_id}/{before_minor}+{minor}", authorization_id


def _currency(*places: Mapping[str, Any]) -> str:
    for place in places:
        code = place.get("currency")
        if code is None:
            continue
        if type(code) is str:
            if code in EXPONENTS:
                return code
            if code.lower() in EXPONENTS:
                return code.lower()
        _refuse("data.object.currency", "is no known currency")
    _refuse("data.object.currency", "is missing")


@functools.cache
def _zero(currency: str) -> Money:
    return Money.zero(currency)


def _created(value: Any, received_at: datetime | Callable[[], datetime] | None) -> datetime:
    if value is None and received_at is not None:
        return received_at() if callable(received_at) else received_at
    if type(value) not in {int, float} or not 0 <= value <= _SECONDS_MAX:
        _refuse("created", "is missing or no time")
    return datetime.fromtimestamp(value, UTC)


def _cashback(value: Any, currency: str) -> Money:
    if value == 0 and type(value) is int:
        return _zero(currency)
    path = "data.object.pending_request.amount_details.cashback_amount"
    return Money(_minor(path, value), currency)


def _minor(path: str, value: Any) -> int:
    if type(value) is int and 0 <= value <= _AMOUNT_MAX:
        return value
    count = _count(value)
    if count is None or count > _AMOUNT_MAX:
        _refuse(path, "is missing or no amount in minor units")
    return count


def _count(value: Any) -> int | None:
    # 12500.0 passes as 12500; true is an int to Python, not to us.
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and value >= 0 else None


def _text(value: Any) -> str | None:
    return value if type(value) is str and value else None


def _lower(value: Any) -> str | None:
    return value.lower() if type(value) is str and value else None


def _mcc(value: Any) -> str | None:
    return f"{value:04d}" if type(value) is int and 0 <= value <= 9999 else _text(value)  # noqa: PLR2004 - four digits
