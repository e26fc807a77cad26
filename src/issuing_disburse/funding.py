"""
Is there money for this order, promised to nobody else, before its card is issued?
"""

from __future__ import annotations

from attrs import field, frozen

from .books import pool_of
from .deposits import Deposits
from .disbursement import idempotency_key
from .exceptions import InsufficientIssuingBalanceError, UnavailableError
from .following import Follower
from .funding_needs import Treasurer
from .journal import Guard
from .leases import Leases
from .money import Money
from .moving import LOOK_AGAIN_AFTER, Mover
from .openings import Openings
from .paging import every
from .ports import Clock, FundingRoute, Sleep, Store, Transaction
from .records import DisbursementRecord, FundingRecord, PoolRecord, account_key
from .revision import revised
from .routes import (
    BalanceCheckedRoute,
    DepositRoute,
    FollowedRoute,
    insufficient,
    issuing_available,
)
from .sharing import SharedFunder
from .stripe_api import StripeAPI
from .ways_back import WaysBack


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
    sleep: Sleep
    route: FundingRoute
    leases: Leases
    sharing: SharedFunder = field(init=False, repr=False)

    @sharing.default
    def _make_sharing(self) -> SharedFunder:
        return SharedFunder(
            store=self.store,
            clock=self.clock,
            sleep=self.sleep,
            leases=self.leases,
            mover=self.mover,
            openings=self._openings,
        )

    @property
    def mover(self) -> Mover:
        """
        Who has the route move money.
        """
        return Mover(api=self.api, store=self.store, clock=self.clock, route=self.route)

    @property
    def _openings(self) -> Openings:
        return Openings(api=self.api, store=self.store, clock=self.clock, deposits=self.deposits)

    def check(self, account: str | None) -> None:
        """
        Refuse before any effect when the account is known not to be fundable by this route.

        Raises:
            FundingRouteUnavailableError: Nothing was sent; the message names the remedy.
        """
        self.mover.fitness.check(account)

    def clear(self, account: str | None) -> None:
        """
        Forget that a route was refused for *account*: the next order tries again.
        """
        self.mover.fitness.clear(account)

    def ensure(self, record: DisbursementRecord, *, guard: Guard) -> DisbursementRecord:
        """
        Promise the most that the order's terms allow, and have it on the Issuing balance.

        Raises:
            InsufficientIssuingBalanceError: Nothing was moved, nothing is promised.
            FundingRouteUnavailableError: What was moved was taken back; nothing is promised.
            WaitingError: Money is on its way, or its fate is unknown; resume later.
        """
        if record.share is not None:
            self._check_if_apart(record)
        if record.promised is None:
            record = next(iter(self.sharing.spare.take([record])), record)
        record, funding = self._promised(record, guard)
        is_there = funding.progress == "moved" and funding.has_arrived
        if funding.is_shared and not is_there and not self.sharing.brings(funding.id):
            record, funding = self._promised(record, guard)
        if funding.is_shared:
            return record
        if funding.progress == "moving":
            funding = self.mover.move(funding, guard)
        if funding.progress not in {"moving", "moved"}:
            raise self.follower.refusal(*self.mover.followed(funding))
        if not funding.has_arrived:
            self.mover.wait_for(funding, guard)
        return record

    def _promised(
        self, record: DisbursementRecord, guard: Guard
    ) -> tuple[DisbursementRecord, FundingRecord]:
        try:
            return self._promise(record, guard)
        except InsufficientIssuingBalanceError as short:
            waiting = self.treasurer.waits(record, short)
            if waiting is None:
                raise
            waiting.retry_at = self.clock() + LOOK_AGAIN_AFTER
            raise waiting from short

    def _check_if_apart(self, record: DisbursementRecord) -> None:
        """
        Before an order whose shared funding was refused goes on alone: may it use the route at all?
        """
        last = self.store.read(lambda tx: tx.get(FundingRecord, record.fundings[-1]))
        if last is not None and last.progress == "failed":
            self.check(record.account)

    def _promise(
        self, record: DisbursementRecord, guard: Guard
    ) -> tuple[DisbursementRecord, FundingRecord]:
        wanted = record.terms.most(record.amount)
        needs_cover = isinstance(self.route, BalanceCheckedRoute)
        # Before the balance is read: a purchase in between is then on one of the two sides at least.
        books = self._openings
        before = books.promised_minor(record.account, wanted.currency) if needs_cover else 0
        available = books.known_balance(record.account, wanted.currency, needs_cover=needs_cover)

        def work(tx: Transaction) -> tuple[DisbursementRecord, FundingRecord]:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            if current.fundings:
                last = tx.get(FundingRecord, current.fundings[-1])
                if last is not None and _stands(current, last):
                    return current, last
            own = current.promised.minor if current.promised is not None else 0
            pool = pool_of(tx, record.account, wanted.currency)
            others = max(before, pool.cards_minor + pool.promised_minor) - own
            promised = Money(others, wanted.currency)
            if available is not None and needs_cover and available - promised < wanted:
                raise insufficient(
                    available=available,
                    promised=promised,
                    wanted=wanted,
                    whose="the Issuing balance",
                )
            funding = self._new_funding(tx, current, wanted)
            tx.put(revised(pool, promised_minor=pool.promised_minor + wanted.minor - own))
            fundings = (*current.fundings, funding.id)
            changed = revised(current, promised=wanted, share=None, fundings=fundings)
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

    @property
    def follower(self) -> Follower:
        """
        Who asks what became of money that takes days.
        """
        return self.mover.follower

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

    def undo(self, record: DisbursementRecord, *, guard: Guard) -> None:
        """
        Give back what was moved for an order that fails, and take its promise back.

        Raises:
            DisburseError: The money could not be given back; it stays with the order.
        """
        record, funding = self.store.read(lambda tx: _last_funding(tx, record))
        if funding is not None and funding.is_shared and funding.progress == "moving":
            msg = f"the money of order {record.order_id!r} and others is still moving"
            raise UnavailableError(msg, code="funding_busy")
        is_its = record.promised is not None
        if funding is not None and funding.progress == "moved" and is_its:
            if not funding.has_arrived:
                self.mover.wait_for(funding, guard)
            if _brings(funding, self.route):
                self._give_back_whole(record, funding, guard)

        def work(tx: Transaction) -> None:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True)
            if current is None or current.promised is None:
                return
            pool = pool_of(tx, current.account, current.promised.currency)
            tx.put(revised(pool, promised_minor=pool.promised_minor - current.promised.minor))
            tx.put(revised(current, promised=None, share=None))
            last = tx.get(FundingRecord, current.fundings[-1], lock=True)
            if last is None or last.is_shared:
                return
            if last.progress == "moving" or not _brings(last, self.route):
                tx.put(revised(last, progress="failed"))

        self.store.transact(work)

    def _give_back_whole(
        self, record: DisbursementRecord, funding: FundingRecord, guard: Guard
    ) -> None:
        """
        Give back all that *funding* moved, or of a shared one the order's whole share.
        """
        key, amount = f"{funding.id}-back", funding.amount
        if funding.is_shared:
            key, amount = self.ways_back.undo_key(record), record.promised or amount
            if funding.gone.get(record.key, 0) >= amount.minor:
                return  # it went back before
        self.store.transact(
            lambda tx: self.ways_back.begin(
                tx, key, amount, account=funding.account, members=(record.key,)
            )
        )
        with self.sharing.alone((funding,), guard) as alone:
            receipt = self.ways_back.send(key, record=record, fundings=(funding,), guard=alone)

            def work(tx: Transaction) -> None:
                alone(tx)
                is_new = self.ways_back.finish(tx, key, receipt, cause="given back")
                known = tx.get(FundingRecord, funding.key, lock=True)
                if known is None or known.progress != "moved":
                    return
                if not known.is_shared:
                    whole = known.amount.minor
                    tx.put(revised(known, progress="given_back", given_back_minor=whole))
                elif is_new:
                    tx.put(known.with_given_back(record.key, amount.minor))

            self.store.transact(work)


def _stands(record: DisbursementRecord, last: FundingRecord) -> bool:
    """
    Tell whether *last* still pays for the order, or has to end before another one can.
    """
    if last.is_shared:  # one that was refused has left its members to themselves
        return record.share is not None and last.progress in {"moving", "moved"}
    return last.progress in {"moving", "moved"} or record.promised is not None


def _brings(funding: FundingRecord, route: FundingRoute) -> bool:
    """
    Tell whether *funding* moved money for its order, or only reserved what bank transfers brought.
    """
    return bool(funding.brought_minor) or not isinstance(route, DepositRoute)


def _last_funding(
    tx: Transaction, record: DisbursementRecord
) -> tuple[DisbursementRecord, FundingRecord | None]:
    """
    Return the order as it stands now, and what was moved for it last.
    """
    current = tx.get(DisbursementRecord, record.key) or record
    if not current.fundings:
        return current, None
    return current, tx.get(FundingRecord, current.fundings[-1])
