"""
How does an order come into the store, and which worker gets it?
"""

from __future__ import annotations

from attrs import evolve, frozen

from .disbursement import Disbursement, Status
from .exceptions import OrderConflictError, OrderNotFoundError
from .fingerprint import fingerprint
from .leases import Leases
from .order import Order
from .ports import Clock, Store, Transaction
from .records import CardRecord, DisbursementRecord, account_key

_CLAIM_PAGE = 10
"""How many orders are looked at in one claim: no more are kept from other workers meanwhile."""


def view(record: DisbursementRecord) -> Disbursement:
    """
    Return what callers see of *record*.
    """
    return Disbursement(
        order_id=record.order_id,
        account=record.account,
        status=record.status,
        amount=record.amount,
        created_at=record.created_at,
        expires_at=record.expires_at,
        attempt=record.attempt,
        cardholder_id=record.cardholder_id,
        card_or_none=record.cards[-1] if record.cards else None,
        earlier_cards=record.cards[:-1],
        reason=record.reason,
    )


@frozen(kw_only=True)
class Intake:
    """
    Takes orders in, and gives each to one worker at a time.

    Attributes:
        keeps_orders: Whether an order's content is stored until its cardholder exists.
    """

    account: str | None
    store: Store
    clock: Clock
    leases: Leases
    keeps_orders: bool = True

    def key(self, order_id: str) -> str:
        """
        Return the key of an order's record.
        """
        return f"{account_key(self.account)}/{order_id}"

    def find(self, order_id: str) -> DisbursementRecord:
        """
        Return the record of a known order.

        Raises:
            OrderNotFoundError: The store knows none for this account.
        """
        key = self.key(order_id)
        record = self.store.read(lambda tx: tx.get(DisbursementRecord, key))
        if record is None:
            msg = f"no order {order_id!r} on {account_key(self.account)} in this store"
            raise OrderNotFoundError(msg, order_id=order_id)
        return record

    def begin(self, order: Order) -> tuple[DisbursementRecord, bool]:
        """
        Write *order* down, or find it, and take its lease; tell whether it is ours to work on.

        Raises:
            OrderConflictError: It is known with other content; nothing was changed.
        """
        digest = fingerprint(order)
        key = self.key(order.id)

        def work(tx: Transaction) -> tuple[DisbursementRecord, bool]:
            known = tx.get(DisbursementRecord, key, lock=True)
            if known is None:
                fresh = self._new(order, digest)
            elif known.fingerprint != digest:
                msg = (
                    f"order {order.id!r} is known with other content; "
                    "use a new id for a new payment, or hand in the order unchanged"
                )
                raise OrderConflictError(msg, order_id=order.id, disbursement=view(known))
            elif known.status is Status.FAILED:
                fresh = evolve(
                    self._new(order, digest),
                    attempt=known.attempt + 1,
                    cardholder_id=known.cardholder_id,
                    fundings=known.fundings,
                    lease=known.lease,
                    version=known.version,
                )
            elif known.status is Status.PENDING:
                fresh = _with_terms(tx, known, order)
            else:
                return _with_terms(tx, known, order), False
            leased = self.leases.take(tx, fresh)
            if leased is None:
                return fresh, False
            return tx.put(leased), True

        return self.store.transact(work)

    def _new(self, order: Order, digest: str) -> DisbursementRecord:
        now = self.clock()
        return DisbursementRecord(
            account=self.account,
            order_id=order.id,
            fingerprint=digest,
            status=Status.PENDING,
            amount=order.amount,
            terms=order.terms,
            created_at=now,
            updated_at=now,
            expires_at=(now + order.terms.valid_for).replace(
                microsecond=0
            ),  # all that a card tells
            order=order if self.keeps_orders else None,
            look_at=now,
        )

    def again(self, order_id: str) -> tuple[DisbursementRecord, bool]:
        """
        Take the lease of a known order that is pending; tell whether it is ours to work on.

        Raises:
            OrderNotFoundError: The store knows none for this account.
        """
        known = self.find(order_id)

        def work(tx: Transaction) -> tuple[DisbursementRecord, bool]:
            current = tx.get(DisbursementRecord, known.key, lock=True) or known
            if current.status is not Status.PENDING:
                return current, False
            leased = self.leases.take(tx, current)
            return (tx.put(leased), True) if leased else (current, False)

        return self.store.transact(work)

    def claim_next(self, after: str, seen: set[str]) -> DisbursementRecord | None:
        """
        Take the lease of the next pending order behind *after* that nobody works on.
        """

        def work(tx: Transaction) -> tuple[DisbursementRecord | None, str | None]:
            page = tx.find(
                DisbursementRecord,
                group=account_key(self.account),
                states=(Status.PENDING.value,),
                after=after,
                limit=_CLAIM_PAGE,
                skip_locked=True,
            )
            for record in page:
                leased = self.leases.take(tx, record) if record.key not in seen else None
                if leased is not None:
                    return tx.put(leased), None
            return None, page[-1].key if page else None

        while True:
            claimed, further = self.store.transact(work)
            if claimed is not None or further is None:
                return claimed
            after = further


def _with_terms(tx: Transaction, record: DisbursementRecord, order: Order) -> DisbursementRecord:
    """
    Bring back the terms that Stripe does not carry, to an order that was read back from there.
    """
    if not record.is_rebuilt:
        return record
    for reference in record.cards:
        card = tx.get(CardRecord, reference.id, lock=True)
        if card is not None:
            tx.put(evolve(card, terms=order.terms))
    return tx.put(evolve(record, terms=order.terms, is_rebuilt=False))
