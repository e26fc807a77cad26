"""
How do threads share the one connection that writes, when works, leaders or commits fail?
"""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event

from issuing_disburse.exceptions import StoreError, StoreTimeoutError
from issuing_disburse.ports import Transaction
from issuing_disburse.stores.sql import SQLStore
from issuing_disburse.testing.store_builders import make_step, putting
from sqlite_files import PATIENCE_SECONDS, add_one, counted, kept, now


def test_commits_are_shared_when_many_threads_write(path: Path) -> None:
    """Works that queue up behind a commit are committed together."""
    commits: list[str] = []

    def trace(raw: sqlite3.Connection, _: object) -> None:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.set_trace_callback(lambda said: commits.append(said) if said == "COMMIT" else None)

    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", trace)
    store = SQLStore(engine, clock=now)
    commits.clear()
    is_held, may_end = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        is_held.set()
        assert may_end.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(store.transact, hold)
        assert is_held.wait(PATIENCE_SECONDS)
        others = [threads.submit(store.transact, add_one) for _ in range(8)]
        while len(store._runner._writer._combiner._queue) < 8:  # noqa: SLF001 - to know that all wait
            pass
        may_end.set()
    for one in (first, *others):
        one.result()

    assert 8 == counted(store)
    assert len(commits) < 9  # on a slow machine the leader commits in between
    store.close()
    engine.dispose()


TRIGGER = """
CREATE TRIGGER refuse BEFORE INSERT ON issuing_disburse_step WHEN NEW.key LIKE '%bad%'
BEGIN SELECT RAISE(ROLLBACK, 'the database gives up'); END
"""


@pytest.fixture
def refusing(store: SQLStore, path: Path) -> SQLStore:
    """
    A store whose database rolls everything back when a step is called bad.
    """
    connection = sqlite3.connect(path)
    connection.execute(TRIGGER)
    connection.close()
    return store


def test_others_are_kept_when_one_work_breaks_the_transaction(refusing: SQLStore) -> None:
    """When the database gives up a shared transaction, only the culprit gets the error."""
    is_held, may_end = threading.Event(), threading.Event()

    def first(tx: Transaction) -> None:
        tx.put(make_step("first"))
        is_held.set()
        assert may_end.wait(PATIENCE_SECONDS)

    with ThreadPoolExecutor(6) as threads:
        leading = threads.submit(refusing.transact, first)
        assert is_held.wait(PATIENCE_SECONDS)
        called = ["a", "b", "bad", "c", "d"]
        waiting = [threads.submit(refusing.transact, putting(make_step(one))) for one in called]
        while len(refusing._runner._writer._combiner._queue) < 5:  # noqa: SLF001 - to know that all wait
            pass
        may_end.set()

    assert leading.exception() is None
    assert ["bad"] == [
        one for one, job in zip(called, waiting, strict=True) if job.exception() is not None
    ]
    assert isinstance(waiting[2].exception(), StoreError)
    assert ["a", "b", "c", "d", "first"] == kept(refusing)


def test_nothing_is_kept_when_a_work_swallows_the_databases_error(refusing: SQLStore) -> None:
    """After the database gave up, the work cannot go on as if nothing had been."""

    def work(tx: Transaction) -> None:
        tx.put(make_step("before"))
        with pytest.raises(StoreError):
            tx.put(make_step("bad"))
        with pytest.raises(StoreError):
            tx.put(make_step("after"))

    with pytest.raises(StoreError):
        refusing.transact(work)
    assert [] == kept(refusing)


def test_store_comes_back_when_the_file_does(store: SQLStore, path: Path) -> None:
    """While the file is away, reading and writing say so; nothing else is lost."""
    store.before_fork()  # closes all connections
    store.after_fork_in_parent()
    away = path.parent.with_name("away")
    path.parent.rename(away)

    with pytest.raises(StoreError, match="cannot be opened"):
        store.transact(putting(make_step("card")))
    with pytest.raises(StoreError, match="cannot be opened"):
        kept(store)
    away.rename(path.parent)
    store.transact(putting(make_step("card")))

    assert ["card"] == kept(store)


def test_commit_goes_on_when_a_reader_without_wal_is_gone(path: Path) -> None:
    """An engine of the user's may lack the write-ahead log: its readers delay commits, no more."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
    store = SQLStore(engine, clock=now)
    reader = sqlite3.connect(path, check_same_thread=False)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM issuing_disburse_step").fetchall()

    with ThreadPoolExecutor(1) as thread:
        writing = thread.submit(store.transact, putting(make_step("card")))
        with pytest.raises(TimeoutError):
            writing.result(0.2)
        reader.rollback()
        assert 1 == writing.result(PATIENCE_SECONDS)

    assert ["card"] == kept(store)
    reader.close()
    store.close()
    engine.dispose()


REFUSED_AT_COMMIT = """
CREATE TABLE parent (id TEXT PRIMARY KEY);
CREATE TABLE child (id TEXT REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
CREATE TRIGGER refuse_later AFTER INSERT ON issuing_disburse_step WHEN NEW.key LIKE '%bad%'
BEGIN INSERT INTO child VALUES ('nobody'); END
"""


def test_nothing_is_kept_when_the_commit_is_refused(path: Path) -> None:
    """A commit that fails is told to everybody in it; those who are right may simply repeat."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
    store = SQLStore(engine, clock=now)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(REFUSED_AT_COMMIT)

    with pytest.raises(StoreError, match="its own error is the cause") as caught:
        store.transact(putting(make_step("bad")))

    assert isinstance(caught.value.__cause__, sqlite3.IntegrityError)
    assert [] == kept(store)
    store.transact(putting(make_step("card")))
    assert ["card"] == kept(store)
    store.close()
    engine.dispose()


def test_late_work_is_not_kept_when_its_caller_has_left(store: SQLStore) -> None:
    """A caller that runs out of time while its work runs for it can rely on nothing being kept."""
    is_held, may_end = threading.Event(), threading.Event()
    runs: list[str] = []

    def first(tx: Transaction) -> None:
        runs.append("first")
        tx.put(make_step("first"))
        is_held.set()
        assert may_end.wait(PATIENCE_SECONDS)

    def slow(tx: Transaction) -> None:
        runs.append("slow")
        tx.put(make_step("slow"))
        is_for_another = threading.get_ident() not in callers
        # Called to lead itself, it only has to be late.
        assert has_left.wait(PATIENCE_SECONDS if is_for_another else 1.0) or not is_for_another

    has_left = threading.Event()

    callers: set[int] = set()

    def impatient() -> StoreTimeoutError:
        callers.add(threading.get_ident())
        with pytest.raises(StoreTimeoutError) as caught:
            store.transact(slow, timeout_seconds=0.3)
        has_left.set()
        return caught.value

    with ThreadPoolExecutor(2) as threads:
        leading = threads.submit(store.transact, first)
        assert is_held.wait(PATIENCE_SECONDS)
        waiting = threads.submit(impatient)
        while not store._runner._writer._combiner._queue:  # noqa: SLF001 - to know that it waits
            pass
        may_end.set()
        leading.result()
        waiting.result()

    # It ran for the leader, who then had to start again, or for itself, or not at all.
    assert runs in (["first", "slow", "first"], ["first", "slow"], ["first"])
    assert ["first"] == kept(store)


def test_followers_are_served_when_the_leader_is_interrupted(store: SQLStore) -> None:
    """Ctrl-C while a thread writes for another one stops that thread, not the other's work."""
    for round_number in range(50):  # a leader that was held up leaves the others to themselves
        is_held, may_end = threading.Event(), threading.Event()
        tries: list[int] = []
        follower: list[int] = []

        def first(tx: Transaction) -> None:
            is_held.set()  # noqa: B023 - awaited below
            assert may_end.wait(PATIENCE_SECONDS)  # noqa: B023

        def second(tx: Transaction) -> str:
            tries.append(threading.get_ident())  # noqa: B023
            if threading.get_ident() not in follower:  # noqa: B023
                raise KeyboardInterrupt
            return tx.put(make_step(f"second-{round_number}")).name  # noqa: B023

        def follow() -> str:
            follower.append(threading.get_ident())  # noqa: B023
            return store.transact(second)

        with ThreadPoolExecutor(2) as threads:
            leading = threads.submit(store.transact, first)
            assert is_held.wait(PATIENCE_SECONDS)
            waiting = threads.submit(follow)
            while not store._runner._writer._combiner._queue:  # noqa: SLF001 - to know that it waits
                pass
            may_end.set()

        assert f"second-{round_number}" == waiting.result()
        if len(tries) > 1:
            break

    assert isinstance(leading.exception(), KeyboardInterrupt)
    assert 2 == len(set(tries))
    assert f"second-{round_number}" in kept(store)
