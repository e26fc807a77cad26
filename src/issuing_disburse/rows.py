"""
What does everything that a store keeps have in common?

Every record is a frozen value with a *key* that is unique within its kind, a *version* that the store
counts up at each write (a write of an outdated version is refused), and three columns a store can be
asked by: *group*, *state* and *due_at*.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import frozen


def account_key(account: str | None) -> str:
    """
    Return the text that stands for *account* in keys; the platform itself is ``platform``.
    """
    return account or "platform"


@frozen(kw_only=True)
class Row:
    """
    What every record has.

    Attributes:
        version: 0 before the first write; the store counts it up.
    """

    KIND: ClassVar[str]
    version: int = 0

    @property
    def key(self) -> str:
        """What it is found by; unique within its kind."""
        raise NotImplementedError

    @property
    def group(self) -> str:
        """What it belongs to."""
        return ""

    @property
    def state(self) -> str:
        """How it stands."""
        return ""

    @property
    def due_at(self) -> datetime | None:
        """When somebody should look at it (UTC)."""
        return None


@frozen(kw_only=True)
class Lease:
    """
    Who works on an order, or moves the money of many, until when (UTC), under which fencing number.
    """

    owner: str
    until: datetime
    fence: int
