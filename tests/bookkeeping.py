"""
Which records does a test of the books start from?
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import evolve

from issuing_disburse.books import post_facts
from issuing_disburse.disbursement import CardReference, Status
from issuing_disburse.facts import Facts
from issuing_disburse.ledger import Entry
from issuing_disburse.money import Money
from issuing_disburse.ports import Store, Transaction
from issuing_disburse.records import CardRecord, DisbursementRecord
from issuing_disburse.statements import Statement, statement_of
from issuing_disburse.stores.memory import MemoryStore
from issuing_disburse.terms import Terms

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def make_store() -> MemoryStore:
    """
    Make a store whose time stands still.
    """
    return MemoryStore(clock=lambda: NOW)


def make_record(order_id: str = "claim-8841", **changes: Any) -> DisbursementRecord:
    """
    Make the record of an active disbursement of 125.00.
    """
    whole: dict[str, Any] = {
        "account": "acct_1",
        "order_id": order_id,
        "fingerprint": "f" * 40,
        "status": Status.ACTIVE,
        "amount": Money(12_500, "usd"),
        "terms": Terms(),
        "created_at": NOW,
        "updated_at": NOW,
        "expires_at": NOW + timedelta(days=30),
    }
    return DisbursementRecord(**{**whole, **changes})


def make_card(card_id: str = "ic_1", **changes: Any) -> CardRecord:
    """
    Make the record of an open card over 125.00.
    """
    whole: dict[str, Any] = {
        "card_id": card_id,
        "account": "acct_1",
        "order_id": "claim-8841",
        "amount": Money(12_500, "usd"),
        "remaining_minor": 12_500,
        "terms": Terms(),
        "expires_at": NOW + timedelta(days=30),
        "is_open": True,
        "card_status": "active",
        "is_livemode": False,
    }
    return CardRecord(**{**whole, **changes})


def make_reference(card_id: str = "ic_1") -> CardReference:
    """
    Make what may be known about a card.
    """
    return CardReference(
        id=card_id, last4="0016", brand="Visa", exp_month=12, exp_year=2026, currency="usd"
    )


def book(
    store: Store, record: DisbursementRecord, facts: Facts, cause: str = "evt"
) -> DisbursementRecord:
    """
    Post *facts* about *record* in a transaction of their own.
    """

    def work(tx: Transaction) -> DisbursementRecord:
        known = tx.get(DisbursementRecord, record.key, lock=True) or record
        return tx.put(post_facts(tx, known, facts, cause=cause, at=NOW))

    return store.transact(work)


def chain(store: Store, record: DisbursementRecord) -> tuple[Entry, ...]:
    """
    Return the entries of one disbursement.
    """
    return store.read(lambda tx: tx.entries(record.key))


def statement(store: Store, record: DisbursementRecord) -> Statement:
    """
    Return the statement that the stored entries make.
    """
    return statement_of(
        record.order_id, record.status, record.amount.currency, chain(store, record)
    )


def changed(entry: Entry, **changes: Any) -> Entry:
    """
    Return *entry* as somebody left it who forgot about its hash.
    """
    return evolve(entry, **changes)
