"""
Which movements between balances belong to fundings of ours?
"""

from __future__ import annotations

from .money import Money
from .paging import every_in
from .ports import Store, Transaction
from .records import FundingRecord, account_key
from .routes import Attributed, Attribution


def attribution_from(store: Store) -> Attribution:
    """
    Return the function that tells which movements of an account belong to fundings of ours.
    """

    def attribution(account: str | None, amount: Money) -> Attributed:
        direction = "in" if amount.is_positive else "out"
        wanted = abs(amount.minor), amount.currency, direction

        def work(tx: Transaction) -> Attributed:
            known: set[str | None] = set()
            under_way = 0
            for one in every_in(tx, FundingRecord, group=account_key(account)):
                for moved in (*one.moved, *one.returned):
                    known |= {moved.balance_transaction, moved.counterpart}
                same = (one.amount.minor, one.amount.currency, one.direction) == wanted
                under_way += same and one.progress == "moving"
            return Attributed(
                transactions=frozenset(known - {None}),  # type: ignore[arg-type]  # no None left
                under_way=under_way,
            )

        return store.read(work)

    return attribution
