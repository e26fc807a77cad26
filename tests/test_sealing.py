"""
Does the transport let a secret pass, in either direction?
"""

import asyncio
import gzip
import json
import re
import sys
import traceback
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from issuing_disburse.hidden import Hidden, Taken
from issuing_disburse.redaction import WITHHELD, asks_for_secrets
from issuing_disburse.sealing import AUDIT_EVENT, DUMMY_KEY, SealingTransport, sealed
from scripted_client import KEY, Scripted, ScriptedClient, lost, ok

NUMBER, CVC = "4000009990000010", "837"
CARD = {"object": "issuing.card", "number": NUMBER, "cvc": CVC, "last4": "0010"}
ESCAPED = "".join(f"\\u{ord(digit):04x}" for digit in NUMBER)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"number":"4000009990000010"}', {"number": "sealed"}),
        (b'{"number" : "4000 0099 9000 0010"}', {"number": "sealed"}),
        (b'{"number"\n\t:\r 4000009990000010}', {"number": "sealed"}),
        (b'{"number":["4000009990000010"]}', {"number": "sealed"}),
        (f'{{"number":"{ESCAPED}"}}'.encode(), {"number": "sealed"}),
        (b'{"n\\u0075mber":"4000009990000010"}', {"number": "sealed"}),
        (b'{"cvc":"837"}', {"cvc": "sealed"}),
        (b'{\n  "cvc": "8371"\n}', {"cvc": "sealed"}),
        (b'{"cvc":837}', {"cvc": "sealed"}),
        (b'{"number":"4000009990000010","number":null}', {"number": None}),
        (b'{"secret":"ek_test_YWNjdA,x/+=-_"}', {"secret": "sealed"}),
        (b'{"secret": "whsec_abc"}', {"secret": "sealed"}),
        (b'{"client_secret": "pi_1_secret_x"}', {"client_secret": "sealed"}),
        (b'{"note": "use whsec_abc today"}', {"note": "use sealed today"}),
        (b'{"data":[{"number":"4000009990000010"}]}', {"data": [{"number": "sealed"}]}),
        (json.dumps(CARD).encode("utf-16"), {**CARD, "number": "sealed", "cvc": "sealed"}),
        (
            gzip.compress(json.dumps(CARD).encode(), mtime=0),
            {**CARD, "number": "sealed", "cvc": "sealed"},
        ),
        (zlib.compress(json.dumps(CARD).encode()), {**CARD, "number": "sealed", "cvc": "sealed"}),
    ],
)
def test_sealed_takes_secrets_out_and_leaves_the_rest(
    body: bytes, expected: dict[str, Any]
) -> None:
    """Numbers, CVCs and secrets go, however they are written, packed, spaced or repeated."""
    assert expected == json.loads(sealed(body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"last4":"0010","phone_number":"+18008675309"}',
        b'{"number_of_cards":"12345","cvc_check":"match"}',
        b'{"metadata":{"order":"4000009990000010"}}',
        b'{"name":"Zo\xc3\xab"}\n',
        b"",
    ],
)
def test_sealed_changes_no_byte_when_nothing_can_be_secret(body: bytes) -> None:
    """An ordinary answer passes byte for byte; somebody's order id may be sixteen digits long."""
    assert body == sealed(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"number":"40000099900',
        b'{"number":"4000009990000010","cvc":"8',
        b'{"number":"4000009990000010,"cvc":"837"}',
        b"{'number': '4000009990000010', 'cvc': '837'}",
        b'{"data": {number: 4000009990000010}}',
        b'<html>{"number":"4000009990000010"}</html>',
        b"4000009990000010 837",
        gzip.compress(json.dumps(CARD).encode(), mtime=0)[:-9],
        b"\x28\xb5\x2f\xfd" + json.dumps(CARD).encode(),
        b"\xff\xfe" + json.dumps(CARD).encode(),
        b"[" * 100_000 + b'"4000009990000010"',
    ],
)
def test_sealed_withholds_the_whole_when_nobody_can_read_it(body: bytes) -> None:
    """What is cut off, broken or packed in an unknown way is withheld: no digit of it is left."""
    assert WITHHELD == sealed(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"card 4000009990000010 (cvc: 837) is unknown"}}',
        b'{"error":{"message":"card 4000-0099-9000-0010, cvc=837"}}',
        b'{"error":{"message":"\\u0034000009990000010", "pan": 4000009990000010}}',
        b'{"error":{"4000009990000010":1}}',
    ],
)
def test_sealed_takes_digits_out_of_any_text_when_the_answer_is_doubtful(body: bytes) -> None:
    """In an error, or where a number was asked for, digits go wherever they stand."""
    answered = sealed(body, is_doubtful=True)

    assert b"sealed" in answered
    assert not re.search(rb"4000|837|9990", answered)


@pytest.mark.parametrize(
    "mark", [*" -._/+,:*|", "  ", "\t", "\n", "%20", "\u2011", "\u2009", "\u200b"]
)
def test_sealed_takes_a_number_out_however_its_groups_are_parted(mark: str) -> None:
    """A number is a number with dashes, slashes, line breaks or marks that nobody sees in it."""
    text = mark.join(["4000", "0099", "9000", "0010"])
    body = json.dumps({"error": {"message": f"card {text} is unknown"}}, ensure_ascii=False)
    answered = sealed(body, is_doubtful=True).decode()

    assert not re.search(r"4000|0099|9000|0010", answered)


@pytest.mark.parametrize("more", ["", "837", "8371", "837 12/29", "8371229"])
def test_sealed_takes_a_number_out_whatever_digits_follow_it(more: str) -> None:
    """CVC and expiry written right behind the number do not make it something else."""
    body = json.dumps({"error": {"message": f"card {NUMBER}{more}"}})

    assert {"error": {"message": "card sealed"}} == json.loads(sealed(body, is_doubtful=True))


@pytest.mark.parametrize(
    "text",
    ["cvc is 837", "card_cvc=837", "cvn=837", "the security code 837 is wrong", "CVV2 '837'"],
)
def test_sealed_takes_a_cvc_out_however_it_is_called(text: str) -> None:
    """Its other names are known, too."""
    body = json.dumps({"error": {"message": text}})

    assert "837" not in sealed(body, is_doubtful=True).decode()


@pytest.mark.pci
def test_transport_takes_any_short_number_out_of_the_error_of_a_call_that_asked() -> None:
    """Nobody can tell which three digits are the CVC, so that none of them stays, nor a header's."""
    body = json.dumps({"error": {"message": "bad: 837", "detail": {"code": 837, "is_ours": True}}})
    wire = Scripted(status=400, body=body.encode(), headers={"X-Note": f"card {NUMBER}", "A": "b"})
    transport, _ = make_transport(wire)
    text, _, headers = transport.request("get", "https://x/v1/issuing/cards/ic_1?expand[]=cvc", {})

    expected = {"message": "bad: sealed", "detail": {"code": "sealed", "is_ours": True}}
    assert {"error": expected} == json.loads(text)
    assert {"X-Note": "card sealed", "A": "b"}.items() <= dict(headers).items()


@pytest.mark.pci
def test_transport_keeps_nothing_unknown_of_an_answer_whose_secrets_were_taken() -> None:
    """A number or a CVC under any other name goes with everything that the library does not read."""
    body = ok(id="ic_1", **CARD, wallet={"pan": NUMBER, "code": CVC}, code=837, note=f"n{NUMBER}")
    transport, _ = make_transport(body)
    body, _, _ = carried(transport, f"{CARD_PATH}?expand[0]=number", taken=Taken())

    expected = {"id": "ic_1", "object": "issuing.card", "last4": "0010"}
    assert expected == json.loads(body)


@given(
    st.from_regex(r"[0-9]{12,19}", fullmatch=True),
    st.from_regex(r"[0-9]{3,4}", fullmatch=True),
    st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=4),
    st.sampled_from([None, 2]),
)
def test_sealed_is_the_same_object_without_its_secrets(
    number: str, cvc: str, rest: dict[str, str], indent: int | None
) -> None:
    """Whatever else an object says stays, and stays JSON."""
    card: dict[str, Any] = {"number": number, "cvc": cvc, "other": {"x": rest}}
    answered = sealed(json.dumps(card, indent=indent).encode())

    assert number.encode() not in answered.replace(json.dumps(rest).encode(), b"")
    assert "sealed" == json.loads(answered)["number"] == json.loads(answered)["cvc"]


def make_transport(*answers: Scripted) -> tuple[SealingTransport, ScriptedClient]:
    """
    Return a transport over scripted answers, and its wire.
    """
    wire = ScriptedClient(*answers)
    return SealingTransport(wire, Hidden(KEY)), wire


CARD_PATH = "https://x/v1/issuing/cards/ic_1"


def carried(
    transport: SealingTransport,
    url: str,
    *,
    method: str = "get",
    body: bytes = b"",
    taken: Taken | None = None,
) -> Any:
    """
    Carry a request of ours.
    """
    return transport.carry(method, url, {}, body=body, taken=taken)


def sync(transport: SealingTransport, url: str) -> Any:
    """
    Send a request.
    """
    return transport.request("post", url, {"Authorization": "dummy"})


def asynchronous(transport: SealingTransport, url: str) -> Any:
    """
    Send a request of an asynchronous client.
    """
    return asyncio.run(transport.request_async("post", url, {"Authorization": "dummy"}))


def frames_of(error: BaseException) -> str:
    """
    Return the frames of a traceback, with their variables, but for those of the test itself.
    """
    frames = traceback.StackSummary.extract(
        traceback.walk_tb(error.__traceback__), capture_locals=True
    )
    return repr(
        [(one.filename, one.locals) for one in frames if "issuing_disburse/" in one.filename]
    )


def test_transport_adds_the_real_key_in_place_of_the_dummy() -> None:
    """The SDK never holds the key; the wire sees no dummy, and the SDK's own headers are not touched."""
    transport, wire = make_transport(ok())
    headers = {"Authorization": f"Bearer {DUMMY_KEY}", "X-Other": "1"}
    transport.request("get", "https://api.stripe.com/v1/x", headers)
    transport.request("get", "https://api.stripe.com/v1/x", None)

    assert {"Authorization": f"Bearer {KEY}", "X-Other": "1"} == wire.sent[0].headers
    assert {"Authorization": f"Bearer {KEY}"} == wire.sent[1].headers
    assert f"Bearer {DUMMY_KEY}" == headers["Authorization"]


def test_transport_carries_the_exact_body_of_a_post() -> None:
    """What was stored is what is sent; a read has no body, whatever somebody passed."""
    transport, wire = make_transport(ok())
    carried(transport, "https://x", method="post", body=b"a[b]=1")
    carried(transport, "https://x", method="get", body=b"a=2")

    assert ["a[b]=1", None] == [one.body for one in wire.sent]
    assert {f"Bearer {KEY}"} == {one.headers["Authorization"] for one in wire.sent}


def test_sdk_reads_one_answer_that_is_known_and_asks_for_the_next() -> None:
    """An answer that is there already is read by the SDK of this thread, once, without being sent."""
    transport, wire = make_transport(ok(sent=True))
    transport.read_next((b'{"known": true}', 400, {"Request-Id": "req_1"}))
    known = transport.request("get", "https://x", {})
    after = transport.request("get", "https://x", {})

    assert ('{"known": true}', 400, {"Request-Id": "req_1"}) == known
    assert '{"sent":true}' == after[0]
    assert 1 == len(wire.sent)


@pytest.mark.pci
def test_transport_hands_secrets_to_the_one_call_that_asked() -> None:
    """The next call of the same thread, and a call of another one, get nothing."""
    transport, _ = make_transport(ok(**CARD), ok(**CARD), ok(secret="ek_test_1"))
    asking, key = Taken(), Taken()
    answers = [
        carried(transport, f"{CARD_PATH}?expand[0]=number", taken=taken)
        for taken in (asking, None, key)
    ]

    assert asking.card is not None
    assert (NUMBER, CVC) == tuple(one.decode() for one in asking.card.unsealed())
    assert key.secret is not None
    assert "ek_test_1" == key.secret.revealed()
    for body, _, _ in answers:
        assert NUMBER.encode() not in body
        assert b"ek_test" not in body


@pytest.mark.parametrize(
    ("url", "body", "expected"),
    [
        ("https://x/v1/issuing/cards/ic_1?expand[0]=number&expand[1]=cvc", None, True),
        ("https://x/v1/issuing/cards/ic_1?expand%5B%5D=cvc", None, True),
        ("https://x/v1/issuing/cards?expand[]=data.%6eumber", None, True),
        ("https://x/v1/issuing/cards/ic_1", "metadata[a]=1&expand[0]=number", True),
        ("https://x/v1/issuing/cards/ic_1", b"expand[0]=cvc", True),
        ("https://x/v1/issuing/cards/ic_1?expand[0]=cardholder", None, False),
        ("https://x/v1/issuing/cardholders", "phone_number=%2B1800&expand[0]=x", False),
        ("https://x/v1/issuing/cards/number", None, False),
    ],
)
def test_a_request_for_a_number_is_recognised(
    url: str, body: str | bytes | None, expected: bool
) -> None:
    """However it is written, in the address or in the body."""
    assert expected is asks_for_secrets(url, body)


@pytest.mark.pci
def test_a_request_for_a_number_raises_an_auditing_event() -> None:
    """An auditor can count such requests with the interpreter's own hooks, whoever sends them."""
    heard: list[object] = []
    sys.addaudithook(lambda name, given: heard.append(given) if name == AUDIT_EVENT else None)
    transport, _ = make_transport(ok())
    transport.request("get", "https://x/v1/issuing/cards/ic_1", {})
    transport.request("get", "https://x/v1/issuing/cards/ic_1?expand[0]=cvc", {})

    assert [("https://x/v1/issuing/cards/ic_1?expand[0]=cvc",)] == heard


@pytest.mark.parametrize("content", [b'{"cvc":"837","a":"\xc3\xa9"}', '{"cvc":"837","a":"é"}'])
def test_transport_returns_text_without_secrets(content: bytes | str) -> None:
    """Whether the client below answers in bytes or text, the SDK gets sealed text."""
    transport, _ = make_transport(Scripted(status=201, body=content, headers={"a": "b"}))  # type: ignore[arg-type]  # text
    text, status, headers = transport.request("get", "u", {})

    assert {"cvc": "sealed", "a": "é"} == json.loads(text)
    assert (201, {"a": "b"}) == (status, headers)


@pytest.mark.parametrize("content", [b"\xff\xfe", None, 7, object()])
def test_transport_survives_an_answer_that_is_no_text(content: Any) -> None:
    """What a broken proxy or client answers is withheld, and is not another error."""
    transport, _ = make_transport(Scripted(body=content))

    assert WITHHELD.decode() == transport.request("get", "u", {})[0]


def test_transport_takes_the_key_out_of_an_echo() -> None:
    """A proxy that answers with what it was sent does not bring the key back."""
    echo = Scripted(
        body=f'{{"authorization":"Bearer {KEY}"}}'.encode(),
        headers={"X-Echo": f"Bearer {KEY}", "Request-Id": "req_1"},
    )
    transport, _ = make_transport(echo)
    text, _, headers = transport.request("get", "u", {})

    assert KEY not in text
    assert KEY not in repr(headers)
    assert "req_1" == headers["Request-Id"] == headers["request-id"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lost(), "Stripe could not be reached, or its answer was lost"),
        (Scripted(raises=OSError(f"Bearer {KEY}")), "the transport failed: OSError"),
        (Scripted(raises=KeyError(KEY)), "the transport failed: KeyError"),
    ],
)
@pytest.mark.parametrize("way", [sync, asynchronous])
def test_transport_raises_afresh_when_the_client_below_fails(
    answer: Scripted, message: str, way: Callable[[SealingTransport, str], Any]
) -> None:
    """The SDK sees one kind of failure, without the cause and the frames that held the key."""
    transport, _ = make_transport(answer)
    with pytest.raises(stripe.APIConnectionError) as caught:
        way(transport, "https://x")

    ours = frames_of(caught.value)
    assert message == str(caught.value)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)
    assert "sealing.py" in ours
    assert KEY not in ours


@pytest.mark.parametrize("way", [sync, asynchronous])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_transport_lets_an_interrupt_through_without_its_frames(
    kind: type[BaseException], way: Callable[[SealingTransport, str], Any]
) -> None:
    """Who presses Ctrl-C means it; but the frames that hold the key do not come along."""
    transport, _ = make_transport(Scripted(raises=kind()))  # type: ignore[arg-type]  # an interrupt
    with pytest.raises(kind) as caught:
        way(transport, "https://x")

    assert "sealing.py" in frames_of(caught.value)
    assert KEY not in frames_of(caught.value)


class Telling(KeyboardInterrupt):
    """
    An interrupt that keeps what it was told in slots.
    """

    __slots__ = ("__heard", "told")

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = self.__heard = told


def grouped(told: str) -> BaseException:
    """
    Return an interrupt in a group, whose text cannot be changed.
    """
    return BaseExceptionGroup(told, [ValueError(told), BaseExceptionGroup(told, [Telling(told)])])


@pytest.mark.parametrize("way", [sync, asynchronous])
@pytest.mark.parametrize("make", [Telling, grouped])
def test_transport_empties_an_interrupt(
    make: Callable[[str], BaseException], way: Callable[[SealingTransport, str], Any]
) -> None:
    """An interrupt that carries text in attributes or in a group goes on without it."""
    transport, _ = make_transport(Scripted(raises=make(KEY)))  # type: ignore[arg-type]  # an interrupt
    with pytest.raises(KeyboardInterrupt) as caught:
        way(transport, "https://x")

    shown = [repr(getattr(caught.value, name, None)) for name in dir(caught.value)]
    assert KEY not in repr(shown)
    assert KEY not in frames_of(caught.value)


@pytest.mark.parametrize(("code", "expected"), [(3, 3), (None, 0), (KEY, 1), (837, 1)])
def test_transport_keeps_the_small_code_of_an_exit_alone(code: Any, expected: int) -> None:
    """A process that ends says how, in a number below 100; anything else may tell something."""
    transport, _ = make_transport(Scripted(raises=SystemExit(code)))  # type: ignore[arg-type]  # an interrupt
    with pytest.raises(SystemExit) as caught:
        sync(transport, "https://x")

    assert expected == caught.value.code


@pytest.mark.parametrize("kind", [KeyboardInterrupt, OSError])
def test_transport_shows_nobodys_data_when_the_client_below_fails(kind: type[Any]) -> None:
    """The body that was being sent is in no frame of ours: who is paid stands in it."""
    transport, _ = make_transport(Scripted(raises=kind()))
    with pytest.raises((KeyboardInterrupt, stripe.APIConnectionError)) as caught:
        carried(transport, "https://x", method="post", body=b"email=jenny%40example.com")

    assert "jenny" not in frames_of(caught.value)
    assert KEY not in frames_of(caught.value)


@pytest.mark.pci
def test_transport_seals_what_an_asynchronous_client_gets() -> None:
    """The SDK's asynchronous client sees neither key nor number, and the wire sees the key."""
    transport, wire = make_transport(ok(id="ic_1", **CARD))
    client = stripe.StripeClient(DUMMY_KEY, http_client=transport)
    retrieve = client.v1.issuing.cards.retrieve_async("ic_1", {"expand": ["number", "cvc"]})
    card = asyncio.run(retrieve)

    assert ("sealed", "sealed", "0010") == (card.number, card.cvc, card.last4)
    assert NUMBER not in repr(card.last_response.body)
    assert f"Bearer {KEY}" == wire.sent[0].headers["Authorization"]


def test_transport_refuses_streams() -> None:
    """What is not read whole cannot be searched, so it is not sent at all."""
    transport, wire = make_transport(ok(**CARD))
    with pytest.raises(stripe.APIConnectionError, match="streams are refused"):
        transport.request_stream("get", "https://x", {})
    with pytest.raises(stripe.APIConnectionError, match="streams are refused"):
        asyncio.run(transport.request_stream_async("get", "https://x", {}))

    assert [] == wire.sent


def test_transport_closes_what_is_below() -> None:
    """Closing is passed on."""
    transport, wire = make_transport(ok())
    transport.close()

    assert wire.is_closed


def test_transport_closes_an_asynchronous_client_and_waits_as_it_does() -> None:
    """Closing and waiting are passed on."""
    transport, wire = make_transport(ok())
    asyncio.run(transport.close_async())

    assert wire.is_closed
    assert 0.5 == asyncio.run(transport.sleep_async(0.5))
