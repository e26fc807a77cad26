"""
What is made of events that Stripe signed, and that look like no example in its documentation?
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import orjson
import pytest

from asking import deliver, outcome_event, request_event
from issuing_disburse.simulator.faults import Fault, Webhook
from world import World, make_order, open_world

Event: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Event], Event | bytes]


@pytest.fixture(scope="module")
def opened() -> Iterator[World]:
    """
    One world for all cases; each takes a card of its own.
    """
    with open_world(platform_funds=100_000_000) as world:
        world.simulator.faults.add(
            Fault(event="issuing_authorization.updated", action=Webhook(how="never"), times=0)
        )
        yield world


def put(path: str, value: Any) -> Change:
    """
    Set one field, named by its path from the event; ``...`` removes it.
    """

    def change(event: Event) -> Event:
        *way, last = path.split(".")
        place = event
        for name in way:
            place = place[name]
        if value is ...:
            place.pop(last, None)
        else:
            place[last] = value
        return event

    return change


def text(old: str, new: str) -> Change:
    """
    Replace a piece of the JSON itself, which no object could hold.
    """

    def change(event: Event) -> bytes:
        payload = orjson.dumps(event)
        assert old.encode() in payload
        return payload.replace(old.encode(), new.encode("utf-8", "surrogatepass"), 1)

    return change


def framed(before: bytes, after: bytes = b"") -> Change:
    """
    Put bytes around the JSON.
    """
    return lambda event: before + orjson.dumps(event) + after


OBJECT = "data.object"
PENDING = f"{OBJECT}.pending_request"
DEEP = '{"a":' * 600 + "1" + "}" * 600

QUESTIONS: dict[str, tuple[Change, str]] = {
    "as it is": (lambda event: event, "approved"),
    "card id alone": (
        lambda event: put(f"{OBJECT}.card", event["data"]["object"]["card"]["id"])(event),
        "approved",
    ),
    "no currency on the object, one on the request": (
        lambda event: put(f"{PENDING}.currency", "usd")(put(f"{OBJECT}.currency", ...)(event)),
        "approved",
    ),
    "no currency but the card's": (
        lambda event: put(f"{OBJECT}.card.currency", "usd")(put(f"{OBJECT}.currency", ...)(event)),
        "approved",
    ),
    "no currency at all": (put(f"{OBJECT}.currency", ...), "unreadable"),
    "unknown currency": (put(f"{OBJECT}.currency", "xxq"), "unreadable"),
    "currency as a number": (put(f"{OBJECT}.currency", 840), "unreadable"),
    "another currency": (put(f"{OBJECT}.currency", "EUR"), "wrong_currency"),
    "float amount": (put(f"{PENDING}.amount", 12_500.0), "approved"),
    "broken amount": (put(f"{PENDING}.amount", 12_500.5), "unreadable"),
    "amount as text": (put(f"{PENDING}.amount", "12500"), "unreadable"),
    "amount true": (put(f"{PENDING}.amount", True), "unreadable"),
    "amount null": (put(f"{PENDING}.amount", None), "unreadable"),
    "amount missing": (put(f"{PENDING}.amount", ...), "unreadable"),
    "negative amount": (put(f"{PENDING}.amount", -12_500), "unreadable"),
    "amount beyond all money": (put(f"{PENDING}.amount", 10**18), "unreadable"),
    "huge integer": (text('"amount":12500', '"amount":' + "9" * 400), "unreadable"),
    "huge exponent": (text('"amount":12500', '"amount":1e400'), "unreadable"),
    "exponent that is whole": (text('"amount":12500', '"amount":1.25e4'), "approved"),
    "NaN amount": (text('"amount":12500', '"amount":NaN'), "unreadable"),
    "infinite amount": (text('"amount":12500', '"amount":Infinity'), "unreadable"),
    "NaN elsewhere": (text('"object":"event"', '"object":"event","extra":NaN'), "approved"),
    "duplicated key, the last counts": (
        text('"amount":12500', '"amount":1,"amount":12500'),
        "approved",
    ),
    "duplicated key, too much at last": (
        text('"amount":12500', '"amount":12500,"amount":99999'),
        "wrong_amount",
    ),
    "byte order mark": (framed(b"\xef\xbb\xbf"), "approved"),
    "white space around": (framed(b" \r\n\t", b"\n\n"), "approved"),
    "rubbish behind": (framed(b"", b"}"), "400"),
    "two events": (framed(b"{}"), "400"),
    "not UTF-8": (framed(b"\xff"), "400"),
    "lone surrogate in a name": (
        text('"currency":"USD"', '"currency":"USD","merchant_data":{"name":"caf\\ud800"}'),
        "approved",
    ),
    "escaped emoji in a name": (
        text('"currency":"USD"', '"currency":"USD","merchant_data":{"name":"\\ud83d\\ude00"}'),
        "approved",
    ),
    "NUL in a name": (
        text('"currency":"USD"', '"currency":"USD","merchant_data":{"name":"a\\u0000b"}'),
        "approved",
    ),
    "deep nesting in a field nobody reads": (
        text('"object":"event"', f'"object":"event","extra":{DEEP}'),
        "approved",
    ),
    "nesting without end": (framed(b'{"a":' * 100_000), "400"),
    "livemode missing": (put("livemode", ...), "unreadable"),
    "livemode null": (put("livemode", None), "unreadable"),
    "livemode as text": (put("livemode", "false"), "unreadable"),
    "livemode 0": (put("livemode", 0), "unreadable"),
    "livemode contradicted": (put(f"{OBJECT}.livemode", True), "unreadable"),
    "data null": (put("data", None), "unreadable"),
    "data a list": (put("data", []), "unreadable"),
    "object a list": (put(OBJECT, []), "unreadable"),
    "object nested once more": (
        lambda event: put(OBJECT, {"object": event["data"]["object"]})(event),
        "unreadable",
    ),
    "pending request null": (put(PENDING, None), "unreadable"),
    "pending request a list": (put(PENDING, [12_500]), "unreadable"),
    "card null": (put(f"{OBJECT}.card", None), "unreadable"),
    "card empty": (put(f"{OBJECT}.card", ""), "unreadable"),
    "card without id": (put(f"{OBJECT}.card", {"last4": "0016"}), "unreadable"),
    "card id a number": (put(f"{OBJECT}.card.id", 17), "unreadable"),
    "account null": (put("account", None), "approved"),
    "account a number": (put("account", 17), "unreadable"),
    "account of somebody else": (put("account", "acct_else"), "unknown_card"),
    "created a float": (lambda event: put("created", event["created"] + 0.25)(event), "approved"),
    "created missing": (put("created", ...), "approved"),
    "created null": (put("created", None), "approved"),
    "created as text": (put("created", "2026-11-02"), "unreadable"),
    "created far away": (put("created", 10**15), "unreadable"),
    "event id missing": (put("id", ...), "approved"),
    "event id a number": (put("id", 17), "approved"),
    "authorization id missing": (put(f"{OBJECT}.id", ...), "approved"),
    "neither id": (
        lambda event: put("id", ...)(put(f"{OBJECT}.id", ...)(event)),  # type: ignore[arg-type]  # an event
        "unreadable",
    ),
    "amount so far null": (put(f"{OBJECT}.amount", None), "approved"),
    "amount so far as text": (put(f"{OBJECT}.amount", "0"), "unreadable"),
    "merchant null": (put(f"{OBJECT}.merchant_data", None), "approved"),
    "merchant a text": (put(f"{OBJECT}.merchant_data", "Rocket Rides"), "approved"),
    "merchant with numbers": (
        put(
            f"{OBJECT}.merchant_data",
            {"name": 1, "country": 2, "category_code": 4121, "network_id": 5},
        ),
        "approved",
    ),
    "unknown words everywhere": (
        put(OBJECT + ".authorization_method", "telepathy"),
        "approved",
    ),
    "verification null": (put(f"{OBJECT}.verification_data", None), "approved"),
    "verification a list": (put(f"{OBJECT}.verification_data", ["match"]), "approved"),
    "three_d_secure null": (
        put(f"{OBJECT}.verification_data", {"three_d_secure": None}),
        "approved",
    ),
    "wallet of tomorrow": (put(f"{OBJECT}.wallet", {"type": "ring"}), "approved"),
    "controllable as text": (put(f"{PENDING}.is_amount_controllable", "true"), "approved"),
    "risk score as text": (put(f"{PENDING}.network_risk_score", "17"), "approved"),
    "cashback null": (put(f"{PENDING}.amount_details", {"cashback_amount": None}), "approved"),
    "cashback as text": (put(f"{PENDING}.amount_details", {"cashback_amount": "5"}), "unreadable"),
    "amount details null": (put(f"{PENDING}.amount_details", None), "approved"),
    "new fields": (put(f"{OBJECT}.of_tomorrow", {"a": [1, {"b": None}]}), "approved"),
    "type with another case": (put("type", "Issuing_Authorization.Request"), "ignored"),
    "type null": (put("type", None), "400"),
}


@pytest.mark.parametrize("case", QUESTIONS)
def test_dirty_question_is_answered(opened: World, case: str) -> None:
    """Each oddity has one answer: approved when nothing that matters is odd, declined otherwise."""
    change, expected = QUESTIONS[case]
    number = list(QUESTIONS).index(case)
    card = opened.disburser.disburse(make_order(f"asked-{number}")).card
    event = request_event(opened, card.id, number)

    reply = deliver(opened, change(copy.deepcopy(event)))

    if expected in {"400", "ignored"}:
        assert (400 if expected == "400" else 200, None) == (reply.status, reply.decision)
    else:
        assert reply.decision is not None
        assert (200, expected) == (reply.status, reply.decision.code)
        answer = orjson.loads(reply.body)
        assert (expected == "approved") is answer["approved"]
    # What could be stored can be read: the card still answers.
    assert 200 == deliver(opened, request_event(opened, card.id, 10_000 + number, 1)).status


BOOKINGS: dict[str, tuple[Change, int, int]] = {
    "as it is": (lambda event: event, 200, 12_500),
    "card id alone": (
        lambda event: put(f"{OBJECT}.card", event["data"]["object"]["card"]["id"])(event),
        200,
        12_500,
    ),
    "float amount": (put(f"{OBJECT}.amount", 12_500.0), 200, 12_500),
    "amount as text": (put(f"{OBJECT}.amount", "12500"), 400, 0),
    "NaN amount": (text('"amount":12500', '"amount":NaN'), 400, 0),
    "huge amount": (text('"amount":12500', '"amount":' + "9" * 400), 400, 0),
    "amount true": (put(f"{OBJECT}.amount", True), 400, 0),
    "float created": (
        lambda event: put(f"{OBJECT}.created", event["created"] + 0.5)(event),
        200,
        12_500,
    ),
    "created as text": (put(f"{OBJECT}.created", "yesterday"), 400, 0),
    "created far away": (put(f"{OBJECT}.created", 10**15), 400, 0),
    "created negative": (put(f"{OBJECT}.created", -1), 400, 0),
    "id missing": (put(f"{OBJECT}.id", ...), 400, 0),
    "card null": (put(f"{OBJECT}.card", None), 400, 0),
    "object null": (put(OBJECT, None), 400, 0),
    "data a text": (put("data", "text"), 400, 0),
    "event id missing": (put("id", ...), 200, 12_500),
    "history missing": (put(f"{OBJECT}.request_history", ...), 200, 12_500),
    "history null": (put(f"{OBJECT}.request_history", None), 200, 12_500),
    "history an object": (put(f"{OBJECT}.request_history", {"created": 1}), 200, 12_500),
    "history of odd lines": (
        put(
            f"{OBJECT}.request_history",
            [None, 17, {}, {"created": "x"}, {"created": 1, "amount": None}],
        ),
        200,
        12_500,
    ),
    "lists null": (
        lambda event: put(f"{OBJECT}.transactions", None)(
            put(f"{OBJECT}.balance_transactions", None)(event)
        ),  # type: ignore[arg-type]  # an event
        200,
        12_500,
    ),
    "lists that are objects": (
        lambda event: put(f"{OBJECT}.transactions", {"data": []})(
            put(f"{OBJECT}.balance_transactions", True)(event)
        ),  # type: ignore[arg-type]  # an event
        200,
        12_500,
    ),
    "lists of odd things": (
        lambda event: put(f"{OBJECT}.transactions", [None, 1, "ipi_1"])(
            put(f"{OBJECT}.balance_transactions", [None, 1, {"id": 2}])(event)
        ),  # type: ignore[arg-type]  # an event
        200,
        12_500,
    ),
    "merchant a text": (put(f"{OBJECT}.merchant_data", "Rocket Rides"), 200, 12_500),
    "merchant of numbers": (
        put(f"{OBJECT}.merchant_data", {"name": 1, "category": 2}),
        200,
        12_500,
    ),
    "lone surrogate in a name": (
        text('"currency":"usd"', '"currency":"usd","merchant_data":{"name":"caf\\udfff"}'),
        200,
        12_500,
    ),
    "status of tomorrow": (put(f"{OBJECT}.status", "simmering"), 200, 12_500),
    "status a list": (put(f"{OBJECT}.status", []), 200, 12_500),
    "status an object": (put(f"{OBJECT}.status", {"id": "pending"}), 200, 12_500),
    "approved as text": (put(f"{OBJECT}.approved", "true"), 200, 0),
    "byte order mark": (framed(b"\xef\xbb\xbf"), 200, 12_500),
    "livemode only on the object": (
        lambda event: put(f"{OBJECT}.livemode", False)(put("livemode", ...)(event)),  # type: ignore[arg-type]  # an event
        200,
        12_500,
    ),
    "account null": (put("account", None), 200, 12_500),
}


@pytest.mark.parametrize("case", BOOKINGS)
def test_dirty_booking_is_booked_or_refused(opened: World, case: str) -> None:
    """What can be understood is booked to the cent; what cannot is refused, and never half booked."""
    change, status, held = BOOKINGS[case]
    number = 1_000 + list(BOOKINGS).index(case)
    order_id = f"booked-{number}"
    card = opened.disburser.disburse(make_order(order_id)).card
    event = outcome_event(opened, card.id, number, approved=True)

    reply = deliver(opened, change(copy.deepcopy(event)))

    assert status == reply.status
    statement = opened.disburser.statement(order_id)
    assert (held, True) == (statement.held.minor, statement.is_balanced)


@pytest.mark.parametrize(
    ("payload", "signature"),
    [
        ("{}", "t=1,v1=00"),
        (None, "t=1,v1=00"),
        (17, "t=1,v1=00"),
        ({"type": "x"}, "t=1,v1=00"),
        (b"{}", None),
        (b"{}", b"t=1,v1=00"),
        (b"{}", 17),
        (b"{}", ["t=1"]),
        (b"{}", ""),
        (b"{}", "t=1"),
        (b"{}", "v1=00"),
        (b"{}", "t=1,v1=" + "0" * 64 + ",v1=" * 5_000),
        (b"{}", "t=" + "9" * 100_000 + ",v1=00"),
        (b"{}", "x" * 1_000_000),
        (b"{}", "t=1,v1=\ud800"),
        (b"{}", "t=\u0661,v1=00"),
        (memoryview(b"{}"), "t=1,v1=00"),
        (bytearray(b"{}"), "t=1,v1=00"),
    ],
)
def test_misuse_is_a_plain_refusal(opened: World, payload: Any, signature: Any) -> None:
    """Whatever a framework or a stranger hands in, the reply is 400 and says nothing useful."""
    reply = opened.disburser.handle_webhook(payload, signature)

    assert (400, None) == (reply.status, reply.decision)
    assert orjson.loads(reply.body)["message"] in {"signature not valid", "payload not valid"}


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_other_buffers_are_taken_as_bytes(opened: World, kind: Callable[[bytes], Any]) -> None:
    """Some servers hand the raw body in as a buffer: it is what was signed."""
    from issuing_disburse.signatures import sign  # noqa: PLC0415  # beside its one use

    payload = orjson.dumps({"type": "payout.paid", "livemode": False})
    signature = sign(payload, opened.simulator.webhook_secret, opened.simulator.clock.now())

    assert 200 == opened.disburser.handle_webhook(kind(payload), signature).status


@pytest.mark.parametrize(("seconds", "status"), [(300, 200), (301, 400), (-300, 200), (-301, 400)])
def test_signature_must_be_of_about_now(opened: World, seconds: int, status: int) -> None:
    """Five minutes either way, and not a second more."""
    from datetime import timedelta  # noqa: PLC0415  # beside its one use

    from issuing_disburse.signatures import sign  # noqa: PLC0415  # likewise

    at = opened.simulator.clock.now().replace(microsecond=0) + timedelta(seconds=seconds)
    now = opened.simulator.clock.now().replace(microsecond=0)
    disburser = opened.connect(clock=lambda: now, store="memory://")
    payload = orjson.dumps({"type": "payout.paid", "livemode": False})

    assert (
        status
        == disburser.handle_webhook(
            payload, sign(payload, opened.simulator.webhook_secret, at)
        ).status
    )


def test_events_without_an_object_are_not_ours(opened: World) -> None:
    """A thin event of the newer kind has no ``data.object``; it is let pass, not sent again for days."""
    event = {"type": "v2.core.event_destination.ping", "livemode": False, "related_object": {}}

    assert 200 == deliver(opened, event).status


def test_size_is_looked_at_before_anything_else(opened: World) -> None:
    """One byte over a mebibyte is too large, signed or not; exactly one is only not signed."""
    limit = 1_048_576

    assert 413 == opened.disburser.handle_webhook(b" " * (limit + 1), "").status
    assert 413 == opened.disburser.handle_webhook(bytearray(limit + 1), "").status
    assert 400 == opened.disburser.handle_webhook(b" " * limit, "").status


@pytest.mark.parametrize(
    "requirements",
    [None, [], "none", 7, {"disabled_reason": 7}, {"disabled_reason": [], "past_due": "x"}],
)
def test_dirty_cardholder_is_booked(opened: World, requirements: Any) -> None:
    """Odd requirements of a cardholder hold nobody back, and no odd event is asked for again for days."""
    paid = opened.disburser.disburse(make_order("claim-holder"))
    (holder, *_) = opened.simulator.objects("cardholder", opened.account)
    event = outcome_event(opened, paid.card.id, 9_999, approved=True)
    body = {"id": holder["id"], "status": "active", "requirements": requirements}

    reply = deliver(
        opened, {**event, "type": "issuing_cardholder.updated", "data": {"object": body}}
    )

    assert (200, b'{"message":"booked"}') == (reply.status, reply.body)
    opened.disburser.disburse(make_order("claim-after"))


@pytest.mark.parametrize("status", [None, 7, [], {}, "", "of tomorrow"])
def test_dirty_card_status_changes_nothing_for_good(opened: World, status: Any) -> None:
    """A card whose status says nothing goes on as it stood."""
    paid = opened.disburser.disburse(make_order(f"claim-card-{status}"))
    event = outcome_event(opened, paid.card.id, 9_998, approved=True)
    body = {"id": paid.card.id, "status": status}

    reply = deliver(opened, {**event, "type": "issuing_card.updated", "data": {"object": body}})

    assert (200, b'{"message":"booked"}') == (reply.status, reply.body)
    number = 20_000 + [None, 7, [], {}, "", "of tomorrow"].index(status)
    asked = deliver(opened, request_event(opened, paid.card.id, number))
    assert True is orjson.loads(asked.body)["approved"]
