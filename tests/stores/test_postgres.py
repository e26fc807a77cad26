"""
What happens when PostgreSQL, the way to it or its other users misbehave?
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from attrs import evolve
from sqlalchemy import create_engine

from issuing_disburse.exceptions import StoreError, StoreMismatchError, StoreTimeoutError
from issuing_disburse.ports import Transaction
from issuing_disburse.records import PoolRecord, StepRecord
from issuing_disburse.stores.sql import SQLStore
from issuing_disburse.testing.store_builders import NOW, make_step, names, putting
from postgres import Server

PATIENCE_SECONDS = 30.0


def now():
    """
    Return the time of a clock that stands still.
    """
    return NOW


@pytest.fixture
def store(postgres_url: str) -> Iterator[SQLStore]:
    """
    An empty store.
    """
    store = SQLStore(postgres_url, clock=now)
    yield store
    store.close()


def kept(store: SQLStore) -> list[str]:
    """
    Return the names of all steps.
    """
    return names(store.read(lambda tx: tx.find(StepRecord, limit=10_000)))


def run_sql(url: str, *statements: str) -> None:
    """
    Be somebody else at the same database.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_store_comes_back_when_the_server_was_restarted() -> None:
    """A server that dies in mid-flight is a `StoreError`; nothing is kept; later all is well."""
    server = Server.started()
    try:
        store = SQLStore(server.url, clock=now)
        store.transact(putting(make_step("before")))

        def work(tx: Transaction) -> None:
            tx.put(make_step("during"))
            server.stop()
            tx.put(make_step("after"))

        with pytest.raises(StoreError, match="connection to the database was lost") as caught:
            store.transact(work)
        assert "gone" == caught.value.code
        assert isinstance(caught.value.__cause__, psycopg.Error)
        with pytest.raises(StoreError, match="connection to the database was lost"):
            kept(store)

        server.start()
        assert ["before"] == kept(store)
        store.transact(putting(make_step("later")))
        assert ["before", "later"] == kept(store)
        store.close()
    finally:
        server.remove()


def test_nobody_notices_when_idle_connections_were_cut(postgres_server: Server) -> None:
    """A pooled connection that died since it was used last is replaced."""
    url = postgres_server.new_schema_url()
    store = SQLStore(url, clock=now)
    store.transact(putting(make_step("before")))
    run_sql(
        url,
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'issuing_disburse'",
    )

    store.transact(putting(make_step("later")))

    assert ["before", "later"] == kept(store)
    store.close()


def test_error_names_the_remedy_when_there_is_no_server() -> None:
    """An address where nobody answers is told at once."""
    with pytest.raises(StoreError, match="connection") as caught:
        SQLStore("postgresql://tester@127.0.0.1:1/none", clock=now)
    assert "gone" == caught.value.code


DELAY = """
create or replace function wait_for_it() returns trigger as
$$ begin perform pg_sleep(20); return null; end $$ language plpgsql;
create constraint trigger slow after insert on issuing_disburse_step
deferrable initially deferred for each row execute function wait_for_it()
"""
SLEEPERS = "from pg_stat_activity where wait_event = 'PgSleep' and state = 'active'"


def wait_for_sleeper(url: str) -> None:
    """
    Return as soon as somebody's commit is under way.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(f"select 1 {SLEEPERS}").fetchone() is None:
            time.sleep(0.01)


def test_outcome_is_called_unknown_when_the_commit_was_cut_off(
    postgres_server: Server,
) -> None:
    """Losing the connection during the commit is told apart, and the message says what to do."""
    url = postgres_server.new_schema_url()
    store = SQLStore(url, clock=now)
    run_sql(url, DELAY)

    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(store.transact, putting(make_step("card")))
        wait_for_sleeper(url)
        run_sql(url, f"select pg_terminate_backend(pid) {SLEEPERS}")

    error = writing.exception()
    assert isinstance(error, StoreError)
    assert "commit_unknown" == error.code
    assert "repeat the same call" in str(error)
    run_sql(url, "drop trigger slow on issuing_disburse_step")
    assert 1 == store.transact(putting(make_step("card")))
    store.close()


def test_reading_goes_on_when_the_database_is_read_only(postgres_url: str) -> None:
    """A replica, or a database that may not be written to, still answers."""
    SQLStore(postgres_url, clock=now).close()
    url = postgres_url + "%20-cdefault_transaction_read_only%3Don"
    store = SQLStore(url, clock=now)

    assert [] == kept(store)
    with pytest.raises(StoreError, match="primary server") as caught:
        store.transact(putting(make_step("card")))
    assert "read_only" == caught.value.code
    store.close()


def test_error_names_the_remedy_when_rights_are_missing(postgres_server: Server) -> None:
    """A role that may not see the tables gets a `StoreError`."""
    url = postgres_server.new_schema_url()
    SQLStore(url, clock=now).close()
    schema = url.rpartition("%3D")[2]
    run_sql(url, "create role stranger login", f"grant usage on schema {schema} to stranger")

    with pytest.raises(StoreError, match="rights") as caught:
        SQLStore(url.replace("tester@", "stranger@"), clock=now)
    assert "not_opened" == caught.value.code


def test_error_names_the_remedy_when_a_table_is_missing(postgres_server: Server) -> None:
    """A schema with a hole is no crash."""
    url = postgres_server.new_schema_url()
    store = SQLStore(url, clock=now)
    run_sql(url, "drop table issuing_disburse_step")

    with pytest.raises(StoreMismatchError, match="store upgrade"):
        kept(store)
    store.close()


def test_text_is_refused_when_the_database_cannot_keep_it(store: SQLStore) -> None:
    """PostgreSQL keeps no NUL; the store says so and stays usable."""
    with pytest.raises(StoreError, match="unprintable") as caught:
        store.transact(putting(make_step("nul\x00")))
    assert "content" == caught.value.code
    assert "nul" not in str(caught.value)
    store.transact(putting(make_step("card")))
    assert ["card"] == kept(store)


def test_both_are_kept_when_two_works_lock_crosswise(store: SQLStore) -> None:
    """The victim of a deadlock is run again."""
    first, second = make_step("a"), make_step("b")
    for step in (first, second):
        store.transact(putting(step))
    meeting = threading.Barrier(2)
    tries: list[str] = []

    def lock(mine: str, other: str) -> None:
        def work(tx: Transaction) -> None:
            tries.append(mine)
            tx.get(StepRecord, mine, lock=True)
            if len(tries) <= 2:
                meeting.wait(PATIENCE_SECONDS)
            step = tx.get(StepRecord, other, lock=True)
            assert step is not None
            tx.put(evolve(step, fence=step.fence + 1))

        store.transact(work)

    with ThreadPoolExecutor(2) as threads:
        for one in [
            threads.submit(lock, first.key, second.key),
            threads.submit(lock, second.key, first.key),
        ]:
            one.result()

    assert len(tries) > 2  # who was given up may meet the other one once more
    assert [1, 1] == [step.fence for step in store.read(lambda tx: tx.find(StepRecord))]


def test_work_is_divided_when_workers_skip_what_others_hold(store: SQLStore) -> None:
    """Two workers that ask at once get different records, and neither waits."""
    for number in range(10):
        store.transact(putting(make_step(f"{number}")))
    meeting = threading.Barrier(2)

    def take(_: int) -> list[str]:
        def work(tx: Transaction) -> list[str]:
            found = tx.find(StepRecord, states=["intended"], limit=5, skip_locked=True)
            meeting.wait(PATIENCE_SECONDS)
            return [tx.put(evolve(step, progress="done")).name for step in found]

        return store.transact(work)

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(take, range(2))

    assert 5 == len(first) == len(second)
    assert 10 == len({*first, *second})


def test_time_is_the_databases_when_leases_are_shared(postgres_url: str) -> None:
    """All machines measure leases by one clock; tests may keep their own."""
    by_database = SQLStore(postgres_url, clock=now)
    by_clock = SQLStore(postgres_url, clock=now, uses_database_clock=False)

    told = by_database.read(lambda tx: tx.now())

    assert abs(told - datetime.now(UTC)) < timedelta(minutes=1)
    assert UTC is told.tzinfo
    assert NOW == by_clock.transact(lambda tx: tx.now())
    by_database.close()
    by_clock.close()


def test_engine_is_left_as_it_was_when_it_is_the_users(postgres_url: str) -> None:
    """Connections go back to the user's pool with the user's own settings, and it stays open."""
    url = postgres_url.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url, pool_size=1, max_overflow=0)
    store = SQLStore(engine, clock=now)
    store.transact(putting(make_step("card")))
    store.close()

    with engine.connect() as connection:
        assert "0" == connection.exec_driver_sql("show statement_timeout").scalar()
        connection.exec_driver_sql("create temporary table mine (id int)")
        connection.rollback()
        found = connection.exec_driver_sql("select to_regclass('mine')").scalar()
    assert found is None
    engine.dispose()


def test_waiting_is_bounded_when_all_connections_are_in_use(postgres_url: str) -> None:
    """With one connection and one long work, another one gives up in time."""
    store = SQLStore(postgres_url, clock=now, connections=1)
    is_held, may_end = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        is_held.set()
        assert may_end.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(1) as thread:
        holding = thread.submit(store.transact, hold)
        assert is_held.wait(PATIENCE_SECONDS)
        for run in (store.transact, store.read):
            with pytest.raises(StoreTimeoutError):
                run(lambda tx: tx.now(), timeout_seconds=0.05)
        may_end.set()
        holding.result()
    store.close()


def in_child(work: Callable[[], None]) -> int:
    """
    Run *work* in a fork of this process and return its exit status.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def test_both_go_on_when_the_process_forks(store: SQLStore) -> None:
    """Parent and child have connections of their own, even while threads write."""
    is_over = threading.Event()
    done = [0] * 2

    def add_one(tx: Transaction) -> None:
        pool = tx.get(PoolRecord, "acct_1/usd", lock=True)
        pool = pool or PoolRecord(account="acct_1", currency="usd")
        tx.put(evolve(pool, available_minor=pool.available_minor + 1))

    def write(number: int) -> None:
        while not is_over.is_set():
            store.transact(add_one)
            done[number] += 1

    def work() -> None:
        for _ in range(5):
            store.transact(add_one)

    with ThreadPoolExecutor(2) as threads:
        writing = [threads.submit(write, number) for number in range(2)]
        try:
            statuses = [in_child(work) for _ in range(3)]
        finally:
            is_over.set()
    for one in writing:
        one.result()

    assert [0] * 3 == statuses
    found = store.read(lambda tx: tx.get(PoolRecord, "acct_1/usd"))
    assert found is not None
    assert sum(done) + 15 == found.available_minor


def test_tables_are_made_once_when_processes_open_together(postgres_server: Server) -> None:
    """Many that find no tables at the same time make them once."""
    url = postgres_server.new_schema_url()

    with ThreadPoolExecutor(6) as threads:
        stores = list(threads.map(lambda _: SQLStore(url, clock=now), range(6)))

    for store in stores:
        store.transact(putting(make_step(f"{id(store)}")))
    assert 6 == len(kept(stores[0]))
    for store in stores:
        store.close()
