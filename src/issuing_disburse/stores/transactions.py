"""
How is one transaction of a store spoken in SQL?
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar

import sqlalchemy as sa
from attrs import evolve
from sqlalchemy.dialects import postgresql, sqlite

from issuing_disburse.convert import decode, decode_lines, encode, encode_lines
from issuing_disburse.exceptions import StoreError
from issuing_disburse.ledger import Entry
from issuing_disburse.ports import Clock
from issuing_disburse.records import Row

from .driver_errors import store_error
from .promises import check_find, ended, read_only, stale, time_is_up
from .schema import Tables, microseconds, moment

R = TypeVar("R", bound=Row)

PAGE = 1_000
"""How many ledger entries are read at a time."""


class Statements:
    """
    The statements of one store, each built once, so that SQLAlchemy compiles it once.
    """

    def __init__(self, tables: Tables, *, is_postgresql: bool) -> None:
        self.tables = tables
        self._is_postgresql = is_postgresql
        self._kinds: dict[type[Row], KindStatements] = {}
        self.now = sa.select(sa.func.clock_timestamp())
        entry = tables.entry
        self.append = self.insert(entry)
        mine = entry.c.scope == sa.bindparam("its_scope")
        self.entries = sa.select(entry).where(mine).order_by(entry.c.seq)
        place = sa.tuple_(
            sa.bindparam("its_scope", type_=sa.String), sa.bindparam("its_seq", type_=sa.Integer)
        )
        self.stream = (
            sa.select(entry)
            .where(sa.tuple_(entry.c.scope, entry.c.seq) > place)
            .order_by(entry.c.scope, entry.c.seq)
            .limit(PAGE)
        )

    def insert(self, table: sa.Table) -> sa.Insert:
        """
        Return an insert that writes nothing when the key is taken, and tells.
        """
        dialect = postgresql if self._is_postgresql else sqlite
        written: sa.Insert = dialect.insert(table).on_conflict_do_nothing()
        return written.execution_options(preserve_rowcount=True)

    def of(self, kind: type[Row]) -> KindStatements:
        """
        Return the statements for the records of one kind.
        """
        found = self._kinds.get(kind)
        if found is None:
            if kind not in self.tables.rows:
                raise StoreError(f"the store has no table for a {kind.__name__}", code="schema")
            found = KindStatements(self, self.tables.rows[kind], is_postgresql=self._is_postgresql)
            self._kinds[kind] = found
        return found


class KindStatements:
    """
    The statements for the records of one kind.
    """

    def __init__(self, statements: Statements, table: sa.Table, *, is_postgresql: bool) -> None:
        self.table = table
        self._is_postgresql = is_postgresql
        mine = table.c.key == sa.bindparam("its_key")
        self.get = sa.select(table.c.body).where(mine)
        self.lock = self.get.with_for_update() if is_postgresql else self.get
        self.insert = statements.insert(table)
        self.update = (
            sa.update(table)
            .where(mine, table.c.version == sa.bindparam("its_version"))
            .values(
                {name: sa.bindparam(name) for name in ("grp", "state", "due_at", "version", "body")}
            )
        )
        self.delete = sa.delete(table).where(mine)
        self._finds: dict[tuple[bool, ...], sa.Select[str]] = {}

    def find(
        self, *, by_group: bool, by_state: bool, by_due: bool, skip_locked: bool
    ) -> sa.Select[str]:
        """
        Return the question of that shape.
        """
        shape = (by_group, by_state, by_due, skip_locked)
        found = self._finds.get(shape)
        if found is None:
            found = self._finds[shape] = self._find(
                by_group=by_group, by_state=by_state, by_due=by_due, skip_locked=skip_locked
            )
        return found

    def _find(
        self, *, by_group: bool, by_state: bool, by_due: bool, skip_locked: bool
    ) -> sa.Select[str]:
        table = self.table
        # Where few are due, other indexes must not lead away from that one; where a group is
        # given, the states must not.
        key = self._plain(table.c.key) if by_due else table.c.key
        group = self._plain(table.c.grp) if by_due else table.c.grp
        state = self._plain(table.c.state) if by_due or by_group else table.c.state
        wanted = sa.select(table.c.body).where(key > sa.bindparam("after")).order_by(key)
        if by_group:
            wanted = wanted.where(group == sa.bindparam("grp"))
        if by_state:
            wanted = wanted.where(state.in_(sa.bindparam("states", expanding=True)))
        if by_due:
            wanted = wanted.where(table.c.due_at <= sa.bindparam("due_before"))
        wanted = wanted.limit(sa.bindparam("most"))
        if skip_locked and self._is_postgresql:
            wanted = wanted.with_for_update(skip_locked=True)
        return wanted

    def _plain(self, column: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        # SQLite has no statistics here; a plus sign keeps a column from choosing an index.
        return column if self._is_postgresql else sa.UnaryExpression(column, operator=_PLUS)


_PLUS: sa.sql.operators.custom_op[str] = sa.sql.operators.custom_op("+", precedence=8)


class SQLTransaction:
    """
    One transaction on one connection; see `issuing_disburse.ports.Transaction`.

    Args:
        clock: ``None`` asks the database for the time.
        deadline: Monotonic seconds; nothing is begun or kept after it.
        locks_always: Whether every `get` locks, as after losing against another writer.

    Attributes:
        failure: What went wrong inside it, even if the work swallowed that: nothing may be kept.
        is_broken: Whether it was the database that failed.
        contended: The table in which somebody else wrote first.
    """

    def __init__(
        self,
        connection: sa.Connection,
        statements: Statements,
        clock: Clock | None,
        *,
        is_writable: bool,
        deadline: float,
        locks_always: bool = False,
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._clock = clock
        self._is_writable = is_writable
        self._deadline = deadline
        self._locks_always = locks_always
        self._is_ended = False
        self.failure: StoreError | None = None
        self.is_broken = False
        self.contended: str | None = None

    def get(self, kind: type[R], key: str, *, lock: bool = False) -> R | None:
        self._check(writing=lock)
        statements = self._statements.of(kind)
        statement = statements.lock if lock or self._locks_always else statements.get
        body = self._execute(statement, {"its_key": key}).scalar()
        return None if body is None else decode(kind, body)

    def find(
        self,
        kind: type[R],
        *,
        group: str | None = None,
        states: Sequence[str] | None = None,
        due_before: datetime | None = None,
        after: str = "",
        limit: int = 100,
        skip_locked: bool = False,
    ) -> tuple[R, ...]:
        self._check(writing=skip_locked)
        check_find(states=states, due_before=due_before, limit=limit)
        statement = self._statements.of(kind).find(
            by_group=group is not None,
            by_state=states is not None,
            by_due=due_before is not None,
            skip_locked=skip_locked,
        )
        values: dict[str, Any] = {"after": after, "most": limit}
        if group is not None:
            values["grp"] = group
        if states is not None:
            values["states"] = list(states)
        if due_before is not None:
            values["due_before"] = microseconds(due_before)
        bodies = self._execute(statement, values).scalars().all()
        return tuple([decode(kind, body) for body in bodies])

    def put(self, record: R) -> R:
        self._check(writing=True)
        new = evolve(record, version=record.version + 1)
        due_at = new.due_at
        values = {
            "grp": new.group, "state": new.state,
            "due_at": None if due_at is None else microseconds(due_at),
            "version": new.version, "body": encode(new).decode(),
        }  # fmt: skip
        statements = self._statements.of(type(record))
        if record.version:
            values |= {"its_key": new.key, "its_version": record.version}
            written = self._execute(statements.update, values)
        else:
            values["key"] = new.key
            written = self._execute(statements.insert, values)
        if written.rowcount != 1:
            raise self._overtaken(type(record), statements.table)
        return new

    def delete(self, kind: type[Row], key: str) -> None:
        self._check(writing=True)
        self._execute(self._statements.of(kind).delete, {"its_key": key})

    def append(self, entry: Entry) -> None:
        self._check(writing=True)
        values = {
            "scope": entry.scope, "seq": entry.seq, "at": microseconds(entry.at),
            "currency": entry.currency, "cause": entry.cause,
            "lines": encode_lines(entry.lines).decode(), "previous": entry.previous,
            "digest": entry.digest,
        }  # fmt: skip
        if self._execute(self._statements.append, values).rowcount != 1:
            raise self._overtaken(Entry, self._statements.tables.entry)

    def entries(self, scope: str) -> tuple[Entry, ...]:
        self._check(writing=False)
        rows = self._execute(self._statements.entries, {"its_scope": scope}).all()
        return tuple([_entry(row) for row in rows])

    def entries_after(self, scope: str, seq: int) -> tuple[Entry, ...]:
        """
        Return the next page of the entries of all chains.
        """
        self._check(writing=False)
        values = {"its_scope": scope, "its_seq": seq}
        return tuple([_entry(row) for row in self._execute(self._statements.stream, values).all()])

    def now(self) -> datetime:
        self._check(writing=False)
        if self._clock is not None:
            return self._clock()
        at: datetime = self._execute(self._statements.now, {}).scalar_one()
        return at.astimezone(UTC)

    def end(self) -> None:
        """
        Refuse any further use.
        """
        self._is_ended = True

    def check_outcome(self) -> None:
        """
        Raise what went wrong inside, or that the time is up.
        """
        if self.failure is not None:
            raise self.failure
        self._check_time()

    def _overtaken(self, kind: type[Row | Entry], table: sa.Table) -> StoreError:
        self.failure, self.contended = stale(kind), table.name
        return self.failure

    def _check(self, *, writing: bool) -> None:
        if self._is_ended:
            raise ended()
        if writing and not self._is_writable:
            raise read_only()
        self._check_time()

    def _check_time(self) -> None:
        if monotonic() > self._deadline:
            self.failure = time_is_up()
            raise self.failure

    # Any: rows come as the driver reads them; each caller names the columns it asked for.
    def _execute(self, statement: sa.Executable, values: dict[str, Any]) -> sa.CursorResult[Any]:
        if self.failure is not None:
            raise self.failure
        try:
            return self._connection.execute(statement, values)
        except sa.exc.SQLAlchemyError as exc:
            self.failure, self.is_broken = store_error(exc), True
            raise self.failure from self.failure.__cause__


def _entry(row: Sequence[Any]) -> Entry:
    scope, seq, at, currency, cause, lines, previous, digest = row
    return Entry(
        scope=scope, seq=seq, at=moment(at), currency=currency, cause=cause,
        lines=decode_lines(lines), previous=previous, digest=digest,
    )  # fmt: skip
