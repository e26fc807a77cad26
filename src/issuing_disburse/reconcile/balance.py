"""
Does the Issuing balance as a whole stand where our books say?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from issuing_disburse.money import Money
from issuing_disburse.paging import every
from issuing_disburse.ports import Store
from issuing_disburse.records import PoolRecord, account_key
from issuing_disburse.routes import REVERSAL, TRANSFER, issuing_available

from .reading import CountedReads
from .values import Discrepancy

_TRIES = 3


def balance_differences(
    store: Store,
    account: str | None,
    reads: CountedReads,
    listed: Sequence[Discrepancy],
    foreign: Mapping[str, int],
) -> list[Discrepancy]:
    """
    Compare the balance as a whole; what the differences in *listed* explain is not told twice.

    Totals and balance cannot be read at one moment, so a difference is looked at again before it is
    told.

    Stripe: ``GET /v1/balance``
    """
    group = account_key(account)
    found: list[Discrepancy] = []
    for _ in range(_TRIES):
        pools = list(every(store, PoolRecord, group=group))
        if not pools:
            return []
        balance = reads.get("/v1/balance")
        found = []
        for pool in pools:
            here = pool.available_minor + pool.cards_minor + foreign.get(pool.currency, 0)
            there = issuing_available(balance, pool.currency)
            if there.minor - here != _explained(listed, pool.currency):
                found.append(_difference(group, Money(here, pool.currency), there))
        if not found:
            return []
    return found


def _explained(listed: Sequence[Discrepancy], currency: str) -> int:
    return sum(
        one.there.minor - one.here.minor
        for one in listed
        if one.there.currency == currency
        and one.object_type not in {TRANSFER, REVERSAL}
        and one.action != "restore"  # the totals were kept when the entry was lost
    )


def _difference(group: str, here: Money, there: Money) -> Discrepancy:
    return Discrepancy(
        kind="amount_differs",
        object_id=f"issuing balance of {group}",
        object_type="balance",
        here=here,
        there=there,
        age_seconds=0,
        severity="critical",
        action="ask_stripe",
        remedy="no difference listed here explains it: look for movements that Stripe's list of "
        "balance transactions does not show",
    )
