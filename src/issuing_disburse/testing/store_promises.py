"""
What does a store promise about single records, transactions, questions and chains?

`issuing_disburse.testing.StoreContract` gathers these tests.
"""
# ruff: noqa: S101, PLR2004, SIM300 - tests assert, with plain numbers, expected == actual

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from issuing_disburse.exceptions import StaleRecordError, StoreError
from issuing_disburse.ledger import verify_chain
from issuing_disburse.ports import Store, Transaction
from issuing_disburse.records import PoolRecord, StepRecord

from .store_builders import NOW, make_entry, make_step, names, putting


class WorkFailedError(Exception):
    """
    What a work of these tests raises.
    """


def _present(tx: Transaction, key: str) -> StepRecord:
    found = tx.get(StepRecord, key)
    assert found is not None
    return found


class TransactionPromises:
    """
    One writer: what is kept, what is refused, what is taken back.
    """

    def test_record_comes_back_when_it_was_put(self, store: Store) -> None:
        """A record is read as it was written, with its version counted up."""
        step = make_step("card")

        kept = store.transact(lambda tx: tx.put(step))

        assert evolve(step, version=1) == kept
        assert kept == store.read(lambda tx: tx.get(StepRecord, step.key))

    def test_own_writes_are_seen_when_the_work_goes_on(self, store: Store) -> None:
        """A work reads what it wrote itself, by key and by question."""

        def work(tx: Transaction) -> tuple[StepRecord | None, list[str]]:
            step = tx.put(make_step("card"))
            return tx.get(StepRecord, step.key), names(tx.find(StepRecord, group=step.scope))

        read, found = store.transact(work)

        assert read is not None
        assert ["card"] == found

    def test_nothing_is_found_when_nothing_was_put(self, store: Store) -> None:
        """An unknown key is no error, and kinds do not mix."""
        store.transact(putting(make_step("card")))

        assert store.read(lambda tx: tx.get(StepRecord, "unknown")) is None
        assert store.read(lambda tx: tx.get(PoolRecord, make_step("card").key)) is None
        assert () == store.read(lambda tx: tx.find(PoolRecord))

    def test_record_is_gone_when_it_was_deleted(self, store: Store) -> None:
        """A deleted record is not read and not found; deleting it twice is fine."""
        step = make_step("card")
        store.transact(putting(step))

        for _ in range(2):
            store.transact(lambda tx: tx.delete(StepRecord, step.key))

        assert store.read(lambda tx: tx.get(StepRecord, step.key)) is None
        assert () == store.read(lambda tx: tx.find(StepRecord))
        assert 1 == store.transact(putting(step))

    def test_versions_count_up_when_a_record_is_written_again(self, store: Store) -> None:
        """Each write adds one to the version, also within one transaction."""

        def work(tx: Transaction) -> int:
            first = tx.put(make_step("card"))
            return tx.put(tx.put(first)).version

        assert 3 == store.transact(work)

    # Who writes first, counts

    def test_write_is_refused_when_the_version_is_outdated(self, store: Store) -> None:
        """A write based on an older version raises in the end, and changes nothing."""
        first = store.transact(lambda tx: tx.put(make_step("card")))
        second = store.transact(lambda tx: tx.put(evolve(first, fence=2)))

        for outdated in (first, evolve(first, version=0), evolve(first, version=7)):
            with pytest.raises(StaleRecordError):
                store.transact(putting(outdated))
        assert second == store.read(lambda tx: tx.get(StepRecord, first.key))

    def test_write_is_refused_when_the_record_is_gone(self, store: Store) -> None:
        """A record that was deleted cannot be written under its old version."""
        first = store.transact(lambda tx: tx.put(make_step("card")))
        store.transact(lambda tx: tx.delete(StepRecord, first.key))

        with pytest.raises(StaleRecordError):
            store.transact(putting(first))
        assert store.read(lambda tx: tx.get(StepRecord, first.key)) is None

    def test_work_runs_again_when_its_record_was_outdated(self, store: Store) -> None:
        """A stale write rolls everything back and the work gets another try."""
        first = store.transact(lambda tx: tx.put(make_step("card")))
        store.transact(lambda tx: tx.put(first))
        tries = 0

        def work(tx: Transaction) -> int:
            nonlocal tries
            tries += 1
            tx.put(make_step(f"try-{tries}"))
            return tx.put(first if tries == 1 else _present(tx, first.key)).version

        assert 3 == store.transact(work)
        assert ["card", "try-2"] == names(store.read(lambda tx: tx.find(StepRecord)))

    def test_nothing_is_kept_when_a_work_swallows_a_stale_write(self, store: Store) -> None:
        """Catching the error inside the work does not save the transaction."""
        first = store.transact(lambda tx: tx.put(make_step("card")))

        def work(tx: Transaction) -> None:
            tx.put(make_step("other"))
            with pytest.raises(StaleRecordError):
                tx.put(evolve(first, version=0))

        with pytest.raises(StaleRecordError):
            store.transact(work)
        assert ["card"] == names(store.read(lambda tx: tx.find(StepRecord)))

    # All or nothing

    @pytest.mark.parametrize("error", [WorkFailedError, KeyboardInterrupt])
    def test_nothing_is_kept_when_a_work_raises(
        self, store: Store, error: type[BaseException]
    ) -> None:
        """Inserts, updates, deletes and entries are all taken back; the error passes through."""
        step = store.transact(lambda tx: tx.put(make_step("card")))
        gone = store.transact(lambda tx: tx.put(make_step("gone")))

        def work(tx: Transaction) -> None:
            tx.put(evolve(step, progress="done"))
            tx.delete(StepRecord, gone.key)
            tx.put(make_step("new"))
            tx.append(make_entry(1))
            raise error

        with pytest.raises(error):
            store.transact(work)
        assert (step, gone) == store.read(lambda tx: tx.find(StepRecord))
        assert ["card", "gone"] == names(
            store.read(lambda tx: tx.find(StepRecord, states=["intended"]))
        )
        assert () == store.read(lambda tx: tx.entries("acct_example/claim-1"))

    def test_writing_is_refused_when_reading(self, store: Store) -> None:
        """A reading work can neither write nor lock."""
        step = make_step("card")
        attempts: list[Callable[[Transaction], object]] = [
            lambda tx: tx.put(step),
            lambda tx: tx.delete(StepRecord, step.key),
            lambda tx: tx.append(make_entry(1)),
            lambda tx: tx.get(StepRecord, step.key, lock=True),
            lambda tx: tx.find(StepRecord, skip_locked=True),
        ]

        for attempt in attempts:
            with pytest.raises(StoreError):
                store.read(attempt)

    def test_store_is_refused_when_used_inside_a_work(self, store: Store) -> None:
        """A work cannot open another transaction, nor read past its own."""

        def nothing(tx: Transaction) -> None:
            pass

        attempts: list[Callable[[Transaction], object]] = [
            lambda _: store.transact(nothing),
            lambda _: store.read(nothing),
            lambda _: list(store.stream_entries()),
        ]
        for attempt in attempts:
            for run in (store.transact, store.read):
                with pytest.raises(StoreError):
                    run(attempt)
        store.transact(putting(make_step("card")))

    def test_transaction_is_refused_when_its_work_is_over(self, store: Store) -> None:
        """What leaks out of a work cannot be used any more."""
        for run in (store.transact, store.read):
            leaked: Transaction = run(lambda tx: tx)
            with pytest.raises(StoreError):
                leaked.get(StepRecord, "any")
            with pytest.raises(StoreError):
                leaked.now()


class QuestionPromises:
    """
    What is found, and in which order.
    """

    def test_records_are_found_when_asked_by_their_columns(self, store: Store) -> None:
        """Group, state and due time each narrow the answer, alone and together."""
        hour = timedelta(hours=1)
        steps = [
            make_step("b", scope="s1", started_at=NOW),
            make_step("a", scope="s1", progress="done"),
            make_step("c", scope="s1", started_at=NOW + hour),
            make_step("a", scope="s2", started_at=NOW - hour),
        ]
        for step in steps:
            store.transact(putting(step))

        def keys(
            group: str | None = None,
            states: list[str] | None = None,
            due_before: datetime | None = None,
        ) -> list[str]:
            found = store.read(
                lambda tx: tx.find(StepRecord, group=group, states=states, due_before=due_before)
            )
            return [step.key for step in found]

        assert ["s1#a", "s1#b", "s1#c", "s2#a"] == keys()
        assert ["s1#a", "s1#b", "s1#c"] == keys(group="s1")
        assert ["s1#a"] == keys(states=["done"])
        assert ["s1#a", "s1#b", "s1#c", "s2#a"] == keys(states=["intended", "done", "refused"])
        assert [] == keys(states=[])
        assert ["s1#b", "s2#a"] == keys(due_before=NOW)
        assert ["s2#a"] == keys(due_before=NOW - timedelta(microseconds=1))
        assert ["s1#b"] == keys(group="s1", states=["intended"], due_before=NOW)
        assert [] == keys(states=["done"], due_before=NOW + 9 * hour)

    def test_records_are_found_when_their_columns_have_changed(self, store: Store) -> None:
        """A question is answered from the newest version."""
        step = store.transact(lambda tx: tx.put(make_step("card")))
        assert 1 == len(store.read(lambda tx: tx.find(StepRecord, due_before=NOW)))

        store.transact(putting(evolve(step, progress="done")))

        assert () == store.read(lambda tx: tx.find(StepRecord, due_before=NOW))
        assert () == store.read(lambda tx: tx.find(StepRecord, states=["intended"]))
        assert 1 == len(store.read(lambda tx: tx.find(StepRecord, states=["done"])))

    def test_question_is_refused_when_it_is_surely_a_mistake(self, store: Store) -> None:
        """One text for states, a time without a zone, a negative limit."""
        naive = NOW.replace(tzinfo=None)

        with pytest.raises(TypeError, match="one text"):
            store.read(lambda tx: tx.find(StepRecord, states="intended"))
        with pytest.raises(ValueError, match="no time zone"):
            store.read(lambda tx: tx.find(StepRecord, due_before=naive))
        with pytest.raises(ValueError, match="below zero"):
            store.read(lambda tx: tx.find(StepRecord, limit=-1))

    def test_pages_follow_each_other_when_there_are_many(self, store: Store) -> None:
        """Pages in the order of keys cover everything once, whatever is asked."""
        called = [f"{number:03}" for number in range(25)] + ["A", "a", "ä", "~", "_", "Z", "é"]

        def fill(tx: Transaction) -> None:
            for name in called:
                tx.put(make_step(name, scope="s"))

        store.transact(fill)
        for group in ("s", None):
            for states in (["intended"], ["done", "intended"], None):
                for due_before in (NOW, None):
                    seen: list[str] = []
                    while page := store.read(
                        lambda tx: tx.find(
                            StepRecord,
                            group=group,  # noqa: B023 - called at once
                            states=states,  # noqa: B023 - called at once
                            due_before=due_before,  # noqa: B023 - called at once
                            after=seen[-1] if seen else "",  # noqa: B023 - called at once
                            limit=7,
                        )
                    ):
                        assert len(page) <= 7
                        seen += [step.key for step in page]
                    assert sorted(f"s#{name}" for name in called) == seen


class ChainPromises:
    """
    What the ledger can rely on.
    """

    def test_chain_is_whole_when_entries_were_appended(self, store: Store) -> None:
        """Entries come back in order, exactly, so that their hashes still fit."""
        first = make_entry(1)
        second = make_entry(2, previous=first.digest)
        store.transact(lambda tx: tx.append(first))
        store.transact(lambda tx: tx.append(second))

        chain = store.read(lambda tx: tx.entries(first.scope))

        assert (first, second) == chain
        assert second.digest == verify_chain(chain)

    def test_entry_is_stale_when_its_place_is_taken(self, store: Store) -> None:
        """A chain has one entry per place; the second one rolls its transaction back."""
        store.transact(lambda tx: tx.append(make_entry(1)))

        def work(tx: Transaction) -> None:
            tx.put(make_step("card"))
            tx.append(evolve(make_entry(1), cause="evt_other"))

        with pytest.raises(StaleRecordError):
            store.transact(work)
        assert (make_entry(1),) == store.read(lambda tx: tx.entries("acct_example/claim-1"))
        assert () == store.read(lambda tx: tx.find(StepRecord))
