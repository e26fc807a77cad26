"""
In which order do the steps of a disbursement run, and what follows when one is refused?

Cardholder, then money, then card: a card of ours is funded when it is issued. Every step may be
run again: what is done is read from the journal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from attrs import field, frozen

from .card_steps import CardSteps
from .cardholders import CardholderManager
from .disbursement import Disbursement, Reason, Status
from .exceptions import (
    DisburseError,
    InvalidInputError,
    LeaseLostError,
    NeedsOrderError,
    NotPermittedError,
    RefusedError,
    SinkError,
    UnavailableError,
    WaitingError,
)
from .funding import BalanceFunder
from .intake import Intake, view
from .journal import Guard
from .leases import Leases
from .order import Order
from .ports import Clock, Store, Transaction
from .records import DisbursementRecord
from .revision import revised

_LATER = (UnavailableError, NotPermittedError, NeedsOrderError, SinkError)
_GIVEN_UP = Reason(code="given_up", message="given up before its card could be used")


@frozen(kw_only=True)
class Issuance:
    """
    Runs the steps of one disbursement on one account.

    Attributes:
        keeps_orders: Whether an order's content is stored until its cardholder exists.
    """

    account: str | None
    store: Store
    clock: Clock
    leases: Leases
    cardholders: CardholderManager
    funder: BalanceFunder
    card_steps: CardSteps
    keeps_orders: bool = True
    intake: Intake = field(init=False)

    @intake.default
    def _make_intake(self) -> Intake:
        return Intake(
            account=self.account,
            store=self.store,
            clock=self.clock,
            leases=self.leases,
            keeps_orders=self.keeps_orders,
        )

    def find(self, order_id: str) -> DisbursementRecord:
        """
        Return the record of a known order; see `issuing_disburse.intake.Intake.find`.
        """
        return self.intake.find(order_id)

    def disburse(self, order: Order) -> Disbursement:
        """
        Run what is left to do for *order*, which is checked. See `issuing_disburse.Disburser.disburse`.
        """
        record, is_ours = self.intake.begin(order)
        return self._work(record, order) if is_ours else view(record)

    def resume(self, order_id: str) -> Disbursement:
        """
        Run what is left to do for a known order. See `issuing_disburse.Disburser.resume`.
        """
        record, is_ours = self.intake.again(order_id)
        return self._work(record, record.order) if is_ours else view(record)

    def give_up(self, order_id: str) -> DisbursementRecord | None:
        """
        End an order whose card waits for a sink that will not work: cancel it, give the money back.

        Returns:
            The order as it stands then; ``None`` if another worker is at it. One whose card does not
            wait for a sink stays as it is: it may be usable, and is resumed.

        Raises:
            UnavailableError: Stripe did not answer; call again.
        """
        known = self.find(order_id)

        def take(tx: Transaction) -> DisbursementRecord | None:
            current = tx.get(DisbursementRecord, known.key, lock=True) or known
            leased = self.leases.take(tx, current)
            return tx.put(leased) if leased is not None else None

        record = self.store.transact(take)
        if record is None:
            return None
        guard = self.leases.guard(record)
        if record.status is not Status.PENDING or not self.card_steps.is_undelivered(record, guard):
            self.leases.release(record)
            return known
        failing = record.failing or _GIVEN_UP
        with suppress(RefusedError):  # as it is stored
            self._work(revised(record, failing=failing), None)
        return self.find(order_id)

    def resume_all(self) -> Iterator[Disbursement]:
        """
        Claim one pending order after the other and work on it; see `Disburser.resume_all`.

        Workers that walk at the same time share the orders: a claim leaves out what another one is
        claiming (where the database can tell) and what another one's lease holds. A walk ends when
        a whole round has claimed nothing.
        """
        seen: set[str] = set()
        has_claimed = True
        while has_claimed:
            has_claimed, after = False, ""
            while claimed := self.intake.claim_next(after, seen):
                has_claimed = True
                after = claimed.key
                seen.add(claimed.key)
                yield self._resumed(claimed)

    def _resumed(self, record: DisbursementRecord) -> Disbursement:
        try:
            return self._work(record, record.order)
        except DisburseError as problem:
            return problem.disbursement or view(self.find(record.order_id))

    def finish(self, record: DisbursementRecord, *, is_funded: bool = False) -> Disbursement:
        """
        Run what is left to do for an order whose lease is held and whose cardholder is known; let go.

        Args:
            is_funded: Its money is promised and has arrived: only the card is left.
        """
        return self._work(record, None, is_funded=is_funded)

    def _work(
        self, record: DisbursementRecord, order: Order | None, *, is_funded: bool = False
    ) -> Disbursement:
        try:
            return self._worked(record, order, is_funded=is_funded)
        except LeaseLostError:
            return view(self.find(record.order_id))
        finally:
            self.leases.release(record)

    def _worked(
        self, record: DisbursementRecord, order: Order | None, *, is_funded: bool
    ) -> Disbursement:
        guard = self.leases.guard(record)
        try:
            if is_funded and record.failing is None:
                return view(self.issue_card(record, guard))
            return view(self._steps(record, order, guard))
        except DisburseError as problem:
            stopped = self.stop(record, problem)
            if isinstance(problem, WaitingError) and stopped is not None:
                return stopped
            raise

    def stop(self, record: DisbursementRecord, problem: DisburseError) -> Disbursement | None:
        """
        Store why an order whose lease is held cannot go on; what it was refused for fails it.

        Returns:
            The order as it stands then; ``None`` if *problem* is none of an order's.

        Raises:
            LeaseLostError: Another worker has it; nothing was stored.
        """
        guard = self.leases.guard(record)
        if isinstance(problem, _LATER):
            kept = self._wait(record, problem, guard)
        elif isinstance(problem, RefusedError):
            kept = self._fail(record, problem, guard)
        else:
            return None
        problem.order_id = record.order_id
        problem.disbursement = view(kept)
        return problem.disbursement

    def _steps(
        self, record: DisbursementRecord, order: Order | None, guard: Guard
    ) -> DisbursementRecord:
        if record.failing is not None:  # decided before: what was moved goes back first
            raise RefusedError(
                record.failing.message,
                code=record.failing.code,
                param=record.failing.param,
                stripe_request_id=record.failing.stripe_request_id,
            )
        if record.promised is None:  # nothing has moved yet: from here on nothing is left behind
            self.check(record)
            if record.cardholder_id is None or order is not None:
                record = self._with_cardholder(record, order, guard)
        record = self.funder.ensure(record, guard=guard)
        return self.issue_card(record, guard)

    def check(self, record: DisbursementRecord) -> None:
        """
        Refuse, before any effect, what has expired or cannot be funded.
        """
        self._check_in_time(record)
        self.funder.check(self.account)

    def _check_in_time(self, record: DisbursementRecord) -> None:
        if self.clock() >= record.expires_at:
            msg = (
                f"order {record.order_id!r} expired while it waited, and nothing was moved for it; "
                "hand it in again to begin anew"
            )
            raise RefusedError(msg, code="expired")

    def _with_cardholder(
        self, record: DisbursementRecord, order: Order | None, guard: Guard
    ) -> DisbursementRecord:
        if order is None:
            msg = (
                f"order {record.order_id!r} has to be handed in again: only its fingerprint is kept"
            )
            raise NeedsOrderError(msg, order_id=record.order_id)
        cardholder_id = self.cardholders.ready(order.recipient, account=self.account)
        return self.keep_cardholder(record, cardholder_id, guard)

    def keep_cardholder(
        self, record: DisbursementRecord, cardholder_id: str, guard: Guard
    ) -> DisbursementRecord:
        """
        Keep who gets the card, and no longer who that is.
        """

        def work(tx: Transaction) -> DisbursementRecord:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            # What is personal is Stripe's from here on; only the terms are needed further.
            return tx.put(revised(current, cardholder_id=cardholder_id, order=None))

        return self.store.transact(work)

    def issue_card(
        self, record: DisbursementRecord, guard: Guard, *, is_ending: bool = False
    ) -> DisbursementRecord:
        """
        Issue the card of the record's generation; see `issuing_disburse.card_steps.CardSteps.issue`.

        A next card that Stripe refuses is no longer wanted: else nobody could close the order.
        """
        is_next = bool(record.cards)
        if is_ending and is_next and self.card_steps.is_there_none(record, guard):
            return self.card_steps.step_back(record, guard)
        try:
            return self.card_steps.issue(record, guard, is_ending=is_ending)
        except RefusedError:
            if not is_next or not self.card_steps.is_there_none(record, guard):
                raise
            stepped_back = self.card_steps.step_back(record, guard)
            if is_ending:
                return stepped_back
            raise

    def _wait(
        self, record: DisbursementRecord, why: DisburseError, guard: Guard
    ) -> DisbursementRecord:
        retry_at = why.retry_at if isinstance(why, UnavailableError) else None

        def work(tx: Transaction) -> DisbursementRecord:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            reason = revised(reason_of(why), retry_at=retry_at)
            return tx.put(revised(current, reason=reason, look_at=retry_at or self.clock()))

        return self.store.transact(work)

    def _fail(
        self, record: DisbursementRecord, refusal: RefusedError, guard: Guard
    ) -> DisbursementRecord:
        """
        Give back what was moved and store the refusal; what cannot be given back is named.
        """
        reason = record.failing or reason_of(refusal)

        def decide(tx: Transaction) -> None:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            tx.put(revised(current, failing=reason))

        self.store.transact(decide)
        try:
            self.card_steps.retire(record, guard)
            self.funder.undo(record, guard=guard)
        except (RefusedError, UnavailableError) as stuck:
            # Money of this order is still to go back: the order stays, and must be resumed for it.
            return self._wait(record, stuck, guard)

        def work(tx: Transaction) -> DisbursementRecord:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            return tx.put(
                revised(
                    current.become(Status.FAILED),
                    reason=reason,
                    failing=None,
                    order=None,
                    look_at=None,
                    updated_at=self.clock(),
                )
            )

        return self.store.transact(work)


def reason_of(error: DisburseError) -> Reason:
    """
    Return what is kept of *error*.
    """
    return Reason(
        code=error.code or type(error).__name__,
        message=str(error),
        remedy=error.remedy if isinstance(error, InvalidInputError | SinkError) else "",
        param=error.param,
        stripe_request_id=error.stripe_request_id,
    )
