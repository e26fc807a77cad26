"""
How do the simulator and localstripe run beside a benchmark, each in a process of its own?
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

INSTALL_SECONDS = 60
SERVER = """
import sys, time
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.simulator.server import main_simulator
def say(facts):
    print(facts["base_url"], facts["api_key"], facts["account"], flush=True)
def wait():
    for _ in sys.stdin:
        print(time.process_time(), flush=True)
main_simulator(IssuingSimulator(), port=0, say=say, wait=wait)
"""


@contextmanager
def served() -> Iterator[tuple[tuple[str, str, str], Callable[[], float]]]:
    """
    Run the simulator in a process of its own, as localstripe is.

    Yields host, key and account, and what tells how busy the process has been, in seconds.
    """
    command = [sys.executable, "-c", SERVER]
    server = subprocess.Popen(  # noqa: S603 - our own code
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    stdin, stdout = server.stdin, server.stdout

    def processor_seconds() -> float:
        stdin.write("\n")
        stdin.flush()
        return float(stdout.readline())

    try:
        told = stdout.readline().split()
        yield (told[0].removeprefix("http://"), told[1], told[2]), processor_seconds
    finally:
        stdin.close()
        server.wait(10)
        stdout.close()


@contextmanager
def localstripe() -> Iterator[int]:
    """
    Install and run localstripe in a virtual environment that is thrown away.
    """
    port = 18_420
    with tempfile.TemporaryDirectory() as folder:
        venv = [sys.executable, "-m", "venv", folder]
        subprocess.run(venv, check=True, capture_output=True)  # noqa: S603 - fixed words
        python = str(Path(folder) / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "localstripe", "setuptools"]
        subprocess.run(install, check=True, capture_output=True, timeout=INSTALL_SECONDS)  # noqa: S603 - fixed words
        server = subprocess.Popen(  # noqa: S603 - fixed words
            [python, "-m", "localstripe", "--port", str(port), "--from-scratch"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port, server)
            yield port
        finally:
            server.terminate()
            server.wait(10)


def _wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(100):
        time.sleep(0.1)
        if server.poll() is not None:
            raise ConnectionError
        try:
            HTTPConnection("127.0.0.1", port, timeout=1).connect()
        except OSError:
            continue
        return
    raise ConnectionError
