"""
Can nobody but the recipient read what an encrypting sink sends?
"""

import json
import re
import traceback
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc import jwe
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from issuing_disburse import InvalidInputError
from issuing_disburse.exceptions import SinkError
from issuing_disburse.pci import JWESink, PCIScope
from world import make_order, open_world

SCOPE = PCIScope(owner="card-vault", environment="pci-test")
ALGORITHMS = ["RSA-OAEP-256", "ECDH-ES+A256KW", "A256GCM"]
RSA = RSAKey.generate_key(2048, private=True)
EC = ECKey.generate_key("P-256", private=True)
X25519 = OKPKey.generate_key("X25519", private=True)


class Post:
    """
    Takes tokens, and remembers them.
    """

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.is_closed = False

    def __call__(self, token: str, *, card: Any, order_id: str) -> str:
        """
        Keep one token.
        """
        if self.is_closed:
            raise ConnectionError(token)
        self.tokens.append(token)
        return f"post:{card.id}"


def pem(key: Any) -> bytes:
    """
    Write a public key as PEM.
    """
    encoded: bytes = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded


def public(key: Any, **changes: Any) -> dict[str, Any]:
    """
    Write a public key as JWK.
    """
    return {**key.as_dict(private=False), **changes}


GOOD = {
    "RSA as JWK": (public(RSA), RSA, "RSA-OAEP-256"),
    "RSA as JSON": (json.dumps(public(RSA)), RSA, "RSA-OAEP-256"),
    "RSA as PEM": (RSA.as_pem(private=False), RSA, "RSA-OAEP-256"),
    "RSA as PEM text": (RSA.as_pem(private=False).decode(), RSA, "RSA-OAEP-256"),
    "EC as JWK": (public(EC, use="enc", alg="ECDH-ES+A256KW"), EC, "ECDH-ES+A256KW"),
    "EC as PEM": (EC.as_pem(private=False), EC, "ECDH-ES+A256KW"),
    "X25519 as JWK": (public(X25519, key_ops=["deriveKey"]), X25519, "ECDH-ES+A256KW"),
    "the only key of a set": ({"keys": [public(RSA)]}, RSA, "RSA-OAEP-256"),
}


@pytest.mark.pci
@pytest.mark.parametrize("name", GOOD)
def test_the_recipient_and_nobody_else_reads_a_token(name: str) -> None:
    """A card's number arrives under the recipient's key, with the header that says which."""
    key, private, algorithm = GOOD[name]
    post = Post()
    sink = JWESink(key, scope=SCOPE, send=post)
    with open_world("sqlite://", options={"sink": sink}) as world:
        paid = world.disburser.disburse(make_order())
        (entry,) = world.disburser.deliveries()
    (token,) = post.tokens
    opened = jwe.decrypt_compact(token, private, algorithms=ALGORITHMS)
    assert opened.plaintext is not None
    card = json.loads(opened.plaintext)

    assert (algorithm, "A256GCM", sink.key_id) == tuple(
        opened.protected[name] for name in ("alg", "enc", "kid")
    )
    assert paid.card.last4 == card["number"][-4:]
    assert (paid.card.id, "claim-8841", 3) == (card["card"], card["order_id"], len(card["cvc"]))
    assert (paid.card.exp_month, paid.card.exp_year) == (card["exp_month"], card["exp_year"])
    assert ("JWESink", f"post:{paid.card.id}") == (entry.sink, entry.reference)
    assert card["number"] not in token


def short_keys() -> Iterator[tuple[str, Any]]:
    """
    Make keys that are too short, without the warning of those who make them.
    """
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that is what is refused
    yield "short PEM", pem(short.public_key())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        yield "short JWK", public(RSAKey.generate_key(1024, private=True))


PRIVATE_PEM = RSA.as_pem(private=True)
BAD: dict[str, tuple[Any, str]] = {
    **{name: (key, "too short") for name, key in short_keys()},
    "private PEM": (PRIVATE_PEM, "private or secret"),
    "private RSA": (RSA.as_dict(private=True), "private or secret"),
    "private EC": (json.dumps(EC.as_dict(private=True)), "private or secret"),
    "private in a set": ({"keys": [EC.as_dict(private=True)]}, "private or secret"),
    "secret": (OctKey.generate_key(256).as_dict(), "private or secret"),
    "other curve": (pem(ec.generate_private_key(ec.SECP256K1()).public_key()), "unknown curve"),
    "signing curve": (public(OKPKey.generate_key("Ed25519", private=True)), "unknown curve"),
    "signing PEM": (pem(ed25519.Ed25519PrivateKey.generate().public_key()), "does not encrypt"),
    "for signing": (public(RSA, use="sig"), "says use 'sig'"),
    "other algorithm": (public(RSA, alg="RSA1_5"), "says alg 'RSA1_5'"),
    "other operations": (public(RSA, key_ops=["verify"]), "key_ops"),
    "set of two": ({"keys": [public(RSA), public(EC)]}, "2 keys of the set fit"),
    "other kind": ({"kty": "AKP"}, "unknown kind"),
    "certificate": ("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----", "cannot be read"),
    "broken PEM": ("-----BEGIN PUBLIC KEY-----\nAA", "cannot be read"),
    "no key": ("hello", "cannot be read"),
    "nothing": (None, "is no key"),
    "number": (7, "is no key"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_an_unfit_key_is_refused_when_the_sink_is_made(name: str) -> None:
    """Too short, private, for another purpose: refused at once, and no part of it is shown."""
    key, problem = BAD[name]
    with pytest.raises(InvalidInputError, match=r"sink\.key") as caught:
        JWESink(key, scope=SCOPE, send=Post())

    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = repr([one.locals for one in report.stack if "issuing_disburse/" in one.filename])
    assert problem in str(caught.value)
    assert caught.value.remedy
    for secret in (PRIVATE_PEM.decode().splitlines()[3], RSA.as_dict(private=True)["d"]):
        assert secret not in str(caught.value) + ours


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"algorithm": "RSA1_5"}, "sink.algorithm"),
        ({"algorithm": "dir"}, "sink.algorithm"),
        ({"algorithm": "ECDH-ES+A256KW"}, "sink.key"),
        ({"scope": None}, "sink.scope"),
        ({"send": None}, "sink.send"),
    ],
)
def test_a_sink_is_refused_with_a_wrong_argument(change: dict[str, Any], field: str) -> None:
    """An unknown algorithm, or one of another kind of key, is named."""
    options: dict[str, Any] = {"scope": SCOPE, "send": Post(), **change}
    with pytest.raises(InvalidInputError) as caught:
        JWESink(public(RSA), **options)

    assert field == caught.value.field


@pytest.mark.pci
def test_a_key_is_rotated_without_a_new_sink() -> None:
    """From the next delivery on the new key counts; an unfit one leaves the old one in use."""
    post = Post()
    both = {"keys": [public(RSA, kid="old"), public(EC, kid="new")]}
    sink = JWESink(both, key_id="old", scope=SCOPE, send=post)
    with open_world("sqlite://") as world:
        world.disburser.disburse(make_order())
        world.disburser.reveal("claim-8841", sink)
        with pytest.raises(InvalidInputError):
            sink.rotate(PRIVATE_PEM)
        assert "old" == sink.key_id
        sink.rotate(both, key_id="new")
        world.disburser.reveal("claim-8841", sink)
    old, new = post.tokens

    assert "new" in repr(sink)
    assert jwe.decrypt_compact(old, RSA, algorithms=ALGORITHMS).plaintext
    assert jwe.decrypt_compact(new, EC, algorithms=ALGORITHMS).plaintext


@pytest.mark.pci
def test_a_token_that_cannot_be_sent_leaves_the_card_inactive() -> None:
    """While the token is on its way no variable of ours holds the plaintext."""
    post, held = Post(), []
    post.is_closed = True

    def send(token: str, *, card: Any, order_id: str) -> str:
        frames = [frame for frame, _ in traceback.walk_stack(None)]
        held.extend(
            repr(frame.f_locals)
            for frame in frames
            if "issuing_disburse/" in frame.f_code.co_filename
        )
        return post(token, card=card, order_id=order_id)

    sink = JWESink(public(RSA), scope=SCOPE, send=send)
    with open_world("sqlite://", options={"sink": sink}) as world:
        with pytest.raises(SinkError, match="ConnectionError"):
            world.disburser.disburse(make_order())
        (card,) = world.simulator.objects("card", world.account)

        assert "inactive" == card["status"]
        assert any("'header'" in one or "sealed" in one for one in held)
        assert not re.search(r"4000\d{12}", repr(held))
