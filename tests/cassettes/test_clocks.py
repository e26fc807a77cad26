"""
Whose time is it while a test is recorded that brings no clock?
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe

from issuing_disburse.testing.cassettes import CassetteError, Recorded, recorded


class Nodding(stripe.HTTPClient):
    """
    Says yes to everything, whenever it is asked.
    """

    name = "nodding"

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None
    ) -> tuple[bytes, int, dict[str, str]]:
        """
        Answer.
        """
        return b'{"yes":true}', 200, {"Content-Type": "application/json"}

    def close(self) -> None:
        """
        Hold nothing.
        """


@contextmanager
def taped(path: Path, **options: Any) -> Iterator[Recorded]:
    """
    Record or play without a clock, and close what was opened.
    """
    with recorded(path, **options) as tape, closing(tape.http_client):
        yield tape


def tell_the_time(tape: Recorded) -> None:
    """
    Say in each request what time it is, as a card's expiry does.
    """
    for _ in range(3):
        time.sleep(0.002)  # whatever a program does between two answers
        body = f"metadata[now]={tape.clock.now().isoformat()}"
        tape.http_client.request("post", "https://api.stripe.com/v1/issuing/cards", {}, body)
    tape.clock.sleep(0.002)
    tell = tape.clock.now().isoformat()
    tape.outside("tell", lambda: None, now=tell)


def test_it_is_the_same_time_when_a_test_without_a_clock_is_played(tmp_path: Path) -> None:
    """What a request says about the time fits when it is played, though the machine's clock went on."""
    path = tmp_path / "told.yaml"
    with taped(path, mode="record", http_client=Nodding()) as tape:
        began_at = tape.clock.now()
        tell_the_time(tape)
        ended_at = tape.clock.now()
    with taped(path) as tape:
        tell_the_time(tape)

        assert began_at < ended_at
        assert ended_at == tape.clock.now()


def test_the_machines_clock_is_not_moved_when_a_test_asks_for_it(tmp_path: Path) -> None:
    """Moving time needs a simulator's clock: the refusal says so, and nothing is recorded."""
    path = tmp_path / "told.yaml"
    with (
        pytest.raises(CassetteError, match="record against a simulator, and pass its clock"),
        taped(path, mode="record", http_client=Nodding()) as tape,
    ):
        tape.clock.advance(timedelta(days=31))

    assert not path.exists()
