"""
How is one transaction of a store spoken in SQL?
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from attrs import evolve
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from issuing_disburse.convert import decode, decode_lines, encode, encode_lines
from issuing_disburse.ledger import Entry
from issuing_disburse.ports import Clock
from issuing_disburse.records import RECORDS, Row

from .promises import check_find, ended, read_only, stale
from .schema import Tables, microseconds, moment

R = TypeVar("R", bound=Row)


class Statements:
    """
    The statements of one store, built once.
    """

    def __init__(self, tables: Tables, *, is_postgresql: bool) -> None:
        insert: Any = postgresql_insert if is_postgresql else sqlite_insert
        self.tables = tables
        self.is_postgresql = is_postgresql
        self.get: dict[type[Row], sa.Select[Any]] = {}
        self.insert: dict[type[Row], Any] = {}
        self.update: dict[type[Row], sa.Update] = {}
        self.delete: dict[type[Row], sa.Delete] = {}
        for kind in RECORDS:
            table = tables.rows[kind]
            mine = table.c.key == sa.bindparam("k")
            self.get[kind] = sa.select(table.c.version, table.c.body).where(mine)
            self.insert[kind] = insert(table).on_conflict_do_nothing()
            self.delete[kind] = sa.delete(table).where(mine)
            self.update[kind] = (
                sa.update(table)
                .where(mine, table.c.version == sa.bindparam("v"))
                .values(
                    grp=sa.bindparam("grp_"),
                    state=sa.bindparam("state_"),
                    due_at=sa.bindparam("due_at_"),
                    version=sa.bindparam("version_"),
                    body=sa.bindparam("body_"),
                )
            )
        entry = tables.entry
        self.append = insert(entry).on_conflict_do_nothing()
        self.entries = (
            sa.select(entry).where(entry.c.scope == sa.bindparam("s")).order_by(entry.c.seq)
        )
        after = sa.tuple_(entry.c.scope, entry.c.seq) > sa.tuple_(
            sa.bindparam("s", type_=sa.String), sa.bindparam("n", type_=sa.Integer)
        )
        self.stream = sa.select(entry).where(after).order_by(entry.c.scope, entry.c.seq)


def entry_of(row: sa.Row[Any]) -> Entry:
    """
    Read one ledger entry.
    """
    return Entry(
        scope=row.scope,
        seq=row.seq,
        at=moment(row.at),
        currency=row.currency,
        cause=row.cause,
        lines=decode_lines(row.lines),
        previous=row.previous,
        digest=row.digest,
    )


class SQLTransaction:
    """
    One transaction on one connection; see `issuing_disburse.ports.Transaction`.
    """

    def __init__(
        self, connection: sa.Connection, statements: Statements, clock: Clock, *, is_writable: bool
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._clock = clock
        self._is_writable = is_writable
        self._is_ended = False
        self.is_stale = False

    def get(self, kind: type[R], key: str, *, lock: bool = False) -> R | None:
        self._check(writing=lock)
        statement = self._statements.get[kind]
        if lock and self._statements.is_postgresql:
            statement = statement.with_for_update()
        found = self._connection.execute(statement, {"k": key}).first()
        return None if found is None else _record(kind, found)

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
        table = self._statements.tables.rows[kind]
        statement = sa.select(table.c.version, table.c.body).where(table.c.key > after)
        if group is not None:
            statement = statement.where(table.c.grp == group)
        if states is not None:
            statement = statement.where(table.c.state.in_(list(states)))
        if due_before is not None:
            statement = statement.where(table.c.due_at <= microseconds(due_before))
        statement = statement.order_by(table.c.key).limit(limit)
        if skip_locked and self._statements.is_postgresql:
            statement = statement.with_for_update(skip_locked=True)
        return tuple([_record(kind, row) for row in self._connection.execute(statement)])

    def put(self, record: R) -> R:
        self._check(writing=True)
        kind = type(record)
        new = evolve(record, version=record.version + 1)
        due = None if new.due_at is None else microseconds(new.due_at)
        body = encode(new).decode()
        if record.version == 0:
            values: dict[str, Any] = {
                "key": new.key, "grp": new.group, "state": new.state, "due_at": due,
                "version": 1, "body": body,
            }  # fmt: skip
            done = self._connection.execute(self._statements.insert[kind], values)
        else:
            values = {
                "k": new.key, "v": record.version, "grp_": new.group, "state_": new.state,
                "due_at_": due, "version_": new.version, "body_": body,
            }  # fmt: skip
            done = self._connection.execute(self._statements.update[kind], values)
        if done.rowcount != 1:
            self.is_stale = True
            raise stale(kind)
        return new

    def delete(self, kind: type[Row], key: str) -> None:
        self._check(writing=True)
        self._connection.execute(self._statements.delete[kind], {"k": key})

    def append(self, entry: Entry) -> None:
        self._check(writing=True)
        values = {
            "scope": entry.scope, "seq": entry.seq, "at": microseconds(entry.at),
            "currency": entry.currency, "cause": entry.cause,
            "lines": encode_lines(entry.lines).decode(), "previous": entry.previous,
            "digest": entry.digest,
        }  # fmt: skip
        if self._connection.execute(self._statements.append, values).rowcount != 1:
            self.is_stale = True
            raise stale(Entry)

    def entries(self, scope: str) -> tuple[Entry, ...]:
        self._check(writing=False)
        found = self._connection.execute(self._statements.entries, {"s": scope})
        return tuple([entry_of(row) for row in found])

    def select_entries(self, place: dict[str, Any], limit: int) -> list[Entry]:
        """
        Return up to *limit* entries of all chains from behind *place*.
        """
        self._check(writing=False)
        found = self._connection.execute(self._statements.stream.limit(limit), place)
        return [entry_of(row) for row in found]

    def now(self) -> datetime:
        self._check(writing=False)
        if not self._statements.is_postgresql:
            return self._clock()
        now: datetime = self._connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return now

    def _check(self, *, writing: bool) -> None:
        if self._is_ended:
            raise ended()
        if writing and not self._is_writable:
            raise read_only()

    def end(self) -> None:
        """
        Refuse any further use.
        """
        self._is_ended = True


def _record(kind: type[R], row: sa.Row[Any]) -> R:
    record = decode(kind, row.body)
    return record if record.version == row.version else evolve(record, version=row.version)
