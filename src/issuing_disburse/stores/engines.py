"""
Which engine does a URL mean, and how must it be set up?
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from attrs import frozen
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool, StaticPool

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.hidden import Hidden

Synchronous: TypeAlias = Literal["FULL", "NORMAL"]
"""What SQLite waits for at a commit: until it is on the disk, or (after a power cut lost) not."""

_POSTGRESQL_URL = "'postgresql://user@host/database'"
_SQLITE_URL = "'sqlite:///disbursements.sqlite3'"
_KNOWN = f"{_SQLITE_URL} or {_POSTGRESQL_URL}"

# Nobody should wait for ever for a server that went away without a word (seconds; the last in ms).
_PATIENCE: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "issuing_disburse",
}


@frozen(kw_only=True)
class Opened:
    """
    An engine in autocommit mode, and what must be known about it.
    """

    engine: Engine
    is_own: bool
    is_sqlite: bool
    is_memory: bool


def open_engine(source: Hidden | Engine, *, synchronous: Synchronous, connections: int) -> Opened:
    """
    Return an engine for *source*, a URL out of sight or an engine; no connection is made yet.

    Raises:
        InvalidInputError: It names no database that the library can use.
    """
    if synchronous not in {"FULL", "NORMAL"}:
        raise InvalidInputError("store.synchronous", "is unknown", "use 'FULL' or 'NORMAL'")
    if isinstance(source, Engine):
        return _opened(_accepted(source), is_own=False)
    made = _made(source, synchronous, connections)
    if isinstance(made, Engine):
        return _opened(made, is_own=True)
    raise _refused(*made)


def hidden_url(source: str | URL | Hidden | Engine) -> Hidden | Engine:
    """
    Put a URL out of sight, for a password may be in it; an engine hides its own.
    """
    if isinstance(source, URL):
        return Hidden(source.render_as_string(hide_password=False))
    return source if isinstance(source, Hidden | Engine) else Hidden(source)


def _made(source: Hidden, synchronous: Synchronous, connections: int) -> Engine | tuple[str, str]:
    """
    Return an engine, or problem and remedy: what is raised outside of here has no URL in its frames.
    """
    text: object = source.revealed()
    if not isinstance(text, str):
        return f"{type(text).__name__} is no synchronous engine", "use create_engine()"
    try:
        url = make_url(text)
        if url.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
            return _postgresql(url, connections)
        if url.drivername in {"sqlite", "sqlite+pysqlite"}:
            return _sqlite(url, synchronous)
    except ArgumentError:
        return "is no database URL", f"use {_KNOWN}"
    except ModuleNotFoundError as exc:
        remedy = "pip install 'issuing-disburse[postgres]'"
        return f"the driver {exc.name} is not installed", remedy
    known = "postgresql+psycopg" if "postgres" in url.drivername else _KNOWN
    return f"{url.drivername} is not supported", f"use {known}"


def _opened(engine: Engine, *, is_own: bool) -> Opened:
    is_sqlite = engine.dialect.name == "sqlite"
    return Opened(
        engine=engine,
        is_own=is_own,
        is_sqlite=is_sqlite,
        is_memory=is_sqlite and _is_memory(engine.url),
    )


def _accepted(engine: Engine) -> Engine:
    if (engine.dialect.name, engine.dialect.driver) not in {
        ("sqlite", "pysqlite"),
        ("postgresql", "psycopg"),
    }:
        raise _refused(
            f"an engine for {engine.dialect.name} with {engine.dialect.driver} is not supported",
            "use sqlite or postgresql+psycopg",
        )
    if engine.dialect.name == "sqlite" and _is_memory(engine.url):
        shares = isinstance(engine.pool, StaticPool)
        if not shares:
            raise _refused(
                "an SQLite engine in memory gives each thread a database of its own",
                "create it with poolclass=StaticPool, connect_args={'check_same_thread': False}",
            )
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _postgresql(url: URL, connections: int) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={name: value for name, value in _PATIENCE.items() if name not in url.query},
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        max_overflow=0,
        pool_size=connections,
        pool_use_lifo=True,
    )


def _sqlite(url: URL, synchronous: Synchronous) -> Engine:
    if _is_memory(url):
        return create_engine(
            url,
            connect_args={"check_same_thread": False},
            hide_parameters=True,
            isolation_level="AUTOCOMMIT",
            poolclass=StaticPool,
        )
    engine = create_engine(
        url,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        max_overflow=-1,
        pool_size=8,
        poolclass=QueuePool,
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "connect")
    def set_up(raw: Any, record: object) -> None:  # Any: sqlite3 as SQLAlchemy types drivers
        raw.execute(f"PRAGMA synchronous = {synchronous}")
        raw.execute("PRAGMA secure_delete = ON")  # what is overwritten may be somebody's address

    return engine


def _is_memory(url: URL) -> bool:
    name = url.database or ":memory:"
    return name == ":memory:" or "mode=memory" in name or url.query.get("mode") == "memory"


def _refused(problem: str, remedy: str) -> InvalidInputError:
    return InvalidInputError("store", problem, remedy)
