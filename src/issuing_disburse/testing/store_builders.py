"""
Which records do tests of a store keep?
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from issuing_disburse.ledger import GENESIS, Entry, Line
from issuing_disburse.ports import Transaction
from issuing_disburse.records import Row, StepRecord

NOW = datetime(2026, 11, 2, 9, 0, 0, 123_456, tzinfo=UTC)
"""When the records of these tests were made."""


def make_step(
    name: str,
    *,
    scope: str = "acct_example/claim-1/1",
    progress: Literal["intended", "done", "refused"] = "intended",
    started_at: datetime = NOW,
) -> StepRecord:
    """
    Make a record whose group is *scope*, whose state is *progress*, due when it was started.
    """
    return StepRecord(
        scope=scope,
        name=name,
        generation=1,
        idempotency_key=f"idb_{name}",
        request=b"amount=12500&currency=usd\x00\xff",
        started_at=started_at,
        progress=progress,
    )


def make_entry(seq: int, *, scope: str = "acct_example/claim-1", previous: str = GENESIS) -> Entry:
    """
    Make a sealed ledger entry of one line over 12,500 minor units.
    """
    line = Line("allot", "ic_example", "issuing:available", "card:ic_example", 12_500)
    return Entry(
        scope=scope, seq=seq, at=NOW, currency="usd", cause="evt_example", lines=(line,),
        previous=previous,
    ).sealed()  # fmt: skip


def putting(record: Row) -> Callable[[Transaction], int]:
    """
    Return a work that writes *record* and returns its new version.
    """
    return lambda tx: tx.put(record).version


def names(found: tuple[StepRecord, ...]) -> list[str]:
    """
    Return what the steps are called.
    """
    return [step.name for step in found]
