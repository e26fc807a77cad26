"""
Does the transport let a secret pass, in either direction?
"""

import json
import traceback
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from issuing_disburse.hidden import Hidden
from issuing_disburse.sealing import DUMMY_KEY, SealingTransport, sealed
from scripted_client import KEY, Scripted, ScriptedClient, lost, ok


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"number":"4000009990000010"}', b'{"number":"sealed"}'),
        (b'{"number" : "4000 0099 9000 0010"}', b'{"number" : "sealed"}'),
        (b'{"cvc":"837"}', b'{"cvc":"sealed"}'),
        (b'{\n  "cvc": "8371"\n}', b'{\n  "cvc": "sealed"\n}'),
        (b'{"secret":"ek_test_YWNjdA,x/+=-_"}', b'{"secret":"sealed"}'),
        (b'{"secret": "whsec_abc"}', b'{"secret": "sealed"}'),
        (b'{"data":[{"number":"4000009990000010"}]}', b'{"data":[{"number":"sealed"}]}'),
        (b'{"number":"40000099900', b'{"number":"sealed'),
        (b'{"number":"4000009990000010","cvc":"8', b'{"number":"sealed","cvc":"8'),
        (b'{"last4":"0010","phone_number":"+18008675309"}',) * 2,
        (b'{"number":null,"cvc":null,"secret":null}',) * 2,
        (b'{"number_of_cards":"12345"}',) * 2,
        (b"",) * 2,
    ],
)
def test_sealed_takes_secrets_out_and_leaves_the_rest(body: bytes, expected: bytes) -> None:
    """Numbers, CVCs and secrets go, wherever they stand and however the body ends."""
    assert expected == sealed(body)


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


def test_transport_adds_the_real_key_in_place_of_the_dummy() -> None:
    """The SDK never holds the key; the wire sees no dummy, and the SDK's own headers are not touched."""
    transport, wire = make_transport(ok())
    headers = {"Authorization": f"Bearer {DUMMY_KEY}", "X-Other": "1"}
    transport.request("get", "https://api.stripe.com/v1/x", headers)
    transport.request("get", "https://api.stripe.com/v1/x", None)

    assert {"Authorization": f"Bearer {KEY}", "X-Other": "1"} == wire.sent[0].headers
    assert {"Authorization": f"Bearer {KEY}"} == wire.sent[1].headers
    assert f"Bearer {DUMMY_KEY}" == headers["Authorization"]


def test_transport_sends_the_next_body_once_and_with_a_post_only() -> None:
    """Our exact bytes replace what the SDK encoded, for one request of this thread."""
    transport, wire = make_transport(ok())
    for method, body in (("post", b"a=1"), ("post", None), ("get", b"a=2"), ("post", None)):
        if body is not None:
            transport.next_body(body)
        transport.request(method, "https://x", {}, "sdk=1")

    assert ["a=1", "sdk=1", "sdk=1", "sdk=1"] == [one.body for one in wire.sent]


@pytest.mark.parametrize("content", [b'{"cvc":"837","a":"\xc3\xa9"}', '{"cvc":"837","a":"é"}'])
def test_transport_returns_text_without_secrets(content: bytes | str) -> None:
    """Whether the client below answers in bytes or text, the SDK gets sealed text."""
    transport, _ = make_transport(Scripted(status=201, body=content, headers={"a": "b"}))  # type: ignore[arg-type]  # text

    assert ('{"cvc":"sealed","a":"é"}', 201, {"a": "b"}) == transport.request("get", "u", {})


def test_transport_survives_an_answer_that_is_no_text() -> None:
    """Bytes from a broken proxy become replacement characters, not another error."""
    transport, _ = make_transport(Scripted(body=b"\xff\xfe"))

    assert "\N{REPLACEMENT CHARACTER}" * 2 == transport.request("get", "u", {})[0]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lost(), "Stripe could not be reached, or its answer was lost"),
        (Scripted(raises=OSError(f"Bearer {KEY}")), "the transport failed: OSError"),
        (Scripted(raises=KeyError(KEY)), "the transport failed: KeyError"),
    ],
)
def test_transport_raises_afresh_when_the_client_below_fails(
    answer: Scripted, message: str
) -> None:
    """The SDK sees one kind of failure, without the cause and the frames that held the key."""
    transport, _ = make_transport(answer)
    with pytest.raises(stripe.APIConnectionError) as caught:
        transport.request("post", "https://x", {"Authorization": "dummy"})

    _test, *ours = traceback.StackSummary.extract(
        traceback.walk_tb(caught.value.__traceback__), capture_locals=True
    )
    assert message == str(caught.value)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)
    assert ours
    assert KEY not in repr([frame.locals for frame in ours])


def test_transport_lets_an_interrupt_through() -> None:
    """Who presses Ctrl-C means it."""

    class Interrupted(ScriptedClient):
        def request(self, *arguments: Any, **options: Any) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SealingTransport(Interrupted(ok()), Hidden(KEY)).request("get", "https://x", {})


def test_transport_closes_what_is_below() -> None:
    """Closing is passed on."""
    transport, wire = make_transport(ok())
    transport.close()

    assert wire.is_closed
