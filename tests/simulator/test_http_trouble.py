"""
Does the served simulator misbehave over a socket as told, and stand whatever comes through one?
"""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, RemoteDisconnected
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.simulator.http_carrier import HTTPCarrier

pytest.importorskip("uvicorn", reason="the simulator extra is not installed")

FORM = "application/x-www-form-urlencoded"


class Served:
    """
    A served simulator, and a plain HTTP client that knows no Stripe.
    """

    def __init__(self, sim: IssuingSimulator, base_url: str) -> None:
        self.sim = sim
        self.base_url = base_url
        self.host = base_url.removeprefix("http://")
        self.account = sim.create_account(issuing_funds=500_000)

    def send(
        self, method: str, path: str, body: bytes | str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        sent = {"Authorization": f"Bearer {self.sim.api_key}", "Content_Type": FORM, **headers}
        connection = HTTPConnection(self.host, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in sent.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), json.loads(answer.read())
        finally:
            connection.close()

    def transfer(self, key: str = "k") -> tuple[int, dict[str, str], Any]:
        body = f"amount=100&currency=usd&destination={self.account}"
        return self.send("POST", "/v1/transfers", body, Idempotency_Key=key)

    def control(self, verb: str, **given: Any) -> Any:
        body = json.dumps(given)
        status, _, answer = self.send(
            "POST", f"/_simulator/{verb}", body, Content_Type="application/json"
        )
        assert status == 200, answer
        return answer

    def raw(self, data: bytes) -> bytes:
        host, port = self.host.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            parts = []
            while part := sock.recv(65_536):
                parts.append(part)
        return b"".join(parts)

    def card(self) -> str:
        own = {"Stripe_Account": self.account}
        address = "&".join(
            f"billing[address][{name}]={value}"
            for name, value in {"line1": 1, "city": "C", "postal_code": 1, "country": "US"}.items()
        )
        holder = self.send(
            "POST", "/v1/issuing/cardholders", f"name=Ada&type=company&{address}", **own
        )[2]["id"]
        form = f"cardholder={holder}&currency=usd&type=virtual&status=active"
        return str(self.send("POST", "/v1/issuing/cards", form, **own)[2]["id"])


@pytest.fixture
def served() -> Iterator[Served]:
    """
    A simulator over HTTP.
    """
    sim = IssuingSimulator(seed=2, platform_funds=100_000)
    with sim.serve() as address:
        yield Served(sim, address.base_url)


def _made(served: Served) -> int:
    return len(served.sim.objects("transfer"))


@pytest.mark.parametrize("kind", ["lose_connection", "hang"])
@pytest.mark.parametrize("after_commit", [False, True])
def test_connection_breaks_without_a_word(served: Served, kind: str, *, after_commit: bool):
    """Not one byte of an answer comes; the same key finds what was done, or does it now."""
    details = {"seconds": 0} if kind == "hang" else {}
    served.control(
        "faults",
        action={"kind": kind, "after_commit": after_commit, **details},
        endpoint="POST /v1/transfers",
    )

    with pytest.raises((ConnectionResetError, RemoteDisconnected)):
        served.transfer()

    assert int(after_commit) == _made(served)
    status, headers, _ = served.transfer()
    assert (200, after_commit) == (status, "idempotent-replayed" in headers)
    assert 1 == _made(served)


def test_hang_lasts_until_the_caller_gives_up(served: Served):
    """The caller's own time-out ends it, and nobody else is kept waiting."""
    served.control("faults", action={"kind": "hang"}, endpoint="POST /v1/transfers")
    connection = HTTPConnection(served.host, timeout=0.2)
    headers = {"Authorization": f"Bearer {served.sim.api_key}"}
    connection.request("POST", "/v1/transfers", b"", headers)

    assert 200 == served.send("GET", "/v1/balance")[0]
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()


def test_slow_answer_keeps_nobody_else_waiting(served: Served):
    """A slow request has really passed its seconds; others are answered meanwhile."""
    served.control("faults", action={"kind": "slow", "seconds": 0.5}, endpoint="POST /v1/transfers")
    times: list[float] = []

    def slow() -> None:
        began = time.monotonic()
        served.transfer()
        times.append(time.monotonic() - began)

    thread = Thread(target=slow)
    thread.start()
    while not served.sim.faults.script[0].done:
        time.sleep(0.001)
    balance = served.send("GET", "/v1/balance")
    is_slow_one_still_out = thread.is_alive()
    thread.join()

    assert (200, True) == (balance[0], is_slow_one_still_out)
    assert times[0] >= 0.5


@pytest.mark.parametrize(
    ("action", "status", "code", "shown"),
    [
        ({"kind": "rate_limited"}, 429, "rate_limit", {"stripe-rate-limited-reason": "endpoint-rate"}),
        ({"kind": "rate_limited", "reason": None}, 429, "rate_limit", {}),
        ({"kind": "lock_timeout"}, 429, "lock_timeout", {}),
        ({"kind": "conflict"}, 409, "idempotency_key_in_use", {}),
        ({"kind": "server_error"}, 500, None, {"stripe-should-retry": "false"}),
        ({"kind": "server_error", "after_commit": True}, 500, None, {"stripe-should-retry": "false"}),
        ({"kind": "server_error", "recorded": False}, 500, None, {}),
        ({"kind": "server_error", "should_retry": True, "status": 503}, 503, None,
         {"stripe-should-retry": "true"}),
        ({"kind": "refuse", "status": 402, "type": "card_error", "code": "odd",
          "headers": {"X-Odd": "1"}}, 402, "odd", {"x-odd": "1"}),
    ],
)  # fmt: skip
def test_refusals_look_as_scripted(
    served: Served, action: dict[str, Any], status: int, code: str | None, shown: dict[str, str]
):
    """Status, code and headers are the script's; the next call is undisturbed."""
    served.control("faults", action=action, endpoint="POST /v1/transfers")
    found, headers, answer = served.transfer()
    interesting = {"stripe-rate-limited-reason", "stripe-should-retry", "x-odd"}

    assert (status, code) == (found, answer["error"].get("code"))
    assert shown == {name: value for name, value in headers.items() if name in interesting}
    assert 200 == served.transfer("next")[0]


def test_rate_limit_opens_again_by_real_time(served: Served):
    """A limit set from outside refuses the call too many; a client that waits gets through."""
    served.control("limit_requests", per_second=25)
    first = [served.send("GET", "/v1/balance")[0] for _ in range(80)]
    while served.send("GET", "/v1/balance")[0] == 429:
        time.sleep(0.05)

    assert {200, 429} == set(first)
    served.control("limit_requests", per_second=None)
    assert {200} == {served.send("GET", "/v1/balance")[0] for _ in range(40)}


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff\xfe garbage\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/transfers HTTP/1.1\r\nHost: a\r\nContent-Length: nine\r\n\r\n",
        b"POST /v1/transfers HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/transfers HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /v1/transfers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /v1/transfers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /v1/balance HTTP/1.1\r\nHost: a\r\nX: \x01\x02\r\n\r\n",
        b"GET /v1/balance HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"GET /v1/../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET //// HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http://elsewhere/v1/balance HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"TRACE /v1/balance HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /v1/balance?\xff\xfe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /v1/balance HTTP/1.1\r\nHost: a\r\nAuthorization: Basic \xff\xff\r\nConnection: close\r\n\r\n",
        b"GET /_simulator HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"GET /_simulator HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /_simulator_ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ],
)
def test_broken_http_is_refused(served: Served, data: bytes):
    """Framing, headers and targets of every wrong kind: a 4xx in Stripe's shape, no hang, no 500."""
    answered = served.raw(data)
    head, _, body = answered.partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 4"), answered[:300]
    assert "error" in json.loads(body)
    assert 200 == served.send("GET", "/v1/balance")[0]


@pytest.mark.parametrize(
    ("head", "data"),
    [
        (b"Content-Length: 5000000", b"a" * 5_000_000),
        (b"Content-Length: 99999999999999", b"a" * 1_000),
        (b"Transfer-Encoding: chunked", b"400000\r\n" + b"a" * 0x400000 + b"\r\n0\r\n\r\n"),
    ],
)
def test_body_that_is_too_large_is_refused(served: Served, head: bytes, data: bytes):
    """Announced or chunked, sent or only promised: 413."""
    key = served.sim.api_key.encode()
    request = b"POST /v1/transfers HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %b\r\n%b\r\n\r\n"

    assert served.raw(request % (key, head) + data).startswith(b"HTTP/1.1 413")
    assert 200 == served.send("GET", "/v1/balance")[0]


def test_body_without_end_is_cut_off(served: Served):
    """Chunk after chunk for ever: the answer comes, and the connection goes."""
    host, port = served.host.split(":")
    chunk = b"80000\r\n" + b"a" * 0x80000 + b"\r\n"
    sent = 0
    with socket.create_connection((host, int(port)), timeout=10) as sock:
        head = "POST /v1/transfers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        sock.sendall(f"{head}Authorization: Bearer {served.sim.api_key}\r\n\r\n".encode())
        try:
            while sent < 64_000_000:
                sock.sendall(chunk)
                sent += 0x80000
        except (BrokenPipeError, ConnectionResetError):
            pass

    assert sent < 64_000_000
    assert 200 == served.send("GET", "/v1/balance")[0]


class _Receiver(HTTPServer):
    """
    A webhook receiver with a single thread, as simple programs have.
    """

    def __init__(self, react: Any) -> None:
        receiver = self
        self.seen: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.seen.append(json.loads(body)["type"])
                react(self)

            def log_message(self, *_: object) -> None:
                return

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"


@contextmanager
def _received(react: Any) -> Iterator[_Receiver]:
    receiver = _Receiver(react)
    thread = Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join()


def _say(handler: Any, body: bytes = b'{"approved":true}') -> None:
    handler.send_response(200)
    handler.send_header("Stripe-Version", "2026-10-28.endive")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_receiver_with_one_thread_may_call_the_api(served: Served):
    """It calls back before it answers, both for events and for a question; nobody waits in vain."""
    balances: list[int] = []

    def react(handler: Any) -> None:
        balances.append(served.send("POST", "/v1/transfers", "amount=x")[0])
        _say(handler)

    with _received(react) as receiver:
        served.control("webhooks", url=receiver.url)
        bought = served.control("authorize", card_id=served.card(), amount=100)["result"]
        served.control("settle")
        seen = list(receiver.seen)

    assert bought["approved"]
    assert "webhook_approved" == bought["request_history"][0]["reason"]
    assert "issuing_authorization.request" in seen
    assert "issuing_authorization.created" in seen
    assert {400} == set(balances)


def test_failed_delivery_is_tried_again_on_the_clock(served: Served):
    """A receiver that failed gets the event again when the simulated time has come."""
    statuses = [500, 200]

    def react(handler: Any) -> None:
        handler.send_response(statuses.pop(0) if statuses else 200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with _received(react) as receiver:
        served.control("webhooks", url=receiver.url)
        served.control("fund_issuing", account=served.account, amount=5)
        first = list(receiver.seen)
        served.control("advance_clock", seconds=86_400)

    assert 2 * first == receiver.seen
    assert ["balance.available"] == first


@pytest.mark.parametrize("is_drip", [False, True])
def test_deadline_holds_for_the_whole_answer(*, is_drip: bool):
    """A receiver that is silent, or sends a byte now and then for ever, is given up in time."""
    gone = Event()

    def react(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with suppress(OSError):
            while not gone.wait(0.005):
                if is_drip:
                    handler.wfile.write(b" ")

    with _received(react) as receiver:
        began = time.monotonic()
        try:
            with pytest.raises(TimeoutError):
                HTTPCarrier(receiver.url)(b'{"type":"x"}', {"Stripe-Signature": "s"}, timeout=0.3)
        finally:
            gone.set()
        took = time.monotonic() - began

    assert took > 0.29  # no sooner; that it came at all is the proof


def test_clock_runs_along_when_asked_to():
    """With a running clock the simulated time moves by itself, and what is due happens."""
    sim = IssuingSimulator(seed=2)
    before = sim.clock.now()
    with sim.serve(running_clock=True):
        while sim.clock.now() == before:
            time.sleep(0.01)
    stopped = sim.clock.now()

    assert stopped > before
    assert stopped == sim.clock.now()


def test_control_needs_a_loopback_name(served: Served):
    """A web page whose name was pointed at this machine is not let in; real names are."""
    statuses = {
        name: served.send("GET", "/_simulator", Host=name)[0]
        for name in (
            "localhost",
            "127.0.0.1:99",
            "[::1]:5",
            "evil.example",
            "127.0.0.1.evil.example",
        )
    }

    assert {"localhost": 200, "127.0.0.1:99": 200, "[::1]:5": 200} == {
        name: status for name, status in statuses.items() if status == 200
    }
    assert 403 == statuses["evil.example"] == statuses["127.0.0.1.evil.example"]


def test_control_shows_script_and_requests(served: Served):
    """What was scripted, how often it struck, and what was asked, without any key."""
    served.control("faults", action={"kind": "conflict"}, endpoint="POST /v1/transfers", nth=2)
    served.transfer("a"), served.transfer("b"), served.transfer("c")
    script = served.send("GET", "/_simulator/faults")[2]["faults"]
    asked = served.send("GET", "/_simulator/requests?limit=2")[2]["requests"]

    assert [(3, 1, 2)] == [(each["seen"], each["done"], each["nth"]) for each in script]
    assert [("b", 409), ("c", 200)] == [(each["idempotency_key"], each["status"]) for each in asked]
    assert served.sim.api_key not in json.dumps(asked)
    assert 0 == len(served.send("DELETE", "/_simulator/faults")[2]["faults"])
