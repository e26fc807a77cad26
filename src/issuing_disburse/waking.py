"""
Which waiting orders does an event give news of, so that they need not wait any longer?

Nothing is asked of Stripe here: whoever resumes the orders does that. Waking an order twice, late, or
for nothing costs one look and changes no money.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import evolve

from .disbursement import Status
from .ports import Store, Transaction
from .records import DisbursementRecord, FundingRecord, account_key
from .routes import FUNDING_METADATA

WOKEN_MAX = 1_000
"""How many orders one event wakes at most; `resume_all` looks at the others all the same."""

_PAGE = 100
_MARK_MAX = 255


def wake_members(store: Store, funding: FundingRecord, *, now: datetime) -> int:
    """
    Wake the orders that *funding* pays for; return how many.
    """
    keys = funding.members[:WOKEN_MAX]
    return store.transact(lambda tx: sum(_woken(tx, key, now) for key in keys)) if keys else 0


def wake_account(store: Store, account: str | None, *, now: datetime) -> int:
    """
    Wake all orders of an account that were to wait for money; return how many.
    """
    woken, after = 0, ""
    for _ in range(WOKEN_MAX // _PAGE):
        page = store.read(lambda tx, after=after: _page(tx, account, after))  # type: ignore[misc]  # bound early
        keys = [one.key for one in page if _waits(one, now)]
        if keys:
            woken += store.transact(
                lambda tx, keys=keys: sum(_woken(tx, key, now) for key in keys)  # type: ignore[misc]  # bound early
            )
        if len(page) < _PAGE:
            break
        after = page[-1].key
    return woken


def mark_of(body: Mapping[str, Any]) -> str | None:
    """
    Return the key of the funding that a transfer, top-up or payout was made for, by its own account.

    Anybody with a dashboard can write such a mark, so it serves for looking only.
    """
    marks = body.get("metadata")
    mark = marks.get(FUNDING_METADATA) if isinstance(marks, Mapping) else None
    if not isinstance(mark, str) or not mark.isprintable() or not 0 < len(mark) <= _MARK_MAX:
        return None
    return mark


def _page(tx: Transaction, account: str | None, after: str) -> tuple[DisbursementRecord, ...]:
    return tx.find(
        DisbursementRecord,
        group=account_key(account),
        states=(Status.PENDING.value,),
        after=after,
        limit=_PAGE,
    )


def _woken(tx: Transaction, key: str, now: datetime) -> bool:
    record = tx.get(DisbursementRecord, key, lock=True)
    if record is None or record.reason is None or not _waits(record, now):
        return False
    tx.put(evolve(record, look_at=now, reason=evolve(record.reason, retry_at=now)))
    return True


def _waits(record: DisbursementRecord, now: datetime) -> bool:
    """
    Tell whether somebody was told to come back later; who works on it right now needs no waking.
    """
    is_later = record.look_at is not None and record.look_at > now
    return record.status is Status.PENDING and record.reason is not None and is_later
