"""
What have bank transfers brought to an Issuing balance, and is it in the books?
"""

from __future__ import annotations

from datetime import datetime

from attrs import evolve, frozen

from .books import funded_line, opening_entry, pool_of, post_funding
from .exceptions import UnavailableError
from .money import Money
from .ports import Clock, Store, Transaction
from .records import FundingRecord, Moved, PoolRecord
from .routes import BANK_TRANSFER, Deposit, DepositRoute, issuing_available
from .stripe_api import StripeAPI

_LOOKS_MAX = 5


@frozen(kw_only=True)
class Deposits:
    """
    Books bank transfers, once each: money that belongs to the balance and to no order yet.
    """

    api: StripeAPI
    store: Store
    clock: Clock
    route: DepositRoute

    def open_books(self, account: str | None, currency: str) -> Money:
        """
        Begin the books of one balance with what bank transfers brought and what is there beside them.

        Stripe: ``GET /v1/balance_transactions``, ``GET /v1/balance``
        """
        deposits, available = self._at_one_moment(account, currency)
        before = available - Money(sum(one.amount.minor for one in deposits), currency)
        blank = PoolRecord(account=account, currency=currency)

        def work(tx: Transaction) -> None:
            if tx.get(PoolRecord, blank.key, lock=True) is not None:
                return
            if not before.is_zero:
                tx.append(opening_entry(account, before, at=self.clock()))
            tx.put(evolve(blank, available_minor=before.minor))
            self._book(tx, account, currency, deposits)

        self.store.transact(work)
        return available

    def _at_one_moment(self, account: str | None, currency: str) -> tuple[list[Deposit], Money]:
        """
        Return deposits and balance that belong together: none arrived while they were read.
        """
        deposits = self.route.deposits(account, currency, None)
        for _ in range(_LOOKS_MAX):
            available = issuing_available(self.api.get("/v1/balance", account=account), currency)
            again = self.route.deposits(account, currency, None)
            if again == deposits:
                return deposits, available
            deposits = again
        msg = "bank transfers kept arriving while the balance was read; try again"
        raise UnavailableError(msg, code="balance_moves")

    def collect(self, account: str | None, currency: str) -> int:
        """
        Book what has arrived since the last look, and return how many bank transfers that were.

        Stripe: ``GET /v1/balance_transactions``
        """
        blank = PoolRecord(account=account, currency=currency)
        known = self.store.read(lambda tx: tx.get(PoolRecord, blank.key))
        if known is None:
            return 0  # the books are opened with the first order
        since, opened = known.deposits_seen_at, known.opened_at
        found = self.route.deposits(account, currency, since or opened)
        # Under another route the books were opened with what bank transfers had brought by then.
        deposits = [one for one in found if opened is None or one.arrived_at > opened]
        if not deposits:
            return 0
        return self.store.transact(lambda tx: self._book(tx, account, currency, deposits))

    def _book(
        self, tx: Transaction, account: str | None, currency: str, deposits: list[Deposit]
    ) -> int:
        booked = 0
        latest: datetime | None = None
        for one in deposits:
            latest = one.arrived_at if latest is None else max(latest, one.arrived_at)
            name = f"deposit/{one.balance_transaction}"
            if tx.get(FundingRecord, name, lock=True) is not None:
                continue
            moved = Moved(
                object=BANK_TRANSFER,
                id=one.balance_transaction,
                minor=one.amount.minor,
                balance_transaction=one.balance_transaction,
            )
            funding = FundingRecord(
                id=name,
                account=account,
                amount=one.amount,
                route=type(self.route).__name__,
                members=(),
                created_at=one.arrived_at,
                progress="moved",
                moved=(moved,),
                brought_minor=one.amount.minor,
                has_arrived=True,
            )
            lines = (funded_line(name, one.amount),)
            tx.put(post_funding(tx, funding, lines, cause="bank transfer", at=self.clock()))
            booked += 1
        pool = pool_of(tx, account, currency)
        if latest is not None and (pool.deposits_seen_at or latest) <= latest:
            tx.put(evolve(pool, deposits_seen_at=latest))
        return booked
