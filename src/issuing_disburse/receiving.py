"""
How is a sink called, so that neither what it returns nor what it raises shows a number?
"""

from __future__ import annotations

import hashlib
import os
import traceback
from collections.abc import Coroutine, Generator
from typing import TYPE_CHECKING, TypeAlias

from .disbursement import CardReference
from .hidden import Sealed
from .interrupts import emptied
from .records import DeliveryRecord

if TYPE_CHECKING:
    from .pci import SecretSink

RECEIPT_MAX = 512

Problem: TypeAlias = tuple[str, str]
"""Code and message."""


def received(
    sink: SecretSink,
    sealed: Sealed,
    record: DeliveryRecord,
    card: CardReference,
    *,
    was_read: bool,
) -> tuple[str, Problem | None]:
    """
    Call the sink, and return its receipt as it may be kept, or what speaks against it.

    This raises nothing of its own: what the sink returned, which may be the number, stays in here.
    """
    text, problem = _called(sink, sealed, record, card)
    if problem is None:
        problem = _problem_with(text, sealed, record.sink, was_read=was_read)
    if problem is not None:
        return "", problem
    reference = str(text)
    if sealed.has_digits_in(reference):
        reference = f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"
    return reference, None


def _problem_with(text: object, sealed: Sealed, sink: str, *, was_read: bool) -> Problem | None:
    who = f"the sink {sink}"
    if type(text) is not str or not text.strip():  # a subclass may behave as it likes
        return "no_receipt", f"{who} returned no receipt: it may not have stored anything yet"
    if len(text) > RECEIPT_MAX or not text.isprintable():
        message = f"{who} returned a receipt that is not 1 to {RECEIPT_MAX} printable characters"
        return "receipt_unusable", message
    if sealed.is_told_by(text):
        return "receipt_tells", f"the receipt of {who} shows the card number or the CVC"
    if not sealed.is_taken and not was_read:
        message = f"{who} returned without reading the secrets, and it never got this card before"
        return "not_read", message
    return None


def _called(
    sink: SecretSink, sealed: Sealed, record: DeliveryRecord, card: CardReference
) -> tuple[object, Problem | None]:
    """
    Call the sink, and return what it returned, or code and message of what went wrong.

    Nothing that it raises gets out: text, causes, notes and frames may all show the number.
    """
    interrupt: BaseException
    secrets = sink.scope.opened(sealed)
    try:
        text: object = sink.deliver(secrets, card=card, order_id=record.order_id)
        was_open = secrets.is_open
        if isinstance(text, Coroutine | Generator):
            text.close()  # nothing of it has run yet
    except Exception as exc:  # noqa: BLE001  # whatever it is, it may show the number
        where = _place_of(exc)
        emptied(exc)
        message = f"the sink {record.sink} failed: {type(exc).__name__} in {where}"
        if sealed.is_told_by(message):
            message = f"the sink {record.sink} failed"
        return None, ("sink_failed", message)
    except BaseException as exc:  # noqa: BLE001  # an interrupt goes on, but empty
        interrupt = emptied(exc)
    else:
        if was_open:
            message = f"the sink {record.sink} returned while it still held the secrets open"
            return None, ("still_open", message)
        return text, None
    finally:
        secrets.close()
    raise interrupt


def _place_of(exc: BaseException) -> str:
    *outer, (innermost, line) = traceback.walk_tb(exc.__traceback__)
    if not outer:  # ours: what was to be called could not be
        return "its call"
    code = innermost.f_code
    return f"{code.co_name} ({os.path.basename(code.co_filename)}:{line})"  # noqa: PTH119  # a name, no path
