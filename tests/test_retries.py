"""
Is a call tried again when that can help, and only then?
"""

from collections.abc import Callable

import pytest

from issuing_disburse.exceptions import (
    DisburseError,
    NotPermittedError,
    RefusedError,
    StoreError,
    UnavailableError,
    UnknownOutcomeError,
    WaitingError,
)
from issuing_disburse.retries import make_retrying


def failing(*errors: BaseException) -> tuple[Callable[[], str], list[BaseException]]:
    """
    Return a call that raises *errors* one after the other, then works; and what is left of them.
    """
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call, left


@pytest.mark.parametrize("kind", [UnavailableError, UnknownOutcomeError, WaitingError])
def test_retrying_tries_again_when_nothing_is_known_to_be_wrong(kind: type[DisburseError]) -> None:
    """Four failures and a success take five tries and four naps, none longer than allowed."""
    naps: list[float] = []
    call, left = failing(*[kind("busy") for _ in range(4)])

    assert "done" == make_retrying(sleep=naps.append, wait_max_seconds=2.0)(call)
    assert ([], 4) == (left, len(naps))
    assert all(0 <= nap <= 2 for nap in naps)


def test_retrying_gives_up_with_the_last_error() -> None:
    """After the last try its own error is raised, not one of the engine's."""
    naps: list[float] = []
    call, left = failing(*[UnavailableError(f"try {n}") for n in range(1, 9)])
    with pytest.raises(UnavailableError, match="try 3"):
        make_retrying(sleep=naps.append, attempts=3)(call)

    assert (5, 2) == (len(left), len(naps))


def test_retrying_gives_up_when_the_time_is_over() -> None:
    """However many tries are left, there is an end to waiting."""
    naps: list[float] = []
    call, left = failing(UnavailableError("one"), UnavailableError("two"))
    with pytest.raises(UnavailableError, match="one"):
        make_retrying(sleep=naps.append, give_up_seconds=0.0)(call)

    assert (1, []) == (len(left), naps)


@pytest.mark.parametrize(
    "error",
    [
        RefusedError("no"),
        NotPermittedError("no"),
        StoreError("no"),
        ValueError("no"),
        KeyboardInterrupt(),
    ],
)
def test_retrying_does_not_try_again_when_it_cannot_help(error: BaseException) -> None:
    """A refusal, a bug and an interrupt pass at once."""
    naps: list[float] = []
    call, _ = failing(error)
    with pytest.raises(type(error)):
        make_retrying(sleep=naps.append)(call)

    assert [] == naps


def test_retrying_does_not_try_again_when_the_failure_is_recorded() -> None:
    """What Stripe keeps under the key, it would only say again."""
    naps: list[float] = []
    error = UnknownOutcomeError("500")
    error.is_recorded = True
    call, _ = failing(error)
    with pytest.raises(UnknownOutcomeError):
        make_retrying(sleep=naps.append)(call)

    assert [] == naps


def test_naps_grow_and_differ() -> None:
    """Many callers do not come back at once: each nap is drawn, from a range that doubles."""
    drawn: list[list[float]] = []
    for _ in range(60):
        naps: list[float] = []
        call, _ = failing(*[UnavailableError("busy") for _ in range(4)])
        make_retrying(sleep=naps.append)(call)
        drawn.append(naps)
    highest = [max(column) for column in zip(*drawn, strict=True)]

    assert [True] * 4 == [
        most <= limit for most, limit in zip(highest, (0.5, 1, 2, 4), strict=True)
    ]
    assert highest[3] > highest[0]
    assert 60 == len({tuple(naps) for naps in drawn})
