"""
Does nothing that anybody may send raise, or buy anything without Stripe's signature?
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from asking import outcome_event, request_event
from issuing_disburse import Reply
from issuing_disburse.signatures import sign
from world import World, make_order, open_world

SOAK_EXAMPLES = 50_000  # for each of the two, so that there are 100,000
EXAMPLES = 300
AT_ONCE = 2_000

_WORLDS: list[World] = []


@contextmanager
def fresh_world() -> Iterator[World]:
    """
    Open the world that payloads are about.
    """
    with open_world() as world:
        world.disburser.disburse(make_order())
        _WORLDS[:] = [world]
        yield world
        _WORLDS.clear()


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["usd", "EUR", "ic_1", "iauth_1", 12_500, 0, 100, "issuing_authorization.request"]
    )
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def paths(place: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """
    Yield where something stands in an event.
    """
    if isinstance(place, dict):
        for name, inner in place.items():
            yield (*way, name)
            yield from paths(inner, (*way, name))


def card_of(world: World) -> str:
    """
    Return the one card of ours.
    """
    return world.disburser.get("claim-8841").card.id


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """
    Draw an event with a few fields replaced, removed or added, or bytes that are none.
    """
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    world = _WORLDS[0]
    kind = draw(
        st.sampled_from(["request", "created", "updated", "transaction", "card", "dispute"])
    )
    number = draw(st.integers(1, 3))
    event: Any = (
        request_event(world, card_of(world), number)
        if kind == "request"
        else outcome_event(world, card_of(world), number, approved=draw(st.booleans()))
    )
    if kind not in {"request", "created"}:
        event["type"] = {
            "updated": "issuing_authorization.updated",
            "transaction": "issuing_transaction.created",
            "card": "issuing_card.updated",
            "dispute": "issuing_dispute.updated",
        }[kind]
    for _ in range(draw(st.integers(0, 4))):
        way = draw(st.sampled_from(sorted(paths(event)) or [("type",)]))
        place = event
        for name in way[:-1]:
            place = place[name] if isinstance(place, dict) and name in place else {}
        if isinstance(place, dict):
            if draw(st.booleans()):
                place[way[-1]] = draw(values)
            else:
                place.pop(way[-1], None)
    payload = _dumped(event)
    if draw(st.integers(0, 9)) == 0 and payload:
        at = draw(st.integers(0, len(payload) - 1))
        payload = payload[:at] + draw(st.binary(max_size=4)) + payload[at + 1 :]
    return payload


def _dumped(event: Any) -> bytes:
    import json  # noqa: PLC0415  # the one of the standard library writes what strict JSON forbids

    return json.dumps(event).encode("utf-8", "surrogatepass")


def check(reply: Reply) -> None:
    """
    Fail unless *reply* is one that Stripe may be given.
    """
    assert reply.status in {200, 400, 413, 503}
    body = orjson.loads(reply.body)
    if reply.decision is not None:
        assert 200 == reply.status
        assert reply.headers["Stripe-Version"]
        assert body["approved"] is reply.decision.approved
        assert all(isinstance(value, str) for value in body["metadata"].values())


def signed_event_raises_nothing(payload: bytes) -> None:
    """
    Deliver what Stripe signed, whatever it is: an answer comes, and never more is approved than asked.
    """
    world = _WORLDS[0]
    signature = sign(payload, world.simulator.webhook_secret, world.simulator.clock.now())

    check(world.disburser.handle_webhook(payload, signature))


headers = st.one_of(
    st.text(max_size=200),
    st.builds(
        "t={},v1={}".format,
        st.integers(0, 2_000_000_000) | st.just("now"),
        st.text("0123456789abcdef", min_size=60, max_size=66),
    ),
    st.lists(
        st.sampled_from(["t=1", "v1=00", "v0=00", "t=", "v1=", ",", "=", "now"]), max_size=30
    ).map(",".join),
)


def unsigned_event_buys_nothing(payload: bytes, header: str, tampered: int) -> None:
    """
    Deliver what Stripe did not sign, with any header, or a real one for other bytes: refused.
    """
    world = _WORLDS[0]
    now = world.simulator.clock.now()
    real = sign(payload, world.simulator.webhook_secret, now)
    at = tampered % max(1, len(payload))
    other = payload[:at] + bytes([(payload[at] if payload else 0) ^ 1]) + payload[at + 1 :]
    forged = sign(payload, "whsec_guessed", now)
    header = header.replace("now", str(int(now.timestamp())))

    for body, signature in ((payload, header), (other, real), (payload, forged)):
        reply = world.disburser.handle_webhook(body, signature)
        check(reply)
        assert (400, None) == (reply.status, reply.decision)
    assert world.disburser.statement("claim-8841").held.is_zero


def fuzzed(check_one: Any, examples: int, *arguments: Any) -> None:
    """
    Check so many examples, each few thousand in a world of their own: books grow with each event.
    """
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    for number in range(-(-examples // AT_ONCE)):
        limits = settings(
            max_examples=min(examples, AT_ONCE), deadline=None, suppress_health_check=quiet
        )
        with fresh_world() as world:
            seed(number)(limits(given(*arguments)(check_one)))()
            assert world.disburser.statement("claim-8841").is_balanced


@pytest.mark.parametrize(
    "examples", [EXAMPLES, pytest.param(SOAK_EXAMPLES, marks=pytest.mark.soak)]
)
def test_no_signed_event_raises(examples: int) -> None:
    """Whatever Stripe may sign, the answer is one that Stripe understands."""
    fuzzed(signed_event_raises_nothing, examples, payloads())


@pytest.mark.parametrize(
    "examples", [EXAMPLES, pytest.param(SOAK_EXAMPLES, marks=pytest.mark.soak)]
)
def test_nothing_is_approved_without_a_signature(examples: int) -> None:
    """Whatever a stranger sends is refused, and books nothing."""
    fuzzed(unsigned_event_buys_nothing, examples, payloads(), headers, st.integers(0, 10_000))
