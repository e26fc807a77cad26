"""
Are records in memory found as by looking at all of them?
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from issuing_disburse.records import StepRecord
from issuing_disburse.stores.shelf import Shelf, SortedKeys
from issuing_disburse.testing.store_builders import NOW, make_step

keys = st.text("ab/é", min_size=1, max_size=4)


@given(actions=st.lists(st.tuples(st.booleans(), st.integers(0, 5_000)), max_size=60))
def test_keys_stay_in_order_when_blocks_split_and_vanish(actions: list[tuple[bool, int]]) -> None:
    """Adding and removing runs of keys gives what a sorted set gives."""
    index: SortedKeys[str] = SortedKeys()
    model: set[str] = set()

    for adds, start in actions:
        for number in range(start, start + 200):
            key = f"{number:05}"
            if adds and key not in model:
                index.add(key)
                model.add(key)
            elif not adds and key in model:
                index.remove(key)
                model.remove(key)

    for after in ("", "00100", "02600", "9"):
        assert sorted(key for key in model if key > after) == list(index.after(after))


def test_keys_are_in_order_when_there_are_many_from_the_start() -> None:
    """A large index is made in one go, and goes on growing."""
    numbers = [f"{number:05}" for number in range(5_000)]
    index: SortedKeys[str] = SortedKeys(reversed(numbers))
    for number in numbers:
        index.add(f"{number}-more")

    assert sorted([*numbers, *[f"{number}-more" for number in numbers]]) == list(index.after(""))


steps: st.SearchStrategy[StepRecord] = st.builds(
    make_step,
    keys,
    scope=st.sampled_from(["s1", "s2"]),
    progress=st.sampled_from(["intended", "done"]),
    started_at=st.integers(0, 3).map(lambda hours: NOW + timedelta(hours=hours)),
)


@given(
    changes=st.lists(st.tuples(st.booleans(), steps), max_size=30),
    indexed_from=st.integers(0, 30),
    group=st.sampled_from([None, "s1", "s3"]),
    states=st.sampled_from([None, [], ["done"], ["intended", "done", "done"]]),
    due_before=st.sampled_from([None, NOW + timedelta(hours=1)]),
    after=st.sampled_from(["", "s1#a", "s2"]),
    limit=st.integers(0, 9),
)
def test_answer_is_that_of_a_full_look_when_asked_anything(
    changes: list[tuple[bool, StepRecord]],
    indexed_from: int,
    group: str | None,
    states: list[str] | None,
    due_before: datetime | None,
    after: str,
    limit: int,
) -> None:
    """Every question is answered as by filtering and sorting all records."""
    shelf: Shelf[StepRecord] = Shelf()

    def ask() -> tuple[StepRecord, ...]:
        return shelf.find(
            group=group, states=states, due_before=due_before, after=after, limit=limit
        )

    for number, (is_there, step) in enumerate(changes):
        if number == indexed_from:
            ask()
        shelf.place(step.key, step if is_there else None)

    tests: list[Callable[[StepRecord], bool]] = [
        lambda step: step.key > after,
        lambda step: group is None or step.group == group,
        lambda step: states is None or step.state in states,
        lambda step: due_before is None or (step.due_at is not None and step.due_at <= due_before),
    ]
    wanted = sorted(
        (step for step in shelf.rows.values() if all(test(step) for test in tests)),
        key=lambda step: step.key,
    )
    assert tuple(wanted[:limit]) == ask()
