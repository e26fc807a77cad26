"""
Which ledger lines make up which figure of a statement?
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal, TypeAlias

from attrs import frozen

from .ledger import AVAILABLE, WORLD, Entry, Line

Figure: TypeAlias = Literal[
    "funded", "refunded", "disputed", "covered", "spent", "held", "reclaimed", "remaining"
]

CAME: tuple[Figure, ...] = ("funded", "refunded", "disputed", "covered")
"""The left side of the identity: what came to the cards."""

WENT: tuple[Figure, ...] = ("spent", "held", "reclaimed", "remaining")
"""The right side: what became of it."""

FIGURES: tuple[Figure, ...] = (*CAME, *WENT)

# Per figure: the effect it is about (any, if empty), the accounts, and the sign of what arrives there.
_MEANING: dict[Figure, tuple[str, str, int]] = {
    "funded": ("allot", AVAILABLE, -1),
    "refunded": ("refund", WORLD, -1),
    "disputed": ("dispute", WORLD, -1),
    "covered": ("", "covered:", 1),
    "spent": ("", "spent:", 1),
    "held": ("", "hold:", 1),
    "reclaimed": ("reclaim", AVAILABLE, 1),
    "remaining": ("", "card:", 1),
}


def part_of(line: Line, figure: Figure) -> int:
    """
    Return what *line* adds to *figure*, in minor units.
    """
    effect, accounts, sign = _MEANING[figure]
    if effect and line.effect != effect:
        return 0
    arrives = line.destination.startswith(accounts)
    leaves = line.source.startswith(accounts)
    return sign * line.minor * (arrives - leaves)


@frozen(kw_only=True)
class Source:
    """
    One thing behind a figure.

    Attributes:
        object_id: The Stripe object that caused it (``ipi_…``, ``iauth_…``, ``ic_…``), or a record of
            ours.
        minor: What it adds to the figure, in minor units.
        scope: Whose ledger chain it is in, such as account and order id; *seq* is the entry.
        cause: The event or call that led to the entry.
        at: UTC; when it was booked.
    """

    object_id: str
    minor: int
    scope: str
    seq: int
    cause: str
    at: datetime


def sources_of(entries: Iterable[Entry], figure: Figure) -> list[Source]:
    """
    Return every line that adds to, or takes from, *figure*, in the order of the entries.
    """
    return [
        Source(
            object_id=line.object_id,
            minor=minor,
            scope=entry.scope,
            seq=entry.seq,
            cause=entry.cause,
            at=entry.at,
        )
        for entry in entries
        for line in entry.lines
        if (minor := part_of(line, figure))
    ]
