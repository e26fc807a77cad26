"""
What does a store keep of what merchants asked, so that it can be asked again?
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from .rows import Row, account_key


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
