"""
Does nothing pass but what Stripe signed, just now?
"""

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from issuing_disburse.exceptions import InvalidInputError, SignatureInvalidError
from issuing_disburse.signatures import Verifier, sign, verify

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
AT = int(NOW.timestamp())
SECRET = "whsec_example_one"
OTHER = "whsec_example_two"
BODY = b'{"id":"evt_1","object":"event"}'


def v1(body: bytes = BODY, secret: str = SECRET, at: object = AT) -> str:
    """
    Make the hexadecimal part by hand.
    """
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


def is_refused(header: object, body: object = BODY, now: datetime = NOW) -> bool:
    """
    Tell whether a verifier refuses with its one error and its one message.
    """
    with pytest.raises(SignatureInvalidError) as caught:
        Verifier(SECRET).verify(body, header, now=now)  # type: ignore[arg-type]  # hostile types

    with pytest.raises(SignatureInvalidError) as plainest:
        Verifier(SECRET).verify(b"", "", now=NOW)
    return str(plainest.value) == str(caught.value)


def test_verify_returns_the_signed_time_when_the_signature_is_right() -> None:
    """A delivery as Stripe makes it is verified, and its time comes back."""
    header = f"t={AT},v1={v1()}"

    assert verify(BODY, header, [SECRET], now=NOW + timedelta(seconds=7)) == NOW


def test_sign_is_the_mirror_of_verify() -> None:
    """What `sign` makes, `verify` takes, and byte for byte what the SDK's own helper makes."""
    header = sign(BODY, SECRET, NOW)

    assert verify(BODY, header, [SECRET], now=NOW) == NOW
    assert stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, AT) == header


@pytest.mark.parametrize("secrets", [[SECRET, OTHER], [OTHER, SECRET]])
def test_verify_takes_any_of_several_secrets(secrets: list[str]) -> None:
    """During a rotation, and with several endpoints, any of the secrets will do."""
    assert verify(BODY, sign(BODY, SECRET, NOW), secrets, now=NOW) == NOW


def test_verify_takes_any_of_several_signatures() -> None:
    """One right v1 among wrong ones and other schemes is enough."""
    header = f"t={AT},v0={'0' * 64},v1={'1' * 64},v1={v1()},v2=x,v1={'2' * 64}"

    assert verify(BODY, header, [SECRET], now=NOW) == NOW


@pytest.mark.parametrize(
    ("seconds", "is_fine"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)]
)
def test_verify_judges_age_on_both_sides(seconds: int, is_fine: bool) -> None:
    """A timestamp more than 300 seconds away is refused, in the past as in the future."""
    now = NOW + timedelta(seconds=seconds)
    if is_fine:
        assert verify(BODY, sign(BODY, SECRET, NOW), [SECRET], now=now) == NOW
    else:
        assert is_refused(sign(BODY, SECRET, NOW), now=now)


def test_verify_keeps_to_the_tolerance_it_is_given() -> None:
    """A tolerance of zero means this very second, not no check at all."""
    header = sign(BODY, SECRET, NOW)

    assert verify(BODY, header, [SECRET], now=NOW, tolerance_seconds=0) == NOW
    with pytest.raises(SignatureInvalidError):
        verify(BODY, header, [SECRET], now=NOW + timedelta(seconds=1), tolerance_seconds=0)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t",
        "nonsense",
        f"t={AT}",
        f"v1={v1()}",
        f"t=,v1={v1()}",
        f"t={AT},v1=",
        f"t={AT},v0={v1()}",
        f"t={AT},v1={v1().upper()}",
        f"t={AT}, v1={v1()}",
        f"t={AT},v1={v1()[:-1]}",
        f"t={AT},t={AT},v1={v1()}",
        f"t=+{AT},v1={v1(at=f'+{AT}')}",
        f"t={AT}.0,v1={v1(at=f'{AT}.0')}",
        f"t=-{AT},v1={v1(at=f'-{AT}')}",
        f"t=1_793_610_000,v1={v1(at='1_793_610_000')}",
        f"t={'9' * 12},v1={v1(at='9' * 12)}",
        f"t={'9' * 5_000},v1={v1()}",
        f"t=١٧٩٣٦١٠٠٠٠,v1={v1()}",
        f"t={AT},v1=ü{v1()[1:]}",
        f"t={AT}," + ",".join([f"v1={'0' * 64}"] * 16) + f",v1={v1()}",
        f"t={AT},v1={v1()}," + "x=y," * 1_000,
        f"t={AT},v1={v1()}".encode(),
        None,
        17,
    ],
)
def test_verify_refuses_when_the_header_is_off(header: object) -> None:
    """Whatever is wrong with a header, the answer is the same."""
    assert is_refused(header)


@pytest.mark.parametrize(
    "body",
    [BODY + b" ", BODY[:-1], b"", BODY.decode(), bytearray(BODY), memoryview(BODY), None, b"\xff"],
)
def test_verify_refuses_when_the_body_is_not_what_was_signed(body: object) -> None:
    """One byte more, less, or another type than raw bytes: refused."""
    assert is_refused(sign(BODY, SECRET, NOW), body)


def test_verify_takes_sixteen_signatures_and_no_more() -> None:
    """A header cannot make us compare for long."""
    sixteen = f"t={AT}," + ",".join([f"v1={'0' * 64}"] * 15) + f",v1={v1()}"

    assert verify(BODY, sixteen, [SECRET], now=NOW) == NOW
    assert is_refused(sixteen + f",v1={v1()}")


@given(st.binary(max_size=200), st.text(max_size=200))
def test_verify_never_passes_or_breaks_when_nothing_is_signed(body: bytes, header: str) -> None:
    """Bytes and headers from a stranger never raise anything but the one error."""
    assert is_refused(header, body)


@given(
    st.binary(max_size=200),
    st.sampled_from(["t", "v1"]),
    st.text("0123456789abcdef+-_ ,=", max_size=70),
)
def test_verify_refuses_when_one_field_is_replaced(body: bytes, field: str, value: str) -> None:
    """A valid delivery with one field replaced is refused, unless the field says the same."""
    parts = {"t": str(AT), "v1": v1(body)}
    changed = {**parts, field: value}
    header = ",".join(f"{name}={text}" for name, text in changed.items())
    if changed == parts:
        return

    assert is_refused(header, body)


@pytest.mark.parametrize("secrets", [[], "", [""], [SECRET, ""], [" whsec_x"], ["whsec_x\n"], [7]])
def test_verifier_is_not_made_when_a_secret_is_unusable(secrets: object) -> None:
    """Nobody gets a verifier that an empty secret would open for everybody."""
    with pytest.raises(InvalidInputError) as caught:
        Verifier(secrets)  # type: ignore[arg-type]  # that is what is tested

    assert caught.value.field == "webhook_secret"
    assert "whsec_x" not in str(caught.value)


@pytest.mark.parametrize("seconds", [-1, 1.5, True])
def test_verifier_is_not_made_when_the_tolerance_is_no_count(seconds: int) -> None:
    """A tolerance is a whole number of seconds."""
    with pytest.raises(InvalidInputError):
        Verifier(SECRET, tolerance_seconds=seconds)


def failing(action: Callable[[], object]) -> SignatureInvalidError:
    """
    Return the error that *action* ends with.
    """
    with pytest.raises(SignatureInvalidError) as caught:
        action()
    return caught.value


def test_secrets_do_not_show_when_something_is_printed_or_raised() -> None:
    """Neither a repr nor a traceback's variables hold a secret or a signature we expected."""
    verifier = Verifier([SECRET, OTHER])
    header = f"t={AT},v1={'0' * 64}"
    errors = [
        failing(lambda: verifier.verify(BODY, header, now=NOW)),
        failing(lambda: verify(BODY, header, [f"whsec_{'x' * 9}"], now=NOW)),
    ]
    shown = [repr(verifier), *map(str, errors)]
    for error in errors:
        frame = error.__traceback__
        while frame is not None:
            if frame.tb_frame.f_code.co_filename.endswith("signatures.py"):
                shown += map(repr, frame.tb_frame.f_locals.values())
            frame = frame.tb_next

    assert repr(verifier) == "Verifier(<2 secrets>, tolerance_seconds=300)"
    assert repr(Verifier(SECRET)) == "Verifier(<1 secret>, tolerance_seconds=300)"
    for text in shown:
        assert SECRET not in text
        assert "whsec_xxx" not in text
        assert v1() not in text
