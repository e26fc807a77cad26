"""
What has to be done for one order among many, and what for all of them at once?

The same steps as for one order, in the same order, with the same records: cardholder, money, card. Only
the money is moved for many at once. The lease of each order is held from its first step to its last.
"""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from attrs import field, frozen

from .cardholders import CardholderManager, check_ready
from .disbursement import Disbursement
from .exceptions import (
    DisburseError,
    InsufficientIssuingBalanceError,
    LeaseLostError,
    WaitingError,
)
from .funding import BalanceFunder
from .intake import view
from .issuance import Issuance
from .money import Money
from .order import Order
from .records import DisbursementRecord, RecipientRecord, account_key
from .routes import insufficient
from .sharing import affordable, members_max

_POOLS_MAX = 8
"""How often the money for a group is tried to be moved, each time for fewer."""


@frozen(kw_only=True)
class Prepared:
    """
    An order that is begun, under a lease of ours.

    Attributes:
        screening: Its cardholder, while Stripe screens it.
        is_funded: Whether its money is promised and has arrived.
        is_alone: Whether it cannot share a funding.
    """

    record: DisbursementRecord
    screening: RecipientRecord | None = None
    is_funded: bool = False
    is_alone: bool = False


Settled: TypeAlias = Disbursement | Exception
"""How an order's part in the run ended."""


@frozen(kw_only=True)
class BatchSteps:
    """
    Does for the orders of one account what `issuing_disburse.batch.Batch` has to be done.
    """

    account: str | None
    issuance: Issuance
    cardholders: CardholderManager
    funder: BalanceFunder
    _checking: threading.Lock = field(factory=threading.Lock, init=False, repr=False)

    @property
    def members_max(self) -> int:
        """
        How many orders may share a movement of money; 1 if each has its own.
        """
        return members_max(self.funder.route)

    def recipient_of(self, order: Order) -> str:
        """
        Return what two orders have in common that must not make two cardholders.
        """
        return order.recipient.identity(account_key(self.account))

    def prepare(self, order: Order) -> Prepared | Disbursement:
        """
        Begin an order and see to its cardholder, or return what is there.

        Raises:
            DisburseError: As `issuing_disburse.Disburser.disburse`; what is known is stored.
        """
        today = self.issuance.clock().date()
        order.recipient.check_for(order.amount.currency, today=today)
        record, is_ours = self.issuance.intake.begin(order)
        if not is_ours:
            return view(record)
        if record.failing is not None or record.promised is not None:
            return Prepared(record=record, is_alone=True)  # begun before: nothing to share any more
        try:
            with self._checking:  # what one finds out, the others need not ask for
                self.issuance.check(record)
            holder = self.cardholders.introduce(order.recipient, account=self.account)
            if holder.disabled_reason == "under_review":
                return Prepared(record=record, screening=holder)
            return self._ready(record, holder)
        except BaseException as problem:  # noqa: BLE001 - raised again, once it is stored
            return self._ended(record, problem)

    def _ready(self, record: DisbursementRecord, holder: RecipientRecord) -> Prepared:
        check_ready(holder)
        guard = self.issuance.leases.guard(record)
        kept = self.issuance.keep_cardholder(record, holder.cardholder_id, guard)
        return Prepared(record=kept, is_alone=self.members_max == 1)

    def _ended(self, record: DisbursementRecord, problem: BaseException) -> Disbursement:
        """
        Store why an order ends here and let go of it; return how it stands, or raise.
        """
        try:
            if isinstance(problem, LeaseLostError):
                return view(self.issuance.find(record.order_id))
            if isinstance(problem, DisburseError):
                stopped = self.issuance.stop(record, problem)
                if isinstance(problem, WaitingError) and stopped is not None:
                    return stopped
            raise problem
        except LeaseLostError:
            return view(self.issuance.find(record.order_id))
        finally:
            self.let_go(record)

    def _settled(self, record: DisbursementRecord, problem: Exception) -> Settled:
        """
        Do as `_ended`, and hand the error back instead of raising it.

        Each order gets an error of its own: what went wrong for all of them names none of them.
        """
        try:
            return self._ended(record, _own(problem))
        except Exception as own:  # noqa: BLE001 - it is that order's outcome
            return own

    def review(self, screened: Sequence[Prepared]) -> Iterator[tuple[Prepared | Settled, int]]:
        """
        See which cardholders Stripe has passed meanwhile; yield how each order goes on, by its place.

        Stripe: ``GET /v1/issuing/cardholders``
        """
        holders = [one.screening for one in screened if one.screening is not None]
        try:
            known = self.cardholders.review(holders)
        except Exception as problem:  # noqa: BLE001 - it is the outcome of all of them
            for place, one in enumerate(screened):
                yield self._settled(one.record, problem), place
            return
        for place, (one, holder) in enumerate(zip(screened, holders, strict=True)):
            try:
                yield self._ready(one.record, known[holder.cardholder_id]), place
            except Exception as problem:  # noqa: BLE001 - likewise, of that one
                yield self._settled(one.record, problem), place

    def fund(self, ready: Sequence[Prepared]) -> Iterator[tuple[Prepared | Settled, int]]:
        """
        Move the money for many orders at once; yield how each goes on, by its place.

        Where the money does not suffice, those it does suffice for are paid, in order. What is left out
        otherwise sees to its money alone.
        """
        places = {one.record.key: place for place, one in enumerate(ready)}
        groups: defaultdict[str, list[DisbursementRecord]] = defaultdict(list)
        for one in ready:
            groups[one.record.amount.currency].append(one.record)
        for group in groups.values():
            for record, result in self._funded(group, 0):
                yield result, places[record.key]

    def _funded(
        self, records: list[DisbursementRecord], tries: int
    ) -> Iterator[tuple[DisbursementRecord, Prepared | Settled]]:
        try:
            taken = {one.key: one for one in self.funder.sharing.spare.take(records)}
            yield from (
                (taken[one.key], Prepared(record=taken[one.key], is_alone=True))
                for one in records
                if one.key in taken
            )
            records = [one for one in records if one.key not in taken]
            if not records:
                return
            funding, members = self.funder.sharing.promise(records)
        except Exception as problem:  # noqa: BLE001 - it is the outcome of all of them
            yield from ((one, self._settled(one, problem)) for one in records)
            return
        names = {one.key for one in members}
        yield from (
            (one, Prepared(record=one, is_alone=True)) for one in records if one.key not in names
        )
        if funding is None:
            return
        try:
            moved = self.funder.sharing.move(funding.id)
        except InsufficientIssuingBalanceError as short:
            yield from self._with_less(members, short, tries)
        except Exception as problem:  # noqa: BLE001 - it is the outcome of all of them
            yield from ((one, self._settled(one, problem)) for one in members)
        else:
            is_funded = moved.progress == "moved"  # else it fell apart meanwhile, at another worker
            yield from (
                (one, Prepared(record=one, is_funded=is_funded, is_alone=not is_funded))
                for one in members
            )

    def _with_less(
        self, members: list[DisbursementRecord], short: InsufficientIssuingBalanceError, tries: int
    ) -> Iterator[tuple[DisbursementRecord, Prepared | Settled]]:
        """
        Go on with those that the balance suffices for, and refuse the others.
        """
        if short.available is None or tries == _POOLS_MAX:
            yield from ((one, Prepared(record=one, is_alone=True)) for one in members)
            return
        needed = {one.key: one.terms.most(one.amount).minor for one in members}
        paid, others = affordable(members, short.available.minor, needed)
        for one in others:
            refusal = insufficient(
                available=short.available,
                promised=Money(sum(needed[other.key] for other in paid), one.amount.currency),
                wanted=Money(needed[one.key], one.amount.currency),
                whose=short.whose,
                request_id=short.stripe_request_id,
            )
            yield one, self._settled(one, refusal)
        if paid:
            yield from self._funded(paid, tries + 1)

    def finish(self, one: Prepared) -> Disbursement:
        """
        Issue the card of an order, and whatever else is left to do for it.

        Raises:
            DisburseError: As `issuing_disburse.Disburser.disburse`; what is known is stored.
        """
        return self.issuance.finish(one.record, is_funded=one.is_funded)

    def let_go(self, record: DisbursementRecord) -> None:
        """
        Leave an order to whoever resumes it.
        """
        self.issuance.leases.release(record)


def _own(problem: Exception) -> Exception:
    """
    Return a copy of *problem*, where it can be copied: a route's or a store's own may not.
    """
    try:
        own = copy.copy(problem)
    except Exception:  # noqa: BLE001 - whatever its class asks for
        return problem
    own.__cause__ = problem.__cause__
    return own
