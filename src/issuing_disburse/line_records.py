"""
Up to when are requests given a place, by all processes that share a store?
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import frozen

from .rows import Row


@frozen(kw_only=True)
class LineRecord(Row):
    """
    The end of one line: what is counted together stands in it.

    Attributes:
        name: The account, and the endpoint if there is one.
        free_at: UTC, by the store's clock; the next request may leave then.
    """

    KIND: ClassVar[str] = "line"

    name: str
    free_at: datetime

    @property
    def key(self) -> str:
        """The name."""
        return self.name
