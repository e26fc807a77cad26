"""
Does a store keep what `issuing_disburse.ports.Store` promises?

Subclass `StoreContract` in a test module of yours and override the fixture `store`.
"""
# ruff: noqa: S101, PLR2004, SIM300 - tests assert, with plain numbers, expected == actual

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import pytest
from attrs import evolve

from issuing_disburse.exceptions import StoreError, StoreTimeoutError
from issuing_disburse.ports import Store, Transaction
from issuing_disburse.records import PoolRecord, StepRecord

from .store_builders import NOW, make_entry, make_step, names, putting
from .store_promises import ChainPromises, QuestionPromises, TransactionPromises

T = TypeVar("T")

_PATIENCE_SECONDS = 30.0


def _in_threads(count: int, call: Callable[[int], T]) -> list[T]:
    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(call, range(count)))


def _pool(tx: Transaction, *, lock: bool = False) -> PoolRecord:
    found = tx.get(PoolRecord, "acct_example/usd", lock=lock)
    return found or PoolRecord(account="acct_example", currency="usd")


def _add(tx: Transaction, *, lock: bool) -> int:
    pool = _pool(tx, lock=lock)
    return tx.put(evolve(pool, available_minor=pool.available_minor + 1)).available_minor


@contextmanager
def _held(store: Store, record: StepRecord) -> Iterator[Future[int]]:
    """
    Keep a transaction open in another thread that has written *record*, until the block ends.
    """
    has_written, may_end = threading.Event(), threading.Event()

    def work(tx: Transaction) -> int:
        version = tx.put(record).version
        has_written.set()
        assert may_end.wait(_PATIENCE_SECONDS)
        return version

    with ThreadPoolExecutor(1) as thread:
        kept = thread.submit(store.transact, work)
        try:
            assert has_written.wait(_PATIENCE_SECONDS)
            yield kept
        finally:
            may_end.set()


class StoreContract(TransactionPromises, QuestionPromises, ChainPromises):
    """
    Every promise of a store, as a pytest class: override the fixture `store`.

    .. code-block:: text

        class TestMyStore(StoreContract):
            @pytest.fixture
            def store(self):
                store = MyStore(...)
                yield store
                store.close()
    """

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """
        Give an empty store. Override this.
        """
        raise NotImplementedError("override the fixture `store` and give it an empty store")

    # Many threads

    @pytest.mark.parametrize("lock", [True, False])
    def test_no_write_is_lost_when_threads_write_one_record(
        self, store: Store, *, lock: bool
    ) -> None:
        """Eight threads that read, add and write one record add up, locked or not."""

        def add(_: int) -> list[int]:
            return [store.transact(lambda tx: _add(tx, lock=lock)) for _ in range(25)]

        totals = [total for totals in _in_threads(8, add) for total in totals]

        assert list(range(1, 201)) == sorted(totals)
        assert 200 == store.read(_pool).available_minor

    def test_one_thread_wins_when_all_claim_the_same(self, store: Store) -> None:
        """Of sixteen that make the same record, one makes it and the others see it."""
        step = make_step("claim")

        def claim(_: int) -> bool:
            def work(tx: Transaction) -> bool:
                is_free = tx.get(StepRecord, step.key) is None
                if is_free:
                    tx.put(step)
                return is_free

            return store.transact(work)

        assert 1 == sum(_in_threads(16, claim))

    def test_each_chain_is_whole_when_threads_append_to_it(self, store: Store) -> None:
        """Places in a chain are taken once, without gaps."""
        scope = make_entry(1).scope

        def append(_: int) -> None:
            for _ in range(10):
                store.transact(
                    lambda tx: tx.append(make_entry(len(tx.entries(scope)) + 1)),
                )

        _in_threads(4, append)

        chain = store.read(lambda tx: tx.entries(scope))
        assert list(range(1, 41)) == [entry.seq for entry in chain]

    def test_readers_see_whole_transactions_when_others_write(self, store: Store) -> None:
        """What is written together is seen together, also by two questions of one reading work."""
        first, second = make_step("a", started_at=NOW), make_step("b", started_at=NOW)
        store.transact(lambda tx: (tx.put(first), tx.put(second)))
        is_over = threading.Event()

        def write(tx: Transaction) -> None:
            for key in (first.key, second.key):
                step = tx.get(StepRecord, key)
                assert step is not None
                tx.put(evolve(step, fence=step.fence + 1))

        def look(tx: Transaction) -> set[int]:
            found = {step.fence for step in tx.find(StepRecord, group=first.scope)}
            read = tx.get(StepRecord, first.key)
            assert read is not None
            return found | {read.fence}

        def run(number: int) -> list[set[int]]:
            seen: list[set[int]] = []
            if number:
                while len(seen) < 50 or not is_over.is_set():
                    seen.append(store.read(look))
                return seen
            try:
                for _ in range(50):
                    store.transact(write)
            finally:
                is_over.set()
            return seen

        seen = [fences for one in _in_threads(4, run) for fences in one]

        assert [] == [fences for fences in seen if len(fences) != 1]
        assert {50} == store.read(look)

    def test_each_thread_gets_its_own_result_when_many_write(self, store: Store) -> None:
        """Results and errors come back to the thread whose work it was."""

        def write(number: int) -> list[object]:
            answers: list[object] = []
            for turn in range(20):
                name = f"{number}-{turn}"

                def work(tx: Transaction, name: str = name) -> str:
                    tx.put(make_step(name))
                    if name.endswith("7"):
                        raise ValueError(name)
                    return name

                try:
                    answers.append(store.transact(work))
                except ValueError as exc:
                    answers.append(exc.args)
            return answers

        answers = _in_threads(8, write)

        for number, given in enumerate(answers):
            called = [f"{number}-{turn}" for turn in range(20)]
            assert [(name,) if name.endswith("7") else name for name in called] == given
        assert 8 * 18 == len(store.read(lambda tx: tx.find(StepRecord, limit=1_000)))

    # Time

    def test_waiting_ends_when_the_time_is_up(self, store: Store) -> None:
        """A writer that cannot get at a record in time raises, and nothing of it is ever kept."""
        step = make_step("contended")
        store.transact(putting(step))
        current = evolve(step, version=1)

        with _held(store, evolve(current, fence=1)) as held:

            def work(tx: Transaction) -> None:
                tx.put(make_step("late"))
                tx.put(current)

            for timeout_seconds in (0.05, 0.0):
                with pytest.raises(StoreTimeoutError):
                    store.transact(work, timeout_seconds=timeout_seconds)

        assert 2 == held.result()
        assert ["contended"] == names(store.read(lambda tx: tx.find(StepRecord)))

    def test_waiting_goes_on_when_the_other_one_ends_in_time(self, store: Store) -> None:
        """A writer with enough time gets its turn, and sees what the other one wrote."""
        step = make_step("contended")
        with ThreadPoolExecutor(1) as thread, _held(store, step):
            waiting = thread.submit(
                store.transact,
                lambda tx: (tx.get(StepRecord, step.key, lock=True), tx.put(make_step("after"))),
                timeout_seconds=_PATIENCE_SECONDS,
            )

        assert waiting.result()[1].version == 1
        assert ["after", "contended"] == names(store.read(lambda tx: tx.find(StepRecord)))

    def test_time_is_aware_when_asked(self, store: Store) -> None:
        """The store's time is in UTC and does not run backwards."""
        first = store.transact(lambda tx: tx.now())
        second = store.read(lambda tx: tx.now())

        assert timedelta(0) == first.utcoffset()
        assert first <= second

    # The whole ledger

    def test_entries_stream_in_order_when_there_are_many(self, store: Store) -> None:
        """All chains are streamed by scope and place, from behind any place."""
        scopes = ["b", "a", "a/b", "Z", "é"]

        def fill(tx: Transaction) -> None:
            for scope in scopes:
                for seq in range(1, 301):
                    tx.append(make_entry(seq, scope=scope))

        store.transact(fill)
        places = [(scope, seq) for scope in sorted(scopes) for seq in range(1, 301)]

        assert places == [(entry.scope, entry.seq) for entry in store.stream_entries()]
        for after in (("a", 7), ("a", 300), ("a/a", 1), ("é", 300)):
            found = [(entry.scope, entry.seq) for entry in store.stream_entries(after=after)]
            assert [place for place in places if place > after] == found

    def test_stream_may_be_left_when_half_read(self, store: Store) -> None:
        """An abandoned stream holds nothing back."""
        store.transact(lambda tx: tx.append(make_entry(1)))
        stream = store.stream_entries()
        next(stream)

        store.transact(lambda tx: tx.append(make_entry(2)))

        assert 2 == len(list(store.stream_entries()))

    # The end

    def test_store_is_refused_when_it_was_closed(self, store: Store) -> None:
        """Closing twice is fine; using it afterwards is not."""
        store.transact(putting(make_step("card")))
        store.close()
        store.close()

        attempts: list[Callable[[], object]] = [
            lambda: store.transact(putting(make_step("other"))),
            lambda: store.read(lambda tx: tx.get(StepRecord, "any")),
            lambda: list(store.stream_entries()),
        ]
        for attempt in attempts:
            with pytest.raises(StoreError):
                attempt()
