"""
What happens when SQLite, its file or its other users misbehave?
"""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from issuing_disburse.exceptions import StoreError, StoreTimeoutError
from issuing_disburse.ports import Transaction
from issuing_disburse.records import PoolRecord
from issuing_disburse.stores.sql import SQLStore
from issuing_disburse.testing.store_builders import make_entry, make_step, putting
from sqlite_files import PATIENCE_SECONDS, add_one, counted, kept, now


def test_commits_reach_the_disk_when_nothing_else_was_said(store: SQLStore, path: Path) -> None:
    """A file is in write-ahead mode, and its writer waits for the disk."""
    said: list[str] = []

    def look(tx: Transaction) -> None:
        driver = tx._driver  # noqa: SLF001 - no other way to see the writer's settings
        said.extend(
            str(driver.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("journal_mode", "synchronous", "busy_timeout")
        )

    store.transact(look)

    assert ["wal", "2", "0"] == said


def test_store_is_found_again_when_it_was_closed(store: SQLStore, path: Path) -> None:
    """What was kept is there for the next process."""
    store.transact(putting(make_step("card")))
    store.transact(lambda tx: tx.append(make_entry(1)))
    store.close()

    again = SQLStore(f"sqlite:///{path}", clock=now)

    assert ["card"] == kept(again)
    assert [make_entry(1)] == list(again.stream_entries())
    again.close()


def test_reading_goes_on_when_the_file_is_read_only(store: SQLStore, path: Path) -> None:
    """Reports work; writing is refused with the remedy and the driver's error."""
    store.transact(putting(make_step("card")))
    reader = SQLStore(f"sqlite:///file:{path}?mode=ro&uri=true", clock=now)

    assert ["card"] == kept(reader)
    with pytest.raises(StoreError, match="right to write") as caught:
        reader.transact(putting(make_step("other")))
    assert "read_only" == caught.value.code
    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
    assert ["card"] == kept(reader)
    reader.close()


def test_error_names_the_remedy_when_the_folder_is_missing(tmp_path: Path) -> None:
    """A path that cannot be opened is told at once."""
    with pytest.raises(StoreError, match="look at address, path") as caught:
        SQLStore(f"sqlite:///{tmp_path}/missing/store.sqlite3", clock=now)
    assert "not_opened" == caught.value.code


def test_error_names_the_remedy_when_the_file_is_something_else(path: Path) -> None:
    """A file that is no database is not touched."""
    path.write_bytes(b"name,amount\nJenny,12500\n" * 100)

    with pytest.raises(StoreError, match="restore it from a backup") as caught:
        SQLStore(f"sqlite:///{path}", clock=now)
    assert "corrupt" == caught.value.code
    assert b"name,amount\nJenny,12500\n" * 100 == path.read_bytes()


def test_error_names_the_remedy_when_pages_are_damaged(store: SQLStore, path: Path) -> None:
    """Damage in the middle of the file is told apart from other failures."""
    for number in range(300):
        store.transact(putting(make_step(f"card-{number:03}")))
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:8_192] + b"\xa5" * (len(whole) - 8_192))

    def look() -> None:
        with closing(SQLStore(f"sqlite:///{path}", clock=now)) as damaged:
            kept(damaged)

    with pytest.raises(StoreError, match="restore it from a backup") as caught:
        look()
    assert "corrupt" == caught.value.code


def test_nothing_is_kept_when_the_disk_is_full(path: Path) -> None:
    """The work that found no room is rolled back; smaller ones still find it."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA max_page_count = 120"))
    store = SQLStore(engine, clock=now)
    store.transact(putting(make_step("card")))

    def fill(tx: Transaction) -> None:
        for number in range(10_000):
            tx.put(make_step(f"{number:05}", scope="x" * 1_000))

    with pytest.raises(StoreError, match="make room") as caught:
        store.transact(fill)
    assert "full" == caught.value.code
    assert ["card"] == kept(store)
    store.transact(putting(make_step("other")))
    assert ["card", "other"] == kept(store)
    store.close()
    engine.dispose()


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


def test_waiting_is_bounded_when_another_process_holds_the_lock(
    store: SQLStore, path: Path
) -> None:
    """Writing raises in time and keeps nothing; reading goes on; later everything works."""
    holder = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )  # fmt: skip
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert b"held\n" == holder.stdout.readline()

    with pytest.raises(StoreTimeoutError, match="another process") as caught:
        store.transact(putting(make_step("late")), timeout_seconds=0.1)
    assert "locked" == caught.value.code
    assert [] == kept(store)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(store.transact, putting(make_step("patient")))
        holder.communicate(b"", PATIENCE_SECONDS)
        assert 1 == waiting.result(PATIENCE_SECONDS)
    assert ["patient"] == kept(store)


def count_up(path: Path, times: int) -> None:
    """
    Be one of several processes on one file.
    """
    store = SQLStore(f"sqlite:///{path}", clock=now)
    for _ in range(times):
        store.transact(add_one)
    store.close()


def test_no_write_is_lost_when_processes_share_a_file(path: Path) -> None:
    """Four processes that open, make and write one file at once add up."""
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=count_up, args=(path, 50)) for _ in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join(PATIENCE_SECONDS)

    assert [0] * 4 == [other.exitcode for other in others]
    store = SQLStore(f"sqlite:///{path}", clock=now)
    assert 200 == counted(store)
    store.close()


def test_a_store_gets_in_when_sqlite_turns_it_away_at_once(path: Path) -> None:
    """Of several that open a new file at once SQLite refuses some without waiting; they try again."""
    refusals = [OperationalError("PRAGMA", (), sqlite3.OperationalError("database is locked"))] * 2

    def refuse(*call: Any) -> None:
        if "journal_mode" in call[2] and refusals:
            raise refusals.pop()

    event.listen(Engine, "before_cursor_execute", refuse)
    try:
        SQLStore(f"sqlite:///{path}", clock=now).close()
    finally:
        event.remove(Engine, "before_cursor_execute", refuse)
    assert [] == refusals


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
    """Parent and child share the file, not connections or locks, even while threads write."""
    is_over = threading.Event()
    done = [0] * 3

    def write(number: int) -> None:
        while not is_over.is_set():
            store.transact(add_one)
            store.read(lambda tx: tx.get(PoolRecord, "acct_1/usd"))
            done[number] += 1

    def work() -> None:
        for _ in range(10):
            store.transact(add_one)
        assert counted(store) >= 10

    with ThreadPoolExecutor(3) as threads:
        writing = [threads.submit(write, number) for number in range(3)]
        try:
            statuses = [in_child(work) for _ in range(5)]
        finally:
            is_over.set()
    for one in writing:
        one.result()

    assert [0] * 5 == statuses
    assert sum(done) + 50 == counted(store)


def test_child_has_its_own_when_the_database_is_in_memory() -> None:
    """A fork copies a database in memory; both copies work."""
    store = SQLStore("sqlite://", clock=now)
    store.transact(add_one)

    def work() -> None:
        store.transact(add_one)
        assert 2 == counted(store)

    assert 0 == in_child(work)
    assert 1 == counted(store)
    store.close()


def test_child_can_use_the_store_when_it_was_forked_inside_a_work(store: SQLStore) -> None:
    """Forking inside a work is no deadlock; what the parent had not committed is the parent's."""

    def work() -> None:
        assert 0 == counted(store)

    def forking(tx: Transaction) -> int:
        add_one(tx)
        return in_child(work)

    assert 0 == store.transact(forking)
    assert 1 == counted(store)


def test_reading_waits_when_the_process_is_about_to_fork(store: SQLStore) -> None:
    """No connection is opened between coming to rest and going on."""
    store.transact(putting(make_step("card")))
    store.before_fork()

    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(kept, store)
        writing = threads.submit(store.transact, putting(make_step("other")))
        for waiting in (reading, writing):
            with pytest.raises(TimeoutError):
                waiting.result(0.05)
        store.after_fork_in_parent()
        reading.result(PATIENCE_SECONDS)
        writing.result(PATIENCE_SECONDS)

    assert ["card", "other"] == kept(store)


@pytest.mark.long
def test_file_is_whole_when_the_writer_is_killed(path: Path) -> None:
    """SIGKILL in the middle of writing leaves whole transactions behind."""
    context = multiprocessing.get_context("spawn")
    for _ in range(3):
        writer = context.Process(target=count_up, args=(path, 1_000_000))
        writer.start()
        store = SQLStore(f"sqlite:///{path}", clock=now)
        before = counted(store)
        while counted(store) < before + 20:
            pass
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        after = counted(store)
        store.transact(add_one)
        assert after + 1 == counted(store)
        store.close()

    raw = sqlite3.connect(path)
    assert "ok" == raw.execute("PRAGMA integrity_check").fetchone()[0]
    raw.close()
