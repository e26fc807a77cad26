"""
What came in about a card before the card was recorded?
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import frozen

from .facts import AuthorizationFacts, TransactionFacts
from .rows import Row, account_key


@frozen(kw_only=True)
class ParkedEvent(Row):
    """
    An event for a card that is not recorded yet, on an account where one is being made.
    """

    KIND: ClassVar[str] = "parked"

    event_id: str
    card_id: str
    fact: AuthorizationFacts | TransactionFacts
    received_at: datetime
    account: str | None = None

    @property
    def key(self) -> str:
        """The event id."""
        return self.event_id

    @property
    def group(self) -> str:
        """The card id."""
        return self.card_id

    @property
    def state(self) -> str:
        """The account: so many are kept for each."""
        return account_key(self.account)

    @property
    def due_at(self) -> datetime | None:
        """When it came in."""
        return self.received_at
