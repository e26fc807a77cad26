"""
How are the records kept in a database: SQLite in a file, or PostgreSQL for many machines?
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from issuing_disburse.exceptions import (
    InvalidInputError,
    StaleRecordError,
    StoreError,
    StoreMismatchError,
)
from issuing_disburse.ledger import Entry
from issuing_disburse.ports import Clock, Transaction
from issuing_disburse.records import Row

from .driver_errors import is_worth_rerunning, store_error, translated
from .promises import TRIES, closed, nested, stale
from .schema import SCHEMA_VERSION, Tables
from .sqlite import GroupWriter
from .transactions import SQLTransaction, Statements

T = TypeVar("T")

PREFIX = "issuing_disburse_"
_STREAM_ROWS = 1_000
_ADVISORY_LOCK = 0x1D15B


class SQLStore:
    """
    A store in an SQL database; see `issuing_disburse.ports.Store`.

    SQLite (a file, write-ahead log, every commit synced to disk) suits one process; several on one
    file stay safe but wait for each other. PostgreSQL suits many.

    Args:
        database: A URL, or an engine of the caller's, which stays the caller's to dispose of.
        clock: Returns the time now; leases use it on SQLite, and the database's on PostgreSQL.
        prefix: Of the tables' names, so that the database can be shared.
        synchronous: SQLite's ``FULL`` (a commit survives a power cut) or ``NORMAL`` (it may not).

    Raises:
        InvalidInputError: The URL is none, or names another database.
        StoreError: The database cannot be opened.
        StoreMismatchError: Its schema is of another version of this library.
    """

    def __init__(
        self,
        database: str | sa.Engine,
        *,
        clock: Clock,
        prefix: str = PREFIX,
        synchronous: str = "FULL",
    ) -> None:
        if synchronous not in {"FULL", "NORMAL"}:
            raise InvalidInputError("synchronous", "is unknown", "use 'FULL' or 'NORMAL'")
        self._clock = clock
        self._synchronous = synchronous
        self._owns_engine = isinstance(database, str)
        self._engine = _engine(database) if isinstance(database, str) else database
        self._is_postgresql = self._engine.dialect.name == "postgresql"
        if self._engine.dialect.name not in {"postgresql", "sqlite"}:
            raise InvalidInputError(
                "store",
                f"{self._engine.dialect.name} is not supported",
                "use sqlite:///file or postgresql://…",
            )
        self._is_memory = not self._is_postgresql and _is_memory(self._engine)
        self._statements = Statements(Tables(prefix), is_postgresql=self._is_postgresql)
        self._mine = threading.local()
        self._opening = threading.Lock()
        self._process = os.getpid()
        self._writer: GroupWriter | None = None
        self._writing: sa.Connection | None = None
        self._is_closed = False
        with translated():
            self._prepare()

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Run *work* and keep what it wrote, or nothing; see `issuing_disburse.ports.Store.transact`.
        """
        self._enter()
        try:
            if self._is_postgresql:
                return self._transact_postgresql(work, timeout_seconds)
            return self._writer_of_this_process().transact(work, timeout_seconds)
        finally:
            self._mine.is_busy = False

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Run *work* on one consistent state; see `issuing_disburse.ports.Store.read`.
        """
        self._enter()
        try:
            if self._is_memory:
                return self._read_shared(work, timeout_seconds)
            with translated(), self._engine.connect() as connection:
                return self._read_on(connection, work, timeout_seconds)
        finally:
            self._mine.is_busy = False

    def _read_shared(self, work: Callable[[Transaction], T], timeout_seconds: float | None) -> T:
        writer = self._writer_of_this_process()
        if not writer.hold(timeout_seconds) or self._writing is None:
            raise StoreError("other works held the store until the time was up", code="locked")
        try:
            with translated():
                return self._run_reading(self._writing, work)
        finally:
            writer.release()

    def _read_on(
        self, connection: sa.Connection, work: Callable[[Transaction], T], seconds: float | None
    ) -> T:
        if self._is_postgresql:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            if seconds is not None:
                _limit(connection, seconds)
            return self._run_reading(connection, work)
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("BEGIN")
        try:
            return self._run_reading(connection, work)
        finally:
            connection.exec_driver_sql("ROLLBACK")

    def _run_reading(self, connection: sa.Connection, work: Callable[[Transaction], T]) -> T:
        transaction = SQLTransaction(connection, self._statements, self._clock, is_writable=False)
        try:
            return work(transaction)
        finally:
            transaction.end()

    def _transact_postgresql(
        self, work: Callable[[Transaction], T], timeout_seconds: float | None
    ) -> T:
        ends_at = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        problem: Exception = stale(Row)
        for tries in range(TRIES):
            if tries:
                time.sleep(random.uniform(0.0005, 0.002) * 2 ** min(tries, 5))  # noqa: S311  # no secret
            try:
                with self._engine.begin() as connection:
                    if ends_at is not None:
                        _limit(connection, ends_at - time.monotonic())
                    return self._run_writing(connection, work)
            except StaleRecordError as error:
                problem = error
            except sa.exc.DBAPIError as error:
                if not is_worth_rerunning(error) or tries == TRIES - 1:
                    raise store_error(error) from error
            except sa.exc.SQLAlchemyError as error:
                raise store_error(error) from error
        raise problem

    def _run_writing(self, connection: sa.Connection, work: Callable[[Transaction], T]) -> T:
        transaction = SQLTransaction(connection, self._statements, self._clock, is_writable=True)
        try:
            result = work(transaction)
        finally:
            transaction.end()
        if transaction.is_stale:
            raise stale(Row)
        return result

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Yield all ledger entries by scope and seq, from behind *after*, a page at a time.
        """
        page = self._page(after)
        while page:
            yield from page
            page = self._page((page[-1].scope, page[-1].seq))

    def _page(self, after: tuple[str, int]) -> list[Entry]:
        def work(tx: Transaction) -> list[Entry]:
            place = {"s": after[0], "n": after[1]}
            return tx.select_entries(place, _STREAM_ROWS) if isinstance(tx, SQLTransaction) else []

        return self.read(work)

    def close(self) -> None:
        """
        Let go of the connections; closing twice is fine.
        """
        if self._is_closed:
            return
        self._is_closed = True
        if self._writing is not None and self._process == os.getpid():
            self._writing.close()
        if self._owns_engine:
            self._engine.dispose(close=self._process == os.getpid())

    def _enter(self) -> None:
        if self._is_closed:
            raise closed()
        if getattr(self._mine, "is_busy", False):
            raise nested()
        if self._process != os.getpid():
            self._start_anew()
        self._mine.is_busy = True

    def _start_anew(self) -> None:
        """
        Leave the parent's connections and locks to the parent, in a process that was forked.
        """
        self._opening = threading.Lock()
        self._mine = threading.local()
        self._writer = None
        if not self._is_memory:
            self._engine.dispose(close=False)
            self._writing = None
        self._process = os.getpid()

    def _writer_of_this_process(self) -> GroupWriter:
        with self._opening:
            if self._writer is None:
                with translated():
                    self._writing = self._writing or self._open_writing()
                self._writer = GroupWriter(self._writing, self._statements, self._clock)
            return self._writer

    def _open_writing(self) -> sa.Connection:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql(f"PRAGMA synchronous = {self._synchronous}")
        return connection

    def _prepare(self) -> None:
        tables = self._statements.tables
        if self._is_postgresql:
            with self._engine.begin() as connection:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
                self._create(connection, tables)
            return
        self._writing = self._open_writing()
        self._writing.exec_driver_sql("PRAGMA busy_timeout = 10000")
        self._writing.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            self._create(self._writing, tables)
        except BaseException:
            self._writing.exec_driver_sql("ROLLBACK")
            self._writing.close()
            raise
        self._writing.exec_driver_sql("COMMIT")

    def _create(self, connection: sa.Connection, tables: Tables) -> None:
        """
        Make the tables that are missing, and refuse a schema of another version.
        """
        is_new = not sa.inspect(connection).has_table(tables.meta.name)
        if is_new:
            tables.metadata.create_all(connection)
            connection.execute(
                sa.insert(tables.meta).values(name="schema_version", value=str(SCHEMA_VERSION))
            )
            return
        found = connection.execute(
            sa.select(tables.meta.c.value).where(tables.meta.c.name == "schema_version")
        ).scalar_one_or_none()
        if found != str(SCHEMA_VERSION):
            raise StoreMismatchError(
                f"the store's schema is version {found}, this library reads {SCHEMA_VERSION}; run "
                "'issuing-disburse store upgrade', or use the library that wrote it",
                code="schema_version",
            )


def _limit(connection: sa.Connection, seconds: float) -> None:
    milliseconds = max(1, int(seconds * 1000))
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {milliseconds}")


def _is_memory(engine: sa.Engine) -> bool:
    return engine.url.database in {None, "", ":memory:"} or isinstance(engine.pool, StaticPool)


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise InvalidInputError(
            "store", "is no database URL", "use 'sqlite:///file.sqlite3' or 'postgresql://…'"
        ) from None
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(parsed, hide_parameters=True, pool_size=10, max_overflow=20)
        if parsed.database in {None, "", ":memory:"}:
            return sa.create_engine(
                parsed,
                hide_parameters=True,
                poolclass=StaticPool,
                connect_args={"check_same_thread": False},
            )
        return sa.create_engine(
            parsed, hide_parameters=True, connect_args={"check_same_thread": False, "timeout": 10}
        )
    except (sa.exc.NoSuchModuleError, ModuleNotFoundError) as missing:
        raise InvalidInputError(
            "store",
            f"its driver is not installed ({missing})",
            "install issuing-disburse[postgres] for PostgreSQL",
        ) from missing
