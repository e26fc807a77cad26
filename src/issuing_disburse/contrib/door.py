"""
What is turned away before anybody looks at it?
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.webhooks import PAYLOAD_MAX_BYTES, Reply

__all__ = [
    "BUSY",
    "PAYLOAD_MAX_BYTES",
    "THREADS",
    "TOO_LARGE",
    "WAITING_MAX",
    "Handle",
    "check_limits",
    "is_too_large",
]

Handle: TypeAlias = Callable[[bytes, str], Reply]
"""Takes the raw body and ``Stripe-Signature``: `issuing_disburse.Disburser.handle_webhook`."""

THREADS = 16
"""How many webhooks an asynchronous framework handles at once; each holds a thread of its own."""

WAITING_MAX = 512
"""How many more may wait for a thread; what comes on top is told to come again."""

_JSON = {"Content-Type": "application/json"}

TOO_LARGE = Reply(status=413, headers=_JSON, body=b'{"message":"too large"}')
BUSY = Reply(status=503, headers=_JSON, body=b'{"message":"busy, deliver again"}')


def is_too_large(content_length: str | None, most: int) -> bool:
    """
    Tell whether the body is larger than *most* bytes by its own account, before any of it is read.

    What is no number says nothing; what comes is counted anyway.
    """
    text = content_length or ""
    return text.isascii() and text.isdigit() and (len(text) > len(str(most)) or int(text) > most)


def check_limits(**limits: int) -> None:
    """
    Refuse limits that are no count.

    Raises:
        InvalidInputError: Naming the one at fault.
    """
    for name, limit in limits.items():
        if type(limit) is not int or limit < 1:
            raise InvalidInputError(name, "must be a whole number from 1", "leave it out")
