"""
Does a served simulator stay well for months: slow receivers, endless headers, old events?
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from issuing_disburse.simulator import Behaviour, IssuingSimulator
from issuing_disburse.simulator.server import Address

pytest.importorskip("uvicorn", reason="the simulator extra is not installed")


@contextmanager
def _served(behaviour: Behaviour | None = None) -> Iterator[tuple[IssuingSimulator, Address]]:
    sim = IssuingSimulator(seed=3, platform_funds=10_000, behaviour=behaviour or Behaviour())
    with sim.serve() as address:
        yield sim, address


@contextmanager
def _sleeper() -> Iterator[tuple[str, Event]]:
    """
    Yield the address of a receiver that answers only once the event is set, and the event.
    """
    may_answer = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            may_answer.wait(30)
            with suppress(OSError):
                self.send_response(200)
                self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=receiver.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{receiver.server_port}/", may_answer
    finally:
        may_answer.set()
        receiver.shutdown()
        receiver.server_close()


def test_receiver_that_is_too_slow_is_tried_again():
    """After ``webhook_timeout_seconds`` a delivery has failed, and comes again by the clock."""
    behaviour = Behaviour(webhook_timeout_seconds=0.1, webhook_retry_seconds=(300,))
    with _sleeper() as (url, may_answer), _served(behaviour) as (sim, address):
        address.deliver_webhooks_to(url)
        sim.fund_platform(5)
        assert sim.settle()
        waiting = sim.events()[-1]["pending_webhooks"]
        may_answer.set()
        sim.clock.advance(timedelta(seconds=299))
        still_waiting = sim.events()[-1]["pending_webhooks"]
        sim.clock.advance(timedelta(seconds=1))
        assert sim.settle()

        assert [1, 1, 0] == [waiting, still_waiting, sim.events()[-1]["pending_webhooks"]]


@pytest.mark.parametrize("start", [b"GET /v1/", b"GET /v1/balance HTTP/1.1\r\nHost: x\r\nX: "])
def test_head_without_an_end_is_refused(start: bytes):
    """An address or a header that goes on and on is cut off in Stripe's shape."""
    with (
        _served() as (_, address),
        socket.create_connection(
            ("127.0.0.1", int(address.base_url.rpartition(":")[2])), timeout=10
        ) as connection,
    ):
        connection.sendall(start)
        with suppress(OSError):
            for _ in range(200):
                connection.sendall(b"a" * 100_000)
        answer = connection.recv(1_000)

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b'"message":"The headers are too large."' in answer


def test_server_forgets_what_is_no_longer_shown():
    """A month later the events are gone from a server's memory; in process they stay."""
    with _served() as (sim, _):
        account = sim.create_account(issuing_funds=5)
        old = sim.events()[-1]["id"]
        sim.clock.advance(timedelta(days=31))
        sim.fund_issuing(account, 5)

        assert ["balance.available"] == [event["type"] for event in sim.events(account)]
        assert old not in sim.world.by_id
    kept = len(sim.events())
    sim.clock.advance(timedelta(days=31))

    assert kept == len(sim.events())
