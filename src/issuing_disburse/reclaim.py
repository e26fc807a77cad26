"""
How does unspent money come back, when captures can no longer be refused?

Cancel, look at what Stripe knows, wait for what is open, give the rest back, book it. Each step may be
run again, by anybody: what is done is read from the journal and the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from attrs import frozen

from .books import card_balance, post_facts
from .closing import CardCloser
from .disbursement import Status
from .exceptions import LeaseLostError, RefusedError, UnavailableError
from .facts import Amounts
from .funding import BalanceFunder
from .issuance import Issuance, reason_of
from .journal import Guard
from .leases import Leases
from .money import Money
from .paging import every
from .ports import Clock, FundingReceipt, Store, Transaction
from .reclaim_policy import ReclaimPolicy
from .reclamation import ReclaimOutcome, Reclamation, reclaimed_minor, reclamation
from .records import CardRecord, DisbursementRecord, FundingRecord, account_key
from .revision import revised
from .ways_back import is_under_way

_LOOK_AGAIN_AFTER = timedelta(hours=1)


@frozen(kw_only=True)
class Reclaimer:
    """
    Takes back what was not spent.
    """

    account: str | None
    store: Store
    clock: Clock
    leases: Leases
    closer: CardCloser
    funder: BalanceFunder
    issuance: Issuance
    policy: ReclaimPolicy

    def reclaim(self, order_id: str) -> Reclamation:
        """
        Cancel the card of an order and take back what is left; safe to call again at any time.

        A card that waits for its sink is cancelled, too, and its order fails.

        Raises:
            OrderNotFoundError: The store knows no such order.

        Stripe: ``POST /v1/issuing/cards/:id``, then the funding route's calls
        """
        known = self.issuance.find(order_id)
        if known.status is Status.PENDING:
            return self._give_up(known)
        if known.facts is None or known.status is Status.FAILED:
            return reclamation(known, "not_over", message="no card was issued")

        def begin(tx: Transaction) -> DisbursementRecord | None:
            current = tx.get(DisbursementRecord, known.key, lock=True) or known
            leased = self.leases.take(tx, current)
            if leased is None:
                return None
            if leased.status in {Status.ACTIVE, Status.SPENT}:
                leased = revised(leased.become(Status.CLOSING), updated_at=self.clock())
                self.closer.close_cards(tx, leased)
            # Due from now on: should this process die, `reclaim_expired` goes on, whatever is valid still.
            return tx.put(revised(leased, is_reclaimed=True, look_at=self.clock()))

        record = self.store.transact(begin)
        if record is None:
            return reclamation(known, "busy", message="another worker is at it")
        return self._close(record)

    def _give_up(self, known: DisbursementRecord) -> Reclamation:
        try:
            given_up = self.issuance.give_up(known.order_id)
        except UnavailableError as stuck:
            return reclamation(known, "stuck", message=str(stuck))
        if given_up is None:
            return reclamation(known, "busy", message="another worker is at it")
        if given_up.failing is not None:  # its money is still to go back
            why = given_up.reason.message if given_up.reason else "its money is still to go back"
            return reclamation(given_up, "stuck", message=why)
        if given_up.status is not Status.FAILED:
            return reclamation(given_up, "not_over", message="no card was issued")
        message = "its card, which nobody could use, is cancelled, and its money went back"
        return reclamation(given_up, "closed", message=message)

    def over(self) -> Iterator[str]:
        """
        Yield the ids of the orders whose time is up, which are spent, or which wait to be closed.
        """
        states = (Status.ACTIVE.value, Status.SPENT.value, Status.CLOSING.value)
        due = every(
            self.store,
            DisbursementRecord,
            group=account_key(self.account),
            states=states,
            due_before=self.clock(),
        )
        now = self.clock()
        yield from (record.order_id for record in due if self.policy.is_over(record, now))

    def _follow_money(self, record: DisbursementRecord) -> None:
        """
        Book what became of the order's top-ups and payouts, whatever webhooks were missed.
        """
        for name in record.fundings:
            self.funder.follower.follow(name)
        for way in self._ways_back(record):
            if is_under_way(way):
                self.funder.follower.follow(way.key)

    def _close(self, record: DisbursementRecord) -> Reclamation:
        guard = self.leases.guard(record)
        try:
            return self._closed(record, guard)
        except LeaseLostError:
            return reclamation(record, "busy", message="another worker took over")
        finally:
            self.leases.release(record)

    def _closed(self, record: DisbursementRecord, guard: Guard) -> Reclamation:
        before = record.facts
        try:
            record = self._with_begun_card(record, guard)
            self.closer.cancel(record, guard)
            self.closer.catch_up(record)
            self._follow_money(record)
            current = self.issuance.find(record.order_id)
            before, had = current.facts or before, reclaimed_minor(current)
            if current.giving_back is not None:  # begun before: that much moves, or has moved
                current = self._finish_giving_back(current, current.giving_back, guard)
            facts = current.facts or before
            if facts is None or facts.is_open:
                return self._wait(current, guard, had)
            aside, until = self.policy.set_aside(facts, self.clock())
            left = card_balance(facts) - aside
            if left > 0:
                key = self._begin_giving_back(current, left, guard)
                current = self._finish_giving_back(current, key, guard)
            if until is not None:
                return self._wait_until(
                    current, guard, until, had, "an expired authorization may still be captured"
                )
            return self._finish(current, guard, had)
        except (UnavailableError, RefusedError) as stuck:
            return self._stuck(record, stuck, guard)

    def _with_begun_card(self, record: DisbursementRecord, guard: Guard) -> DisbursementRecord:
        """
        Finish a reissue whose answer was lost: only a card that is known can be cancelled.
        """
        if record.generation <= len(record.cards):
            return record
        issued = self.issuance.issue_card(record, guard, is_ending=True)

        def work(tx: Transaction) -> DisbursementRecord:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or issued
            self.closer.close_cards(tx, current)
            return tx.put(current.become(Status.CLOSING))

        return self.store.transact(work)

    def _wait(self, record: DisbursementRecord, guard: Guard, had: int) -> Reclamation:
        facts = record.facts
        opened = [one for one in facts.authorizations if one.is_open] if facts else []
        until = max(
            (self.policy.may_be_captured_until(one) for one in opened),
            default=self.clock() + self.policy.hold_for,
        )
        return self._wait_until(
            record, guard, until, had, "a merchant may still capture what is held"
        )

    def _wait_until(
        self, record: DisbursementRecord, guard: Guard, until: datetime, had: int, message: str
    ) -> Reclamation:
        until = max(until, self.clock() + _LOOK_AGAIN_AFTER)

        def work(tx: Transaction) -> DisbursementRecord:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            return tx.put(revised(current, look_at=until))

        return self._said(self.store.transact(work), "waiting", had, message)

    def _said(
        self, record: DisbursementRecord, outcome: ReclaimOutcome, had: int, message: str = ""
    ) -> Reclamation:
        """
        Report what this call took off the card, and what of it went where.
        """
        taken = reclaimed_minor(record) - had
        ways = self._ways_back(record)
        kept, so_far = 0, 0
        for way in reversed(ways):  # the last ones are this call's
            if so_far >= taken:
                break
            so_far += way.amount.minor
            kept += 0 if way.returned else way.amount.minor
        on_its_way = sum(one.amount.minor for one in ways if is_under_way(one))
        return reclamation(
            record,
            outcome,
            reclaimed=max(taken, 0),
            kept=kept,
            on_its_way=on_its_way,
            message=message,
        )

    def _ways_back(self, record: DisbursementRecord) -> list[FundingRecord]:
        names = [one.id for one in record.facts.reclaimed] if record.facts else []

        def work(tx: Transaction) -> list[FundingRecord]:
            found = [tx.get(FundingRecord, name) for name in names]
            return [one for one in found if one is not None]

        return self.store.read(work)

    def _begin_giving_back(self, record: DisbursementRecord, left: int, guard: Guard) -> str:
        """
        Write down how much goes back, before anything moves: later facts do not change it.
        """
        amount = Money(left, record.amount.currency)
        stays = self.policy.keeps(left)

        def work(tx: Transaction) -> str:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            number = 1
            while tx.get(FundingRecord, key := f"reclaim/{record.key}/{number}") is not None:
                number += 1
            self.funder.ways_back.begin(
                tx, key, amount, account=record.account, members=(record.key,), stays=stays
            )
            tx.put(revised(current, giving_back=key))
            return key

        return self.store.transact(work)

    def _finish_giving_back(
        self, record: DisbursementRecord, key: str, guard: Guard
    ) -> DisbursementRecord:
        fundings = self._fundings(record)
        with self.funder.sharing.alone(fundings, guard) as alone:
            receipt = self.funder.ways_back.send(key, record=record, fundings=fundings, guard=alone)
            return self._book_given_back(record, key, fundings, receipt, alone)

    def _book_given_back(
        self,
        record: DisbursementRecord,
        key: str,
        fundings: tuple[FundingRecord, ...],
        receipt: FundingReceipt,
        guard: Guard,
    ) -> DisbursementRecord:
        def work(tx: Transaction) -> DisbursementRecord:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            back = tx.get(FundingRecord, key, lock=True)
            facts = current.facts
            if current.giving_back is None or back is None or facts is None:
                return current
            moved = receipt.amount if receipt.amount.is_positive else back.amount
            taken = Amounts(id=key, minor=moved.minor)
            changed = revised(facts, reclaimed=(*facts.reclaimed, taken))
            posted = post_facts(tx, current, changed, cause="reclaimed", at=self.clock())
            self.funder.ways_back.finish(tx, key, receipt, cause="reclaimed")
            if fundings and receipt.amount.is_positive:
                funding = tx.get(FundingRecord, fundings[-1].key, lock=True) or fundings[-1]
                tx.put(funding.with_given_back(record.key, receipt.amount.minor))
            for reference in posted.cards[-1:]:
                card = tx.get(CardRecord, reference.id, lock=True)
                if card is not None:
                    tx.put(revised(card, remaining_minor=card_balance(changed)))
            return tx.put(revised(posted, giving_back=None))

        return self.store.transact(work)

    def _fundings(self, record: DisbursementRecord) -> tuple[FundingRecord, ...]:
        def work(tx: Transaction) -> tuple[FundingRecord, ...]:
            found = [tx.get(FundingRecord, name) for name in record.fundings]
            return tuple(one for one in found if one is not None and one.progress == "moved")

        return self.store.read(work)

    def _finish(self, record: DisbursementRecord, guard: Guard, had: int) -> Reclamation:
        """
        Close what has nothing left, once a bank has taken what was paid out.
        """
        under_way = [one for one in self._ways_back(record) if is_under_way(one)]
        if under_way:
            dates = [one.available_at for one in under_way if one.available_at is not None]
            message = "what was paid out is on its way to the account's bank"
            return self._wait_until(record, guard, max(dates), had, message)

        def work(tx: Transaction) -> DisbursementRecord:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            facts = current.facts
            if facts is None or facts.is_open or card_balance(facts) > 0:
                return tx.put(revised(current, look_at=self.clock()))
            return tx.put(
                revised(
                    current.become(Status.CLOSED),
                    reason=None,
                    look_at=None,
                    updated_at=self.clock(),
                )
            )

        closed = self.store.transact(work)
        return self._said(closed, "closed" if closed.status is Status.CLOSED else "waiting", had)

    def _stuck(
        self, record: DisbursementRecord, why: RefusedError | UnavailableError, guard: Guard
    ) -> Reclamation:
        again = self.clock() + _LOOK_AGAIN_AFTER

        def work(tx: Transaction) -> DisbursementRecord:
            guard(tx)
            current = tx.get(DisbursementRecord, record.key, lock=True) or record
            return tx.put(revised(current, reason=reason_of(why), look_at=again))

        return reclamation(self.store.transact(work), "stuck", message=str(why))
