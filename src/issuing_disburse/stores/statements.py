"""
Which statements does a store speak, and how do they reach the driver?

They are SQLAlchemy's, built and compiled once, and then handed to the driver as they are: SQLAlchemy's
way of executing would cost more than most of them do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

from issuing_disburse.exceptions import StoreError
from issuing_disburse.rows import Row

from .schema import Tables

PAGE = 1_000
"""How many ledger entries are read at a time."""


class Cursor(Protocol):
    """
    What a driver answers. Rows come as the driver reads them; who asks names the columns.
    """

    @property
    def rowcount(self) -> int:
        """
        How many rows were written.
        """
        ...

    def fetchone(self) -> Any:  # Any: see the class
        """
        Return the next row, or ``None``.
        """
        ...

    def fetchall(self) -> Sequence[Any]:  # Any: see the class
        """
        Return all rows that are left.
        """
        ...


class Driver(Protocol):
    """
    A connection as sqlite3 and psycopg have it, in autocommit mode.
    """

    def execute(self, text: str, values: Any = ..., /) -> Cursor:  # Any: by position or by name
        """
        Have one statement run.
        """
        ...


@frozen
class Spoken:
    """
    One statement as the driver takes it.

    Attributes:
        order: The names of its values in their places; ``None`` where the driver knows names.
        fixed: The values that SQLAlchemy gave it, such as an offset of nothing.
    """

    text: str
    order: tuple[str, ...] | None
    fixed: Mapping[str, object]

    def run(self, driver: Driver, values: Mapping[str, object]) -> Cursor:
        """
        Have it run with *values*, by name.
        """
        if self.fixed:
            values = {**self.fixed, **values}
        if self.order is None:
            return driver.execute(self.text, values)
        return driver.execute(self.text, [values[name] for name in self.order])


Speak: TypeAlias = Callable[[sa.ClauseElement], Spoken]


def speaker(dialect: sa.Dialect) -> Speak:
    """
    Return the function that compiles statements for *dialect*.
    """

    def speak(statement: sa.ClauseElement) -> Spoken:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - what is not DDL is compiled by one
        order = compiled.positiontup
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        return Spoken(str(compiled), None if order is None else tuple(order), fixed)

    return speak


class Statements:
    """
    The statements of one store, each compiled once.

    Attributes:
        error: The class of all of the driver's errors.
    """

    def __init__(self, tables: Tables, dialect: sa.Dialect) -> None:
        self.tables = tables
        self.error: type[Exception] = dialect.loaded_dbapi.Error
        self._is_postgresql = dialect.name == "postgresql"
        self._speak = speak = speaker(dialect)
        self._kinds: dict[type[Row], KindStatements] = {}
        self.now = speak(sa.select(sa.func.clock_timestamp()))
        entry = tables.entry
        self.append = speak(_insert(entry, is_postgresql=self._is_postgresql))
        mine = entry.c.scope == sa.bindparam("its_scope")
        self.entries = speak(sa.select(entry).where(mine).order_by(entry.c.seq))
        place = sa.tuple_(
            sa.bindparam("its_scope", type_=sa.String), sa.bindparam("its_seq", type_=sa.Integer)
        )
        self.stream = speak(
            sa.select(entry)
            .where(sa.tuple_(entry.c.scope, entry.c.seq) > place)
            .order_by(entry.c.scope, entry.c.seq)
            .limit(sa.bindparam("most", type_=sa.Integer))
        )

    def of(self, kind: type[Row]) -> KindStatements:
        """
        Return the statements for the records of one kind.
        """
        found = self._kinds.get(kind)
        if found is None:
            if kind not in self.tables.rows:
                raise StoreError(f"the store has no table for a {kind.__name__}", code="schema")
            found = KindStatements(
                self.tables.rows[kind], self._speak, is_postgresql=self._is_postgresql
            )
            self._kinds[kind] = found
        return found


class KindStatements:
    """
    The statements for the records of one kind.

    Attributes:
        rewrite: Updates a record of which only the content has changed, and so leaves the indexes
            alone.
    """

    def __init__(self, table: sa.Table, speak: Speak, *, is_postgresql: bool) -> None:
        self.table = table
        self._speak = speak
        self._is_postgresql = is_postgresql
        mine = table.c.key == sa.bindparam("its_key")
        get = sa.select(table.c.body).where(mine)
        self.get = speak(get)
        self.lock = speak(get.with_for_update()) if is_postgresql else self.get
        self.insert = speak(_insert(table, is_postgresql=is_postgresql))
        update = sa.update(table).where(mine, table.c.version == sa.bindparam("its_version"))
        columns = ("grp", "state", "due_at", "version", "body")
        self.update = speak(update.values({name: sa.bindparam(name) for name in columns}))
        self.rewrite = speak(update.values({name: sa.bindparam(name) for name in columns[3:]}))
        self.delete = speak(sa.delete(table).where(mine))
        self._finds: dict[tuple[object, ...], Spoken] = {}

    def find(
        self, *, by_group: bool, states: int | None, by_due: bool, skip_locked: bool
    ) -> Spoken:
        """
        Return the question of that shape; *states* is how many of them are asked for.
        """
        shape = (by_group, states, by_due, skip_locked)
        found = self._finds.get(shape)
        if found is None:
            question = self._find(
                by_group=by_group, states=states, by_due=by_due, skip_locked=skip_locked
            )
            found = self._finds[shape] = self._speak(question)
        return found

    def _find(
        self, *, by_group: bool, states: int | None, by_due: bool, skip_locked: bool
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
        if states is not None:
            wanted = wanted.where(
                state.in_([sa.bindparam(f"state_{number}") for number in range(states)])
            )
        if by_due:
            wanted = wanted.where(table.c.due_at <= sa.bindparam("due_before"))
        wanted = wanted.limit(sa.bindparam("most", type_=sa.Integer))
        if skip_locked and self._is_postgresql:
            wanted = wanted.with_for_update(skip_locked=True)
        return wanted

    def _plain(self, column: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        # SQLite has no statistics here; a plus sign keeps a column from choosing an index.
        return column if self._is_postgresql else sa.UnaryExpression(column, operator=_PLUS)


def _insert(table: sa.Table, *, is_postgresql: bool) -> sa.Insert:
    """
    Return an insert that writes nothing when the key is taken, and tells by its row count.
    """
    dialect = postgresql if is_postgresql else sqlite
    written: sa.Insert = dialect.insert(table).on_conflict_do_nothing()
    return written


_PLUS: sa.sql.operators.custom_op[str] = sa.sql.operators.custom_op("+", precedence=8)
