"""
How does a funding get from written down to moved, and from moved to arrived?
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NoReturn

from attrs import frozen

from .books import funded_line, pool_of, post_funding
from .exceptions import FundingRouteUnavailableError, WaitingError
from .following import Follower
from .journal import Guard
from .money import Money
from .ports import Clock, FundingRoute, Store, Transaction
from .records import FundingRecord
from .revision import revised
from .route_fitness import RouteFitness
from .routes import Fate, issuing_available
from .stripe_api import StripeAPI
from .ways_back import funding_journal

LOOK_AGAIN_AFTER = timedelta(hours=1)


@frozen(kw_only=True)
class Mover:
    """
    Has the route move the money of one funding, once, and books it when it is there.
    """

    api: StripeAPI
    store: Store
    clock: Clock
    route: FundingRoute

    @property
    def fitness(self) -> RouteFitness:
        """
        Who knows whether the route may be used.
        """
        return RouteFitness(store=self.store, clock=self.clock, route=self.route)

    @property
    def follower(self) -> Follower:
        """
        Who asks what became of money that takes days.
        """
        return Follower(store=self.store, clock=self.clock, route=self.route)

    def move(self, funding: FundingRecord, guard: Guard) -> FundingRecord:
        """
        Have the route move what is written down, and book it if it has arrived at once.

        Raises:
            RefusedError: Nothing stays moved.
            UnavailableError: It may be half-way; do it again.
        """
        try:
            receipt = self.route.fund(
                funding.account,
                funding.amount,
                key=funding.id,
                journal=funding_journal(self.store, self.clock, funding.id, guard),
            )
        except FundingRouteUnavailableError as refusal:
            if refusal.code != "balance_insufficient":
                self.fitness.refuse(funding.account, refusal)
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

    def followed(self, funding: FundingRecord) -> tuple[FundingRecord, Fate | None]:
        """
        Ask what became of *funding*, where that can be asked.
        """
        known, fate = self.follower.follow(funding.key)
        return known or funding, fate

    def wait_for(self, funding: FundingRecord, guard: Guard) -> FundingRecord:
        """
        See whether money that was on its way has arrived: Stripe says so of the movement itself, or
        the balance shows it; else it waits.

        Raises:
            WaitingError: It is still on its way.
            FundingRouteUnavailableError: It came to nothing.
        """
        funding, fate = self.followed(funding)
        if funding.has_arrived and funding.progress == "moved":
            return funding
        if funding.progress != "moved":
            raise self.follower.refusal(funding, fate)
        if fate is not None:
            self._say_on_its_way(funding, fate.expected_at)
        answer = self.api.get("/v1/balance", account=funding.account)
        available = issuing_available(answer, funding.amount.currency)

        def work(tx: Transaction) -> FundingRecord:
            guard(tx)
            known = tx.get(FundingRecord, funding.key, lock=True) or funding
            pool = pool_of(tx, funding.account, funding.amount.currency)
            expected = pool.available_minor + pool.cards_minor + known.brought_minor
            if not known.has_arrived and available.minor >= expected:
                known = tx.put(self._arrived(tx, known))
            return known

        seen = self.store.transact(work)
        if not seen.has_arrived:
            self._say_on_its_way(funding, None)
        return seen

    def _say_on_its_way(self, funding: FundingRecord, expected_at: datetime | None) -> NoReturn:
        expected_at = expected_at or funding.available_at or self.clock()
        msg = f"{funding.amount} is on its way to the Issuing balance"
        waiting = WaitingError(msg, code="money_in_flight")
        waiting.retry_at = max(expected_at, self.clock() + LOOK_AGAIN_AFTER)
        raise waiting
