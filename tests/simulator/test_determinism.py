"""
Do one seed and one script give the same bytes, whatever else differs?
"""

import hashlib
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from orjson import dumps, loads

from issuing_disburse.simulator import (
    Behaviour,
    Fault,
    IssuingSimulator,
    LoseConnection,
    Refuse,
    ServerError,
    Slow,
    Webhook,
    rate_limited,
)
from issuing_disburse.simulator.delivery import Reply

HOLDER = (
    "name=Ada&type=company&billing[address][line1]=1&billing[address][city]=C"
    "&billing[address][postal_code]=1&billing[address][country]=US"
)


def run_script(seed: int) -> bytes:
    """
    Let everything happen that may be drawn from chance, and return every byte that came out.
    """
    sim = IssuingSimulator(
        seed=seed, platform_funds=500_000, behaviour=Behaviour(screening_seconds=30), rate_limit=100
    )
    out: list[bytes] = []

    def receive(payload: bytes, signature: str) -> Reply:
        out.append(payload + signature.encode())
        approved = loads(payload)["created"] % 2 == 0
        headers = {"Stripe-Version": "2026-10-28.endive"}
        return Reply(500 if len(out) % 7 == 0 else 200, headers, dumps({"approved": approved}))

    sim.deliver_webhooks_to(receive)
    for action in (
        LoseConnection(),
        ServerError(after_commit=True),
        rate_limited(),
        Slow(seconds=3),
    ):
        sim.faults.add(Fault(action=action, probability=0.15, times=0))
    sim.faults.add(Fault(action=Refuse(code="odd"), endpoint="POST /v1/transfers", nth=3))
    for how in ("late", "twice", "shuffled", "never"):
        sim.faults.add(Fault(action=Webhook(how=how), probability=0.2, times=0))
    account = sim.create_account(issuing_funds=100_000)

    def post(path: str, body: str, *, own: bool = True) -> dict[str, str]:
        for attempt in range(20):
            headers = {
                "Authorization": f"Bearer {sim.api_key}",
                "Idempotency-Key": f"{path}-{hashlib.sha256(body.encode()).hexdigest()}-{attempt // 2}",
                **({"Stripe-Account": account} if own else {}),
            }
            answer = sim.handle("POST", path, headers, body.encode())
            out.append(b"%d %b %b" % (answer.status, dumps(answer.headers), answer.body))
            if answer.status == 200:
                return loads(answer.body)
        raise AssertionError(out[-1])

    for place in range(6):
        holder = post("/v1/issuing/cardholders", f"{HOLDER}&metadata[place]={place}")["id"]
        sim.clock.advance(timedelta(seconds=31))
        form = f"cardholder={holder}&currency=usd&type=virtual&status=active"
        card = post("/v1/issuing/cards", form)["id"]
        post("/v1/transfers", f"amount={place + 1}&currency=usd&destination={account}", own=False)
        bought = sim.authorize(card, 1_000 + place)
        if bought["approved"]:
            sim.capture(bought["id"], 500)
        sim.clock.advance(timedelta(hours=5, seconds=place))
    sim.rotate_webhook_secret()
    sim.clock.advance(timedelta(days=9))
    out += [dumps(event) for event in sim.events()]
    out.append(sim.clock.now().isoformat().encode())
    return b"\n".join(out)


def test_two_runs_are_the_same_bytes():
    """Requests lost, refused and repeated, deliveries late, twice, shuffled and failed, clock moves."""
    first, again, other = run_script(11), run_script(11), run_script(12)

    assert first == again
    assert first != other
    for trace in (b'"Idempotent-Replayed"', b"429 ", b"500 ", b'"code":"odd"'):
        assert trace in first or trace in other


def test_a_fault_moves_no_ids():
    """What goes wrong is drawn apart from ids: a script that never strikes changes nothing."""

    def ids(*, with_faults: bool) -> list[str]:
        sim = IssuingSimulator(seed=3, platform_funds=100)
        if with_faults:
            sim.faults.add(Fault(action=rate_limited(), probability=0.000_001, times=0))
            sim.faults.add(Fault(action=Webhook(how="never"), probability=0.000_001, times=0))
        sim.deliver_webhooks_to(lambda payload, signature: Reply(200))
        sim.create_account(issuing_funds=5)
        headers = {"Authorization": f"Bearer {sim.api_key}"}
        for _ in range(3):
            sim.handle("GET", "/v1/balance", headers)
        return [sim.create_account(), *(event["id"] for event in sim.events())]

    assert ids(with_faults=False) == ids(with_faults=True)


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_another_process_writes_the_same_bytes(hash_seed: str):
    """The order of sets and dictionaries of another process does not show."""
    path = Path(__file__)
    code = (
        "import hashlib, importlib.util, sys;"
        f"spec = importlib.util.spec_from_file_location('script', {str(path)!r});"
        "module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module);"
        "sys.stdout.write(hashlib.sha256(module.run_script(11)).hexdigest())"
    )
    told = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )

    assert hashlib.sha256(run_script(11)).hexdigest() == told.stdout
