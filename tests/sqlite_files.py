"""
Which store in a file do the tests of SQLite use, and what do they look at?
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from issuing_disburse.ports import Transaction
from issuing_disburse.records import PoolRecord, StepRecord
from issuing_disburse.stores.sql import SQLStore
from issuing_disburse.testing.store_builders import NOW, names

PATIENCE_SECONDS = 30.0


def now():
    """
    Return the time of a clock that stands still.
    """
    return NOW


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """
    Where the store's file is.
    """
    return tmp_path / "store.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[SQLStore]:
    """
    A store in that file.
    """
    store = SQLStore(f"sqlite:///{path}", clock=now)
    yield store
    store.close()


def kept(store: SQLStore) -> list[str]:
    """
    Return the names of all steps.
    """
    return names(store.read(lambda tx: tx.find(StepRecord, limit=10_000)))


def add_one(tx: Transaction) -> None:
    """
    Count one up.
    """
    pool = tx.get(PoolRecord, "acct_1/usd") or PoolRecord(account="acct_1", currency="usd")
    tx.put(evolve(pool, available_minor=pool.available_minor + 1))


def counted(store: SQLStore) -> int:
    """
    Return how often one was added.
    """
    found = store.read(lambda tx: tx.get(PoolRecord, "acct_1/usd"))
    return 0 if found is None else found.available_minor
