"""
Is there money for this order, promised to nobody else, before its card is issued?
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NoReturn

from attrs import frozen

from .books import funded_line, pool_of, post_funding
from .deposits import Deposits
from .disbursement import idempotency_key
from .exceptions import (
    FundingRouteUnavailableError,
    InsufficientIssuingBalanceError,
    WaitingError,
)
from .following import Follower
from .funding_needs import Treasurer
from .journal import Guard
from .money import Money
from .openings import Openings
from .paging import every
from .ports import Clock, FundingRoute, Store, Transaction
from .records import DisbursementRecord, FundingRecord, PoolRecord, account_key
from .revision import revised
from .route_fitness import RouteFitness
from .routes import (
    BalanceCheckedRoute,
    DepositRoute,
    Fate,
    FollowedRoute,
    insufficient,
    issuing_available,
)
from .stripe_api import StripeAPI
from .ways_back import WaysBack, funding_journal

_LOOK_AGAIN_AFTER = timedelta(hours=1)


@frozen(kw_only=True)
class BalanceFunder:
    """
    Promises money to orders and has the route move it: a *funding*, a record of its own.

    Promises are made in the store under a lock, so that two processes cannot promise the same money;
    Stripe's balance only verifies them.
    """

    api: StripeAPI
    store: Store
    clock: Clock
    route: FundingRoute

    @property
    def _fitness(self) -> RouteFitness:
        return RouteFitness(store=self.store, clock=self.clock, route=self.route)

    def check(self, account: str | None) -> None:
        """
        Refuse before any effect when the account is known not to be fundable by this route.

        Raises:
            FundingRouteUnavailableError: Nothing was sent; the message names the remedy.
        """
        self._fitness.check(account)

    def clear(self, account: str | None) -> None:
        """
        Forget that a route was refused for *account*: the next order tries again.
        """
        self._fitness.clear(account)

    def ensure(self, record: DisbursementRecord, *, guard: Guard) -> DisbursementRecord:
        """
        Promise the most that the order's terms allow, and have it on the Issuing balance.

        Raises:
            InsufficientIssuingBalanceError: Nothing was moved, nothing is promised.
            FundingRouteUnavailableError: What was moved was taken back; nothing is promised.
            WaitingError: Money is on its way, or its fate is unknown; resume later.
        """
        try:
            record, funding = self._promise(record, guard)
        except InsufficientIssuingBalanceError as short:
            waiting = self.treasurer.waits(record, short)
            if waiting is None:
                raise
            waiting.retry_at = self.clock() + _LOOK_AGAIN_AFTER
            raise waiting from short
        if funding.progress == "moving":
            funding = self._move(funding, guard)
        if funding.progress not in {"moving", "moved"}:
            raise self.follower.refusal(*self._followed(funding))
        if not funding.has_arrived:
            self._wait_for(funding, guard)
        return record

    def _promise(
        self, record: DisbursementRecord, guard: Guard
    ) -> tuple[DisbursementRecord, FundingRecord]:
        wanted = record.terms.most(record.amount)
        needs_cover = isinstance(self.route, BalanceCheckedRoute)
        # Before the balance is read: a purchase in between is then on one of the two sides at least.
        books = Openings(api=self.api, store=self.store, clock=self.clock, deposits=self.deposits)
        before = books.promised_minor(record.account, wanted.currency) if needs_cover else 0
        available = books.known_balance(record.account, wanted.currency, needs_cover=needs_cover)

        def work(tx: Transaction) -> tuple[DisbursementRecord, FundingRecord]:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            if current.fundings:
                last = tx.get(FundingRecord, current.fundings[-1])
                is_alive = last is not None and last.progress in {"moving", "moved"}
                if last is not None and (is_alive or current.promised is not None):
                    return current, last
            pool = pool_of(tx, record.account, wanted.currency)
            promised = Money(max(before, pool.cards_minor + pool.promised_minor), wanted.currency)
            if available is not None and needs_cover and available - promised < wanted:
                raise insufficient(
                    available=available,
                    promised=promised,
                    wanted=wanted,
                    whose="the Issuing balance",
                )
            funding = self._new_funding(tx, current, wanted)
            tx.put(revised(pool, promised_minor=pool.promised_minor + wanted.minor))
            changed = revised(current, promised=wanted, fundings=(*current.fundings, funding.id))
            return tx.put(changed), tx.put(funding)

        return self.store.transact(work)

    def _new_funding(
        self, tx: Transaction, record: DisbursementRecord, wanted: Money
    ) -> FundingRecord:
        """
        Return a funding of its own number, or take over what a rebuild has found for this order.
        """
        number = len(record.fundings) + 1
        while True:
            name = idempotency_key(record.key, "funding", number)
            known = tx.get(FundingRecord, name, lock=True)
            if known is None:
                return FundingRecord(
                    id=name,
                    account=record.account,
                    amount=wanted,
                    route=type(self.route).__name__,
                    members=(record.key,),
                    created_at=self.clock(),
                )
            is_alive = known.progress in {"moving", "moved"} and not known.members
            if is_alive and known.amount == wanted:
                return revised(known, members=(record.key,))
            number += 1

    def balance(self, account: str | None, currency: str) -> Money:
        """
        Return what the Issuing balance of *account* has available, in minor units.

        Stripe: ``GET /v1/balance``
        """
        return issuing_available(self.api.get("/v1/balance", account=account), currency)

    @property
    def treasurer(self) -> Treasurer:
        """
        Who adds up what has to be transferred.
        """
        return Treasurer(api=self.api, store=self.store, route=self.route)

    @property
    def ways_back(self) -> WaysBack:
        """
        Who takes money back.
        """
        return WaysBack(store=self.store, clock=self.clock, route=self.route)

    def _move(self, funding: FundingRecord, guard: Guard) -> FundingRecord:
        try:
            receipt = self.route.fund(
                funding.account,
                funding.amount,
                key=funding.id,
                journal=funding_journal(self.store, self.clock, funding.id, guard),
            )
        except FundingRouteUnavailableError as refusal:
            if refusal.code != "balance_insufficient":
                self._fitness.refuse(funding.account, refusal)
            raise

        def work(tx: Transaction) -> FundingRecord:
            guard(tx)
            known = tx.get(FundingRecord, funding.key, lock=True) or funding
            if known.progress != "moving":
                return known
            moved = revised(
                known,
                progress="moved",
                moved=receipt.moved,
                brought_minor=receipt.amount.minor,
                available_at=receipt.available_at,
            )
            return tx.put(moved if receipt.available_at else self._arrived(tx, moved))

        return self.store.transact(work)

    def _arrived(self, tx: Transaction, funding: FundingRecord) -> FundingRecord:
        """
        Book what *funding* brought, now that it can be spent.
        """
        brought = Money(funding.brought_minor, funding.amount.currency)
        lines = (funded_line(funding.id, brought),) if brought.is_positive else ()
        booked = post_funding(tx, funding, lines, cause="funded", at=self.clock())
        return revised(booked, has_arrived=True)

    @property
    def follower(self) -> Follower:
        """
        Who asks what became of money that takes days.
        """
        return Follower(store=self.store, clock=self.clock, route=self.route)

    @property
    def deposits(self) -> Deposits | None:
        """
        Who books bank transfers, where the route waits for them.
        """
        if not isinstance(self.route, DepositRoute):
            return None
        return Deposits(api=self.api, store=self.store, clock=self.clock, route=self.route)

    def catch_up(self, account: str | None) -> None:
        """
        Book bank transfers that have arrived, and what became of top-ups and payouts.

        Stripe: ``GET /v1/balance_transactions``, and each top-up and payout that is under way
        """
        group = account_key(account)
        if self.deposits is not None:
            for pool in every(self.store, PoolRecord, group=group):
                self.deposits.collect(account, pool.currency)
        if isinstance(self.route, FollowedRoute):
            for one in every(self.store, FundingRecord, group=group):
                if one.available_at is not None and not one.has_arrived:
                    self.follower.follow(one.key)

    def _followed(self, funding: FundingRecord) -> tuple[FundingRecord, Fate | None]:
        known, fate = self.follower.follow(funding.key)
        return known or funding, fate

    def _wait_for(self, funding: FundingRecord, guard: Guard) -> None:
        """
        See whether money that was on its way has arrived: Stripe says so of the movement itself, or
        the balance shows it; else it waits.
        """
        funding, fate = self._followed(funding)
        if funding.has_arrived and funding.progress == "moved":
            return
        if funding.progress != "moved":
            raise self.follower.refusal(funding, fate)
        if fate is not None:
            self._say_on_its_way(funding, fate.expected_at)
        available = self.balance(funding.account, funding.amount.currency)

        def work(tx: Transaction) -> bool:
            guard(tx)
            known = tx.get(FundingRecord, funding.key, lock=True) or funding
            pool = pool_of(tx, funding.account, funding.amount.currency)
            expected = pool.available_minor + pool.cards_minor + known.brought_minor
            if not known.has_arrived and available.minor >= expected:
                known = tx.put(self._arrived(tx, known))
            return known.has_arrived

        if self.store.transact(work):
            return
        self._say_on_its_way(funding, None)

    def _say_on_its_way(self, funding: FundingRecord, expected_at: datetime | None) -> NoReturn:
        expected_at = expected_at or funding.available_at or self.clock()
        msg = f"{funding.amount} is on its way to the Issuing balance"
        waiting = WaitingError(msg, code="money_in_flight")
        waiting.retry_at = max(expected_at, self.clock() + _LOOK_AGAIN_AFTER)
        raise waiting

    def undo(self, record: DisbursementRecord, *, guard: Guard) -> None:
        """
        Give back what was moved for an order that fails, and take its promise back.

        Raises:
            DisburseError: The money could not be given back; it stays with the order.
        """
        funding = self.store.read(lambda tx: _last_funding(tx, record.key))
        if funding is not None and funding.progress == "moved":
            if not funding.has_arrived:
                self._wait_for(funding, guard)
            if _brings(funding, self.route):
                self._give_back_whole(funding, guard)

        def work(tx: Transaction) -> None:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True)
            if current is None or current.promised is None:
                return
            pool = pool_of(tx, current.account, current.promised.currency)
            tx.put(revised(pool, promised_minor=pool.promised_minor - current.promised.minor))
            tx.put(revised(current, promised=None))
            last = tx.get(FundingRecord, current.fundings[-1], lock=True)
            if last is not None and (last.progress == "moving" or not _brings(last, self.route)):
                tx.put(revised(last, progress="failed"))

        self.store.transact(work)

    def _give_back_whole(self, funding: FundingRecord, guard: Guard) -> None:
        key = f"{funding.id}-back"
        self.store.transact(
            lambda tx: self.ways_back.begin(
                tx, key, funding.amount, account=funding.account, members=funding.members
            )
        )
        receipt = self.ways_back.send(key, fundings=(funding,), guard=guard)

        def work(tx: Transaction) -> None:
            guard(tx)
            self.ways_back.finish(tx, key, receipt, cause="given back")
            known = tx.get(FundingRecord, funding.key, lock=True)
            if known is not None and known.progress == "moved":
                tx.put(revised(known, progress="given_back", given_back_minor=known.amount.minor))

        self.store.transact(work)


def _brings(funding: FundingRecord, route: FundingRoute) -> bool:
    """
    Tell whether *funding* moved money for its order, or only reserved what bank transfers brought.
    """
    return bool(funding.brought_minor) or not isinstance(route, DepositRoute)


def _last_funding(tx: Transaction, key: str) -> FundingRecord | None:
    record = tx.get(DisbursementRecord, key)
    if record is None or not record.fundings:
        return None
    return tx.get(FundingRecord, record.fundings[-1])
