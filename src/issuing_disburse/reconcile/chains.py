"""
What does our ledger add up to, read once, chain by chain?

A ledger has millions of entries, so they are added up as they are kept, and no value is made of any.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
from attrs import define, field

from issuing_disburse.exceptions import ChainBrokenError
from issuing_disburse.ledger import GENESIS
from issuing_disburse.ports import EntryRow
from issuing_disburse.records import FundingRecord

from .tally import HERE, Movement, Tally

_EFFECTS = {
    "hold": "authorization",
    "capture": "transaction",
    "refund": "transaction",
    "dispute": "dispute",
}
_INSIDE = ("card:", "late:", "issuing:", "covered:")
_KIND = 5  # as many characters tell the kinds of accounts apart
_KINDS_INSIDE = frozenset(name[:_KIND] for name in _INSIDE)
_SECOND = 1_000_000

_Sums: TypeAlias = dict[tuple[str, str], list[int]]
"""Per object and family: minor units, and Unix seconds of the first entry."""


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


class LedgerReader:
    """
    Adds up the entries that pass by, and looks whether each follows the one before.

    Args:
        account: As it is written in scopes.
    """

    def __init__(self, account: str, tally: Tally, books: Books) -> None:
        self._mine, self._opening = f"{account}/", f"opening/{account}/"
        self._tally, self._books = tally, books
        self._scope, self._seq, self._digest, self._currency = "", 0, GENESIS, ""
        self._is_ours = self._is_opening = False
        self._sums: _Sums = {}
        self._batch: list[Movement] = []
        self._moved: defaultdict[str, defaultdict[tuple[str, str], int]] = defaultdict(
            lambda: defaultdict(int)
        )

    def read(self, page: Sequence[EntryRow]) -> None:
        """
        Add some entries up.

        Raises:
            ChainBrokenError: The lines of one cannot be read.
        """
        books = self._books
        for scope, seq, at, currency, _, lines, previous, digest in page:
            if scope != self._scope:
                self._next_chain(scope)
            if seq != self._seq + 1 or previous != self._digest:
                books.broken.setdefault(scope, f"entry {self._seq + 1}")
            self._seq, self._digest, self._currency = seq, digest, currency
            try:
                moved = self._add(orjson.loads(lines), at // _SECOND)
            except (TypeError, ValueError):
                moved = None
            if moved is None:
                raise _unreadable(scope, seq)
            if self._is_opening:
                at_utc = datetime.fromtimestamp(at // _SECOND, UTC)
                opened_at = at_utc.replace(microsecond=at % _SECOND)
                books.openings[currency] = (moved, opened_at)
                books.opens_by(opened_at)
        books.entries += len(page)
        self._hand_over()

    def _add(self, lines: Iterable[Any], second: int) -> int:
        """
        Add the lines of one entry; return what they did to the Issuing balance, in minor units.
        """
        totals, sums, is_ours = self._moved[self._currency], self._sums, self._is_ours
        whole = 0
        for effect, object_id, source, destination, minor in lines:
            way = source[:_KIND], destination[:_KIND]
            totals[way] += minor
            moved = minor * ((way[1] in _KINDS_INSIDE) - (way[0] in _KINDS_INSIDE))
            whole += moved
            if is_ours and effect in _EFFECTS:
                key = object_id, _EFFECTS[effect]
                if key in sums:
                    sums[key][0] += moved
                else:
                    sums[key] = [moved, second]
        return whole

    def _next_chain(self, scope: str) -> None:
        """
        Hand over what the chain adds up to, and begin the one of *scope*.
        """
        if self._sums:
            currency, before = self._currency, self._scope
            for (name, family), (minor, at) in self._sums.items():
                mark = hash((name, currency))
                self._batch.append((mark, minor, HERE, at, name, currency, family, before))
            self._sums.clear()
        self._scope, self._seq, self._digest = scope, 0, GENESIS
        self._is_ours = scope.startswith(self._mine)
        self._is_opening = scope.startswith(self._opening)

    def _hand_over(self) -> None:
        self._tally.add(self._batch)
        self._batch.clear()

    def finish(self) -> None:
        """
        Hand over the last chain, and what all of them add up to.
        """
        self._next_chain("")
        self._hand_over()
        names = {name[:_KIND]: name for name in ("issuing", "card:", "hold:")}
        for currency, moved in self._moved.items():
            for (source, destination), minor in moved.items():
                for kind, sign in ((source, -1), (destination, 1)):
                    if kind in names:
                        name = names[kind].rstrip(":")
                        self._books.totals[currency, name] += sign * minor


def on_balance(source: str, destination: str, minor: int) -> int:
    """
    Return what a line did to Stripe's available Issuing balance, in minor units.
    """
    return minor * (destination.startswith(_INSIDE) - source.startswith(_INSIDE))


def _unreadable(scope: str, seq: int) -> ChainBrokenError:
    return ChainBrokenError(
        f"the lines of entry {seq} of {scope} cannot be read: they were changed or damaged; restore "
        "the store from a backup",
        code="chain_broken",
    )
