"""
May numbers be encrypted to this key?
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.hidden import Hidden

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    JoseKey: TypeAlias = RSAKey | ECKey | OKPKey

KeyMaterial: TypeAlias = "Mapping[str, Any] | str | bytes"
"""A JWK or a set of them (as a mapping or JSON), or PEM."""

RSA_BITS_MIN = 2048

_ALGORITHMS = {"RSA": "RSA-OAEP-256", "EC": "ECDH-ES+A256KW", "OKP": "ECDH-ES+A256KW"}
_CURVES = ("P-256", "P-384", "P-521", "X25519")
_PRIVATE = frozenset({"d", "dp", "dq", "k", "oth", "p", "q", "qi"})
_WRAPPING = frozenset({"encrypt", "wrapKey", "deriveKey", "deriveBits"})
_FORMS = "pass a public key: a JWK, a JWK set, or PEM that begins with 'BEGIN PUBLIC KEY'"


@frozen(kw_only=True)
class PublicKey:
    """
    A recipient's public key that is fit for the purpose.

    Attributes:
        id: Goes into the header (``kid``), so that the recipient knows which key to use.
        algorithm: ``RSA-OAEP-256`` or ``ECDH-ES+A256KW``.
    """

    id: str
    algorithm: str
    jose: JoseKey = field(repr=False)


def read_public_key(held: Hidden, *, key_id: str | None, algorithm: str | None) -> PublicKey:
    """
    Judge a key. It comes hidden, because it may be a private one by mistake.

    Raises:
        InvalidInputError: Naming what is wrong with it, and the remedy.
    """
    if algorithm is not None and algorithm not in _ALGORITHMS.values():
        raise InvalidInputError(
            "sink.algorithm", "is unknown", "use 'RSA-OAEP-256' or 'ECDH-ES+A256KW'"
        )
    key, declared, problem = _imported(held, key_id)
    if problem is None:
        problem = next(_misfits(key, declared, algorithm), None)
    if problem is not None:
        raise InvalidInputError("sink.key", *problem)
    found = key_id or declared.get("kid") or key.thumbprint()
    return PublicKey(id=str(found), algorithm=_ALGORITHMS[key.key_type], jose=key)


# None of the following raises: their frames hold what may be a private key. Any: JSON, and a key of
# one of three classes, or nothing next to a problem.
_Problem: TypeAlias = tuple[str, str]


def _imported(held: Hidden, key_id: str | None) -> tuple[Any, dict[str, Any], _Problem | None]:
    try:
        material: object = held.revealed()
        if isinstance(material, bytes | bytearray):
            material = material.decode()
        if isinstance(material, str) and "-----BEGIN" in material:
            return _from_pem(material)
        if isinstance(material, str):
            material = json.loads(material)
        if isinstance(material, Mapping):
            return _from_jwk(dict(material), key_id)
    except ImportError:
        return None, {}, ("joserfc is not installed", "pip install 'issuing-disburse[jwe]'")
    except Exception as exc:  # noqa: BLE001  # whatever a parser raises quotes what it read
        return None, {}, (f"cannot be read ({type(exc).__name__})", _FORMS)
    return None, {}, ("is no key", _FORMS)


def _from_pem(text: str) -> tuple[Any, dict[str, Any], _Problem | None]:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  # comes with joserfc
    from cryptography.hazmat.primitives.asymmetric import ec, rsa, x25519  # noqa: PLC0415  # likewise
    from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: PLC0415  # the extra "jwe"

    if "PRIVATE KEY" in text:
        return None, {}, _private()
    found = serialization.load_pem_public_key(text.encode())
    if isinstance(found, rsa.RSAPublicKey):
        short = _short(found.key_size)  # before joserfc, which only warns
        return (None, {}, short) if short else (RSAKey.import_key(text), {}, None)
    if isinstance(found, ec.EllipticCurvePublicKey):
        return ECKey.import_key(text), {}, None
    if isinstance(found, x25519.X25519PublicKey):
        return OKPKey.import_key(text), {}, None
    return None, {}, ("is of a kind that does not encrypt", "use RSA, P-256 to P-521 or X25519")


def _from_jwk(
    jwk: dict[str, Any], key_id: str | None
) -> tuple[Any, dict[str, Any], _Problem | None]:
    from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: PLC0415  # the extra "jwe"

    if "keys" in jwk:
        keys = [dict(one) for one in jwk["keys"]]
        fitting = [one for one in keys if key_id is None or one.get("kid") == key_id]
        if len(fitting) != 1:
            return None, {}, (f"{len(fitting)} keys of the set fit", "name one by key_id=")
        (jwk,) = fitting
    if jwk.keys() & _PRIVATE:
        return None, {}, _private()
    kinds: dict[str, Any] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
    if jwk.get("kty") not in kinds:
        return None, {}, (f"is of an unknown kind ({_word(jwk.get('kty'))})", _FORMS)
    if jwk.get("crv") not in (None, *_CURVES):  # before a parser meets it
        return None, {}, _curve(jwk.get("crv"))
    if jwk["kty"] == "RSA":
        modulus = base64.urlsafe_b64decode(str(jwk.get("n")) + "==")
        short = _short(int.from_bytes(modulus, "big").bit_length())
        if short is not None:
            return None, {}, short
    return kinds[jwk["kty"]].import_key(jwk), jwk, None


def _misfits(key: Any, declared: dict[str, Any], algorithm: str | None) -> Iterator[_Problem]:
    fitting = _ALGORITHMS[key.key_type]
    if key.is_private:
        yield _private()
    if key.key_type != "RSA" and key.curve_name not in _CURVES:
        yield _curve(key.curve_name)
    if algorithm not in (None, fitting):
        yield f"cannot be used with {algorithm}", f"use {fitting}, or a key of the other kind"
    if declared.get("alg") not in (None, fitting):
        yield f"says alg {_word(declared['alg'])}", f"only {fitting} is used with such a key"
    if declared.get("use") not in (None, "enc"):
        yield f"says use {_word(declared['use'])}", "use a key that is meant for encryption"
    operations = declared.get("key_ops")
    if operations is not None and not set(operations) & _WRAPPING:
        yield "is not meant for encryption (key_ops)", "use a key that is"


def _short(bits: int) -> _Problem | None:
    if bits >= RSA_BITS_MIN:
        return None
    return f"has {bits} bits, which is too short", f"use RSA with {RSA_BITS_MIN} bits or more"


def _private() -> _Problem:
    return "is private or secret", f"keep that to the recipient, and rotate it; {_FORMS}"


def _curve(name: object) -> _Problem:
    return f"is on an unknown curve ({_word(name)})", f"use one of {', '.join(_CURVES)}"


def _word(value: object) -> str:
    return repr(value[:20]) if isinstance(value, str) else "none"
