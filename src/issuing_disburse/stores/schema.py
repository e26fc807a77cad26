"""
In which tables does an SQL store keep its records?

One table per kind, all of one shape: the key, what a store can be asked by, the version, and the
record as JSON. The ledger's entries have a table with columns of their own, for reports by SQL. Times
are microseconds since 1970 UTC, so that every database orders them alike.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from issuing_disburse.records import RECORDS, Row

SCHEMA_VERSION = 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """
    Return *at* as microseconds since 1970 UTC.
    """
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """
    Return the UTC time of *value* microseconds since 1970.
    """
    return _EPOCH + value * _MICROSECOND


class Tables:
    """
    The tables of one store, all names beginning with *prefix*.
    """

    def __init__(self, prefix: str) -> None:
        self.metadata = sa.MetaData()
        self.meta = sa.Table(
            f"{prefix}meta",
            self.metadata,
            sa.Column("name", sa.String(40), primary_key=True),
            sa.Column("value", sa.Text, nullable=False),
        )
        self.rows: dict[type[Row], sa.Table] = {
            kind: self._row_table(f"{prefix}{kind.KIND}") for kind in RECORDS
        }
        self.entry = sa.Table(
            f"{prefix}entry",
            self.metadata,
            sa.Column("scope", sa.String(600), primary_key=True),
            sa.Column("seq", sa.Integer, primary_key=True),
            sa.Column("at", sa.BigInteger, nullable=False),
            sa.Column("currency", sa.String(3), nullable=False),
            sa.Column("cause", sa.Text, nullable=False),
            sa.Column("lines", sa.Text, nullable=False),
            sa.Column("previous", sa.String(64), nullable=False),
            sa.Column("digest", sa.String(64), nullable=False),
        )

    def _row_table(self, name: str) -> sa.Table:
        return sa.Table(
            name,
            self.metadata,
            sa.Column("key", sa.String(600), primary_key=True),
            sa.Column("grp", sa.String(600), nullable=False),
            sa.Column("state", sa.String(40), nullable=False),
            sa.Column("due_at", sa.BigInteger),
            sa.Column("version", sa.Integer, nullable=False),
            sa.Column("body", sa.Text, nullable=False),
            sa.Index(f"{name}_grp", "grp", "key"),
            sa.Index(f"{name}_state", "state", "due_at"),
        )
