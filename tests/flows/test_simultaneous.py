"""
Of a thousand merchants at once, is it one who is approved?
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

import answering_process
from answering_process import answering, count_approved, waiting_card

REQUESTS = 1_000
THREADS = 8
PROCESSES = 4

Ask: TypeAlias = Callable[[str, str], int]


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """
    A durable store that several processes may use.
    """
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/books.sqlite3"
    found: str = request.getfixturevalue("postgres_url")
    return found


def by_threads(url: str, card_id: str) -> int:
    """
    Ask from eight threads of this process, and count the approvals.
    """
    with answering(url) as disburser:
        return count_approved(disburser, card_id, range(REQUESTS), threads=THREADS)


def by_processes(url: str, card_id: str) -> int:
    """
    Ask from four processes of two threads, and count the approvals.
    """
    program = [sys.executable, answering_process.__file__, url, card_id]
    workers = [
        subprocess.Popen(  # noqa: S603 - our own
            [*program, str(first), str(PROCESSES), str(REQUESTS), "2"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first in range(PROCESSES)
    ]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        approved = [int(worker.communicate(timeout=120)[0]) for worker in workers]
        assert [0] * PROCESSES == [worker.returncode for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    return sum(approved)


@pytest.mark.parametrize(
    "rounds", [pytest.param(3, marks=pytest.mark.long), pytest.param(20, marks=pytest.mark.soak)]
)
@pytest.mark.parametrize("ask", [by_threads, by_processes])
def test_one_of_a_thousand_simultaneous_requests_is_approved(
    store_url: str, ask: Ask, rounds: int
) -> None:
    """A single-use card is used once, whoever asks at the same moment, each time."""
    with answering(store_url) as disburser:
        for number in range(rounds):
            disburser.store.transact(lambda tx, name=f"ic_{number}": tx.put(waiting_card(name)))  # type: ignore[misc]  # bound early

    assert [1] * rounds == [ask(store_url, f"ic_{number}") for number in range(rounds)]
