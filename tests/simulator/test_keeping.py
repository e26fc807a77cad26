"""
Does the state outlive the process, however it ends?
"""

import json
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from issuing_disburse.simulator import IssuingSimulator, SimulatorError
from issuing_disburse.simulator.courier import Courier, Parcel
from issuing_disburse.simulator.server import serve

pytest.importorskip("uvicorn", reason="the simulator extra is not installed")


class Process:
    """
    The command ``issuing-disburse simulator`` in a process of its own.
    """

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "issuing_disburse.cli", "simulator", "--json"]
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.told: dict[str, Any] = json.loads(self.process.stdout.readline() or "{}")

    def transfer(self, key: str) -> dict[str, Any]:
        connection = HTTPConnection(self.told["base_url"].removeprefix("http://"), timeout=20)
        body = f"amount=5&currency=usd&destination={self.told['account']}"
        headers = {
            "Authorization": f"Bearer {self.told['api_key']}",
            "Content-Type": "application/x-www-form-urlencoded",
            "Idempotency-Key": key,
        }
        connection.request("POST", "/v1/transfers", body, headers)
        answer: dict[str, Any] = json.load(connection.getresponse())
        connection.close()
        return answer

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        self.out, self.err = self.process.communicate(timeout=30)
        return self.process.returncode


def test_killed_simulator_goes_on_from_what_was_saved(tmp_path: Path):
    """After SIGKILL the file is whole: same keys, same objects, and a known key is replayed."""
    data = tmp_path / "state"
    first = Process("--port", "0", "--data", str(data), "--seed", "5")
    made = first.transfer("k")
    while made["id"] not in data.read_text():
        time.sleep(0.02)
    killed = first.end(signal.SIGKILL)
    second = Process("--port", "0", "--data", str(data))
    again = second.transfer("k")
    stopped = second.end(signal.SIGTERM)

    assert -signal.SIGKILL == killed
    assert made == again
    kept = ("api_key", "account", "webhook_secret", "platform_account")
    assert [first.told[name] for name in kept] == [second.told[name] for name in kept]
    assert (0, "", "") == (stopped, second.out, second.err)


def test_half_written_file_is_never_seen(tmp_path: Path):
    """A save that was cut short leaves the state before it in place."""
    data = tmp_path / "state"
    sim = IssuingSimulator(seed=5)
    sim.save(data)
    (tmp_path / "state.new").write_bytes(data.read_bytes()[:100])

    assert sim.api_key == IssuingSimulator.load(data).api_key


def test_truncated_file_is_refused(tmp_path: Path):
    """What is not whole is told, not half read; nor is what has been tampered with."""
    data = tmp_path / "state"
    sim = IssuingSimulator(seed=5)
    sim.create_account()
    sim.save(data)
    whole = data.read_bytes()
    for content in (whole[:200], whole[:-30], whole.replace(b'"Account"', b'"Nobody"'), b"\n\n"):
        data.write_bytes(content)
        with pytest.raises(SimulatorError, match=r"does not hold|is damaged"):
            IssuingSimulator.load(data)


def test_file_belongs_to_one_simulator_at_a_time(tmp_path: Path):
    """A second one on the same file is refused before it answers; later it may have it."""
    data = tmp_path / "state"
    with (
        IssuingSimulator().serve(data=data),
        pytest.raises(SimulatorError, match="Another simulator"),
        IssuingSimulator().serve(data=data),
    ):
        pass
    with IssuingSimulator().serve(data=data):
        pass


def test_file_that_cannot_be_written_is_told_at_once(tmp_path: Path):
    """Not a second later, in the background."""
    for data in (tmp_path / "none" / "state", tmp_path):
        with (
            pytest.raises(SimulatorError, match="cannot be kept"),
            serve(IssuingSimulator(), data=data),
        ):
            pass


def test_what_was_under_way_is_handed_back():
    """Parcels that the courier could not bring by the end are returned, to be due next time."""
    is_at_door, may_go = Event(), Event()

    def deliver(parcels: list[Parcel]) -> None:
        is_at_door.set()
        may_go.wait(10)

    courier = Courier(deliver)
    courier.hand_over([("evt_1", "we_1", 0), ("evt_2", "we_1", 0)])
    is_at_door.wait(10)
    has_settled = courier.settle(0.01)
    left = courier.close(0.01)
    may_go.set()

    assert not has_settled
    assert [("evt_2", "we_1", 0)] == left


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"created":17', b'"created":18'), (b'"platform":"acct', b'"platform":"acxt')],
)
def test_file_that_somebody_touched_is_refused(tmp_path: Path, old: bytes, new: bytes):
    """One digit that is another one is noticed, wherever it is."""
    sim = IssuingSimulator(platform_funds=5)
    sim.save(tmp_path / "state")
    saved = (tmp_path / "state").read_bytes()
    assert old in saved
    (tmp_path / "state").write_bytes(saved.replace(old, new, 1))
    with pytest.raises(SimulatorError, match="is damaged"):
        IssuingSimulator.load(tmp_path / "state")


def test_file_is_read_before_any_garbage_is_collected(tmp_path: Path):
    """A fresh process reads a file, whatever the collector has not taken away yet."""
    code = (
        "import gc, sys; gc.disable(); from pathlib import Path;"
        "from issuing_disburse.simulator import IssuingSimulator;"
        "IssuingSimulator(platform_funds=5).save(Path(sys.argv[1]));"
        "print(IssuingSimulator.load(Path(sys.argv[1])).payments_balance())"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "state")]
    told = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own code

    assert "5" == told.stdout.strip()
