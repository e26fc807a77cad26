"""
Does what is learned become one entry, with everything that follows from it?
"""

import pytest
from attrs import evolve

from bookkeeping import NOW, book, chain, changed, make_card, make_record, make_store, statement
from issuing_disburse.books import (
    funded_line,
    given_back_line,
    opening_entry,
    pool_of,
    post_funding,
    status_after,
)
from issuing_disburse.decision import Use
from issuing_disburse.disbursement import Status
from issuing_disburse.exceptions import ChainBrokenError, OverdrawnError
from issuing_disburse.facts import Amounts, AuthorizationFacts, Facts, TransactionFacts
from issuing_disburse.ledger import GENESIS, Entry, Line, balances, verify_chain
from issuing_disburse.money import Money
from issuing_disburse.ports import Transaction
from issuing_disburse.records import CardRecord, Claim, FundingRecord, PoolRecord
from issuing_disburse.stores.memory import MemoryStore

ISSUED = Facts(scope="ic_1", allotted=(Amounts(id="ic_1", minor=12_500),))
HELD = ISSUED.with_fact(
    AuthorizationFacts(
        id="iauth_1",
        card_id="ic_1",
        created=NOW,
        approved=True,
        status="pending",
        amount_minor=12_500,
    )
)
SPENT = HELD.with_fact(
    AuthorizationFacts(
        id="iauth_1",
        card_id="ic_1",
        created=NOW,
        approved=True,
        status="closed",
        amount_minor=12_500,
        transactions=frozenset({"ipi_1"}),
    )
).with_fact(
    TransactionFacts(
        id="ipi_1",
        card_id="ic_1",
        created=NOW,
        type="capture",
        minor=-12_500,
        authorization="iauth_1",
    )
)


def pool(store: MemoryStore) -> PoolRecord:
    """
    Return the totals of the account.
    """
    return store.transact(lambda tx: pool_of(tx, "acct_1", "usd"))


def test_post_facts_moves_money_and_totals_together() -> None:
    """Each step of a card's life is one entry; the totals of the account follow it."""
    store, record = make_store(), make_record()
    totals = []
    for facts in (ISSUED, HELD, SPENT):
        record = book(store, record, facts)
        now = pool(store)
        totals.append((now.available_minor, now.cards_minor, now.held_minor))

    assert [(-12_500, 12_500, 0), (-12_500, 0, 12_500), (-12_500, 0, 0)] == totals
    assert (3, SPENT) == (record.entries, record.facts)
    assert record.digest == verify_chain(chain(store, record))
    assert Money(12_500, "usd") == statement(store, record).spent


def test_post_facts_writes_no_entry_when_nothing_follows() -> None:
    """The same facts again leave chain and totals alone, and are kept."""
    store = make_store()
    once = book(store, make_record(), HELD)
    before = pool(store)
    again = book(store, once, HELD)

    assert (once.entries, once.digest) == (again.entries, again.digest)
    assert before == pool(store)


def test_post_facts_stays_quiet_after_a_correction() -> None:
    """What was corrected once is not corrected again with each later event."""
    store = make_store()
    book(store, make_record(), HELD)
    book(store, make_record(), ISSUED)
    book(store, make_record(), HELD)
    settled = book(store, make_record(), HELD)

    assert 3 == settled.entries
    assert [1, 1] == [len(entry.lines) for entry in chain(store, settled)[1:]]


def test_post_facts_refuses_when_the_chain_was_emptied() -> None:
    """An order that has posted before does not start anew on an empty chain."""
    record = make_record(entries=2, digest="f" * 64)

    with pytest.raises(ChainBrokenError) as caught:
        book(make_store(), record, ISSUED)

    assert "claim-8841" == caught.value.order_id


def test_post_facts_refuses_when_an_entry_was_changed() -> None:
    """A changed line in the middle is found before anything is built on it."""
    honest = make_store()
    record = book(honest, book(honest, make_record(), ISSUED), HELD)
    first, last = chain(honest, record)
    forged = changed(first, lines=(evolve(first.lines[0], minor=99),))
    store = make_store()

    def forge(tx: Transaction) -> None:
        tx.append(forged)
        tx.append(last)

    store.transact(forge)

    with pytest.raises(ChainBrokenError):
        book(store, evolve(record, version=0), SPENT)


def test_post_facts_refuses_when_an_entry_came_from_elsewhere() -> None:
    """A chain that goes on behind the order's back is refused."""
    store, record = make_store(), make_record()
    line = Line("hold", "iauth_9", "card:ic_1", "hold:iauth_9", 1)
    entry = Entry(scope=record.key, seq=1, at=NOW, currency="usd", cause="?", lines=(line,))
    store.transact(lambda tx: tx.append(entry.sealed()))

    with pytest.raises(ChainBrokenError):
        book(store, record, ISSUED)


def test_post_facts_keeps_nothing_when_an_account_would_be_overdrawn() -> None:
    """A refusal of the books leaves no entry and no total behind."""
    store = make_store()
    impossible = Facts(scope="ic_1", allotted=(Amounts(id="ic_1", minor=-1),))

    with pytest.raises(OverdrawnError):
        book(store, make_record(), impossible)

    assert () == chain(store, make_record())
    assert PoolRecord(account="acct_1", currency="usd") == pool(store)


def make_funding() -> FundingRecord:
    """
    Make a funding of 125.00.
    """
    return FundingRecord(
        id="fund_1",
        account="acct_1",
        amount=Money(12_500, "usd"),
        route="transfer",
        members=("acct_1/claim-8841",),
        created_at=NOW,
    )


def test_post_funding_brings_money_in_and_back_out() -> None:
    """What a funding brought, and what was given back of it, is a chain of its own."""
    store, funding = make_store(), make_funding()

    def post(funding: FundingRecord, line: Line) -> FundingRecord:
        return store.transact(
            lambda tx: tx.put(post_funding(tx, funding, (line,), cause="tr_1", at=NOW))
        )

    came = post(funding, funded_line("fund_1", Money(12_500, "usd")))
    assert (12_500, 1) == (pool(store).available_minor, came.entries)
    went = post(came, given_back_line("trr_1", Money(2_500, "usd")))
    entries = store.read(lambda tx: tx.entries("fund_1"))

    assert (10_000, 2) == (pool(store).available_minor, went.entries)
    assert went.digest == verify_chain(entries)
    assert {"world": -10_000, "issuing:available": 10_000} == balances(
        line for entry in entries for line in entry.lines
    )


def test_post_funding_writes_nothing_when_nothing_moved() -> None:
    """A route that moves nothing leaves no entry."""
    funding = make_funding()

    posted = make_store().transact(lambda tx: post_funding(tx, funding, (), cause="", at=NOW))

    assert (0, GENESIS, funding) == (posted.entries, posted.digest, posted)


@pytest.mark.parametrize("minor", [5_000, 0, -5_000])
def test_opening_entry_says_what_was_there_before(minor: int) -> None:
    """A balance, or a debt, from before our time has its own account, per currency."""
    entry = opening_entry("acct_1", Money(minor, "eur"), at=NOW)
    platform = opening_entry(None, Money(minor, "eur"), at=NOW)

    assert {"opening:": -minor, "issuing:available": minor} == balances(entry.lines)
    assert all(line.minor >= 0 for line in entry.lines)
    assert entry.digest == verify_chain([entry])
    assert ("opening/acct_1/eur", "opening/platform/eur") == (entry.scope, platform.scope)


PROMISED = Claim(use=Use(authorization_id="iauth_2", at=NOW, amount=Money(1, "usd")))
REFUNDED = SPENT.with_fact(
    TransactionFacts(id="ipi_2", card_id="ic_1", created=NOW, type="refund", minor=100)
)
RECLAIMED = evolve(ISSUED, reclaimed=(Amounts(id="x", minor=12_500),))


@pytest.mark.parametrize(
    ("status", "facts", "card", "expected"),
    [
        (Status.ACTIVE, ISSUED, make_card(), Status.ACTIVE),
        (Status.ACTIVE, HELD, make_card(card_status="canceled"), Status.ACTIVE),
        (Status.ACTIVE, SPENT, make_card(card_status="canceled"), Status.SPENT),
        (Status.ACTIVE, SPENT, make_card(), Status.SPENT),
        (Status.ACTIVE, REFUNDED, make_card(), Status.ACTIVE),
        (Status.ACTIVE, REFUNDED, make_card(card_status="canceled"), Status.SPENT),
        (Status.ACTIVE, ISSUED, make_card(card_status="canceled"), Status.CLOSING),
        (
            Status.ACTIVE,
            ISSUED,
            make_card(card_status="canceled", claims=(PROMISED,)),
            Status.ACTIVE,
        ),
        (Status.SPENT, SPENT, make_card(claims=(PROMISED.released(),)), Status.SPENT),
        (Status.SPENT, HELD, make_card(), Status.ACTIVE),
        (Status.SPENT, REFUNDED, make_card(), Status.ACTIVE),
        (Status.CLOSING, SPENT, make_card(), Status.CLOSING),
        (Status.PENDING, ISSUED, make_card(), Status.PENDING),
        (Status.FAILED, ISSUED, make_card(), Status.FAILED),
        (Status.CLOSED, SPENT, make_card(), Status.CLOSED),
        (Status.CLOSED, RECLAIMED, make_card(), Status.CLOSED),
        (Status.CLOSED, REFUNDED, make_card(), Status.CLOSING),
        (Status.CLOSED, HELD, make_card(), Status.CLOSING),
    ],
)
def test_status_follows_from_facts_and_card(
    status: Status, facts: Facts, card: CardRecord, expected: Status
) -> None:
    """Where a disbursement stands after news; each such step is one that it may take."""
    assert expected is status_after(make_record(status=status), facts, card)
    assert status.can_become(expected)
