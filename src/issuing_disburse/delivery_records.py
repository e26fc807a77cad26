"""
What does a store keep of card numbers? That they were handed out, and to whom.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from attrs import frozen

from .rows import Row, account_key


@frozen(kw_only=True)
class DeliveryRecord(Row):
    """
    One time that a card's number, or a key to it, was handed out: to whom, when, by which sink.

    Written before the number is asked for, so that a crash leaves a trace, too. Never the secret.

    Attributes:
        number: Counts the deliveries of one order from 1; a nonce's fingerprint where there is one.
        sink: The sink's name.
        owner: Who answers for the sink, and in which *environment* it runs.
        progress: ``begun`` for ever when the process died in between: the sink may have it.
        reference: The sink's receipt.
        is_read: Whether the sink has looked at the secrets.
        code: Why it failed.
    """

    KIND: ClassVar[str] = "delivery"

    account: str | None
    order_id: str
    number: str
    card_id: str
    last4: str
    sink: str
    owner: str
    environment: str
    begun_at: datetime
    progress: Literal["begun", "delivered", "failed"] = "begun"
    finished_at: datetime | None = None
    reference: str = ""
    is_read: bool = False
    code: str = ""

    @property
    def key(self) -> str:
        """The disbursement's key and the number."""
        return f"{self.group}#{self.number}"

    @property
    def group(self) -> str:
        """Account and order id: the key of the disbursement."""
        return f"{account_key(self.account)}/{self.order_id}"

    @property
    def state(self) -> str:
        """How far it got."""
        return self.progress
