"""
Does the simulator misbehave exactly as scripted?
"""

import pytest
import stripe
from orjson import loads

from issuing_disburse.simulator import (
    Fault,
    Hang,
    LoseConnection,
    Refuse,
    ServerError,
    Slow,
    conflict,
    lock_timeout,
    rate_limited,
)

TRANSFERS = "/v1/transfers"
POST = "POST /v1/transfers"


def _send(bench, key: str = "k"):
    body = f"amount=100&currency=usd&destination={bench.account}".encode()
    return bench.raw("POST", TRANSFERS, body, account=None, Idempotency_Key=key)


def _made(bench) -> int:
    return len(bench.sim.objects("transfer"))


def test_refusal_is_recorded_with_its_key(bench):
    """A scripted refusal by the endpoint belongs to the key; a new key goes through."""
    bench.sim.faults.add(
        Fault(action=Refuse(status=402, code="odd", message="No.", param="p"), endpoint=POST)
    )
    first, again, other = _send(bench), _send(bench), _send(bench, "k2")

    assert [402, 402, 200] == [each.status for each in (first, again, other)]
    assert ("odd", "p", "No.") == tuple(
        loads(first.body)["error"][name] for name in ("code", "param", "message")
    )
    assert "true" == again.headers["Idempotent-Replayed"]
    assert 1 == _made(bench)


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        (rate_limited("resource-specific"), 429, "rate_limit"),
        (lock_timeout(), 429, "lock_timeout"),
        (conflict(), 409, "idempotency_key_in_use"),
        (Refuse(status=401, recorded=False), 401, None),
    ],
)
def test_refusal_before_execution_leaves_the_key_free(bench, action, status, code):
    """Limits and conflicts are on no record: the same key works afterwards."""
    bench.sim.faults.add(Fault(action=action, endpoint=POST))
    first, again = _send(bench), _send(bench)

    assert (status, code, 200) == (
        first.status,
        loads(first.body)["error"].get("code"),
        again.status,
    )
    assert "Idempotent-Replayed" not in again.headers


@pytest.mark.parametrize(
    ("action", "statuses", "made", "advice"),
    [
        (ServerError(), [500, 500], 0, "false"),
        (ServerError(recorded=False), [500, 200], 1, None),
        (ServerError(recorded=False, should_retry=True), [500, 200], 1, "true"),
        (ServerError(after_commit=True), [500, 500], 1, "false"),
        (ServerError(after_commit=True, recorded=False), [500, 200], 2, None),
        (ServerError(after_commit=True, status=503, should_retry=True), [503, 503], 1, "true"),
    ],
)
def test_server_error_strikes_before_or_after_the_commit(bench, action, statuses, made, advice):
    """A 500 hides what happened; whether it is recorded decides what a retry does."""
    bench.sim.faults.add(Fault(action=action, endpoint=POST))
    answers = [_send(bench), _send(bench)]

    assert statuses == [each.status for each in answers]
    assert made == _made(bench)
    assert advice == answers[0].headers.get("Stripe-Should-Retry")


@pytest.mark.parametrize(
    ("action", "made"),
    [
        (LoseConnection(after_commit=False), 0),
        (LoseConnection(after_commit=True), 1),
        (Hang(), 0),
        (Hang(after_commit=True), 1),
    ],
)
def test_lost_connection_raises_in_the_sdk(bench, action, made):
    """The SDK sees a connection error; a repeat under the same key ends it."""
    bench.sim.faults.add(Fault(action=action, endpoint=POST))
    params = {"amount": 100, "currency": "usd", "destination": bench.account}
    with pytest.raises(stripe.APIConnectionError):
        bench.client.v1.transfers.create(params, {"idempotency_key": "k"})
    after = _made(bench)
    bench.client.v1.transfers.create(params, {"idempotency_key": "k"})

    assert (made, 1) == (after, _made(bench))


def test_slow_answer_moves_the_clock(bench):
    """In process a slow answer takes simulated time only."""
    bench.sim.faults.add(Fault(action=Slow(seconds=30), endpoint=POST))
    before = bench.sim.clock.now()
    _send(bench)

    assert 30 == (bench.sim.clock.now() - before).total_seconds()


def test_faults_strike_when_told(bench):
    """The nth call, some calls, every call, one account's calls, and none after clearing."""
    sim = bench.sim
    sim.faults.add(Fault(action=rate_limited(), endpoint=POST, nth=2))
    second = [_send(bench, f"a{n}").status for n in range(3)]
    sim.faults.clear()
    sim.faults.add(Fault(action=rate_limited(), endpoint="*", times=2))
    twice = [_send(bench, f"b{n}").status for n in range(3)]
    sim.faults.clear()
    sim.faults.add(Fault(action=rate_limited(), times=0, account=bench.account))
    others = [_send(bench, f"c{n}").status for n in range(2)]
    theirs = bench.raw("GET", "/v1/balance").status
    sim.faults.clear()
    sim.faults.add(Fault(action=rate_limited(), times=0, probability=0.5))
    luck = {_send(bench, f"d{n}").status for n in range(40)}
    sim.faults.clear()

    assert [200, 429, 200] == second
    assert [429, 429, 200] == twice
    assert ([200, 200], 429) == (others, theirs)
    assert {200, 429} == luck
    assert 0 == len(sim.faults)


def test_bug_of_the_simulator_looks_like_a_500(bench):
    """Even a failure of the simulator itself is answered, never raised."""
    bench.sim._world.platform = "acct_gone"  # noqa: SLF001 - a state no call can reach
    with pytest.raises(KeyError):
        bench.sim._world.by_id["acct_gone"]  # noqa: SLF001 - that it is gone is the point
    bench.sim._world.platform = bench.sim.platform_account  # noqa: SLF001 - and back
    bench.sim._world.agenda = None  # noqa: SLF001 - likewise
    card = bench.card()
    answer = bench.raw(
        "POST", "/v1/test_helpers/issuing/authorizations", f"card={card.id}&amount=5".encode()
    )

    assert 500 == answer.status
    assert "api_error" == loads(answer.body)["error"]["type"]
