"""
How does one movement pay for many orders, and how does each get its share back?

A shared funding is promised to all of its members in one transaction, moved by whoever holds its
lease, and booked once. From then on each member has a share of its own, in its own record: a card is
issued from it, or it goes back by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from attrs import field, frozen

from .books import pool_of
from .disbursement import idempotency_key
from .exceptions import (
    InsufficientIssuingBalanceError,
    NotPermittedError,
    RefusedError,
    UnavailableError,
    WaitingError,
)
from .journal import Guard
from .leases import Leases
from .money import Money
from .moving import Mover
from .openings import Openings
from .ports import Clock, FundingRoute, Sleep, Store, Transaction
from .records import DisbursementRecord, FundingRecord, Share
from .revision import revised
from .routes import BalanceCheckedRoute, SharedRoute
from .spare import SpareMoney, free_record

MEMBERS_MAX = 1_000
"""How many orders one movement pays for at most."""

_PREFIX = "shared-"
_LOCKS = 64
_TRIES = 9
_TRY_AGAIN_SECONDS = 0.25


def is_shared_id(funding_id: str) -> bool:
    """
    Tell from its id alone whether a funding is shared: all that a rebuild has of some.
    """
    return funding_id.startswith(_PREFIX)


def members_max(route: FundingRoute) -> int:
    """
    Return how many orders one movement of *route* may pay for; 1 unless the route says more.
    """
    return min(route.members_max, MEMBERS_MAX) if isinstance(route, SharedRoute) else 1


def _locks() -> tuple[threading.Lock, ...]:
    return tuple(threading.Lock() for _ in range(_LOCKS))


@frozen(kw_only=True)
class SharedFunder:
    """
    Promises, moves and guards shared fundings.
    """

    store: Store
    clock: Clock
    sleep: Sleep
    leases: Leases
    mover: Mover
    openings: Openings
    _locks: tuple[threading.Lock, ...] = field(factory=_locks, init=False, repr=False)

    @property
    def spare(self) -> SpareMoney:
        """
        Who gives out what a rebuild found.
        """
        return SpareMoney(store=self.store)

    @property
    def route(self) -> FundingRoute:
        """
        Who moves the money.
        """
        return self.mover.route

    def promise(
        self, records: Sequence[DisbursementRecord]
    ) -> tuple[FundingRecord | None, list[DisbursementRecord]]:
        """
        Promise money to all of *records*, which are leased, in one transaction; nothing moves yet.

        One that another worker has taken over, that has money already, or that a balance does not
        cover any more, is left out. Fewer than two need no funding of their own kind.

        Returns:
            The funding and its members, in the order of *records*; ``None`` and nobody if it is not
            worth it.

        Stripe: ``GET /v1/balance``
        """
        account, currency = records[0].account, records[0].amount.currency
        needs_cover = isinstance(self.route, BalanceCheckedRoute)
        # Before the balance is read: a purchase in between is then on one of the two sides at least.
        before = self.openings.promised_minor(account, currency) if needs_cover else 0
        available = self.openings.known_balance(account, currency, needs_cover=needs_cover)
        places = {one.key: place for place, one in enumerate(records)}

        def work(tx: Transaction) -> tuple[FundingRecord | None, list[DisbursementRecord]]:
            found = [free_record(tx, one) for one in sorted(records, key=lambda one: one.key)]
            free = sorted(
                (one for one in found if one is not None), key=lambda one: places[one.key]
            )
            pool = pool_of(tx, account, currency)
            if needs_cover and available is not None:
                left = available.minor - max(before, pool.cards_minor + pool.promised_minor)
                free, _ = affordable(free, left, {one.key: _unpromised(one) for one in free})
            if len(free) < 2:  # noqa: PLR2004 - nothing to share
                return None, []
            wanted = {one.key: one.terms.most(one.amount).minor for one in free}
            funding = self._new(tx, free, Money(sum(wanted.values()), currency))
            fresh = sum(wanted[one.key] for one in free if one.promised is None)
            tx.put(revised(pool, promised_minor=pool.promised_minor + fresh))
            kept = [
                tx.put(
                    revised(
                        self.leases.renewed(tx, one),
                        promised=Money(wanted[one.key], currency),
                        share=Share(
                            funding=funding.id,
                            minor=wanted[one.key],
                            of_minor=funding.amount.minor,
                        ),
                        fundings=(*one.fundings, funding.id),
                    )
                )
                for one in free
            ]
            return tx.put(funding), kept

        return self.store.transact(work)

    def _new(
        self, tx: Transaction, members: Sequence[DisbursementRecord], amount: Money
    ) -> FundingRecord:
        parts = sorted(f"{one.key}\x1e{len(one.fundings) + 1}" for one in members)
        number = 1
        while True:
            name = _PREFIX + idempotency_key("funding", number, *parts)
            if tx.get(FundingRecord, name) is None:
                break
            number += 1  # the same group as in a store that was lost
        return FundingRecord(
            id=name,
            account=members[0].account,
            amount=amount,
            route=type(self.route).__name__,
            members=tuple(one.key for one in members),
            created_at=self.clock(),
            is_shared=True,
        )

    def move(self, funding_id: str) -> FundingRecord:
        """
        Move the money of all members, unless somebody has; see whether it has arrived.

        Returns:
            The funding as it stands: ``moved`` is money that is there. Anything else has come to nothing
            at another worker, and its members are on their own.

        Raises:
            RefusedError: Nothing stays moved, and the members are on their own again.
            WaitingError: The money is on its way, or another worker moves it.
            UnavailableError: It may be half-way; any member that is resumed goes on.
        """
        with self.held(funding_id) as (funding, guard):
            moved = self._moved(funding, guard) if funding.progress == "moving" else funding
            if moved.progress == "moved" and not moved.has_arrived:
                return self.mover.wait_for(moved, guard)
            return moved

    def brings(self, funding_id: str) -> bool:
        """
        Move the money of all members for one of them; tell whether it is there.

        If not, it came to nothing: there is not enough for all, but there may be for this one.

        Raises:
            RefusedError: As `move`, but for too little money; or the route may not be used any more.
        """
        try:
            moved = self.move(funding_id)
        except InsufficientIssuingBalanceError:
            return False
        if moved.progress != "moved":  # another worker was refused it, for whatever reason
            self.mover.fitness.check(moved.account)
            return False
        return True

    def _moved(self, funding: FundingRecord, guard: Guard) -> FundingRecord:
        try:
            return self.mover.move(funding, guard)
        except NotPermittedError:
            raise  # it waits until the key may
        except RefusedError:
            self._fall_apart(funding, guard)
            raise

    def _fall_apart(self, funding: FundingRecord, guard: Guard) -> None:
        def work(tx: Transaction) -> None:
            guard(tx)
            known = tx.get(FundingRecord, funding.key, lock=True) or funding
            if known.progress == "moving":
                tx.put(revised(known, progress="failed"))

        self.store.transact(work)

    @contextmanager
    def held(self, funding_id: str) -> Iterator[tuple[FundingRecord, Guard]]:
        """
        Hold the lease of a shared funding: one worker at a time moves its money, there or back.

        Raises:
            WaitingError: Another worker has it and did not let go of it in two seconds.
        """
        lock = self._locks[hash(funding_id) % _LOCKS]
        if not lock.acquire(timeout=self.leases.seconds):
            raise _busy(funding_id, None)
        try:
            funding = self._leased(funding_id)
            try:
                yield funding, self.leases.guard(funding)
            finally:
                self.leases.release(funding)
        finally:
            lock.release()

    def _leased(self, funding_id: str) -> FundingRecord:
        def work(tx: Transaction) -> tuple[FundingRecord | None, datetime | None]:
            known = tx.get(FundingRecord, funding_id, lock=True)
            if known is None:
                msg = f"funding {funding_id} is not in this store"
                raise UnavailableError(msg, code="funding_unknown")
            leased = self.leases.take(tx, known)
            if leased is None:
                return None, known.lease.until if known.lease else None
            return tx.put(leased), None

        until: datetime | None = None
        for tries in range(_TRIES):
            if tries:
                self.sleep(_TRY_AGAIN_SECONDS)
            leased, until = self.store.transact(work)
            if leased is not None:
                return leased
        raise _busy(funding_id, until)

    @contextmanager
    def alone(self, fundings: Iterable[FundingRecord], guard: Guard) -> Iterator[Guard]:
        """
        Be the only one who takes back from what *fundings* moved; those of one order need nothing.

        Two who look at once what somebody has reversed by hand would both count it as theirs.
        """
        shared = next((one for one in reversed(tuple(fundings)) if one.is_shared), None)
        if shared is None:
            yield guard
            return
        with self.held(shared.id) as (_, own):

            def both(tx: Transaction) -> None:
                guard(tx)
                own(tx)

            yield both


def _busy(funding_id: str, until: datetime | None) -> WaitingError:
    busy = WaitingError(f"another worker moves the money of {funding_id}", code="funding_busy")
    busy.retry_at = until
    return busy


def _unpromised(record: DisbursementRecord) -> int:
    """
    Return what an order needs beside what is promised to it already, minor units.
    """
    own = record.promised.minor if record.promised is not None else 0
    return record.terms.most(record.amount).minor - own


def affordable(
    records: Sequence[DisbursementRecord], left: int, needed: Mapping[str, int]
) -> tuple[list[DisbursementRecord], list[DisbursementRecord]]:
    """
    Part *records*, in order, into those that *left* minor units pay for together and the others.

    What a large one needs does not stop a small one.

    Args:
        needed: What each takes of it, minor units, by its key.
    """
    paid: list[DisbursementRecord] = []
    others: list[DisbursementRecord] = []
    for one in records:
        if needed[one.key] <= left:
            left -= needed[one.key]
            paid.append(one)
        else:
            others.append(one)
    return paid, others
