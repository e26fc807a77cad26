"""
Is this the order we know?
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import orjson

from .money import Money
from .order import Order


def fingerprint(order: Order) -> str:
    """
    Return a hash of the order's content.

    Fields that stand at their default are left out, so that a field added by a later version of
    this library changes no fingerprint.
    """
    return hashlib.sha256(orjson.dumps(_canonical(order))).hexdigest()[:40]


def _canonical(value: Any) -> Any:  # attrs in, JSON out
    if isinstance(value, Money):
        return [value.minor, value.currency]
    if attrs.has(type(value)):
        return {
            name: _canonical(inner) for name, inner, default in _fields(value) if inner != default
        }
    if isinstance(value, tuple):
        return [_canonical(inner) for inner in value]
    return _text(value)


def _text(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _fields(value: Any) -> Iterator[tuple[str, Any, Any]]:
    for field in attrs.fields(type(value)):
        default = field.default.factory() if hasattr(field.default, "factory") else field.default
        yield field.name, getattr(value, field.name), default
