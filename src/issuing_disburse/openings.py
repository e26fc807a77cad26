"""
What was on an Issuing balance when its books were opened, and what is there now?
"""

from __future__ import annotations

from attrs import evolve, frozen

from .books import opening_entry
from .deposits import Deposits
from .money import Money
from .ports import Clock, Store, Transaction
from .records import PoolRecord
from .routes import issuing_available
from .stripe_api import StripeAPI


@frozen(kw_only=True)
class Openings:
    """
    Opens the books of a balance with its first order.

    Attributes:
        deposits: Books bank transfers, where the route waits for them.
    """

    api: StripeAPI
    store: Store
    clock: Clock
    deposits: Deposits | None

    def known_balance(
        self, account: str | None, currency: str, *, needs_cover: bool
    ) -> Money | None:
        """
        Read the Issuing balance where it matters: for the first order, and to cover a promise.

        Stripe: ``GET /v1/balance``
        """
        blank = PoolRecord(account=account, currency=currency)
        known = self.store.read(lambda tx: tx.get(PoolRecord, blank.key))
        if known is not None and not needs_cover:
            return None
        if self.deposits is not None and known is None:
            return self.deposits.open_books(account, currency)
        available = issuing_available(self.api.get("/v1/balance", account=account), currency)
        now = self.clock()
        if self.deposits is not None:
            self.deposits.collect(account, currency)

        def open_books(tx: Transaction) -> None:
            if tx.get(PoolRecord, blank.key) is not None:
                return
            if not available.is_zero:
                tx.append(opening_entry(account, available, at=now))
            tx.put(evolve(blank, available_minor=available.minor, opened_at=now))

        if known is None:
            self.store.transact(open_books)
        return available

    def promised_minor(self, account: str | None, currency: str) -> int:
        """
        Return what cards and orders may still take of a balance, in minor units.
        """
        blank = PoolRecord(account=account, currency=currency)
        known = self.store.read(lambda tx: tx.get(PoolRecord, blank.key)) or blank
        return known.cards_minor + known.promised_minor
