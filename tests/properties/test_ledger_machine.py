"""
Do the books end at the truth, in whatever order and how often its pieces arrive?
"""

from collections import defaultdict
from datetime import timedelta

from attrs import define, evolve, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from bookkeeping import NOW, book, chain, make_record, make_store, statement
from issuing_disburse.facts import (
    Amounts,
    AuthorizationFacts,
    DisputeFacts,
    Facts,
    TransactionFacts,
)
from issuing_disburse.ledger import balances, check_not_overdrawn, lines_for, verify_chain
from issuing_disburse.money import Money
from issuing_disburse.records import DisbursementRecord, PoolRecord

Fact = AuthorizationFacts | TransactionFacts | DisputeFacts

minor = st.integers(1, 20_000)
picks = st.integers(0, 11)


@define
class Truth:
    """
    What really happened to one card, and every picture that Stripe ever took of it.
    """

    name: str
    now: dict[str, Fact] = field(factory=dict)
    pictures: list[Fact] = field(factory=list)
    count: int = 0

    def fresh(self, kind: str) -> str:
        """
        Return an id that nothing has yet.
        """
        self.count += 1
        return f"{kind}_{self.name}_{self.count}"

    def becomes(self, fact: Fact) -> None:
        """
        Let something be so, and keep a picture of it.
        """
        self.now[fact.id] = fact
        self.pictures.append(fact)

    def moved(self, one: AuthorizationFacts, by: int, **changes: object) -> None:
        """
        Move what an authorization holds.
        """
        movements = {**one.movements, self.fresh("txn"): by}
        self.becomes(evolve(one, movements=movements, **changes))  # type: ignore[arg-type]  # by name

    def open_ones(self) -> list[AuthorizationFacts]:
        """
        Return the authorizations that a merchant may still capture.
        """
        return [
            one
            for one in self.now.values()
            if isinstance(one, AuthorizationFacts) and one.status in {"pending", "expired"}
        ]

    def transactions(self, kind: str) -> list[TransactionFacts]:
        """
        Return captures or refunds.
        """
        return [
            one
            for one in self.now.values()
            if isinstance(one, TransactionFacts) and one.type == kind
        ]

    def disputes(self) -> list[DisputeFacts]:
        """
        Return the disputes.
        """
        return [one for one in self.now.values() if isinstance(one, DisputeFacts)]

    def held(self) -> int:
        """
        Add up what is held, the plain way: what was moved and has not come back.
        """
        return -sum(
            sum(one.movements.values())
            for one in self.now.values()
            if isinstance(one, AuthorizationFacts)
        )


@define
class Books:
    """
    One disbursement, what we were told of it, and what really is.
    """

    record: DisbursementRecord
    facts: Facts
    truth: Truth


def thin(fact: Fact) -> Fact:
    """
    Return the picture as a short event shows it: without lists and links.
    """
    if isinstance(fact, AuthorizationFacts):
        return evolve(fact, movements={}, transactions=frozenset())
    if isinstance(fact, TransactionFacts):
        return evolve(fact, authorization=None)
    return fact


class LedgerMachine(RuleBasedStateMachine):
    """
    Two disbursements in two currencies on one account; things happen, and news of them arrive.
    """

    def __init__(self) -> None:
        super().__init__()
        self.store = make_store()
        self.books: list[Books] = []
        self.seconds = 0

    @initialize(amounts=st.lists(minor, min_size=2, max_size=2))
    def issue(self, amounts: list[int]) -> None:
        """Cards are issued and money is set aside for them."""
        for currency, amount in zip(("usd", "eur"), amounts, strict=True):
            record = make_record(f"claim-{currency}", amount=Money(amount, currency))
            facts = Facts(
                scope=f"ic_{currency}", allotted=(Amounts(id=f"ic_{currency}", minor=amount),)
            )
            self.books.append(Books(book(self.store, record, facts), facts, Truth(currency)))

    def one(self, pick: int) -> Books:
        """Choose a disbursement."""
        return self.books[pick % 2]

    def later(self) -> int:
        """Let a second pass."""
        self.seconds += 1
        return self.seconds

    # What happens at Stripe.

    @rule(pick=picks, amount=minor)
    def authorize(self, pick: int, amount: int) -> None:
        """A purchase is approved, and held."""
        truth = self.one(pick).truth
        fact = AuthorizationFacts(
            id=truth.fresh("iauth"),
            card_id="ic_1",
            created=NOW + timedelta(seconds=self.later()),
            approved=True,
            status="pending",
            amount_minor=amount,
        )
        truth.moved(fact, -amount)

    @rule(pick=picks, by=st.integers(-20_000, 20_000).filter(bool))
    def change(self, pick: int, by: int) -> None:
        """A hold grows, shrinks, or ends with a full reversal."""
        truth = self.one(pick).truth
        pending = [one for one in truth.open_ones() if one.status == "pending"]
        if not pending:
            return
        old = pending[pick % len(pending)]
        amount = max(0, old.amount_minor + by)
        status = "pending" if amount else "reversed"
        truth.moved(old, old.amount_minor - amount, amount_minor=amount, status=status)

    @rule(pick=picks)
    def expire(self, pick: int) -> None:
        """Nobody captured it in time; the money is free, the amount still stands there."""
        truth = self.one(pick).truth
        pending = [one for one in truth.open_ones() if one.status == "pending"]
        if pending:
            old = pending[pick % len(pending)]
            truth.moved(old, old.amount_minor, status="expired")

    @rule(pick=picks, amount=minor, is_forced=st.booleans())
    def capture(self, pick: int, amount: int, *, is_forced: bool) -> None:
        """A merchant takes the money: less, more, late, or without having asked."""
        truth = self.one(pick).truth
        able = truth.open_ones()
        old = None if is_forced or not able else able[pick % len(able)]
        taken = TransactionFacts(
            id=truth.fresh("ipi"),
            card_id="ic_1",
            created=NOW + timedelta(seconds=self.later()),
            type="capture",
            minor=-amount,
            authorization=old.id if old else None,
        )
        truth.becomes(taken)
        if old:
            held = -sum(old.movements.values())
            named = old.transactions | {taken.id}
            truth.moved(old, held, status="closed", transactions=named)

    @rule(pick=picks, amount=st.integers(-20_000, 20_000).filter(bool))
    def refund(self, pick: int, amount: int) -> None:
        """A merchant gives back, or takes back what was given back."""
        truth = self.one(pick).truth
        truth.becomes(
            TransactionFacts(
                id=truth.fresh("ipi"),
                card_id="ic_1",
                created=NOW + timedelta(seconds=self.later()),
                type="refund",
                minor=amount,
            )
        )

    @rule(pick=picks)
    def dispute(self, pick: int) -> None:
        """A capture is contested, credited, and perhaps lost again."""
        truth = self.one(pick).truth
        captures, disputes = truth.transactions("capture"), truth.disputes()
        submitted = [one for one in disputes if one.status == "submitted"]
        if submitted:
            old = submitted[pick % len(submitted)]
            taken_back = {truth.fresh("txn"): -old.credited_minor} if pick % 3 else {}
            truth.becomes(
                evolve(
                    old,
                    status="lost" if taken_back else "won",
                    movements={**old.movements, **taken_back},
                )
            )
        elif captures:
            chosen = captures[pick % len(captures)]
            credit = {truth.fresh("txn"): -chosen.minor}
            truth.becomes(
                DisputeFacts(
                    id=truth.fresh("idp"),
                    transaction=chosen.id,
                    status="submitted",
                    movements=credit,
                )
            )

    # What we are told, and what we do.

    def told(self, books: Books, fact: Fact) -> None:
        """Book one picture the way the bookkeeper does, or what a look at Stripe shows instead."""
        known = books.facts.authorization(fact.id)
        if isinstance(fact, AuthorizationFacts) and known and not fact.is_ordered_against(known):
            fact = books.truth.now[fact.id]
        books.facts = books.facts.with_fact(fact)
        books.record = book(self.store, books.record, books.facts, fact.id)

    @rule(pick=picks, which=picks, is_thin=st.booleans(), times=st.integers(1, 3))
    def deliver(self, pick: int, which: int, times: int, *, is_thin: bool) -> None:
        """Any picture arrives; repeating it changes nothing, and what ended holds nothing."""
        books = self.one(pick)
        pictures = books.truth.pictures
        if not pictures:
            return
        fact = pictures[which % len(pictures)]
        self.told(books, thin(fact) if is_thin else fact)
        entries = chain(self.store, books.record)
        for _ in range(times):
            self.told(books, fact if not is_thin else thin(fact))
            assert entries == chain(self.store, books.record)
        if isinstance(fact, AuthorizationFacts) and fact.status != "pending":
            known = books.facts.authorization(fact.id)
            assert known
            assert 0 == books.facts.held_minor(known)

    @rule(pick=picks, part=st.integers(1, 100))
    def reclaim(self, pick: int, part: int) -> None:
        """We take back what, as far as we know, is unspent."""
        books = self.one(pick)
        rest = statement(self.store, books.record).remaining.minor * part // 100
        if rest:
            taken = Amounts(id=books.truth.fresh("close"), minor=rest)
            books.facts = evolve(books.facts, reclaimed=(*books.facts.reclaimed, taken))
            books.record = book(self.store, books.record, books.facts, taken.id)

    @precondition(lambda self: any(one.truth.pictures for one in self.books))
    @rule(data=st.data())
    def hear_everything(self, data: st.DataObject) -> None:
        """Once every picture has arrived, the statement is the truth, whatever the order was."""
        for books in self.books:
            pictures = books.truth.pictures
            for fact in data.draw(st.permutations(pictures)) if len(pictures) < 30 else pictures:
                self.told(books, fact)
            said = statement(self.store, books.record)
            truth = books.truth
            spent = -sum(one.minor for one in truth.transactions("capture"))
            refunded = sum(one.minor for one in truth.transactions("refund"))
            disputed = sum(sum(one.movements.values()) for one in truth.disputes())
            reclaimed = sum(one.minor for one in books.facts.reclaimed)
            funded = sum(one.minor for one in books.facts.allotted)
            left = funded + refunded + disputed - spent - truth.held() - reclaimed

            assert (funded, refunded, disputed) == (
                said.funded.minor,
                said.refunded.minor,
                said.disputed.minor,
            )
            assert (spent, truth.held(), reclaimed) == (
                said.spent.minor,
                said.held.minor,
                said.reclaimed.minor,
            )
            assert (max(left, 0), max(-left, 0)) == (said.remaining.minor, said.covered.minor)
            self.same_in_another_order(books, data.draw(st.randoms(use_true_random=False)))

    def same_in_another_order(self, books: Books, random: object) -> None:
        """Merge the same pictures in another order: the same lines follow."""
        pictures = list(books.truth.pictures)
        random.shuffle(pictures)  # type: ignore[attr-defined]  # Hypothesis' own Random
        other = evolve(books.facts, authorizations=(), transactions=(), disputes=())
        for fact in pictures:
            other = other.with_fact(fact)

        assert lines_for(books.facts) == lines_for(other)

    # What holds at any time.

    @invariant()
    def statements_balance(self) -> None:
        """Funded, refunded, disputed and covered are spent, held, reclaimed and remaining."""
        for books in self.books:
            said = statement(self.store, books.record)

            assert said.is_balanced
            assert said.held.minor >= 0
            assert said.covered.minor >= 0
            assert said.remaining.minor >= 0

    @invariant()
    def chains_verify(self) -> None:
        """Every chain verifies, and ends where its order says that it ends."""
        for books in self.books:
            entries = chain(self.store, books.record)

            assert books.record.digest == verify_chain(entries)
            assert books.record.entries == len(entries)

    @invariant()
    def accounts_sum_to_nothing(self) -> None:
        """Per currency all accounts sum to zero, none is overdrawn, and the pools agree."""
        lines = defaultdict(list)
        for entry in self.store.stream_entries():
            lines[entry.currency] += entry.lines
        for currency, posted in lines.items():
            sums = balances(posted)
            pool = self.store.read(
                lambda tx, key=f"acct_1/{currency}": tx.get(PoolRecord, key)  # type: ignore[misc]  # a default
            )

            assert 0 == sum(sums.values())
            check_not_overdrawn(sums)
            assert pool is not None
            assert sums.get("issuing:available", 0) == pool.available_minor
            assert pool.cards_minor == sum(
                value for name, value in sums.items() if name.startswith("card:")
            )
            assert pool.held_minor == sum(
                value for name, value in sums.items() if name.startswith("hold:")
            )


LedgerMachine.TestCase.settings = settings(stateful_step_count=40)
TestLedger = LedgerMachine.TestCase
