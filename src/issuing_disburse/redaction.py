"""
What of an answer of Stripe's may be seen, by the SDK, by its log and by us?

An answer that cannot hold a secret is recognised by a few searches and passes as it is. Any other one is
read, cleaned and written anew; one that cannot be read is withheld whole, because nobody can say
where in it a number stands.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from attrs import frozen

from .hidden import Hidden, Sealed, Taken

SEALED = "sealed"
"""What stands in the place of a secret."""

WITHHELD = (
    b"withheld: this answer could not be read, so nobody can say that no card number is in it"
)

_SIZE_MAX = 64 * 1024 * 1024
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_ASKED = re.compile(r"expand[^=&]*=(?:[^&=]*\.)?\s*(?:number|cvc)\s*(?:&|$)")
_TOKEN = re.compile(r"\b(?:ek|sk|rk)_(?:test|live)_[^\s\"'<>]+|\bwhsec_[^\s\"'<>]+")
_NUMBER = re.compile(r"(?<!\d)\d(?:[ .\-\u00a0]?\d){11,18}(?!\d)")
_PERSONAL = frozenset(
    {"city", "email", "first_name", "ip", "last_name", "line1", "line2", "name", "phone_number"}
    | {"postal_code", "tax_id", "user_agent"}
)
_CVC = re.compile(r"(?i)(\bcv[cv]2?\b\W{0,16})\d+")


def asks_for_secrets(url: str, body: object) -> bool:
    """
    Tell whether a request wants number or CVC of a card in its answer.
    """
    text = body.decode("latin-1") if isinstance(body, bytes | bytearray) else body
    if "expand" not in url and (not isinstance(text, str) or "expand" not in text):
        return False
    return any(
        "expand" in part and _ASKED.search(unquote_plus(part.partition("?")[2] or part)) is not None
        for part in (url, text)
        if isinstance(part, str)
    )


def redacted(
    content: object,
    *,
    is_doubtful: bool,
    key: str,
    sent: bytes | None = None,
    taken: Taken | None = None,
) -> bytes:
    """
    Return an answer's body without secrets.

    Args:
        content: Bytes or text; compressed, cut off and broken ones are fine, too.
        is_doubtful: Whether anything may be in it: a number was asked for, or it is an error.
        key: The API key, in case somebody echoes it.
        sent: The body of the request: an error that quotes somebody's name or address loses that.
        taken: Gets what a card, or an ephemeral key, held.
    """
    try:
        body = _plain(content)
        if key.encode() in body:
            body = body.replace(key.encode(), SEALED.encode())
        if not is_doubtful and is_harmless(body):
            return body
        if not body.strip():
            return b""
        parsed = json.loads(body)
        if taken is not None and isinstance(parsed, dict):
            _take(parsed, taken)
        cleaner = _Cleaner(
            is_doubtful=is_doubtful, personal=_personal(sent) if is_doubtful and sent else ()
        )
        return json.dumps(cleaner.cleaned(parsed)).encode()
    except (ValueError, TypeError, RecursionError, MemoryError, zlib.error):
        return WITHHELD


def is_harmless(body: bytes) -> bool:
    """
    Tell whether *body* is a whole JSON object without a word that could name a secret.
    """
    if body[:1] != b"{" or body.rstrip()[-1:] != b"}":
        return False
    if b"\x00" in body or (b"\\" in body and b"\\u" in body) or b"secret" in body:
        return False
    return not (_has_word(body, b"number") or _has_word(body, b"cvc") or b"whsec_" in body)


def _has_word(body: bytes, word: bytes) -> bool:
    at = body.find(word)
    while at >= 0:
        end = at + len(word)
        if (at == 0 or body[at - 1] not in _WORD) and (end == len(body) or body[end] not in _WORD):
            return True
        at = body.find(word, end)
    return False


def _plain(content: object) -> bytes:
    if isinstance(content, str):
        return content.encode("utf-8", "surrogatepass")
    if not isinstance(content, bytes | bytearray | memoryview):
        raise TypeError("neither bytes nor text")
    body = bytes(content)
    if body[:2] == b"\x1f\x8b" or (body[:1] == b"\x78" and body[1:2] in b"\x01\x5e\x9c\xda"):
        opened = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # gzip or zlib, by its head
        body = opened.decompress(body, _SIZE_MAX)
        if not opened.eof:
            raise ValueError("cut off, or too large")
    return body


def _is_secret(name: str) -> bool:
    plain = name.strip().lower()
    return plain in {"number", "cvc"} or plain.endswith("secret")


def _take(parsed: dict[str, Any], taken: Taken) -> None:
    number, cvc, secret = (parsed.get(name) for name in ("number", "cvc", "secret"))
    if isinstance(number, str) and isinstance(cvc, str) and number and cvc:
        taken.card = Sealed(number, cvc)
    if isinstance(secret, str) and secret:
        taken.secret = Hidden(secret)


def _personal(sent: bytes) -> tuple[str, ...]:
    pairs = parse_qsl(sent.decode(errors="replace"))
    texts = {
        text
        for name, text in pairs
        if len(text) > 1 and name.rpartition("[")[2].rstrip("]") in _PERSONAL
    }
    return tuple(sorted(texts, key=len, reverse=True))


@frozen(kw_only=True)
class _Cleaner:
    """
    Writes an answer anew, without what may not be in it.
    """

    is_doubtful: bool
    personal: tuple[str, ...]

    def cleaned(self, value: Any) -> Any:  # Any: JSON of whatever shape
        """
        Return *value* without secrets.
        """
        if isinstance(value, dict):
            return {
                self._text(name): SEALED
                if _is_secret(name) and inner is not None and inner is not False
                else self.cleaned(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self.cleaned(inner) for inner in value]
        if isinstance(value, str):
            return self._text(value)
        if self.is_doubtful and isinstance(value, int | float) and abs(value) >= 10**11:
            return SEALED
        return value

    def _text(self, text: str) -> str:
        clean = _TOKEN.sub(SEALED, text)
        if self.is_doubtful:  # elsewhere digits stay: somebody's order id may be sixteen of them
            clean = _CVC.sub(rf"\1{SEALED}", _NUMBER.sub(SEALED, clean))
        for one in self.personal:
            clean = clean.replace(one, "[personal]")
        return clean
