"""
How do domain events reach the logs, without anything that must not be there?

Only named fields of an event are written: ids, amounts, codes. What came from strangers (order ids,
merchants, reasons) is cut, put on one line, and blanked where it could be a card number or a key.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime

from attrs import fields

from issuing_disburse.announcer import Unsubscribe
from issuing_disburse.disburser import Disburser
from issuing_disburse.domain_events import (
    NAMES,
    BalanceLow,
    CapturedBeyond,
    Declined,
    DifferenceFound,
    DomainEvent,
)
from issuing_disburse.money import Money
from issuing_disburse.reconcile import Discrepancy

LONGEST = 120

_HIDDEN = "[redacted]"
_SECRET = re.compile(
    r"\b(?:sk|rk|pk|ek|whsec|cvc)_?(?:test_|live_)?[A-Za-z0-9_]{8,}", re.IGNORECASE
)
_DIGITS = re.compile(r"(?:\d[ .\-_/]{0,2}){11,18}\d")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_LOUD: tuple[type[DomainEvent], ...] = (CapturedBeyond, DifferenceFound, BalanceLow)


def redact(text: str) -> str:
    """
    Return *text* on one line, cut, without what could be a card number, a key or a mail address.
    """
    flat = "".join(mark if mark.isprintable() else " " for mark in text)
    for pattern in (_SECRET, _ADDRESS, _DIGITS):
        flat = pattern.sub(_HIDDEN, flat)
    return flat if len(flat) <= LONGEST else f"{flat[:LONGEST]}…"


def described(event: DomainEvent) -> dict[str, str]:
    """
    Return the fields of *event* as redacted text, those of a difference by their own names.
    """
    said: dict[str, str] = {"event": NAMES.get(type(event), type(event).__name__)}
    for one in fields(type(event)):
        said.update(_written(one.name, getattr(event, one.name)))
    return said


def _written(name: str, value: object) -> Mapping[str, str]:
    if isinstance(value, Discrepancy):
        return {
            "kind": value.kind,
            "object_id": redact(value.object_id),
            "severity": value.severity,
            "here": str(value.here),
            "there": str(value.there),
            "action": value.action,
            "order_id": redact(value.order_id or ""),
        }
    if value is None or value == "":
        return {}
    if isinstance(value, datetime):
        return {name: value.isoformat()}
    if isinstance(value, Money | int):
        return {name: str(value)}
    return {name: redact(str(value))}


def log_events(
    disburser: Disburser, logger: logging.Logger | None = None, *, level: int = logging.INFO
) -> Unsubscribe:
    """
    Log every domain event from now on; what a person should look at is a warning.

    The message is ``name key=value …``; the same fields are in the record's ``disbursement`` for
    formatters that write JSON.

    Args:
        logger: ``issuing_disburse.events`` if left out.
        level: For ordinary events; declines and surprises are at least warnings.

    Returns:
        A function that ends it.
    """
    target = logger or logging.getLogger("issuing_disburse.events")

    def write(event: DomainEvent) -> None:
        is_loud = isinstance(event, (*_LOUD, Declined))
        at_level = max(level, logging.WARNING) if is_loud else level
        if not target.isEnabledFor(at_level):
            return
        said = described(event)
        text = " ".join(f"{name}={value!r}" for name, value in said.items() if name != "event")
        target.log(at_level, "%s %s", said["event"], text, extra={"disbursement": said})

    return disburser.on(DomainEvent, write)
