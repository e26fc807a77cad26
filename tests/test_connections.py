"""
Does our own HTTP client reach a server, keep its connection, and fail in one way only?
"""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from issuing_disburse.connections import PooledClient
from issuing_disburse.exceptions import RefusedError, UnknownOutcomeError
from issuing_disburse.stripe_api import StripeAPI
from scripted_client import KEY, prepared


class Handler(BaseHTTPRequestHandler):
    """
    Answers with what it was asked, and counts connections.
    """

    protocol_version = "HTTP/1.1"
    server: "Server"

    def setup(self) -> None:
        """
        Count one connection.
        """
        super().setup()
        self.server.connections += 1

    def do_GET(self) -> None:
        """
        Answer a read.
        """
        self._answer()

    def do_POST(self) -> None:
        """
        Answer an effect.
        """
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        if self.path == "/hang-up":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        status = (
            int(self.path.rpartition("/")[2]) if self.path.rpartition("/")[2].isdigit() else 200
        )
        content = b'{"id": "ich_1", "error": {"message": "Nope."}}'
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Request-Id", "req_1")
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002  # the base class' own
        """
        Say nothing.
        """


class Server(ThreadingHTTPServer):
    """
    A server on loopback.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.connections = 0
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def address(self) -> str:
        """
        Where it listens.
        """
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    """
    Run a server.
    """
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join(timeout=10)


@pytest.fixture
def client() -> Iterator[PooledClient]:
    """
    Return a client that is closed in the end.
    """
    made = PooledClient()
    yield made
    made.close()


def test_request_sends_what_it_is_given_and_returns_the_answer(
    server: Server, client: PooledClient
) -> None:
    """Method, headers and exact body go out; body, status and headers of any case come back."""
    content, status, headers = client.request(
        "post", f"{server.address}/v1/x", {"Idempotency-Key": "idb_1"}, "a[b]=1"
    )

    method, path, sent, body = server.asked[0]
    assert ("POST", "/v1/x", b"a[b]=1") == (method, path, body)
    assert "idb_1" == sent["Idempotency-Key"]
    assert (b'{"id": "ich_1", "error": {"message": "Nope."}}', 200) == (content, status)
    assert "req_1" == headers["request-id"] == headers["Request-Id"]


def test_connection_is_kept_when_threads_come_and_go(server: Server, client: PooledClient) -> None:
    """One connection serves one thread after the other."""

    def work() -> None:
        client.request("get", f"{server.address}/v1/x", None)

    for _ in range(3):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(timeout=10)

    assert (3, 1) == (len(server.asked), server.connections)


@pytest.mark.parametrize("status", [302, 307, 500, 503, 429])
def test_answer_is_returned_as_it_is_when_it_asks_for_more(
    server: Server, client: PooledClient, status: int
) -> None:
    """No redirect is followed and nothing repeated here: that is decided in one place only."""
    assert status == client.request("get", f"{server.address}/{status}", {})[1]
    assert 1 == len(server.asked)


def test_netrc_is_not_read(
    server: Server, client: PooledClient, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in somebody's home does not replace our key."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    client.request("get", f"{server.address}/v1/x", {"Authorization": "Bearer x"})

    assert "Bearer x" == server.asked[0][2]["Authorization"]


@pytest.mark.parametrize("trouble", ["hang-up", "closed"])
def test_failure_is_the_sdks_own_when_no_answer_comes(
    server: Server, client: PooledClient, trouble: str
) -> None:
    """A connection that ends, or is refused, is the one error that the SDK knows, with no headers."""
    address = f"{server.address}/hang-up"
    if trouble == "closed":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{free.getsockname()[1]}/"
    with pytest.raises(stripe.APIConnectionError, match="no answer: ") as caught:
        client.request("post", address, {"Authorization": f"Bearer {KEY}"}, "a=1")

    assert KEY not in str(caught.value)
    assert caught.value.__suppress_context__


def test_api_works_over_the_pool_when_no_client_is_brought(server: Server) -> None:
    """Left alone, the API makes its own pool, translates what comes back, and opens it again."""
    api = StripeAPI(api_key=KEY, sleep=lambda seconds: None, api_base=server.address)
    try:
        assert {"id": "ich_1"} == prepared(api)("idb_1")
        assert f"Bearer {KEY}" == server.asked[0][2]["Authorization"]
        with pytest.raises(RefusedError, match="Nope") as caught:
            api.get("/v1/400", account=None)
        assert "req_1" == caught.value.stripe_request_id
        lost = api.prepare("/hang-up", {"a": 1}, account=None, keep=dict)
        with pytest.raises(UnknownOutcomeError):
            lost("idb_2")
        assert {"idb_2"} == {
            one[2]["Idempotency-Key"] for one in server.asked if one[1] == "/hang-up"
        }
    finally:
        api.close()
