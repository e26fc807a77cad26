"""
Is there anything in a recording that must never be in a file?

Three kinds of things are looked for: numbers that could be a card's, keys of live mode, and secrets of webhook
endpoints. What is found is never repeated: only its kind and its place are.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from .bodies import (
    UnreadableError,
    around_parts,
    json_of,
    pairs_of,
    parts_of,
    path_of,
    unpacked,
)
from .numbers import is_card_number, is_iban
from .views import views_of

NUMBER = "what could be a card number"
KEY = "a live API key"
SECRET = "a webhook signing secret"  # noqa: S105 - the name of a kind

# What is as long as a real one counts right behind a letter as well: an escape may end in one.
_LIVE = re.compile(
    r"(?<![A-Za-z])(?:sk|rk|ek|pk)_(?:org_)?live_[A-Za-z0-9]{3,}"
    r"|(?:sk|rk|ek|pk)_(?:org_)?live_(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}"
)
_SIGNING = re.compile(
    r"(?<![A-Za-z])whsec_[A-Za-z0-9+/=_-]{3,}"
    r"|whsec_(?=[A-Za-z+/=_-]*[0-9])[A-Za-z0-9+/=_-]{16,}"
)
_RUN = re.compile(r"(?<![0-9])[0-9]{13,}(?![0-9])")
_GROUPS = re.compile(
    r"(?<![0-9])(?=[0-9]{2,12}([^0-9A-Za-z]{1,4})[0-9])[0-9]{2,12}(?:\1[0-9]{2,12}){1,8}(?![0-9])"
)
_HALVES = re.compile(r"(?<![0-9.,])[0-9]{1,15}[^0-9A-Za-z.,]{1,4}[0-9]{1,15}(?![0-9.,])")
_CARD_GROUPS = re.compile(
    r"(?<![0-9])[0-9]{4}[^0-9A-Za-z]{1,4}(?:[0-9]{4}[^0-9A-Za-z]{1,4}[0-9]{4}[^0-9A-Za-z]{1,4}"
    r"[0-9]{1,4}(?:[^0-9A-Za-z]{1,4}[0-9]{3})?|[0-9]{6}[^0-9A-Za-z]{1,4}[0-9]{4,5})(?![0-9])"
)
_THOUSANDS = re.compile(
    r"(?<![0-9.,])[0-9]{1,3}(?:([,._' ])[0-9]{3})(?:\1[0-9]{3}){3,5}(?![0-9]|[,.][0-9])"
)
_TRACK = re.compile(r"[Dd][0-9]{2}(?:0[1-9]|1[0-2])[1-9][0-9]{2}")  # expiry and service code
_SINGLES = re.compile(r"(?<![0-9])(?:[0-9][\W_]{1,4}){12,18}[0-9](?![0-9]|[\W_]{1,4}[0-9])")
_UUID = re.compile(r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_HYPHENS = 3
_SECONDS = re.compile(r"1[4-9][0-9]{8}")
_NUMBER_LIST = re.compile(r"[0-9],")
_ID = re.compile(
    r"(?<![A-Za-z0-9])(?:acct|evt|iauth|ic|ich|idp|ipi|req|tr|trr|tu|txn)_(?:test_|live_)?$"
)
_DIGEST = re.compile(r"(?:[0-9a-f]{24,}|[0-9A-F]{24,})")
_WORD = re.compile(r"[A-Za-z0-9]*")
_FRACTION = re.compile(r"[0-9]\.$")
_LOOKBACK = 160
_SHORTEST = 6
"""Nothing shorter can hold any of them, packed or not."""

_NAME = re.compile(r"[a-z_]{6,48}")
_NUMBER_LENGTHS = (16, 15)
_LONGEST = 19
_BYTE = 256
_ELSEWHERE = frozenset(
    {"acquiring_institution_id", "amount", "authorization_code", "created", "etag", "expires"}
    | {"fingerprint", "id", "idempotency-key", "reference", "request-id", "timestamp", "trace"}
)
_ELSEWHERE_ENDS = ("_id", "_ids", "_at", "_key", "_time", "_number", "-id")
_HARMLESS_NAME = re.compile(r"[A-Za-z_][A-Za-z_-]{0,40}[0-9]{0,3}")


@frozen
class Leak:
    """
    Something that must not be saved.

    Attributes:
        what: Its kind; never its value.
        where: The place, as exactly as it can be told without repeating it.
    """

    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} in {self.where}"


def leaks_in_text(data: str | bytes, where: str, *, is_elsewhere: bool = False) -> Iterator[Leak]:
    """
    Search a text, or bytes of whatever kind, in every way to read it.

    Args:
        is_elsewhere: It stands where long numbers of other kinds are usual.
    """
    if len(data) >= _SHORTEST:
        is_name = isinstance(data, str) and _NAME.fullmatch(data) is not None
        look = _searched_before if is_name else _searched
        for what in look(data, is_elsewhere):
            yield Leak(what, where)


def _searched(data: str | bytes, is_elsewhere: bool) -> tuple[str, ...]:
    found: set[str] = set()
    try:
        for text, is_joined in views_of(data):
            found |= set(_kinds_in(text, is_elsewhere=is_elsewhere or is_joined))
    except UnreadableError as problem:
        found.add(f"something that cannot be searched ({problem})")
    return tuple(sorted(found))


_searched_before = functools.lru_cache(maxsize=4_096)(_searched)  # names of fields, over and over


def _kinds_in(text: str, *, is_elsewhere: bool) -> Iterator[str]:
    if "_live_" in text and _LIVE.search(text):
        yield KEY
    if "whsec_" in text and _SIGNING.search(text):
        yield SECRET
    if _has_run(text, is_elsewhere=is_elsewhere) or _has_groups(text):
        yield NUMBER


def _has_run(text: str, *, is_elsewhere: bool) -> bool:
    for found in _RUN.finditer(text):
        digits = found[0]
        before = text[max(0, found.start() - _LOOKBACK) : found.start()]
        if _ID.search(before) or _FRACTION.search(before):
            continue
        left = _WORD.match(before[::-1])
        right = _WORD.match(text, found.end())
        if left and is_iban(left[0][::-1], digits):
            continue
        touching = (left[0][::-1] if left else "", right[0] if right else "")
        is_track = _TRACK.match(touching[1]) is not None
        if any(touching) and not is_track and _DIGEST.fullmatch(digits.join(touching)):
            continue
        if len(digits) > _LONGEST:  # followed by an expiry, or with something before it
            windows = [digits[:size] for size in _NUMBER_LENGTHS] + [digits[-16:]]
            if any(is_card_number(one, is_elsewhere=True) for one in windows):
                return True
        elif is_card_number(digits, is_elsewhere=is_elsewhere or any(touching)) or (
            not is_elsewhere and _is_card_with_cvc(digits)
        ):
            return True
    return False


def _is_card_with_cvc(digits: str) -> bool:
    windows = [digits[:size] for size in _NUMBER_LENGTHS if len(digits) == _LONGEST]
    return any(is_card_number(one, is_elsewhere=True) for one in windows)


def _has_groups(text: str) -> bool:
    text = _UUID.sub("", text) if text.count("-") > _HYPHENS else text
    for look in (_GROUPS, _CARD_GROUPS, _HALVES, _SINGLES):
        for found in look.finditer(text):
            digits = re.sub(r"[^0-9]", "", found[0])
            if is_card_number(digits, is_elsewhere=True) and not _is_list(found[0]):
                return True
    return any(
        is_card_number(re.sub(r"[^0-9]", "", found[0]), is_elsewhere=True)
        for found in _THOUSANDS.finditer(text)
    )


def _is_list(text: str) -> bool:
    # Amounts in a list are no groups of one number, nor are times, but single digits in a list are.
    groups = re.findall(r"[0-9]+", text)
    if text.count(".") == len(groups) - 1 == 1:
        return True  # a fraction
    return any(_SECONDS.fullmatch(one) for one in groups) or (
        _NUMBER_LIST.search(text) is not None and any(len(one) > 1 for one in groups)
    )


def leaks_in_body(
    body: bytes, where: str, *, kind: str = "", encodings: Sequence[str] = ()
) -> Iterator[Leak]:
    """
    Search a body, field by field where it has some.

    Args:
        kind: Its ``Content-Type``.
        encodings: Its ``Content-Encoding``.
    """
    try:
        body = unpacked(body, encodings)
    except UnreadableError as problem:
        yield Leak(f"something that cannot be searched ({problem})", where)
        return
    parts = parts_of(body, kind)
    if parts is not None:
        for part in parts:
            yield from leaks_in_text(part.head, f"{where}, the head of a part")
            inner = f"{where}, the part {_named([part.name])}"
            yield from leaks_in_body(part.content, inner, kind=part.content_type)
        for rest in around_parts(body, kind):
            yield from leaks_in_text(rest, f"{where}, around its parts")
        return
    try:
        text = body.decode()
    except UnicodeDecodeError:
        yield from leaks_in_text(body, where)
        return
    found = json_of(text, kind, is_strict=True)
    pairs = pairs_of(text, kind) if found is None and text else None
    if found is not None:
        yield from leaks_in_value(found, where)
        if _has_groups(
            json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        ):  # one number, spread over several fields
            yield Leak(NUMBER, where)
    elif pairs is not None:
        yield from _leaks_in_pairs(pairs, where)
    else:
        yield from leaks_in_text(body, where)


def _leaks_in_pairs(pairs: Iterable[tuple[str, str]], where: str) -> Iterator[Leak]:
    pairs = list(pairs)
    for name, value in pairs:
        yield from leaks_in_text(name, f"{where}, the name of a field")
        path = path_of(name)
        place = f"{where}, {_named(path)}"
        yield from leaks_in_text(value, place, is_elsewhere=_is_elsewhere(path))
    if _has_groups(" ".join(value for _, value in pairs if value.isdigit())):
        yield Leak(NUMBER, f"{where}, spread over several fields")


def leaks_in_value(
    value: Any, where: str, path: tuple[str, ...] = ()
) -> Iterator[Leak]:  # Any: JSON or YAML
    """
    Search parsed JSON or YAML, its names included.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from leaks_in_text(str(name), f"{where}, the name of a field")
            yield from leaks_in_value(inner, where, (*path, str(name)))
    elif isinstance(value, list | tuple | set):
        if len(value) >= _SHORTEST and all(type(one) is int and 0 <= one < _BYTE for one in value):
            place = f"{where}, {_named(path)}" if path else where  # bytes, as some write them
            yield from leaks_in_text(bytes(value), place)
        for inner in value:
            yield from leaks_in_value(inner, where, path)
    elif value is not None and not isinstance(value, bool):
        text = value if isinstance(value, str | bytes) else str(value)
        place = f"{where}, {_named(path)}" if path else where
        yield from leaks_in_text(text, place, is_elsewhere=_is_elsewhere(path))


def leaks_in_headers(headers: Mapping[str, Any], where: str) -> Iterator[Leak]:
    """
    Search headers, names and values.
    """
    for name, values in headers.items():
        yield from leaks_in_text(name, f"{where}, the name of a header")
        for value in values if isinstance(values, list | tuple) else [values]:
            place = f"{where}, the header {_named([name])}"
            text = value if isinstance(value, bytes) else str(value)
            yield from leaks_in_text(text, place, is_elsewhere=_is_elsewhere([name]))


def leaks_in_uri(uri: str, where: str) -> Iterator[Leak]:
    """
    Search an address.
    """
    parts = urlsplit(uri)
    rest = uri.replace(f"?{parts.query}", "") if parts.query else uri
    yield from leaks_in_text(rest, f"{where}, the address")
    pairs = pairs_of(parts.query, "x-www-form-urlencoded") or []
    yield from _leaks_in_pairs(pairs, f"{where}, the query")


def _is_elsewhere(path: Sequence[str]) -> bool:
    name = path[-1].lower() if path else ""
    return name in _ELSEWHERE or (name.endswith(_ELSEWHERE_ENDS) and "card" not in name)


def _named(path: Sequence[str]) -> str:
    return ".".join(one if _is_harmless(one) else "…" for one in path)


def _is_harmless(name: str) -> bool:
    is_secret = _LIVE.search(name) or _SIGNING.search(name)  # one of letters only
    return not is_secret and _HARMLESS_NAME.fullmatch(name) is not None
