"""
How is one transaction of a store spoken in SQL?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar

import sqlalchemy as sa
from attrs import evolve

from issuing_disburse.convert import decode, decode_lines, encode, encode_lines
from issuing_disburse.exceptions import StoreError
from issuing_disburse.ledger import Entry
from issuing_disburse.ports import Clock, EntryRow
from issuing_disburse.rows import Row

from .driver_errors import store_error
from .promises import check_find, ended, read_only, stale, time_is_up
from .schema import microseconds, moment
from .statements import PAGE, Driver, Spoken, Statements

R = TypeVar("R", bound=Row)


class SQLTransaction:
    """
    One transaction on one connection; see `issuing_disburse.ports.Transaction`.

    What it has read under a lock, or written itself, it does not ask for again.

    Args:
        clock: ``None`` asks the database for the time.
        deadline: Monotonic seconds; nothing is begun or kept after it.
        is_alone: Whether nobody else can write or no change of others is seen, so that
            everything that was read stays true until the end.
        locks_always: Whether every `get` locks, as after losing against another writer.

    Attributes:
        failure: What went wrong inside it, even if the work swallowed that: nothing may be kept.
        is_broken: Whether it was the database that failed.
        contended: The table in which somebody else wrote first.
    """

    def __init__(
        self,
        driver: Driver,
        statements: Statements,
        clock: Clock | None,
        *,
        is_writable: bool,
        deadline: float,
        is_alone: bool,
        locks_always: bool = False,
    ) -> None:
        self._driver = driver
        self._statements = statements
        self._clock = clock
        self._is_writable = is_writable
        self._deadline = deadline
        self._is_alone = is_alone
        self._locks_always = locks_always
        self._is_ended = False
        self._held: dict[tuple[type[Row], str], Row | None] = {}
        self.failure: StoreError | None = None
        self.is_broken = False
        self.contended: str | None = None

    def get(self, kind: type[R], key: str, *, lock: bool = False) -> R | None:
        self._check(writing=lock)
        place = kind, key
        if place in self._held:
            held: R | None = self._held[place]  # type: ignore[assignment]  # kept under its kind
            return held
        statements = self._statements.of(kind)
        locks = lock or self._locks_always
        rows = self._rows(statements.lock if locks else statements.get, {"its_key": key})
        found = decode(kind, rows[0][0]) if rows else None
        if self._is_alone or (locks and found is not None):
            self._held[place] = found
        return found

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
        found = self.bodies(
            kind, group=group, states=states, due_before=due_before, after=after, limit=limit,
            skip_locked=skip_locked,
        )  # fmt: skip
        return tuple([decode(kind, body) for body in found])

    def bodies(
        self,
        kind: type[Row],
        *,
        group: str | None = None,
        states: Sequence[str] | None = None,
        due_before: datetime | None = None,
        after: str = "",
        limit: int = 100,
        skip_locked: bool = False,
    ) -> Sequence[str]:
        """
        Return what `find` would return, as it is kept: JSON.
        """
        self._check(writing=skip_locked)
        check_find(states=states, due_before=due_before, limit=limit)
        if states is not None and not states:
            return ()
        statement = self._statements.of(kind).find(
            by_group=group is not None,
            states=None if states is None else len(states),
            by_due=due_before is not None,
            skip_locked=skip_locked,
        )
        values: dict[str, object] = {"after": after, "most": limit}
        if group is not None:
            values["grp"] = group
        for number, state in enumerate(states or ()):
            values[f"state_{number}"] = state
        if due_before is not None:
            values["due_before"] = microseconds(due_before)
        return [row[0] for row in self._rows(statement, values)]

    def put(self, record: R) -> R:
        self._check(writing=True)
        kind, key = type(record), record.key
        statements = self._statements.of(kind)
        new = evolve(record, version=record.version + 1)
        values: dict[str, object] = {"version": new.version, "body": encode(new).decode()}
        old = self._held.get((kind, key))
        if old is not None and old.version == record.version and _columns(old) == _columns(new):
            values |= {"its_key": key, "its_version": record.version}
            written = self._change(statements.rewrite, values)
        else:
            values |= _columns(new)
            if record.version:
                values |= {"its_key": key, "its_version": record.version}
                written = self._change(statements.update, values)
            else:
                written = self._change(statements.insert, values | {"key": key})
        if written != 1:
            raise self._overtaken(kind, statements.table)
        self._held[kind, key] = new
        return new

    def delete(self, kind: type[Row], key: str) -> None:
        self._check(writing=True)
        self._change(self._statements.of(kind).delete, {"its_key": key})
        self._held[kind, key] = None

    def append(self, entry: Entry) -> None:
        self._check(writing=True)
        values = {
            "scope": entry.scope, "seq": entry.seq, "at": microseconds(entry.at),
            "currency": entry.currency, "cause": entry.cause,
            "lines": encode_lines(entry.lines).decode(), "previous": entry.previous,
            "digest": entry.digest,
        }  # fmt: skip
        if self._change(self._statements.append, values) != 1:
            raise self._overtaken(Entry, self._statements.tables.entry)

    def entries(self, scope: str) -> tuple[Entry, ...]:
        self._check(writing=False)
        rows = self._rows(self._statements.entries, {"its_scope": scope})
        return tuple([_entry(row) for row in rows])

    def entries_after(self, scope: str, seq: int) -> tuple[Entry, ...]:
        """
        Return the next page of the entries of all chains.
        """
        return tuple([_entry(row) for row in self.rows_after(scope, seq)])

    def rows_after(self, scope: str, seq: int) -> Sequence[EntryRow]:
        """
        Return them as they are kept.
        """
        self._check(writing=False)
        values = {"its_scope": scope, "its_seq": seq, "most": PAGE}
        return self._rows(self._statements.stream, values)

    def now(self) -> datetime:
        self._check(writing=False)
        if self._clock is not None:
            return self._clock()
        at: datetime = self._rows(self._statements.now, {})[0][0]
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

    def _rows(self, statement: Spoken, values: Mapping[str, object]) -> Sequence[Any]:
        if self.failure is not None:
            raise self.failure
        try:
            return statement.run(self._driver, values).fetchall()
        except self._statements.error as exc:
            raise self._broken(exc) from exc

    def _change(self, statement: Spoken, values: Mapping[str, object]) -> int:
        if self.failure is not None:
            raise self.failure
        try:
            return statement.run(self._driver, values).rowcount
        except self._statements.error as exc:
            raise self._broken(exc) from exc

    def _broken(self, error: Exception) -> StoreError:
        self.failure, self.is_broken = store_error(error), True
        return self.failure


def _columns(record: Row) -> dict[str, object]:
    due_at = record.due_at
    return {
        "grp": record.group, "state": record.state,
        "due_at": None if due_at is None else microseconds(due_at),
    }  # fmt: skip


def _entry(row: Sequence[Any]) -> Entry:
    scope, seq, at, currency, cause, lines, previous, digest = row
    return Entry(
        scope=scope, seq=seq, at=moment(at), currency=currency, cause=cause,
        lines=decode_lines(lines), previous=previous, digest=digest,
    )  # fmt: skip
