"""
How is a store opened, and which ones are refused?
"""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from issuing_disburse.exceptions import InvalidInputError, StoreError, StoreMismatchError
from issuing_disburse.records import StepRecord
from issuing_disburse.stores import open_store, upgrade_store
from issuing_disburse.stores.memory import MemoryStore
from issuing_disburse.stores.schema import Tables
from issuing_disburse.stores.sql import SQLStore
from issuing_disburse.testing.store_builders import NOW, make_step, putting


def now():
    """
    Return the time of a clock that stands still.
    """
    return NOW


@pytest.fixture
def url(tmp_path: Path) -> str:
    """
    A file that is not there yet.
    """
    return f"sqlite:///{tmp_path}/store.sqlite3"


def set_version(url: str, version: str) -> None:
    """
    Make the tables of another version of the library.
    """
    open_store(url, clock=now).close()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE issuing_disburse_meta SET value = ?", (version,))
    connection.close()


def test_store_is_passed_through_when_it_is_one() -> None:
    """A store of the caller's is used as it is."""
    store = MemoryStore(clock=now)

    assert store is open_store(store, clock=now)


def test_store_is_in_memory_when_the_url_says_so() -> None:
    """Nothing is imported that is not needed."""
    code = (
        "import sys, datetime; from issuing_disburse.stores import open_store\n"
        "open_store('memory://', clock=lambda: datetime.datetime.now(datetime.UTC))\n"
        "print([name for name in ('sqlalchemy', 'cattrs', 'stripe') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)  # noqa: S603 - our own

    assert b"[]" == done.stdout.strip()


@pytest.mark.parametrize(
    ("store", "problem"),
    [
        ("disbursements.sqlite3", "no database URL"),
        ("", "no database URL"),
        ("mysql://root:secret-7@localhost/x", "mysql is not supported"),
        ("sqlite+pysqlcipher://:secret-7@/x", "sqlite[+]pysqlcipher is not supported"),
        ("postgresql+psycopg2://me:secret-7@localhost/x", "psycopg2 is not supported"),
        ("nonsense+driver://x", "not supported"),
        (None, "NoneType is no store"),
        (7, "int is no store"),
        (object(), "object is no store"),
    ],
)
def test_input_is_refused_when_it_is_no_store(store: object, problem: str) -> None:
    """The error names the field and what to pass instead, and never a password."""
    with pytest.raises(InvalidInputError, match=problem) as caught:
        open_store(store, clock=now)  # type: ignore[arg-type]  # the point
    assert "store" == caught.value.field
    assert "secret-7" not in str(caught.value)


def test_engine_is_refused_when_it_cannot_be_used() -> None:
    """Asynchronous engines, other drivers, and memory that threads do not share."""
    # What asks for it needs another package to be imported: its name has to do.
    asynchronous = type("AsyncEngine", (), {"__module__": "sqlalchemy.ext.asyncio.engine"})()
    each_thread_its_own = sa.create_engine("sqlite://")

    with pytest.raises(InvalidInputError, match="AsyncEngine is no synchronous engine"):
        open_store(asynchronous, clock=now)
    with pytest.raises(InvalidInputError, match="StaticPool"):
        open_store(each_thread_its_own, clock=now)


@pytest.mark.parametrize("prefix", ["", "Upper_", "1st_", 'x"; drop table', "a" * 31])
def test_prefix_is_refused_when_it_cannot_begin_a_name(url: str, prefix: str) -> None:
    """Only plain names come near a statement."""
    with pytest.raises(InvalidInputError, match=r"store\.prefix"):
        SQLStore(url, clock=now, prefix=prefix)


def test_synchronous_is_refused_when_it_is_unknown(url: str) -> None:
    """Only settings that survive a crash of the process are offered."""
    with pytest.raises(InvalidInputError, match="synchronous"):
        SQLStore(url, clock=now, synchronous="OFF")  # type: ignore[arg-type]  # the point


def test_stores_do_not_meet_when_they_share_a_database(url: str) -> None:
    """Two prefixes are two stores, and the application's own tables stay as they are."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE orders (id INTEGER)")
        connection.exec_driver_sql("INSERT INTO orders VALUES (7)")
    one = SQLStore(engine, clock=now)
    other = SQLStore(engine, clock=now, prefix="other_")
    one.transact(putting(make_step("card")))

    assert () == other.read(lambda tx: tx.find(StepRecord))
    one.close()
    other.close()
    with engine.connect() as connection:
        assert [(7,)] == connection.exec_driver_sql("SELECT * FROM orders").all()
        names = sa.inspect(connection).get_table_names()
    assert {"orders"} == {
        name for name in names if not name.startswith(("issuing_disburse_", "other_"))
    }
    engine.dispose()


@pytest.mark.parametrize(
    ("version", "remedy"),
    [("2", "install the newer version"), ("0", "issuing-disburse store upgrade")],
)
def test_schema_is_refused_when_it_is_of_another_version(
    url: str, version: str, remedy: str
) -> None:
    """Tables that this version cannot work with are not touched, and the error says what to do."""
    set_version(url, version)

    with pytest.raises(StoreMismatchError, match=remedy) as caught:
        open_store(url, clock=now)
    assert "schema_version" == caught.value.code


def test_upgrade_makes_tables_when_there_are_none(url: str) -> None:
    """The command can be run before anything else, and again."""
    assert (0, 1) == upgrade_store(url)
    assert (1, 1) == upgrade_store(url)
    open_store(url, clock=now).close()


@pytest.mark.parametrize(("version", "problem"), [("7", "newer version"), ("-3", "knows no way")])
def test_upgrade_is_refused_when_no_way_leads_there(url: str, version: str, problem: str) -> None:
    """Neither a newer schema nor one without a migration is touched."""
    set_version(url, version)

    with pytest.raises(StoreMismatchError, match=problem):
        upgrade_store(url)


def test_migrations_run_in_order_when_a_schema_is_old(url: str) -> None:
    """Each step is run once, and the version is written in the same transaction."""
    open_store(url, clock=now).close()
    engine = sa.create_engine(url)
    tables = Tables()
    ran: list[int] = []
    steps = {
        number: lambda connection, tables, number=number: ran.append(number)
        for number in range(1, 4)
    }

    with engine.begin() as connection:
        tables.upgrade(connection, 1, to=4, migrations=steps)
        assert 4 == tables.stored_version(connection)

    assert [1, 2, 3] == ran
    engine.dispose()


def test_file_is_left_alone_when_upgrading_fails(url: str) -> None:
    """What an upgrade could not finish, it did not begin."""
    Path(url.removeprefix("sqlite:///")).write_bytes(b"no database" * 100)

    with pytest.raises(StoreError):
        upgrade_store(url)


def test_nothing_is_printed_when_a_store_is_used(
    url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A library is silent."""
    store = open_store(url, clock=now)
    store.transact(putting(make_step("card")))
    store.close()

    assert ("", "") == capfd.readouterr()


def test_child_can_go_on_when_a_memory_store_was_forked() -> None:
    """A fork copies a store in memory; a lock that another thread held is no obstacle."""
    store = MemoryStore(clock=now)
    store.transact(putting(make_step("card")))

    child = os.fork()
    if child == 0:
        found = store.transact(lambda tx: len(tx.find(StepRecord)))
        os._exit(0 if found == 1 else 1)
    _, status = os.waitpid(child, 0)

    assert 0 == status
    store.transact(putting(make_step("other")))


def test_child_can_go_on_when_a_memory_store_was_forked_inside_a_work() -> None:
    """A work that forks is no deadlock for either of both."""
    store = MemoryStore(clock=now)

    def work(_: object) -> int:
        child = os.fork()
        if child == 0:
            os._exit(0)
        return os.waitpid(child, 0)[1]

    assert 0 == store.transact(work)


def test_store_is_taken_when_it_passes_on_what_another_one_has() -> None:
    """A wrapper that answers by `__getattr__` is a store, on every Python."""

    class Passing:
        def __init__(self) -> None:
            self._inner = MemoryStore(clock=now)

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    passing = Passing()

    assert passing is open_store(passing, clock=now)
