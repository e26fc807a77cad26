"""
How does a lost store come back, and when may an empty one be used at all?

Everything is read first: balance transactions before anything else, so that whatever they show of our
cards is among what is read after them. Then each order is written in one transaction, what is certain
before what is not, and the opening balance, which is what belongs to nobody, last. A crash leaves a
mark; running it again leaves out what is there already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from attrs import evolve, field, frozen

from .attributing import Attributor
from .bookkeeper import Bookkeeper
from .books import add_to_pool, opening_entry, pool_of
from .cardholder_params import RECIPIENT_METADATA
from .cardholders import cardholder_outcome, recipient_reason
from .cards import ORDER_METADATA
from .exceptions import StoreMismatchError
from .funding import BalanceFunder
from .money import Money
from .paging import every, every_in
from .ports import Clock, Store, Transaction
from .prepared import Answer
from .records import (
    AccountRecord,
    DisbursementRecord,
    FundingRecord,
    RecipientRecord,
    account_key,
)
from .restored_money import StrayKeeper
from .restoring import Restored, Restorer
from .routes import FUNDING_METADATA
from .salvage import Movements, SalvagedCard
from .salvaged_transfers import SalvagedTransfer
from .snapshots import Fact, authorization_facts, dispute_facts, transaction_facts
from .stripe_api import StripeAPI

NOT_CARRIED = (
    "orders that have no card yet, and their recipients' details: hand them in again",
    "terms beyond Stripe's controls: their strictest reading stands until the order comes in again",
    "answers given to merchants, parked events, and the reason why an order failed",
    "whether a used-up order was closed already: reclaim_expired() closes it again",
)
"""What no object of Stripe's tells."""


@frozen(kw_only=True)
class StrayTransfer:
    """
    Money that was moved for an order whose card does not exist.

    Handing the same order in again takes it over; else reverse it by hand.

    Attributes:
        amount: What of it has not gone back.
        has_arrived: Whether it lies on the account's Issuing balance, else on its payments balance.
    """

    transfer_id: str
    amount: Money
    has_arrived: bool
    created_at: datetime


@frozen(kw_only=True)
class Rebuild:
    """
    What was read back from Stripe, and what could not be.

    Attributes:
        orders: Ids of the orders that are in the store now.
        recipients: How many cardholders of ours were found.
        stray_transfers: Money that was moved for orders without a card.
        doubtful: Orders with a card whose metadata was changed: something had to be assumed.
        undecided: Orders whose rest may have been given back already; no walk touches them, until
            you have looked and call `reclaim` on them.
        not_carried: What Stripe does not know, in words.
    """

    account: str | None
    at: datetime
    orders: tuple[str, ...]
    recipients: int
    stray_transfers: tuple[StrayTransfer, ...] = ()
    doubtful: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    not_carried: tuple[str, ...] = field(default=NOT_CARRIED)


@frozen(kw_only=True)
class Rebuilder:
    """
    Reads what Stripe knows about one account's orders into a store that knows none.
    """

    account: str | None
    api: StripeAPI
    store: Store
    clock: Clock
    funder: BalanceFunder
    bookkeeper: Bookkeeper

    def admit(self, *, is_meant: bool) -> None:
        """
        Make sure, once per store, that it knows the cards which its account has.

        Args:
            is_meant: Whether the caller says that an empty store beside existing cards is right.

        Raises:
            StoreMismatchError: It does not; nothing was sent but questions.

        Stripe: ``GET /v1/issuing/cards``
        """
        known = self.store.read(self._account)
        if known.is_rebuilding:
            msg = f"a rebuild of {known.key} did not come to its end; run rebuild() again"
            raise StoreMismatchError(msg, code="rebuild_unfinished")
        if known.is_admitted:
            return
        if not is_meant and not self._has_orders():
            ours = next((card for card in self._cards()), None)
            if ours is not None and not self._has_orders():  # not of another worker meanwhile
                msg = (
                    f"this store knows no order of {known.key}, but Stripe has cards of such orders "
                    f"({ours['id']} for {ours['metadata'][ORDER_METADATA]!r}): open the store that "
                    "issued them, run rebuild(), or pass accept_empty_store=True if it is meant"
                )
                raise StoreMismatchError(msg, code="store_empty")
        self.store.transact(lambda tx: tx.put(evolve(self._account(tx), is_admitted=True)))

    def rebuild(self) -> Rebuild:
        """
        Read everything back. See `issuing_disburse.Disburser.rebuild`.
        """
        self.store.transact(self._begin)
        at = self.clock()
        movements = Movements.of(
            self.api.pages("/v1/balance_transactions", {}, account=self.account),
            claimed=self._claimed(),
        )
        transfers = {one.funding_id: one for one in self._transfers()}
        recipients = sum(self._restore_recipient(one) for one in self._cardholders())
        cards = self._salvaged()
        facts = self._facts(frozenset(one.body["id"] for group in cards.values() for one in group))
        money = Attributor(
            account=self.account,
            clock=self.clock,
            route=type(self.funder.route).__name__,
            movements=movements,
            transfers=transfers,
            shared=self._shared(),
        )
        restorer = Restorer(
            account=self.account,
            store=self.store,
            clock=self.clock,
            bookkeeper=self.bookkeeper,
            money=money,
        )
        restored = self._restore(restorer, cards, facts)
        keeper = StrayKeeper(store=self.store, clock=self.clock, money=money)
        strays = [keeper.keep(one) for one in money.unused()]
        strays += [
            (one, keeper.keep_shared(one), money.whole(one).has_arrived)
            for _, one in sorted(transfers.items())
            if one.is_shared
        ]
        ours = frozenset(fact.id for group in facts.values() for fact in group)
        self.store.transact(lambda tx: self._finish(tx, movements.others(ours), at))
        return Rebuild(
            account=self.account,
            at=at,
            orders=tuple(sorted(cards)),
            recipients=recipients,
            stray_transfers=tuple(
                StrayTransfer(
                    transfer_id=one.id,
                    amount=left,
                    has_arrived=has_arrived,
                    created_at=one.created_at,
                )
                for one, left, has_arrived in strays
                if left.is_positive
            ),
            doubtful=tuple(name for name in sorted(cards) if _is_doubtful(cards[name])),
            undecided=tuple(sorted(one.order_id for one in restored if one.is_undecided)),
        )

    def _restore(
        self,
        restorer: Restorer,
        cards: dict[str, list[SalvagedCard]],
        facts: dict[str, list[Fact]],
    ) -> list[Restored]:
        """
        Plan what is certain for all orders before what is not for any, then write one by one.
        """
        plans = [
            restorer.plan(
                order_id, group, [fact for card in group for fact in facts[card.body["id"]]]
            )
            for order_id, group in sorted(cards.items(), key=lambda item: item[1][0].created_at)
        ]
        decided = [restorer.decide(plan) for plan in plans]
        for plan in decided:
            restorer.write(plan)
        return decided

    # What the store says about the account.

    def _account(self, tx: Transaction) -> AccountRecord:
        blank = AccountRecord(account=self.account)
        return tx.get(AccountRecord, blank.key) or blank

    def _has_orders(self) -> bool:
        group = account_key(self.account)
        return bool(self.store.read(lambda tx: tx.find(DisbursementRecord, group=group, limit=1)))

    def _begin(self, tx: Transaction) -> None:
        group = account_key(self.account)
        known = self._account(tx)
        if not known.is_rebuilding and tx.find(DisbursementRecord, group=group, limit=1):
            msg = f"this store has orders of {group} already; rebuild() fills an empty one only"
            raise StoreMismatchError(msg, code="store_not_empty")
        tx.put(evolve(known, is_rebuilding=True))

    def _finish(self, tx: Transaction, others: dict[str, int], at: datetime) -> None:
        """
        Open the books with what belongs to no order, and let orders in.
        """
        for currency, minor in sorted(others.items()):
            opening = Money(minor, currency)
            entry = opening_entry(self.account, opening, at=at)
            if minor and not tx.entries(entry.scope):
                tx.append(entry)
                pool = add_to_pool(pool_of(tx, self.account, currency), entry.lines)
                tx.put(evolve(pool, opened_at=at))
        spare = tuple(sorted(one for one, free in self._free(tx) if free))
        known = self._account(tx)
        tx.put(evolve(known, is_rebuilding=False, is_admitted=True, spare=spare))

    def _free(self, tx: Transaction) -> Iterator[tuple[str, int]]:
        for one in every_in(tx, FundingRecord, group=account_key(self.account)):
            if one.is_shared and one.progress in {"moving", "moved"}:
                yield one.id, one.free_minor

    def _shared(self) -> dict[str, FundingRecord]:
        """
        Return the shared fundings that an interrupted rebuild has written.
        """
        group = account_key(self.account)
        return {
            one.id: one for one in every(self.store, FundingRecord, group=group) if one.is_shared
        }

    def _claimed(self) -> frozenset[str]:
        """
        Return the movements that belong to what an interrupted rebuild has written.
        """
        names: set[str | None] = set()
        for one in every(self.store, FundingRecord, group=account_key(self.account)):
            for moved in (*one.moved, *one.returned):
                names |= {moved.balance_transaction, moved.counterpart}
        return frozenset(name for name in names if name is not None)

    # What Stripe says.

    def _cards(self) -> Iterator[Answer]:
        for card in self.api.pages("/v1/issuing/cards", {}, account=self.account):
            if (card.get("metadata") or {}).get(ORDER_METADATA):
                yield card

    def _salvaged(self) -> dict[str, list[SalvagedCard]]:
        groups: defaultdict[str, list[SalvagedCard]] = defaultdict(list)
        for card in self._cards():
            groups[card["metadata"][ORDER_METADATA]].append(SalvagedCard.from_stripe(card))
        for group in groups.values():
            group.sort(
                key=lambda one: (one.attempt, one.generation, one.created_at, one.body["id"])
            )
        return dict(groups)

    def _cardholders(self) -> Iterator[Answer]:
        for one in self.api.pages("/v1/issuing/cardholders", {}, account=self.account):
            if (one.get("metadata") or {}).get(RECIPIENT_METADATA):
                yield one

    def _transfers(self) -> Iterator[SalvagedTransfer]:
        if self.account is None:
            return
        filters = {"destination": self.account}
        for one in self.api.pages("/v1/transfers", filters, account=None):
            if (one.get("metadata") or {}).get(FUNDING_METADATA):
                path = f"/v1/transfers/{one['id']}/reversals"
                back = self.api.pages(path, {}, account=None) if one["amount_reversed"] else ()
                yield SalvagedTransfer.from_stripe(one, back)

    def _facts(self, ours: frozenset[str]) -> defaultdict[str, list[Fact]]:
        """
        Return what Stripe knows about our cards, by card.
        """
        found: defaultdict[str, list[Fact]] = defaultdict(list)
        if not ours:
            return found
        for body in self.api.pages("/v1/issuing/authorizations", {}, account=self.account):
            fact = authorization_facts(body)
            if fact.card_id in ours and fact.approved:
                found[fact.card_id].append(fact)
        for body in self.api.pages("/v1/issuing/transactions", {}, account=self.account):
            transaction = transaction_facts(body)
            if transaction.card_id in ours:
                found[transaction.card_id].append(transaction)
                if body.get("dispute"):
                    found[transaction.card_id].append(self._dispute(body["dispute"]))
        return found

    def _dispute(self, named: str | Answer) -> Fact:
        name = named["id"] if isinstance(named, dict) else named
        return dispute_facts(self.api.get(f"/v1/issuing/disputes/{name}", account=self.account))

    def _restore_recipient(self, holder: Answer) -> bool:
        outcome = cardholder_outcome(holder)
        blank = RecipientRecord(
            account=self.account,
            identity=holder["metadata"][RECIPIENT_METADATA],
            cardholder_id=outcome["id"],
            details="",  # unknown: the next order brings them up to date
            disabled_reason=recipient_reason(outcome),
            past_due=tuple(outcome["past_due"]),
            checked_at=self.clock(),
        )

        def work(tx: Transaction) -> None:
            if tx.get(RecipientRecord, blank.key) is None:
                tx.put(blank)

        self.store.transact(work)
        return True


def _is_doubtful(cards: list[SalvagedCard]) -> bool:
    return any(card.is_doubtful for card in cards)
