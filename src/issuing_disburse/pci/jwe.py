"""
How does a number leave the process so that only one recipient can read it?
"""

from __future__ import annotations

from typing import Protocol

import orjson

from issuing_disburse.disbursement import CardReference
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.hidden import Hidden

from .keys import KeyMaterial, PublicKey, read_public_key
from .scope import PCIScope
from .secrets import CardSecrets

CONTENT_ENCRYPTION = "A256GCM"


class SendToken(Protocol):
    """
    A function that takes an encrypted token to its recipient.
    """

    def __call__(self, token: str, *, card: CardReference, order_id: str) -> str:
        """
        Send *token*; return a receipt when it has been stored.
        """
        ...


class JWESink:
    """
    Encrypts the secrets of each card to a recipient's public key, and sends the token.

    The token is a compact JWE (RFC 7516): ``RSA-OAEP-256`` or ``ECDH-ES+A256KW`` with ``A256GCM``. Its
    plaintext is JSON with ``number``, ``cvc``, ``exp_month``, ``exp_year``, ``card``, ``order_id``.

    Needs the extra ``jwe``.

    Args:
        key: The recipient's public key: JWK, JWK set or PEM.
        scope: Who answers for the process that encrypts: it sees the number for a moment.
        send: Takes the token to the recipient, and returns a receipt.
        key_id: The ``kid`` of the header; by default the JWK's, else its RFC 7638 thumbprint.
        algorithm: By default what fits the key.
        name: Stored with each delivery.

    Raises:
        InvalidInputError: The key is too short, private or unfit; naming the remedy.
    """

    def __init__(
        self,
        key: KeyMaterial,
        *,
        scope: PCIScope,
        send: SendToken,
        key_id: str | None = None,
        algorithm: str | None = None,
        name: str = "JWESink",
    ) -> None:
        held = Hidden(key)  # type: ignore[arg-type]  # by mistake it may be a private one
        del key
        if not isinstance(scope, PCIScope):
            raise InvalidInputError(
                "sink.scope", "is no PCIScope", "pass PCIScope(owner='…', environment='…')"
            )
        if not callable(send):
            raise InvalidInputError(
                "sink.send", "cannot be called", "pass a function (token, *, card, order_id)"
            )
        self.scope = scope
        self.name = name
        self._send = send
        self._key = read_public_key(held, key_id=key_id, algorithm=algorithm)

    @property
    def key_id(self) -> str:
        """
        The key that the next token is encrypted to.
        """
        return self._key.id

    def rotate(
        self, key: KeyMaterial, *, key_id: str | None = None, algorithm: str | None = None
    ) -> None:
        """
        Encrypt to another key from the next delivery on; safe while others deliver.

        Raises:
            InvalidInputError: The key is unfit; the old one stays in use.
        """
        held = Hidden(key)  # type: ignore[arg-type]  # as above
        del key
        self._key = read_public_key(held, key_id=key_id, algorithm=algorithm)

    def deliver(self, secrets: CardSecrets, *, card: CardReference, order_id: str) -> str:
        """
        Encrypt and send.
        """
        token = _token(self._key, secrets, card, order_id)
        return self._send(token, card=card, order_id=order_id)

    def __repr__(self) -> str:
        key = getattr(self, "_key", None)  # a report of its own refusal shows it half made
        return f"<{type(self).__name__} to key {key.id if key is not None else '?'!r}>"


def _token(key: PublicKey, secrets: CardSecrets, card: CardReference, order_id: str) -> str:
    # A frame of its own: while the token is sent, no variable holds the plaintext.
    from joserfc import jwe  # noqa: PLC0415  # the extra "jwe"

    header = {
        "alg": key.algorithm,
        "enc": CONTENT_ENCRYPTION,
        "kid": key.id,
        "cty": "application/json",
    }
    with secrets.open() as opened:
        return jwe.encrypt_compact(
            header,
            orjson.dumps(
                {
                    "number": opened.number,
                    "cvc": opened.cvc,
                    "exp_month": card.exp_month,
                    "exp_year": card.exp_year,
                    "card": card.id,
                    "order_id": order_id,
                }
            ),
            key.jose,
            algorithms=[key.algorithm, CONTENT_ENCRYPTION],
        )
