"""
How does a database let go of what was overwritten in it?
"""

from __future__ import annotations

import sqlite3
from time import monotonic, sleep

from sqlalchemy.exc import SQLAlchemyError

from issuing_disburse.exceptions import StoreError

from .driver_errors import store_error
from .engines import Opened
from .sqlite_writer import driver_connection

_PATIENCE_SECONDS = 5.0
_REST_SECONDS = 0.01


def scrub(opened: Opened) -> None:
    """
    Empty SQLite's write-ahead log, whose old pages still hold what was overwritten since.

    The file itself holds none of it: engines of ours zero what they overwrite (``secure_delete``).
    An engine of somebody else's may not, so that its file is written anew. On PostgreSQL the dead
    rows go with its next vacuum.

    Raises:
        StoreError: A reader kept the log open for too long; call again.
    """
    if not opened.is_sqlite or opened.is_memory:
        return
    patience = monotonic() + _PATIENCE_SECONDS
    try:
        with opened.engine.connect() as connection:
            raw = driver_connection(connection)
            while not _scrubbed(raw, is_own=opened.is_own):
                if monotonic() > patience:
                    raise StoreError(
                        "a long read kept SQLite's log from being emptied: what was forgotten can "
                        "still be read from the file next to the database; call again",
                        code="not_scrubbed",
                    )
                sleep(_REST_SECONDS)
    except (SQLAlchemyError, sqlite3.Error) as exc:
        raise store_error(exc) from exc


def _scrubbed(raw: sqlite3.Connection, *, is_own: bool) -> bool:
    if not is_own:
        raw.execute("VACUUM")
    (is_busy, _, _) = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not is_busy
