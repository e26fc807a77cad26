"""
What does our ledger add up to, read once, chain by chain?
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from attrs import define, field

from issuing_disburse.ledger import GENESIS, Entry
from issuing_disburse.records import FundingRecord

from .tally import Tally

_EFFECTS = {
    "hold": "authorization",
    "capture": "transaction",
    "refund": "transaction",
    "dispute": "dispute",
}
_INSIDE = ("card:", "late:", "issuing:", "covered:")


@define
class Books:
    """
    What was seen while our ledger was read.

    Attributes:
        openings: Per currency, what the balance held before, in minor units, and when that was.
        totals: Minor units per currency and kind of account: what the pools must say, too.
        broken: Scopes whose chain lacks an entry, or has one put in between.
        opened_at: When the first money of ours moved, or the first balance was read.
    """

    openings: dict[str, tuple[int, datetime]] = field(factory=dict)
    totals: defaultdict[tuple[str, str], int] = field(factory=lambda: defaultdict(int))
    broken: dict[str, str] = field(factory=dict)
    entries: int = 0
    opened_at: datetime | None = None
    unnamed: list[tuple[str, int]] = field(factory=list)
    moving: list[FundingRecord] = field(factory=list)

    def opens_by(self, at: datetime) -> None:
        """
        Note that the books were open at that time.
        """
        self.opened_at = at if self.opened_at is None else min(self.opened_at, at)


class Chain:
    """
    One chain of entries while it passes by.
    """

    __slots__ = ("accounts", "currency", "digest", "first", "is_ours", "scope", "seq", "sums")

    def __init__(self, scope: str, *, is_ours: bool = False) -> None:
        self.scope = scope
        self.is_ours = is_ours
        self.seq = 0
        self.digest = GENESIS
        self.currency = ""
        self.sums: dict[tuple[str, str], int] = {}
        self.first: dict[str, datetime] = {}
        self.accounts: defaultdict[str, int] = defaultdict(int)

    def read(self, entry: Entry, books: Books) -> None:
        """
        Add one entry, and look whether it follows the one before.
        """
        if entry.seq != self.seq + 1 or entry.previous != self.digest:
            books.broken.setdefault(self.scope, f"entry {self.seq + 1}")
        self.seq, self.digest, self.currency = entry.seq, entry.digest, entry.currency
        accounts = self.accounts
        for line in entry.lines:
            accounts[line.source] -= line.minor
            accounts[line.destination] += line.minor
            family = _EFFECTS.get(line.effect)
            if family is not None and self.is_ours:
                key = (line.object_id, family)
                minor = on_balance(line.source, line.destination, line.minor)
                self.sums[key] = self.sums.get(key, 0) + minor
                self.first.setdefault(line.object_id, entry.at)

    def finish(self, tally: Tally, books: Books) -> None:
        """
        Hand over what the chain adds up to.
        """
        for account, minor in self.accounts.items():
            books.totals[self.currency, account.partition(":")[0]] += minor
        if self.sums:
            tally.add(
                [
                    (
                        name,
                        self.currency,
                        0,
                        minor,
                        int(self.first[name].timestamp()),
                        family,
                        self.scope,
                    )
                    for (name, family), minor in self.sums.items()
                ]
            )


def on_balance(source: str, destination: str, minor: int) -> int:
    """
    Return what a line did to Stripe's available Issuing balance, in minor units.
    """
    return minor * (destination.startswith(_INSIDE) - source.startswith(_INSIDE))
