"""
Is this the order we know?
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
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


def _canonical(value: Any) -> Any:  # JSON in, JSON out
    if isinstance(value, Money):
        return [value.minor, value.currency]
    if attrs.has(type(value)):
        return {
            field.name: _canonical(getattr(value, field.name))
            for field in attrs.fields(type(value))
            if getattr(value, field.name) != _default_of(field)
        }
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _canonical(inner) for key, inner in sorted(value.items())}
    if isinstance(value, tuple):
        return [_canonical(inner) for inner in value]
    return value


def _default_of(field: attrs.Attribute[Any]) -> Any:
    default = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class at run time
        return default.factory()
    return default
