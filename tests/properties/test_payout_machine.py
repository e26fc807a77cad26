"""
Do library and Stripe agree at the end, whatever goes wrong on the way, in three currencies?
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from attrs import frozen
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from crashing import Countdown, CrashingClient, CrashingStore, ProcessDiedError
from issuing_disburse import Address, AmountRule, Disburser, Recipient, Terms
from issuing_disburse.cards import ORDER_METADATA
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.paging import every
from issuing_disburse.records import DisbursementRecord, PoolRecord
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.simulator.errors import SimulatorError
from issuing_disburse.simulator.faults import (
    Action,
    Fault,
    LoseConnection,
    Refuse,
    ServerError,
    Webhook,
    conflict,
    rate_limited,
)
from issuing_disburse.stores.memory import MemoryStore
from world import TERMS, make_order, make_recipient

CURRENCIES = ("usd", "eur", "gbp")
COUNTRIES = {"usd": "US", "eur": "DE", "gbp": "GB"}
ORDERS = ("a", "b", "c")
AMOUNTS = ("20.00", "125.00")
KINDS_OF_TERMS = {
    "exact": Terms(valid_for=timedelta(days=60), on_void="reissue"),
    "many": Terms(valid_for=timedelta(days=60), amount=AmountRule.up_to(), uses=3),
}
POSTS = (
    "POST /v1/issuing/cardholders",
    "POST /v1/transfers",
    "POST /v1/balance_transfers",
    "POST /v1/issuing/cards",
    "POST /v1/issuing/cards/:id",
    "POST /v1/transfers/:id/reversals",
    "*",
)
FAULTS: dict[str, Action] = {
    "lost before": LoseConnection(after_commit=False),
    "lost after": LoseConnection(after_commit=True),
    "500 before": ServerError(after_commit=False),
    "500 after": ServerError(after_commit=True),
    "409": conflict(),
    "429": rate_limited(),
    "refused": Refuse(),
}
JUMPS = (
    timedelta(minutes=3),
    timedelta(hours=25),
    timedelta(days=8),
    timedelta(days=32),
)
LEASE = timedelta(seconds=121)
WEEKEND = timedelta(days=4)

# Where the process dies in an action: nowhere, most of the time.
deaths = st.one_of(st.just(0), st.just(0), st.integers(1, 60))
minors = st.sampled_from([100, 900, 2_000, 12_500, 13_000])
picks = st.integers(0, 50)


@frozen
class Party:
    """
    One account with its currency.
    """

    currency: str
    account: str


class PayoutMachine(RuleBasedStateMachine):
    """
    Orders in three currencies; merchants, misfortune, time and crashes as they come.
    """

    def __init__(self) -> None:
        super().__init__()
        self.simulator = IssuingSimulator(
            seed=11, platform_funds=dict.fromkeys(CURRENCIES, 1_000_000)
        )
        self.store = MemoryStore(clock=self.simulator.clock.now)
        self.client = self.simulator.http_client()
        self.parties: list[Party] = []
        self.disbursers: dict[str, Disburser] = {}

    @initialize()
    def open(self) -> None:
        """Three accounts share one store and one endpoint."""
        for currency in CURRENCIES:
            account = self.simulator.create_account(country=COUNTRIES[currency])
            self.simulator.fund_issuing(account, 5_000, currency)  # for what cannot be declined
            self.parties.append(Party(currency, account))
            self.disbursers[account] = self.connect(account, Countdown())
        first = self.disbursers[self.parties[0].account]
        self.simulator.deliver_webhooks_to(first.handle_webhook)

    def connect(self, account: str, countdown: Countdown) -> Disburser:
        """Start a process that may die."""
        return Disburser.connect(
            api_key=self.simulator.api_key,
            account=account,
            webhook_secret=self.simulator.webhook_secret,
            store=CrashingStore(self.store, countdown),
            http_client=CrashingClient(self.client, countdown),
            clock=self.simulator.clock.now,
            sleep=self.simulator.clock.sleep,
        )

    def run(self, party: Party, dies_at: int, act: Callable[[Disburser], object]) -> None:
        """Do something in a process that may die, and let errors be errors."""
        disburser = self.disbursers[party.account]
        if dies_at:
            disburser = self.connect(party.account, Countdown(dies_at=dies_at))
        with suppress(DisburseError, ProcessDiedError):
            act(disburser)

    def party(self, pick: int) -> Party:
        """Choose an account."""
        return self.parties[pick % len(self.parties)]

    # What we do.

    @rule(
        pick=picks,
        name=st.sampled_from(ORDERS),
        amount=st.sampled_from(AMOUNTS),
        kind=st.sampled_from(sorted(KINDS_OF_TERMS)),
        dies_at=deaths,
    )
    def disburse(self, pick: int, name: str, amount: str, kind: str, dies_at: int) -> None:
        """An order comes in, perhaps once more, perhaps with other content."""
        party = self.party(pick)
        order = make_order(
            name,
            amount,
            currency=party.currency,
            recipient=recipient_in(party.currency),
            terms=KINDS_OF_TERMS[kind],
        )
        self.run(party, dies_at, lambda disburser: disburser.disburse(order))

    @rule(pick=picks, dies_at=deaths)
    def resume_all(self, pick: int, dies_at: int) -> None:
        """What was left undone is resumed."""
        self.run(self.party(pick), dies_at, Disburser.resume_all)

    @rule(pick=picks, dies_at=deaths)
    def reclaim_expired(self, pick: int, dies_at: int) -> None:
        """What is over is settled."""
        self.run(self.party(pick), dies_at, Disburser.reclaim_expired)

    @rule(pick=picks, name=st.sampled_from(ORDERS), dies_at=deaths)
    def reclaim(self, pick: int, name: str, dies_at: int) -> None:
        """Somebody wants the rest of an order back."""
        self.run(self.party(pick), dies_at, lambda disburser: disburser.reclaim(name))

    @rule(pick=picks, name=st.sampled_from(ORDERS), dies_at=deaths)
    def reissue(self, pick: int, name: str, dies_at: int) -> None:
        """Somebody wants a fresh card for an order."""
        self.run(self.party(pick), dies_at, lambda disburser: disburser.reissue(name))

    # What others do.

    @rule(pick=picks, amount=minors)
    def authorize(self, pick: int, amount: int) -> None:
        """A merchant asks."""
        if card := self.one_of("card", pick):
            self.merchant(self.simulator.authorize, card["id"], amount)

    @rule(pick=picks, amount=minors, verb=st.sampled_from(["capture", "reverse", "increment"]))
    def go_on(self, pick: int, amount: int, verb: str) -> None:
        """A merchant captures, gives back or asks for more."""
        if found := self.one_of("authorization", pick):
            self.merchant(getattr(self.simulator, verb), found["id"], amount)

    @rule(pick=picks, verb=st.sampled_from(["capture", "reverse", "expire"]))
    def finish(self, pick: int, verb: str) -> None:
        """A merchant captures all, gives all back, or lets it lapse."""
        if found := self.one_of("authorization", pick):
            self.merchant(getattr(self.simulator, verb), found["id"])

    @rule(pick=picks, amount=minors)
    def refund(self, pick: int, amount: int) -> None:
        """A merchant gives back what was captured."""
        if found := self.one_of("transaction", pick):
            self.merchant(self.simulator.refund, found["id"], amount)

    @rule(pick=picks, amount=st.sampled_from([100, 900]), is_refund=st.booleans())
    def surprise(self, pick: int, amount: int, *, is_refund: bool) -> None:
        """A merchant takes or gives without having asked."""
        verb = self.simulator.unlinked_refund if is_refund else self.simulator.force_capture
        if card := self.one_of("card", pick):
            self.merchant(verb, card["id"], amount)

    def one_of(self, kind: str, pick: int) -> dict[str, Any] | None:
        """Choose an object of Stripe's."""
        found = self.simulator.objects(kind)
        return found[pick % len(found)] if found else None

    def merchant(self, verb: Callable[..., object], *arguments: object) -> None:
        """Let a merchant try; what is impossible does not happen."""
        with suppress(SimulatorError):
            verb(*arguments)

    # What goes wrong.

    @rule(
        fault=st.sampled_from(sorted(FAULTS)),
        endpoint=st.sampled_from(POSTS),
        times=st.integers(1, 6),
    )
    def fail(self, fault: str, endpoint: str, times: int) -> None:
        """Stripe or the network will fail."""
        self.simulator.faults.add(Fault(action=FAULTS[fault], endpoint=endpoint, times=times))

    @rule(how=st.sampled_from(["late", "twice", "shuffled", "never"]), times=st.integers(1, 5))
    def disturb(self, how: Any, times: int) -> None:
        """Events will be late, doubled, in disorder or lost."""
        self.simulator.faults.add(Fault(action=Webhook(how=how), times=times))

    @rule()
    def recover(self) -> None:
        """Everything works again."""
        self.simulator.faults.clear()

    @rule(jump=st.sampled_from(JUMPS))
    def wait(self, jump: timedelta) -> None:
        """Time passes."""
        self.simulator.clock.advance(jump)

    # What has to be so when everything has calmed down.

    def teardown(self) -> None:
        """One walk over everything, and library and Stripe agree."""
        if self.disbursers:
            self.calm_down()
            for party in self.parties:
                self.check(party)
            self.disbursers[self.parties[0].account].verify_ledger()

    def calm_down(self) -> None:
        """Let leases run out and money arrive; resume, settle, and book what was missed."""
        self.simulator.faults.clear()
        self.simulator.clock.advance(LEASE)
        for wait in (WEEKEND, WEEKEND):
            self.simulator.clock.advance(wait)
            for disburser in self.disbursers.values():
                disburser.resume_all()
                disburser.reclaim_expired()
                disburser.repair(disburser.reconcile())

    def check(self, party: Party) -> None:
        """Hold one account to what was promised."""
        disburser, account = self.disbursers[party.account], party.account
        for record in every(self.store, DisbursementRecord, group=account):
            said = disburser.statement(record.order_id)
            assert said.is_balanced, said
            assert party.currency == said.funded.currency
            assert {party.currency} >= {entry.currency for entry in said.entries}
        pools = {one.currency: one for one in every(self.store, PoolRecord, group=account)}
        assert {party.currency} >= set(pools)
        if pool := pools.get(party.currency):
            ours = pool.available_minor + pool.cards_minor + pool.held_minor
            theirs = self.simulator.issuing_balance(account, party.currency)
            assert theirs + self.simulator.held(account, party.currency) == ours
            assert () == disburser.reconcile().discrepancies
        live = Counter(
            card["metadata"].get(ORDER_METADATA)
            for card in self.simulator.objects("card", account)
            if card["status"] != "canceled"
        )
        assert all(count == 1 for count in live.values()), live


def recipient_in(currency: str) -> Recipient:
    """
    Describe somebody who may hold a card in that currency.
    """
    if currency == "usd":
        return make_recipient()
    address = {
        "eur": Address(
            line1="Unter den Linden 1", city="Berlin", postal_code="10117", country="DE"
        ),
        "gbp": Address(line1="1 Fleet Street", city="London", postal_code="EC4Y 1AU", country="GB"),
    }
    return make_recipient(billing=address[currency], user_terms=TERMS)


PayoutMachine.TestCase.settings = settings(stateful_step_count=50, max_examples=150)
TestPayouts = pytest.mark.long(PayoutMachine.TestCase)
