"""
Are two long lists of movements added up rightly, whatever is alike or amiss in them?
"""

import pytest

from issuing_disburse.reconcile.tally import HERE, THERE, Movement, Tally, movement


def moved(name: str, side: int, minor: int) -> Movement:
    """
    Make one movement in usd.
    """
    return movement(name, "usd", side, minor, 1_000, "transaction", "scope" if not side else "")


def test_what_adds_up_matches_and_the_rest_is_told_with_both_sides() -> None:
    """Several movements of one object are one sum; only objects whose sums differ are listed."""
    with Tally() as tally:
        tally.add([moved("ipi_1", HERE, 70), moved("ipi_1", HERE, 30), moved("ipi_2", HERE, 5)])
        tally.add([moved("ipi_1", THERE, 100), moved("ipi_2", THERE, 6), moved("ipi_3", THERE, 1)])
        tally.compare()

        found = [
            (one.name, one.here, one.there, one.here_count, one.there_count, one.scope)
            for one in tally.differing()
        ]

    assert [("ipi_2", 5, 6, 1, 1, "scope"), ("ipi_3", 0, 1, 0, 1, "")] == found
    assert 1 == tally.matched


def test_currencies_are_not_added_to_each_other() -> None:
    """What is missing in one currency is not made good by another one of the same object."""
    with Tally() as tally:
        tally.add([moved("ipi_1", HERE, 100)])
        tally.add([movement("ipi_1", "eur", THERE, 100, 1_000, "transaction")])
        tally.compare()

        found = {(one.currency, one.here, one.there) for one in tally.differing()}

    assert {("usd", 100, 0), ("eur", 0, 100)} == found


def test_objects_that_share_a_mark_are_told_apart() -> None:
    """A mark only says where to look: names decide what differs, and what matches."""
    same = [
        (7, minor, side, 1_000, name, "usd", "transaction", "")
        for name, side, minor in (
            ("ipi_a", HERE, 10), ("ipi_a", THERE, -10), ("ipi_b", HERE, 3), ("ipi_b", THERE, -4),
        )
    ]  # fmt: skip
    with Tally() as tally:
        tally.add(same)
        tally.compare()

        found = [(one.name, one.here, one.there) for one in tally.differing()]

    assert [("ipi_b", 3, 4)] == found
    assert 1 == tally.matched


@pytest.mark.parametrize("differing", [9, 10, 11, 40])
def test_very_many_differences_are_all_found(differing: int) -> None:
    """Beyond what is kept in memory nothing is lost, and matches are counted once."""
    with Tally(odd_max=10) as tally:
        tally.add([moved(f"ipi_{number:03}", HERE, 5) for number in range(50)])
        tally.add([moved(f"ipi_{number:03}", THERE, 5) for number in range(differing, 50)])
        tally.compare()

        found = [one.name for one in tally.differing()]

    assert [f"ipi_{number:03}" for number in range(differing)] == found
    assert 50 - differing == tally.matched
