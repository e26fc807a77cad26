"""
Which store does this text, engine or object mean?
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.hidden import Hidden
from issuing_disburse.ports import Clock, Store

if TYPE_CHECKING:
    from sqlalchemy import Engine

_MEMORY = "memory://"
_VERBS = ("transact", "read", "stream_entries", "close")


def open_store(store: str | Hidden | Store | Engine, *, clock: Clock) -> Store:
    """
    Open the store that *store* names, or pass it through if it is one.

    Args:
        store: ``memory://``, ``sqlite://``, ``sqlite:///file``, ``postgresql://…``, an SQLAlchemy
            engine (which stays the caller's), or a `issuing_disburse.ports.Store`. A URL may come hidden.

    Raises:
        InvalidInputError: It names no store.
        StoreError: The database cannot be opened.
    """
    if isinstance(store, str):
        store = Hidden(store)  # a password may be in it, and error reporters keep variables
    if isinstance(store, Hidden) and store.revealed() == _MEMORY:
        from .memory import MemoryStore  # noqa: PLC0415  # each store only when it is wanted

        return MemoryStore(clock=clock)
    if isinstance(store, Hidden) or _is_engine(store):
        from .sql import SQLStore  # noqa: PLC0415  # SQLAlchemy costs 100 ms

        return SQLStore(store, clock=clock)
    if _is_store(store):
        return store
    raise InvalidInputError(
        "store",
        f"{type(store).__name__} is no store",
        "pass a URL such as 'sqlite:///disbursements.sqlite3', an engine or a Store",
    )


def upgrade_store(store: str | Engine, *, prefix: str = "issuing_disburse_") -> tuple[int, int]:
    """
    Bring a database's tables to this library's version, or make them; make a backup first.

    Returns:
        The version that was there (0 for none) and the one that is there now.

    Raises:
        InvalidInputError: *store* names no database.
        StoreMismatchError: The tables are of a version from which no way leads here.
        StoreError: The database failed; nothing was changed.
    """
    from .sql import upgrade  # noqa: PLC0415  # SQLAlchemy costs 100 ms

    source = Hidden(store) if isinstance(store, str) else store
    del store  # a password may be in it, and error reporters keep variables
    return upgrade(source, prefix=prefix)


def _is_store(store: object) -> TypeGuard[Store]:
    # Not by `isinstance`: from Python 3.12 on that overlooks what a wrapper passes on by `__getattr__`.
    return all(callable(getattr(store, name, None)) for name in _VERBS)


def _is_engine(store: object) -> TypeGuard[Engine]:
    return type(store).__module__.startswith("sqlalchemy.")
