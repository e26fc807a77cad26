"""
Is our own ledger whole: does it add up to its totals, and is no entry missing?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from issuing_disburse.exceptions import ChainBrokenError
from issuing_disburse.ledger import GENESIS, verify_chain
from issuing_disburse.money import Money
from issuing_disburse.paging import every
from issuing_disburse.ports import Store
from issuing_disburse.records import DisbursementRecord, FundingRecord, PoolRecord, account_key

from .values import Discrepancy


def broken_chains(
    store: Store,
    account: str | None,
    gaps: Mapping[str, str],
    totals: Mapping[tuple[str, str], int] | None,
    pools: Sequence[PoolRecord],
    now: datetime,
) -> list[Discrepancy]:
    """
    Return the chains of *account* that have lost or gained an entry.

    An entry taken out of the middle leaves a gap, which was seen in passing. One taken off the end
    leaves none, but the ledger then no longer adds up to its totals, and every chain is compared with
    the length its record remembers.

    Args:
        gaps: Scopes in which an entry is missing or added, and where.
        totals: What all entries add up to, by currency and kind of account, in minor units;
            ``None`` where they were written meanwhile.
        pools: The totals of all accounts, as they were kept before the ledger was read.
    """
    if not gaps and (totals is None or _adds_up(totals, pools)):
        return []
    found = []
    for record in _owners(store, account):
        entries = store.read(lambda tx, scope=record.key: tx.entries(scope))  # type: ignore[misc]  # bound early
        current = store.read(lambda tx, one=record: tx.get(type(one), one.key)) or record  # type: ignore[misc]  # likewise
        try:
            is_whole = (verify_chain(entries) if entries else GENESIS) == current.digest
        except ChainBrokenError:
            is_whole = False
        if is_whole or record.version != current.version:
            continue
        nothing = Money.zero(record.amount.currency)
        where = gaps.get(record.key, f"entry {len(entries) + 1}")
        is_short = len(entries) < record.entries
        found.append(
            Discrepancy(
                kind="missing_here" if is_short else "amount_differs",
                object_id=f"{where} of {record.key}",
                object_type="ledger",
                here=nothing,
                there=nothing,
                here_status=f"{len(entries)} entries",
                there_status=f"{record.entries} entries were posted",
                age_seconds=max(0, int((now - _written_at(record)).total_seconds())),
                severity="critical",
                order_id=record.order_id if isinstance(record, DisbursementRecord) else None,
                action="restore",
                remedy="the ledger was changed behind our back: restore the store from a backup, "
                "then reconcile again",
            )
        )
    return found


def _written_at(record: DisbursementRecord | FundingRecord) -> datetime:
    return record.updated_at if isinstance(record, DisbursementRecord) else record.created_at


def _adds_up(totals: Mapping[tuple[str, str], int], pools: Sequence[PoolRecord]) -> bool:
    kept: dict[tuple[str, str], int] = {}
    for pool in pools:
        parts = {
            "issuing": pool.available_minor,
            "card": pool.cards_minor,
            "hold": pool.held_minor,
        }
        for name, minor in parts.items():
            kept[pool.currency, name] = kept.get((pool.currency, name), 0) + minor
    kinds = ("issuing", "card", "hold")
    names = {*kept, *(key for key in totals if key[1] in kinds)}
    return all(kept.get(name, 0) == totals.get(name, 0) for name in names)


def _owners(store: Store, account: str | None) -> Iterator[DisbursementRecord | FundingRecord]:
    group = account_key(account)
    yield from every(store, DisbursementRecord, group=group)
    yield from every(store, FundingRecord, group=group)
