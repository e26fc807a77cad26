"""
Do all threads share their connections to Stripe, so that a new thread pays no handshake?
"""

import os
import socket
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import define, field

from issuing_disburse import Disburser
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.simulator.server import serve
from world import make_order, make_recipient

_CROWD = 64


@define(eq=False)
class CountingDoor:
    """
    Passes every connection on to a server, and counts them.
    """

    port: int
    accepted: int = 0
    _listener: socket.socket = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """
        Where it listens.
        """
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        """
        Let nobody in any more.
        """
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            server = socket.create_connection(("127.0.0.1", self.port))
            for source, target in ((caller, server), (server, caller)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with source, target:
        try:
            while data := source.recv(65_536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other end has gone


@define
class Street:
    """
    A simulator behind a counting door, and a disburser whose own transport goes through it.
    """

    door: CountingDoor
    disburser: Disburser

    def ask(self) -> None:
        """
        Send one request.
        """
        self.disburser._connection.api.get("/v1/balance", account=None)  # noqa: SLF001 - no call without an effect is public


@pytest.fixture
def street() -> Iterator[Street]:
    """
    Serve a simulator, and talk to it by the transport that is used when none is passed.
    """
    with IssuingSimulator(seed=7, platform_funds=10_000_000) as simulator:
        account = simulator.create_account()
        with serve(simulator) as address:
            door = CountingDoor(int(address.base_url.rpartition(":")[2]))
            options: dict[str, Any] = {
                "api_key": simulator.api_key,
                "account": account,
                "webhook_secret": simulator.webhook_secret,
                "store": "memory://",
                "api_base": door.address,
                "clock": simulator.clock.now,
                "rate_limits": None,
            }
            with Disburser.connect(**options) as disburser:
                yield Street(door, disburser)
            door.close()


def in_threads(count: int, work: Callable[[int], object]) -> None:
    """
    Run *work* in new threads, all at the same time.
    """
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait(30)
        work(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_threads_that_come_and_go_share_one_connection(street: Street) -> None:
    """One thread after the other pays an order of five calls: one connection was ever made."""
    for number in range(6):
        in_threads(
            1,
            lambda _, number=number: street.disburser.disburse(
                make_order(f"claim-{number}", recipient=make_recipient(f"supplier-{number}"))
            ),
        )

    assert 1 == street.door.accepted


def test_crowd_of_new_threads_finds_the_connections_of_the_last_one(street: Street) -> None:
    """As many connections as threads were ever busy at once, and no more for the threads that follow."""
    in_threads(_CROWD, lambda _: street.ask())
    after_one = street.door.accepted
    for _ in range(4):
        in_threads(_CROWD // 2, lambda _: street.ask())

    assert 1 <= after_one <= _CROWD
    assert street.door.accepted <= _CROWD
    before = street.door.accepted
    in_threads(1, lambda _: street.ask())
    assert before == street.door.accepted


def test_pool_keeps_as_many_connections_as_a_bulk_run_has_workers(
    street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    """None of a crowd's connections is thrown away, which urllib3 would log."""
    for _ in range(3):
        in_threads(_CROWD, lambda _: street.ask())

    assert [] == [one for one in caplog.records if "discarding" in one.getMessage()]


def test_child_makes_its_own_connection_and_leaves_its_parents_alone(street: Street) -> None:
    """Behind a fork two processes never write into one connection, and the parent makes no new one."""
    street.ask()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns when threads are about
        child = os.fork()
    if child == 0:
        code = 1
        try:
            street.ask()
            street.ask()
            code = 0
        finally:
            os._exit(code)

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert 2 == street.door.accepted
    street.ask()
    assert 2 == street.door.accepted
