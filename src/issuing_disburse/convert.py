"""
How do records become JSON for a store, and come back exactly as they were?

Every field is written, defaults too: a default that changes later must not change what was stored.
Reading is lenient: unknown keys are ignored (a newer version wrote them), missing ones take their
default (an older version did not know them).
"""

from __future__ import annotations

import binascii
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from .exceptions import ChainBrokenError, StoreError
from .ledger import Entry, Line
from .order import Order
from .records import Row
from .terms import Terms

if TYPE_CHECKING:
    from cattrs import Converter

R = TypeVar("R", bound=Entry | Order | Row | Terms)


def encode(record: Entry | Order | Row | Terms) -> bytes:
    """
    Return *record* as UTF-8 JSON.

    Raises:
        ValueError: It holds a time without a zone. Times are aware; they are kept in UTC.
    """
    return orjson.dumps(_converter().unstructure(record))


def decode(kind: type[R], body: bytes | str) -> R:
    """
    Return the record of that *kind* which was encoded to *body*.

    Raises:
        StoreError: It is no such record: damaged, or of a version that this one cannot read.
    """
    try:
        record: R = _converter().structure(orjson.loads(body), kind)
    except Exception as exc:  # noqa: BLE001 - whatever a constructor raises, and nothing of the data
        cause = type(exc).__name__
    else:
        return record
    raise StoreError(
        f"a stored {kind.__name__} cannot be read ({cause}); restore it from a backup, or use the "
        "version of the library that wrote it",
        code="unreadable",
    )


def encode_lines(lines: tuple[Line, ...]) -> bytes:
    """
    Return ledger lines as a compact JSON array of arrays.
    """
    return orjson.dumps(
        [[one.effect, one.object_id, one.source, one.destination, one.minor] for one in lines]
    )


def decode_lines(body: bytes | str) -> tuple[Line, ...]:
    """
    Return the ledger lines that `encode_lines` wrote.

    Raises:
        ChainBrokenError: It is something else.
    """
    try:
        return tuple([Line(*fields) for fields in orjson.loads(body)])
    except (TypeError, ValueError):
        problem = "the lines of a ledger entry cannot be read: they were changed or damaged; "
    raise ChainBrokenError(problem + "restore the store from a backup", code="chain_broken")


def configure_converter(converter: Converter) -> None:
    """
    Teach *converter* what JSON lacks: times, durations, bytes, sets.
    """
    converter.register_unstructure_hook(datetime, _time_to_text)
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    converter.register_unstructure_hook(date, date.isoformat)
    converter.register_structure_hook(date, lambda text, _: date.fromisoformat(text))
    converter.register_unstructure_hook(timedelta, _duration_to_parts)
    converter.register_structure_hook(timedelta, lambda parts, _: timedelta(*parts))
    converter.register_unstructure_hook(bytes, _bytes_to_text)
    converter.register_structure_hook(bytes, lambda text, _: binascii.a2b_base64(text))


@cache
def _converter() -> Converter:
    # Imported here: a process that only answers webhooks from memory never pays for it.
    from cattrs import Converter  # noqa: PLC0415 - see above

    converter = Converter(
        detailed_validation=False,
        unstruct_collection_overrides={AbstractSet: sorted},
    )
    configure_converter(converter)
    return converter


def _time_to_text(at: datetime) -> str:
    if at.tzinfo is UTC:
        return at.isoformat()
    if at.utcoffset() is None:
        raise ValueError("a time without a zone cannot be stored: pass an aware datetime")
    return at.astimezone(UTC).isoformat()


def _duration_to_parts(duration: timedelta) -> list[Any]:
    return [duration.days, duration.seconds, duration.microseconds]


def _bytes_to_text(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode()
