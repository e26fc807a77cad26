"""
Is anything paid twice, or lost, when the database fails in the middle of a disbursement?

Each failure is a `StoreError` with a remedy. Once the database is mended, the same order is handed in
again, and everything is there once.
"""

import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, event

from issuing_disburse import Status
from issuing_disburse.exceptions import StoreError, StoreMismatchError, StoreTimeoutError
from issuing_disburse.stores import open_store
from meddling import ImpatientStore, MeddlingClient
from postgres import NoServerError, Server
from world import World, make_order, open_world

LEASE = timedelta(seconds=121)
MOMENT_SECONDS = 0.01  # for leases by a server's clock, which nobody can advance
ORDER = "claim-8841"
CALLS = range(1, 8)
EACH_CALL = [
    call if call in {1, 4} else pytest.param(call, marks=pytest.mark.long) for call in CALLS
]


def is_refused(world: World, meddle: Callable[[], None], nth: int, **options: Any) -> StoreError:
    """
    Disburse while *meddle* spoils the database before the nth request; return the error.
    """
    client = MeddlingClient(world.client, nth, meddle)
    with world.connect(http_client=client, **options) as disburser:
        with pytest.raises(StoreError) as caught:
            disburser.disburse(make_order())
        return caught.value


def check_paid_once(world: World, store: str, *, others: int = 0) -> None:
    """
    Hand the order in again, on a database that works, and count what there is.
    """
    world.simulator.clock.advance(LEASE)  # as long as the worker that failed may have had it
    with world.connect(store=store) as disburser:
        assert Status.ACTIVE is disburser.disburse(make_order()).status
        assert 1 + others == len(world.simulator.objects("card", world.account))
        assert 1 + others == len(world.simulator.objects("transfer"))
        assert 1 + others == len(world.simulator.objects("balance_transfer", world.account))
        assert 12_500 * (1 + others) == world.simulator.issuing_balance(world.account)
        assert disburser.statement(ORDER).is_balanced
        assert () == disburser.reconcile().discrepancies


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """
    A file that is a store already.
    """
    path = tmp_path / "store.sqlite3"
    with open_world() as world:
        open_store(f"sqlite:///{path}", clock=world.simulator.clock.now).close()
    return path


@pytest.fixture
def world() -> Iterator[World]:
    """
    A world whose own disburser keeps its books elsewhere: the tests connect others.
    """
    with open_world() as world:
        yield world


def test_orders_are_paid_once_when_the_disk_was_full(world: World, path: Path) -> None:
    """With room for no page more, one more, two more ...: each time it fails somewhere else."""
    url = f"sqlite:///{path}"
    with closing(sqlite3.connect(path)) as raw:
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
    number = 0
    for room in range(12):
        engine = create_engine(url)

        @event.listens_for(engine, "connect")
        def limit(raw: Any, _: object, most: int = pages + room) -> None:
            raw.execute(f"PRAGMA max_page_count = {most}")

        with world.connect(store=engine) as disburser:
            with pytest.raises(StoreError, match="make room") as caught:  # noqa: PT012 - any of them
                for each in range(number, 100):
                    disburser.disburse(make_order(f"claim-{each}"))
                    number = each + 1
            assert "full" == caught.value.code
        engine.dispose()
        world.simulator.clock.advance(LEASE)

    with world.connect(store=url) as disburser:
        disburser.disburse(make_order(f"claim-{number}"))
        assert number + 1 == len(world.simulator.objects("card", world.account))
        assert number + 1 == len(world.simulator.objects("transfer"))
        assert number + 1 == len(world.simulator.objects("balance_transfer", world.account))
        assert () == disburser.reconcile().discrepancies


@pytest.mark.parametrize("nth", EACH_CALL)
def test_order_is_paid_once_when_the_file_was_locked(world: World, path: Path, nth: int) -> None:
    """Another process that keeps the lock makes it fail in time, wherever it happens."""
    locker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    store = ImpatientStore(open_store(f"sqlite:///{path}", clock=world.simulator.clock.now))

    with closing(locker):
        error = is_refused(world, lambda: locker.execute("BEGIN IMMEDIATE"), nth, store=store)

        assert isinstance(error, StoreTimeoutError)
        assert "PostgreSQL" in str(error)
        locker.rollback()
    store.close()
    check_paid_once(world, f"sqlite:///{path}")


def test_nothing_is_sent_when_the_file_is_read_only(world: World, path: Path) -> None:
    """The first write fails before the first call with an effect."""
    error = is_refused(world, lambda: None, 1, store=f"sqlite:///file:{path}?mode=ro&uri=true")

    assert "read_only" == error.code
    assert "right to write" in str(error)
    assert [] == world.simulator.objects("cardholder", world.account)
    check_paid_once(world, f"sqlite:///{path}")


@pytest.mark.parametrize("nth", EACH_CALL[:4])  # recipient and account are known already
def test_order_is_paid_once_when_an_older_backup_was_restored(
    world: World, path: Path, nth: int
) -> None:
    """A file that is damaged on the way is replaced by a backup that knows nothing of the order."""
    with world.connect(store=f"sqlite:///{path}") as disburser:
        disburser.disburse(make_order("claim-1"))
    backup = path.read_bytes()

    def damage() -> None:
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            size = raw.execute("PRAGMA page_size").fetchone()[0]
        with path.open("r+b") as file:
            file.seek(size)
            file.write(b"\xff" * (path.stat().st_size - size))

    error = is_refused(world, damage, nth, store=f"sqlite:///{path}")

    assert error.code in {"corrupt", "schema"}
    assert "backup" in str(error) or "look at" in str(error)
    for leftover in path.parent.glob(f"{path.name}-*"):
        leftover.unlink()
    path.write_bytes(backup)
    check_paid_once(world, f"sqlite:///{path}", others=1)


def test_nothing_is_sent_when_the_tables_are_of_another_version(world: World, path: Path) -> None:
    """Two versions of the library at once: the older one refuses, and says what to install."""
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE issuing_disburse_meta SET value = '99'")
        raw.commit()

    with pytest.raises(StoreMismatchError, match="install the newer version"):
        world.connect(store=f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE issuing_disburse_meta SET value = '1'")
        raw.commit()
    check_paid_once(world, f"sqlite:///{path}")


@contextmanager
def own_server() -> Iterator[Server]:
    """
    A server that may be stopped, because nobody else uses it.
    """
    try:
        server = Server.started()
    except NoServerError as exc:
        pytest.skip(str(exc))
    try:
        yield server
    finally:
        server.remove()


@pytest.mark.long
def test_order_is_paid_once_when_the_server_crashed_on_the_way() -> None:
    """PostgreSQL is killed before each of the requests in turn, and started again."""
    with own_server() as server:
        for nth in CALLS:
            url = server.new_schema_url()
            with open_world() as world:
                error = is_refused(
                    world,
                    lambda: server.stop(signal.SIGQUIT),
                    nth,
                    store=url,
                    lease_seconds=MOMENT_SECONDS,
                )

                assert "repeat" in str(error)
                assert error.code in {"gone", "commit_unknown"}
                server.start()
                check_paid_once(world, url)


@pytest.mark.parametrize("nth", EACH_CALL)
def test_nobody_notices_when_connections_are_cut_between_calls(
    world: World, postgres_server: Server, nth: int
) -> None:
    """Cut while Stripe is asked, when no transaction is open: the next one takes a new connection."""
    url = f"{postgres_server.new_schema_url()}&application_name=cut_{nth}"

    def cut() -> None:
        with psycopg.connect(postgres_server.url, autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = %s",
                (f"cut_{nth}",),
            )

    client = MeddlingClient(world.client, nth, cut)
    with world.connect(store=url, http_client=client) as disburser:
        assert Status.ACTIVE is disburser.disburse(make_order()).status
    check_paid_once(world, url)


@pytest.mark.parametrize("nth", EACH_CALL)
def test_order_is_paid_once_when_a_table_was_locked(
    world: World, postgres_server: Server, nth: int
) -> None:
    """A migration of somebody's that holds the tables makes it fail in time."""
    url = postgres_server.new_schema_url()
    store = ImpatientStore(open_store(url, clock=world.simulator.clock.now))
    with psycopg.connect(url) as locker:

        def hold() -> None:
            locker.execute(
                "LOCK TABLE issuing_disburse_step, issuing_disburse_disbursement, "
                "issuing_disburse_identity IN ACCESS EXCLUSIVE MODE"
            )

        error = is_refused(world, hold, nth, store=store, lease_seconds=MOMENT_SECONDS)

        assert isinstance(error, StoreTimeoutError)
        assert "in time" in str(error) or "time was up" in str(error)
        locker.rollback()
    store.close()
    check_paid_once(world, url)


def test_interrupted_thread_leaves_no_transaction_behind(world: World, path: Path) -> None:
    """Ctrl-C inside a request: what was written before is there, and others go on."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    client = MeddlingClient(world.client, 4, interrupt)
    with world.connect(store=f"sqlite:///{path}", http_client=client) as disburser:
        failed = threading.Event()

        def work() -> None:
            with suppress(KeyboardInterrupt):
                disburser.disburse(make_order())
            failed.set()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert failed.is_set()
        assert Status.ACTIVE is disburser.disburse(make_order("claim-2")).status
        assert Status.ACTIVE is disburser.disburse(make_order()).status
        assert 2 == len(world.simulator.objects("card", world.account))
        assert 2 == len(world.simulator.objects("transfer"))
        assert () == disburser.reconcile().discrepancies
