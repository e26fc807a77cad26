"""
In which tables does an SQL store keep its records, and of which version are they?

One table per kind, all of one shape: the key, what a store can be asked by, the version, and the
record as JSON. The ledger's entries have a table with columns of their own, for reports by SQL. Times
are microseconds since 1970 UTC, so that every database orders them alike; texts are ordered by code
point for the same reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import sqlalchemy as sa

from issuing_disburse.exceptions import InvalidInputError, StoreMismatchError
from issuing_disburse.records import RECORDS, Row

SCHEMA_VERSION = 1
"""What this version of the library writes."""

OLDEST_READABLE = 1
"""What it works with without an upgrade."""

PREFIX = "issuing_disburse_"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PREFIX = re.compile(r"[a-z_][a-z0-9_]{0,29}", re.ASCII)
_NAME = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def microseconds(at: datetime) -> int:
    """
    Return *at* as microseconds since 1970 UTC.
    """
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """
    Return the UTC time of *value* microseconds since 1970.
    """
    return _EPOCH + timedelta(microseconds=value)


Migration: TypeAlias = Callable[[sa.Connection, "Tables"], None]
"""Changes the tables of one version into those of the next."""

MIGRATIONS: dict[int, Migration] = {}
"""The way from each version to the next; there is only one version yet."""


class Tables:
    """
    The tables of one store, all names beginning with *prefix*. Making it touches no database.
    """

    def __init__(self, prefix: str = PREFIX) -> None:
        if not _PREFIX.fullmatch(prefix):
            raise InvalidInputError(
                "store.prefix",
                f"{prefix!r} cannot begin the names of tables",
                "use up to 30 lower-case letters, digits and underscores",
            )
        self.prefix = prefix
        self.metadata = sa.MetaData()
        self.meta = sa.Table(
            f"{prefix}meta",
            self.metadata,
            sa.Column("name", _NAME, primary_key=True),
            sa.Column("value", sa.Text, nullable=False),
        )
        self.rows: dict[type[Row], sa.Table] = {
            kind: self._row_table(f"{prefix}{kind.KIND}") for kind in RECORDS
        }
        self.entry = sa.Table(
            f"{prefix}entry",
            self.metadata,
            sa.Column("scope", _NAME, primary_key=True),
            sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("at", sa.BigInteger, nullable=False),
            sa.Column("currency", sa.String, nullable=False),
            sa.Column("cause", sa.String, nullable=False),
            sa.Column("lines", sa.Text, nullable=False),
            sa.Column("previous", sa.String, nullable=False),
            sa.Column("digest", sa.String, nullable=False),
        )

    def _row_table(self, name: str) -> sa.Table:
        table = sa.Table(
            name,
            self.metadata,
            sa.Column("key", _NAME, primary_key=True),
            sa.Column("grp", _NAME, nullable=False),
            sa.Column("state", _NAME, nullable=False),
            sa.Column("due_at", sa.BigInteger),
            sa.Column("version", sa.Integer, nullable=False),
            sa.Column("body", sa.Text, nullable=False),
        )
        is_due = table.c.due_at.is_not(None)
        sa.Index(f"{name}_grp", table.c.grp, table.c.key)
        sa.Index(f"{name}_state", table.c.state, table.c.key)
        sa.Index(
            f"{name}_due", table.c.due_at, table.c.state, table.c.key,
            sqlite_where=is_due, postgresql_where=is_due,
        )  # fmt: skip
        return table

    def stored_version(self, connection: sa.Connection) -> int | None:
        """
        Return the version of the tables that are there, ``None`` if there are none.
        """
        if not sa.inspect(connection).has_table(self.meta.name):
            return None
        mine = self.meta.c.name == "schema_version"
        found = connection.scalar(sa.select(self.meta.c.value).where(mine))
        return None if found is None else int(found)

    def hold(self, connection: sa.Connection) -> None:
        """
        Keep other processes from creating or upgrading until this transaction ends.
        """
        if connection.dialect.name == "postgresql":
            key = sa.func.hashtext(self.prefix)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))

    def create(self, connection: sa.Connection) -> None:
        """
        Make all tables, inside the caller's transaction.
        """
        self.metadata.create_all(connection)
        connection.execute(
            sa.insert(self.meta).values(name="schema_version", value=str(SCHEMA_VERSION))
        )

    def upgrade(
        self,
        connection: sa.Connection,
        version: int,
        *,
        to: int = SCHEMA_VERSION,
        migrations: Mapping[int, Migration] = MIGRATIONS,
    ) -> None:
        """
        Bring tables of an older *version* to ours, inside the caller's transaction.

        Raises:
            StoreMismatchError: No way leads there.
        """
        for step in range(version, to):
            if step not in migrations:
                raise StoreMismatchError(
                    f"the store's schema is version {version}, from which this library knows no "
                    "way to its own: upgrade with an older version of the library first",
                    code="schema_version",
                )
            migrations[step](connection, self)
        mine = self.meta.c.name == "schema_version"
        connection.execute(sa.update(self.meta).where(mine).values(value=str(to)))


def check_version(version: int) -> None:
    """
    Refuse tables that this version of the library cannot work with.

    Raises:
        StoreMismatchError: They are too old or too new; says what to do.
    """
    if version > SCHEMA_VERSION:
        raise StoreMismatchError(
            f"the store's schema is version {version}, this library knows up to {SCHEMA_VERSION}: "
            "install the newer version of the library that upgraded it",
            code="schema_version",
        )
    if version < OLDEST_READABLE:
        raise StoreMismatchError(
            f"the store's schema is version {version}, this library needs {OLDEST_READABLE}: make "
            "a backup, then run `issuing-disburse store upgrade`",
            code="schema_version",
        )
