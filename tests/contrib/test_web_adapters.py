"""
Do webhooks reach the handler through every web framework, raw, bounded and in time?
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest

from issuing_disburse import Disburser, InvalidInputError, Reply
from issuing_disburse.contrib import door
from issuing_disburse.simulator import IssuingSimulator
from web_servers import FRAMEWORKS, PATH, Framework
from world import make_order

EVERY = pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda one: one.name)
ASYNC = pytest.mark.parametrize(
    "framework", [one for one in FRAMEWORKS if one.is_async], ids=lambda one: one.name
)


def _send(
    port: int, body: bytes | list[bytes] = b"{}", *, method: str = "POST", **headers: str
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        chunked = isinstance(body, list)
        connection.request(
            method,
            PATH,
            iter(body) if chunked else body,
            {"Content-Type": "application/json; charset=utf-8", **named},
            encode_chunked=chunked,
        )
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def _keeping(
    seen: list[tuple[bytes, str]], reply: Reply | None = None
) -> Callable[[bytes, str], Reply]:
    def handle(payload: bytes, signature: str) -> Reply:
        seen.append((payload, signature))
        return reply or Reply(status=200, headers={"Content-Type": "application/json"}, body=b"{}")

    return handle


@EVERY
def test_a_purchase_is_decided_over_loopback(framework: Framework) -> None:
    """The simulator posts to the framework's server, which answers within Stripe's two seconds."""
    now = datetime.now(UTC)  # over HTTP the simulator signs by the real time
    with (
        IssuingSimulator(seed=7, platform_funds=1_000_000, start=now) as simulator,
        Disburser.connect(
            api_key=simulator.api_key,
            account=simulator.create_account(),
            webhook_secret=simulator.webhook_secret,
            store="memory://",
            http_client=simulator.http_client(),
        ) as disburser,
        framework.serve(disburser.handle_webhook) as port,
        simulator.serve() as address,
    ):
        address.deliver_webhooks_to(f"http://127.0.0.1:{port}{PATH}")
        card = disburser.disburse(make_order()).card
        wrong = simulator.authorize(card.id, amount=12_499)
        right = simulator.authorize(card.id, amount=12_500)
        simulator.capture(right["id"])
        # Over HTTP the simulator brings events in the background, as Stripe does.
        statement = disburser.statement("claim-8841")
        ends_at = time.monotonic() + 30
        while not statement.spent.minor and time.monotonic() < ends_at:
            time.sleep(0.01)
            statement = disburser.statement("claim-8841")

    assert (False, True) == (wrong["approved"], right["approved"])
    assert "webhook_declined" == wrong["request_history"][0]["reason"]
    assert "webhook_approved" == right["request_history"][0]["reason"]
    assert 12_500 == statement.spent.minor


@EVERY
def test_body_and_signature_arrive_as_they_were_sent(framework: Framework) -> None:
    """Nothing parses, decodes or trims what was signed."""
    body = b'\xef\xbb\xbf {"a": "\xc3\xa9"}\r\n\x00\xff'
    seen: list[tuple[bytes, str]] = []
    with framework.serve(_keeping(seen)) as port:
        _send(port, body, Stripe_Signature="t=1,v1=ab")
        _send(port, body)

    assert [(body, "t=1,v1=ab"), (body, "")] == seen


@EVERY
def test_the_reply_is_sent_as_it_is(framework: Framework) -> None:
    """Status, headers and body are the handler's; the framework adds none of its own meaning."""
    headers = {"Stripe-Version": "2026-10-28.endive", "Content-Type": "application/json"}
    reply = Reply(status=503, headers=headers, body=b'{"approved":true}')
    with framework.serve(_keeping([], reply)) as port:
        answer, body = _send(port)

    assert (503, b'{"approved":true}') == (answer.status, body)
    assert "2026-10-28.endive" == answer.getheader("Stripe-Version")
    assert "application/json" == answer.getheader("Content-Type")


@EVERY
def test_too_large_a_body_is_refused_before_it_is_read(framework: Framework) -> None:
    """By its own account: the answer comes though not a byte of the body was sent."""
    seen: list[tuple[bytes, str]] = []
    with framework.serve(_keeping(seen)) as port:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        connection.putrequest("POST", PATH)
        connection.putheader("Content-Length", str(door.PAYLOAD_MAX_BYTES + 1))
        connection.endheaders()
        if framework.name == "django-asgi":  # Django reads it all before it asks the view
            connection.send(b"x" * (door.PAYLOAD_MAX_BYTES + 1))
        status = connection.getresponse().status
        connection.close()

    assert 413 == status
    assert [] == seen


@pytest.mark.parametrize(
    "framework", [one for one in FRAMEWORKS if one.reads_chunks], ids=lambda one: one.name
)
def test_a_body_without_a_length_is_counted(framework: Framework) -> None:
    """One that comes in chunks is cut off at the same size."""
    seen: list[tuple[bytes, str]] = []
    with framework.serve(_keeping(seen), body_max_bytes=10) as port:
        small, _ = _send(port, [b"12345", b"67890"])
        large, _ = _send(port, [b"12345", b"678901"])

    assert (200, 413) == (small.status, large.status)
    assert [b"1234567890"] == [body for body, _ in seen]


@EVERY
def test_nothing_but_post_is_answered(framework: Framework) -> None:
    """A browser that looks at the address learns nothing."""
    seen: list[tuple[bytes, str]] = []
    with framework.serve(_keeping(seen)) as port:
        answer, _ = _send(port, b"", method="GET")

    assert 405 == answer.status
    assert [] == seen


@EVERY
def test_webhooks_are_handled_side_by_side(framework: Framework) -> None:
    """One that waits for the store keeps no other waiting."""
    together = threading.Barrier(4, timeout=30)

    def handle(payload: bytes, signature: str) -> Reply:
        together.wait()  # breaks unless four are inside at once
        return Reply(status=200, headers={})

    with framework.serve(handle) as port, ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: _send(port)[0].status, range(4)))

    assert [200] * 4 == statuses


@ASYNC
def test_what_waits_for_a_thread_is_bounded(framework: Framework) -> None:
    """With all threads busy and the queue full, the next is told at once to come again."""
    entered, leave = threading.Semaphore(0), threading.Event()

    def handle(payload: bytes, signature: str) -> Reply:
        entered.release()
        leave.wait(30)
        return Reply(status=200, headers={})

    with framework.serve(handle, threads=1, waiting_max=1) as port, ThreadPoolExecutor(6) as pool:
        first = pool.submit(_send, port)
        assert entered.acquire(timeout=30)
        others = [pool.submit(_send, port) for _ in range(5)]
        refused = []
        while len(refused) < 4:  # four of five, whichever came last
            refused = [one for one in others if one.done()]
        leave.set()
        statuses = [one.result()[0].status for one in others]

    assert 200 == first.result()[0].status
    assert {503} == {one.result()[0].status for one in refused}
    assert [200, 503, 503, 503, 503] == sorted(statuses)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (None, False),
        ("", False),
        ("10", False),
        ("11", True),
        ("-11", False),
        ("1e9", False),
        ("9" * 5_000, True),
        ("²", False),
    ],
)
def test_a_length_is_believed_only_if_it_is_one(length: str | None, expected: bool) -> None:
    """Nonsense in the header is no reason to fail: what comes is counted anyway."""
    assert expected is door.is_too_large(length, 10)


@EVERY
@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "5"])
def test_limits_must_be_counts(framework: Framework, limit: Any) -> None:
    """A limit that limits nothing is refused when the application starts."""
    with (
        pytest.raises(InvalidInputError) as caught,
        framework.serve(_keeping([]), body_max_bytes=limit),
    ):
        pass

    assert "body_max_bytes" == caught.value.field
