"""
What does a store keep of what merchants asked, so that it can be asked again?
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from attrs import frozen

from .money import Money
from .rows import Row, account_key

__all__ = ["Recording", "ShadowRecord", "UsedCard", "account_key", "moment_key"]


@frozen(kw_only=True)
class Recording(Row):
    """
    What was asked of a card, or what came of it, for replaying; without secrets or personal data.

    Attributes:
        place: Where it stands in time: keys of one account order as the events did.
        line: The JSON of `issuing_disburse.recordings.lines`, which has a version of its own.
    """

    KIND: ClassVar[str] = "recording"

    account: str | None
    place: str
    line: str

    @property
    def key(self) -> str:
        """Account and place in time."""
        return f"{account_key(self.account)}/{self.place}"

    @property
    def group(self) -> str:
        """The account."""
        return account_key(self.account)


@frozen(kw_only=True)
class UsedCard(Row):
    """
    A card that may have been used at a time: where a history over several cards is to be looked for.

    The uses themselves are the card's claims; this only finds the cards.

    Attributes:
        scope: ``recipient/…`` or ``account/…``.
        at: UTC.
    """

    KIND: ClassVar[str] = "used_card"

    scope: str
    at: datetime
    card_id: str

    @property
    def key(self) -> str:
        """Scope, time and card."""
        return f"{moment_key(self.scope, self.at)}/{self.card_id}"

    @property
    def group(self) -> str:
        """The scope."""
        return self.scope


@frozen(kw_only=True)
class ShadowRecord(Row):
    """
    What a shadow made of one request that was decided without it.

    Attributes:
        name: The shadow's.
        approved: What it said; *code* and *rule* are its own.
        changes: Whether the answer would have been another.
    """

    KIND: ClassVar[str] = "shadow"

    account: str | None
    at: datetime
    authorization_id: str
    event_id: str
    card_id: str
    name: str
    asked: Money
    approved: bool
    code: str
    rule: str
    changes: bool
    was_approved: bool

    @property
    def key(self) -> str:
        """Account, time, event and name."""
        return f"{moment_key(self.group, self.at)}/{self.event_id}/{self.name}"

    @property
    def group(self) -> str:
        """The account."""
        return account_key(self.account)


def moment_key(group: str, at: datetime) -> str:
    """
    Return a key that stands in its group in the order of time.
    """
    return f"{group}/{at.astimezone(UTC).isoformat(timespec='microseconds')}"
