"""
How does a database become a store?
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar, cast

from sqlalchemy import URL, Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

from issuing_disburse.convert import decode
from issuing_disburse.exceptions import StoreError
from issuing_disburse.hidden import Hidden
from issuing_disburse.ledger import Entry
from issuing_disburse.ports import Clock, EntryRow, Transaction
from issuing_disburse.rows import Row

from . import forks
from .driver_errors import store_error
from .engines import Opened, Synchronous, hidden_url, open_engine
from .postgres import PostgresRunner
from .promises import closed, nested
from .schema import PREFIX, SCHEMA_VERSION, Tables, check_version
from .scrubbing import scrub
from .sqlite import SQLiteRunner
from .sqlite_writer import driver_connection
from .statements import PAGE, Statements
from .transactions import SQLTransaction

T = TypeVar("T")

PATIENCE_SECONDS = 30.0
"""How long a call without a timeout of its own may take."""

_OPENING_SECONDS = 5.0


class SQLStore:
    """
    A store in an SQLite file or a PostgreSQL database, which your application may share.

    Tables are made when they are absent, under *prefix*; an existing schema of another version is
    refused. Nothing else of the database is touched.

    Args:
        database: A URL, or an engine of yours, which keeps its settings and is not disposed of.
        clock: Returns the time now (UTC); on PostgreSQL, leases are measured by the database's
            clock instead, unless *uses_database_clock* is false.
        synchronous: SQLite only: ``FULL`` keeps a commit through a power cut, ``NORMAL`` is faster
            and may lose the last ones. An engine of yours keeps its own setting.
        connections: PostgreSQL only: how many works run at once at most.

    Raises:
        InvalidInputError: *database* or *prefix* is nothing that can be used.
        StoreMismatchError: The tables belong to another version of the library.
        StoreError: The database cannot be opened.
    """

    def __init__(
        self,
        database: str | URL | Hidden | Engine,
        *,
        clock: Clock,
        prefix: str = PREFIX,
        synchronous: Synchronous = "FULL",
        connections: int = 16,
        uses_database_clock: bool = True,
    ) -> None:
        tables = Tables(prefix)
        database = hidden_url(database)  # error reporters keep the variables of frames
        self._opened = open_engine(database, synchronous=synchronous, connections=connections)
        self._is_closed = False
        self._inside = threading.local()
        try:
            _prepare(self._opened, tables)
        except BaseException:
            self._dispose()
            raise
        engine = self._opened.engine
        statements = Statements(tables, engine.dialect)
        self._runner: SQLiteRunner | PostgresRunner
        if self._opened.is_sqlite:
            self._runner = SQLiteRunner(
                engine,
                statements,
                clock,
                is_own=self._opened.is_own,
                is_memory=self._opened.is_memory,
            )
        else:
            self._runner = PostgresRunner(
                engine,
                statements,
                None if uses_database_clock else clock,
                connections=connections,
            )
        forks.join(self)

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Run *work* and keep what it wrote, or nothing; see `issuing_disburse.ports.Store.transact`.

        On SQLite it may run on another thread, together with the works of others.
        """
        self._check_free()
        return self._runner.transact(self._guarded(work), deadline=_deadline(timeout_seconds))

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Run *work* on one consistent state; see `issuing_disburse.ports.Store.read`.
        """
        self._check_free()
        return self._runner.read(self._guarded(work), deadline=_deadline(timeout_seconds))

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Yield all ledger entries by scope and seq, from behind *after*, a page at a time.
        """
        while True:
            scope, seq = after
            page = self.read(lambda tx: cast("SQLTransaction", tx).entries_after(scope, seq))  # noqa: B023 - called at once
            yield from page
            if len(page) < PAGE:
                return
            after = (page[-1].scope, page[-1].seq)

    def entry_rows(self) -> Iterator[Sequence[EntryRow]]:
        """
        Yield all ledger entries as they are kept; see `issuing_disburse.ports.StreamsAsKept`.
        """
        scope, seq = "", 0
        while True:
            page = self.read(lambda tx: cast("SQLTransaction", tx).rows_after(scope, seq))  # noqa: B023 - called at once
            yield page
            if len(page) < PAGE:
                return
            scope, seq = page[-1][:2]

    def bodies(self, kind: type[Row], *, group: str) -> Iterator[Sequence[str]]:
        """
        Yield records as they are kept; see `issuing_disburse.ports.StreamsAsKept`.
        """
        after = ""

        def read(tx: Transaction) -> Sequence[str]:
            found = cast("SQLTransaction", tx)
            return found.bodies(kind, group=group, after=after, limit=PAGE)

        while page := self.read(read):
            yield page
            after = decode(kind, page[-1]).key

    def scrub(self) -> None:
        """
        Remove what the database's files keep of rows that were overwritten or deleted.

        Raises:
            StoreError: A reader kept the log open for too long; call again.
        """
        self._check_free()
        scrub(self._opened)

    def close(self) -> None:
        """
        Close the connections; an engine of yours stays open.
        """
        if not self._is_closed:
            self._is_closed = True
            forks.leave(self)
            self._runner.close()
            self._dispose()

    def _dispose(self) -> None:
        if self._opened.is_own:
            self._opened.engine.dispose()

    def _check_free(self) -> None:
        if self._is_closed:
            raise closed()
        if self._is_inside():
            raise nested()

    def _is_inside(self) -> bool:
        return getattr(self._inside, "work", False)

    def _guarded(self, work: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
        def run(transaction: Transaction) -> T:
            self._inside.work = True
            try:
                return work(transaction)
            finally:
                self._inside.work = False

        return run

    def before_fork(self) -> None:
        """
        Come to rest; see `issuing_disburse.stores.forks`. A work that forks cannot wait for itself.
        """
        if not self._is_inside():
            self._runner.before_fork()

    def after_fork_in_parent(self) -> None:
        """
        Go on.
        """
        self._runner.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """
        Go on with connections of the child's own.
        """
        self._inside = threading.local()
        self._runner.after_fork_in_child()


def upgrade(database: str | URL | Hidden | Engine, *, prefix: str = PREFIX) -> tuple[int, int]:
    """
    Bring the tables to this library's version, making them if there are none; make a backup first.

    Returns:
        The version that was there (0 for none) and the one that is there now.

    Raises:
        StoreMismatchError: They are of a newer version.
        StoreError: The database refused; nothing was changed.
    """
    tables, database = Tables(prefix), hidden_url(database)
    opened = open_engine(database, synchronous="FULL", connections=1)
    try:
        with _changing(opened, tables) as connection:
            version = tables.stored_version(connection)
            if version is None:
                tables.create(connection)
            elif version > SCHEMA_VERSION:
                check_version(version)
            else:
                tables.upgrade(connection, version)
        return version or 0, SCHEMA_VERSION
    finally:
        if opened.is_own:
            opened.engine.dispose()


def _prepare(opened: Opened, tables: Tables) -> None:
    """
    Make the tables if there are none, else look whether they are ours.
    """
    try:
        with opened.engine.connect() as connection:
            if opened.is_sqlite and opened.is_own and not opened.is_memory:
                _use_wal(connection)
            version = tables.stored_version(connection)
    except SQLAlchemyError as exc:
        raise store_error(exc) from exc
    if version is not None:
        check_version(version)
        return
    with _changing(opened, tables) as connection:
        version = tables.stored_version(connection)
        if version is None:  # nobody was faster
            tables.create(connection)


def _use_wal(connection: Connection) -> None:
    # SQLite does not wait here by itself when another process opens the same new file.
    patience = Retrying(
        retry=retry_if_exception_type(OperationalError),
        wait=wait_random(0.01, 0.1),
        stop=stop_after_delay(_OPENING_SECONDS),
        reraise=True,
    )
    mode = patience(connection.exec_driver_sql, "PRAGMA journal_mode = WAL").scalar()
    if mode != "wal":
        raise StoreError(
            "SQLite cannot use its write-ahead log here; put the file on a local disk that may be "
            "written to, or use PostgreSQL",
            code="no_wal",
        )


@contextmanager
def _changing(opened: Opened, tables: Tables) -> Iterator[Connection]:
    try:
        with opened.engine.connect() as connection:
            if opened.is_sqlite:
                driver_connection(connection)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if opened.is_sqlite else "BEGIN")
            try:
                tables.hold(connection)
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")
    except SQLAlchemyError as exc:
        raise store_error(exc) from exc


def _deadline(timeout_seconds: float | None) -> float:
    return monotonic() + (PATIENCE_SECONDS if timeout_seconds is None else timeout_seconds)
