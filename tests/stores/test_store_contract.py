"""
Do all our stores keep the same promises?
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.pool import StaticPool

from issuing_disburse.ports import Store
from issuing_disburse.stores import open_store
from issuing_disburse.stores.memory import MemoryStore
from issuing_disburse.stores.sql import SQLStore
from issuing_disburse.testing import StoreContract
from issuing_disburse.testing.store_builders import NOW


def now():
    """
    Return the time of a clock that stands still.
    """
    return NOW


class TestMemoryStore(StoreContract):
    """
    The reference behaviour.
    """

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = MemoryStore(clock=now)
        yield store
        store.close()


class TestSQLiteInMemory(StoreContract):
    """
    One connection for everything.
    """

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = open_store("sqlite://", clock=now)
        yield store
        store.close()


class TestSQLiteFile(StoreContract):
    """
    One writer per process, readers beside it.
    """

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = open_store(f"sqlite:///{tmp_path}/store.sqlite3", clock=now)
        yield store
        store.close()


class TestSQLiteEngine(StoreContract):
    """
    An engine of the user's that begins transactions by itself, as SQLAlchemy's manual shows.
    """

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        engine = create_engine(f"sqlite:///{tmp_path}/store.sqlite3")
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA journal_mode = WAL"))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        store = open_store(engine, clock=now)
        yield store
        store.close()
        engine.dispose()


class TestSQLiteEngineInMemory(StoreContract):
    """
    An engine of the user's with its only connection.
    """

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        store = open_store(engine, clock=now)
        yield store
        store.close()
        engine.dispose()


class TestPostgreSQL(StoreContract):
    """
    A server of our own.
    """

    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        store = open_store(postgres_url, clock=now)
        yield store
        store.close()


class TestPostgreSQLEngine(StoreContract):
    """
    An engine of the user's, with fewer connections than there are threads.
    """

    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        url = postgres_url.replace("postgresql:", "postgresql+psycopg:")
        engine = create_engine(url, pool_size=3, max_overflow=0, isolation_level="SERIALIZABLE")
        store = SQLStore(engine, clock=now, prefix="mine_", uses_database_clock=False)
        yield store
        store.close()
        engine.dispose()
