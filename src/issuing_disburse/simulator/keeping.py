"""
How does a served simulator keep its state in a file while it runs?
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from issuing_disburse.simulator.errors import SimulatorError

if TYPE_CHECKING:
    from issuing_disburse.simulator.simulator import IssuingSimulator

SAVE_SECONDS = 1.0
SHARE_OF_TIME = 10
"""
At most a tenth of the time goes into saving: a large state is saved less often.
"""


@contextmanager
def kept(simulator: "IssuingSimulator", data: Path, is_changed: Event) -> Iterator[None]:
    """
    Save to *data* at once, about a second after each change, and at the end.

    Raises:
        SimulatorError: The file cannot be written, or another simulator keeps its state there.
    """
    with _claimed(data):
        try:
            simulator.save(data)
        except OSError as problem:
            message = f"The state cannot be kept in {data}: {problem.strerror}."
            raise SimulatorError(message, param="data") from None
        stop = Event()
        keeper = Thread(
            target=_keep,
            name="simulator-keeper",
            args=(simulator, data, is_changed, stop),
            daemon=True,
        )
        keeper.start()
        try:
            yield
        finally:
            stop.set()
            keeper.join()
            simulator.save(data)


@contextmanager
def _claimed(data: Path) -> Iterator[None]:
    """
    Let only one process write *data*; a killed one has let go of it.
    """
    try:
        import fcntl  # noqa: PLC0415 - POSIX only
    except ImportError:  # pragma: no cover - the other systems
        yield
        return
    beside = data.with_name(data.name + ".lock")
    try:
        file = beside.open("a")
    except OSError as problem:
        message = f"The state cannot be kept in {data}: {problem.strerror}."
        raise SimulatorError(message, param="data") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            message = f"Another simulator keeps its state in {data}; stop it, or name another file."
            raise SimulatorError(message, param="data") from None
        yield


def _keep(simulator: "IssuingSimulator", data: Path, is_changed: Event, stop: Event) -> None:
    pause = SAVE_SECONDS
    while not stop.wait(pause):
        if not is_changed.is_set():
            continue
        is_changed.clear()
        began = time.monotonic()
        try:
            simulator.save(data)
        except OSError as problem:
            is_changed.set()
            sys.stderr.write(f"simulator: could not save to {data}: {problem}; trying again\n")
        pause = max(SAVE_SECONDS, SHARE_OF_TIME * (time.monotonic() - began))
