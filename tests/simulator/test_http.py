"""
Is the simulator the same over HTTP, for any SDK, across restarts and under misbehaviour?
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import stripe

from issuing_disburse.simulator import IssuingSimulator, SimulatorError
from issuing_disburse.simulator.server import main_simulator

pytest.importorskip("uvicorn", reason="the simulator extra is not installed")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((body, self.headers["Stripe-Signature"]))  # type: ignore[attr-defined]  # set below
        answer = b'{"approved":true,"metadata":{"over":"http"}}'
        self.send_response(200)
        self.send_header("Stripe-Version", "2026-10-28.endive")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def receiver() -> Iterator[Any]:
    """
    A webhook receiver on loopback that approves everything.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.seen = []  # type: ignore[attr-defined]  # what arrived
    server.url = f"http://127.0.0.1:{server.server_port}/hook?x=1"  # type: ignore[attr-defined]  # where
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _control(base: str, verb: str, **given: Any) -> Any:
    request = Request(  # noqa: S310 - loopback
        f"{base}/_simulator/{verb}",
        json.dumps(given).encode(),
        {"Content-Type": "application/json"},
    )
    with urlopen(request) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def _client(address: Any, **options: Any) -> stripe.StripeClient:
    return stripe.StripeClient(
        address.simulator.api_key, base_addresses={"api": address.base_url}, **options
    )


HOLDER = {
    "name": "Ada",
    "type": "company",
    "billing": {"address": {"line1": "1", "city": "C", "postal_code": "1", "country": "US"}},
}


def _card(client: stripe.StripeClient, account: str) -> Any:
    opt = {"stripe_account": account}
    holder = client.v1.issuing.cardholders.create(HOLDER, opt)
    return client.v1.issuing.cards.create(
        {"cardholder": holder.id, "currency": "usd", "type": "virtual", "status": "active"}, opt
    )


def test_story_runs_over_http_with_real_time_webhooks(receiver):
    """stripe-python over a socket, a receiver over another, the control API over the first."""
    sim = IssuingSimulator(seed=2)
    account = sim.create_account(issuing_funds=50_000)
    with sim.serve() as address:
        client = _client(address)
        _control(address.base_url, "webhooks", url=receiver.url)
        card = _card(client, account)
        bought = _control(address.base_url, "authorize", card_id=card.id, amount=4_000)["result"]
        captured = client.v1.test_helpers.issuing.authorizations.capture(
            bought["id"], {}, {"stripe_account": account}
        )
        _control(address.base_url, "advance_clock", seconds=60)
    events = [
        client.construct_event(body, signature, sim.webhook_secret).type
        for body, signature in receiver.seen
    ]

    assert ("webhook_approved", {"over": "http"}) == (
        bought["request_history"][0]["reason"],
        bought["metadata"],
    )
    assert "closed" == captured.status
    assert "issuing_authorization.request" in events
    assert "issuing_transaction.created" in events


def test_unreachable_receiver_is_an_error_of_the_webhook(receiver):
    """Nobody at the address: declined, and the event is tried again later."""
    sim = IssuingSimulator(seed=2)
    account = sim.create_account(issuing_funds=50_000)
    with sim.serve() as address:
        _control(address.base_url, "webhooks", url="http://127.0.0.1:9/none")
        bought = sim.authorize(_card(_client(address), account).id, 4_000)

    assert "webhook_error" == bought["request_history"][0]["reason"]


def test_lost_connection_breaks_over_http():
    """The SDK meets a broken connection, and its own retry under the same key ends it."""
    sim = IssuingSimulator(seed=2, platform_funds=1_000)
    account = sim.create_account()
    with sim.serve() as address:
        client = _client(address)
        params = {"amount": 10, "currency": "usd", "destination": account}
        for kind in ("lose_connection", "hang"):
            given = {"seconds": 0} if kind == "hang" else {}
            action = {"kind": kind, "after_commit": True, **given}
            _control(address.base_url, "faults", action=action, endpoint="POST /v1/transfers")
            with pytest.raises(stripe.APIConnectionError):
                client.v1.transfers.create(params, {"idempotency_key": kind})
            client.v1.transfers.create(params, {"idempotency_key": kind})

    assert 2 == len(sim.objects("transfer"))


def test_control_api_answers_what_it_cannot_do():
    """State is shown, nonsense is refused, and no browser form gets in."""
    sim = IssuingSimulator(seed=2)
    with sim.serve() as address:
        base = address.base_url + "/_simulator"
        with urlopen(base) as answer:  # noqa: S310 - loopback
            state = json.load(answer)
        made = _control(address.base_url, "create_account", country="GB")["result"]
        cleared = urlopen(Request(base + "/faults", method="DELETE"))  # noqa: S310 - loopback, closed below
        cleared.close()

        def status(path: str, body: bytes, kind: str = "application/json", method: str = "POST"):
            request = Request(base + path, body, {"Content-Type": kind}, method=method)  # noqa: S310 - loopback
            with pytest.raises(HTTPError) as caught:
                urlopen(request)  # noqa: S310 - loopback
            caught.value.close()
            return caught.value.code

        statuses = [
            status("/nonsense", b"{}"),
            status("/authorize", b"a=1", "application/x-www-form-urlencoded"),
            status("/authorize", b"[]"),
            status("/authorize", b"{"),
            status("/authorize", b'{"card_id":"ic_nope","amount":1}'),
            status("/authorize", b'{"nope":1}'),
            status("/faults", b'{"action":{"kind":"nope"}}'),
            status("/advance_clock", b"{}"),
            status("/faults", b"", method="PUT"),
        ]

    assert (sim.api_key, sim.platform_account) == (state["api_key"], state["platform_account"])
    assert made.startswith("acct_")
    assert [404, 415, 400, 400, 400, 400, 400, 400, 404] == statuses


def test_large_body_is_cut_off():
    """Five megabytes are read to the end and refused."""
    sim = IssuingSimulator(seed=2)
    with sim.serve() as address:
        request = Request(  # noqa: S310 - loopback
            address.base_url + "/v1/transfers",
            b"a" * 5_000_000,
            {"Authorization": f"Bearer {sim.api_key}"},
        )
        with pytest.raises(HTTPError) as caught:
            urlopen(request)  # noqa: S310 - loopback
        caught.value.close()

    assert 413 == caught.value.code


def test_only_loopback_is_served_unless_told_otherwise():
    """An address that others can reach must be meant."""
    for host in ("0.0.0.0", "example.com"):  # noqa: S104 - that it is refused is the point
        with (
            pytest.raises(SimulatorError, match="other machines"),
            IssuingSimulator().serve(host=host),
        ):
            pass


def test_state_survives_a_restart(tmp_path: Path):
    """Everything goes on where it was: objects, keys, holds, what is due, and the next id."""
    path = tmp_path / "state"
    sim = IssuingSimulator(seed=2, platform_funds=5_000)
    account = sim.create_account(issuing_funds=50_000)
    with sim.serve(data=path) as address:
        client = _client(address)
        opt = {"stripe_account": account}
        card = _card(client, account)
        worn = client.v1.issuing.cards.create(
            {
                "cardholder": card.cardholder.id,
                "currency": "usd",
                "type": "virtual",
                "status": "active",
                "replacement_for": card.id,
                "replacement_reason": "damaged",
                "spending_controls": {"spending_limits": [{"amount": 9, "interval": "daily"}]},
                "lifecycle_controls": {"cancel_after": {"payment_count": 2}},
            },
            {**opt, "idempotency_key": "worn"},
        )
        bought = sim.authorize(worn.id, 9)
        sim.rotate_webhook_secret()
        key = sim.restricted_key({"/v1/balance": "read"})
        client.v1.webhook_endpoints.create({"url": "https://example.com", "enabled_events": ["*"]})
    again = IssuingSimulator.load(path)
    headers = {"Authorization": f"Bearer {key}", "Stripe-Account": account}
    balances = [each.handle("GET", "/v1/balance", headers) for each in (sim, again)]

    assert sim.clock.now() == again.clock.now()
    for kind in ("account", "card", "authorization", "event", "webhook_endpoint"):
        assert sim.objects(kind) == again.objects(kind)
    assert (sim.api_key, sim.webhook_secret) == (again.api_key, again.webhook_secret)
    assert balances[0].body == balances[1].body
    declined = [each.authorize(worn.id, 9)["request_history"] for each in (sim, again)]
    assert "spending_controls" == declined[1][0]["reason"]
    assert declined[0] == declined[1]
    for each in (sim, again):
        each.clock.advance(timedelta(days=8))
    assert 0 == again.held(account)
    assert sim.objects("authorization")[0] == again.objects("authorization")[0]
    assert bought["id"] == again.objects("authorization")[0]["id"]


def test_file_of_another_kind_is_refused(tmp_path: Path):
    """What is no state of ours is told, not half read."""
    path = tmp_path / "state"
    for content in (b"nonsense", b"{}", b"[]", b'{"format":99}\n'):
        path.write_bytes(content)
        with pytest.raises(SimulatorError, match="does not hold"):
            IssuingSimulator.load(path)


def test_program_says_where_it_is(receiver, tmp_path: Path):
    """Whoever starts it is told everything a caller needs; a second start finds the account."""
    told: list[dict[str, str]] = []
    sim = IssuingSimulator(seed=2)
    for _ in range(2):
        main_simulator(
            sim,
            port=0,
            webhook_url=receiver.url,
            say=told.append,
            wait=lambda: None,
            data=tmp_path / "s",
        )

    assert told[0]["base_url"].startswith("http://127.0.0.1:")
    assert told[0]["base_url"] + "/_simulator" == told[0]["control_url"]
    assert (sim.api_key, sim.webhook_secret, sim.platform_account) == (
        told[0]["api_key"],
        told[0]["webhook_secret"],
        told[0]["platform_account"],
    )
    assert told[0]["account"] == told[1]["account"]
    assert 4 == len(sim.objects("webhook_endpoint"))
