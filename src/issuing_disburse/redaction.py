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
from urllib.parse import unquote_plus

from attrs import frozen

from .hidden import Hidden, Sealed, Taken
from .quoting import Quoted

SEALED = "sealed"
"""What stands in the place of a secret."""

WITHHELD = (
    b"withheld: this answer could not be read, so nobody can say that no card number is in it"
)

_SIZE_MAX = 64 * 1024 * 1024
_TAIL = 8
_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_ASKED = re.compile(r"expand[^=&]*=(?:[^&=]*\.)?\s*(?:number|cvc)\s*(?:&|$)")
_TOKEN = re.compile(r"\b(?:ek|sk|rk)_(?:test|live)_[^\s\"'<>]+|\bwhsec_[^\s\"'<>]+")
_NUMBER = re.compile(r"\d(?:[\W_]{0,3}\d){11,}")
_SHORT = re.compile(r"(?<![A-Za-z0-9])\d{3,4}(?![A-Za-z0-9])")
_CVC = re.compile(r"(?i)((?:cv[cvn]2?|csc|security\W?code)\D{0,24}?)\d+")
_NAMES = frozenset(
    {"card_number", "csc", "cvc", "cvc2", "cvn", "cvv", "cvv2", "number", "pan", "security_code"}
)
_PERSON = frozenset({"billing", "company", "email", "individual", "name", "phone_number"})
_TOLD = (
    "id", "object", "type", "status", "brand", "last4", "exp_month", "exp_year", "currency",
    "livemode", "created", "expires",
)  # fmt: skip
"""All that is kept of the answer whose secrets were taken: nothing else of it can hold them."""


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
    is_asked: bool = False,
    key: str,
    sent: bytes | None = None,
    taken: Taken | None = None,
) -> bytes:
    """
    Return an answer's body without secrets.

    Args:
        content: Bytes or text; compressed, cut off and broken ones are fine, too.
        is_doubtful: Whether anything may be in it: a number was asked for, or it is an error.
        is_asked: Whether it is the error that answers who asked for a number: any three or four
            digits in it may be a CVC.
        key: The API key, in case somebody echoes it.
        sent: The body of the request: an error that quotes somebody's name or address loses that.
        taken: Gets what a card, or an ephemeral key, held.
    """
    try:
        body = _plain(content)
        if key[-_TAIL:].encode() in body:
            body = body.replace(key.encode(), SEALED.encode())
        if taken is None and not is_doubtful and is_harmless(body):
            return body
        if not body.strip():
            return b""
        parsed = json.loads(body)
        if taken is not None and isinstance(parsed, dict):
            _take(parsed, taken)
            parsed = {name: parsed[name] for name in _TOLD if _is_plain(parsed.get(name))}
        cleaner = Cleaner(
            is_doubtful=is_doubtful,
            is_asked=is_asked,
            quoted=Quoted.of(sent) if is_doubtful and sent else None,
        )
        return json.dumps(cleaner.cleaned(parsed)).encode()
    except (ValueError, TypeError, RecursionError, MemoryError, zlib.error):
        return WITHHELD


def without_people(answer: dict[str, Any]) -> dict[str, Any]:
    """
    Take out of *answer*, in place, what its cardholders say of persons; return it.

    The library reads nothing of that, so that no variable, and no report of one, has to hold it.
    """
    waiting: list[Any] = [answer]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if one.get("object") == "issuing.cardholder":
                for name in _PERSON & one.keys():
                    del one[name]
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return answer


def is_harmless(body: bytes) -> bool:
    """
    Tell whether *body* is a whole JSON object without a word that could name a secret.
    """
    if body[:1] != b"{" or (body[-1:] != b"}" and body.rstrip()[-1:] != b"}"):
        return False
    if b"\x00" in body or (b"\\" in body and b"\\u" in body):
        return False
    if b"sec" in body and (b"secret" in body or b"whsec_" in body):
        return False
    return not (_has_word(body, b"number") or _has_word(body, b"cvc"))


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


def is_secret_name(name: str) -> bool:
    """
    Tell whether a field of this name holds number, CVC or another secret.
    """
    plain = name.strip().lower()
    return plain in _NAMES or plain.endswith("secret")


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int)


def _take(parsed: dict[str, Any], taken: Taken) -> None:
    number, cvc, secret = (parsed.get(name) for name in ("number", "cvc", "secret"))
    if isinstance(number, str) and isinstance(cvc, str) and number and cvc:
        taken.card = Sealed(number, cvc)
    if isinstance(secret, str) and secret:
        taken.secret = Hidden(secret)


@frozen(kw_only=True)
class Cleaner:
    """
    Writes an answer anew, without what may not be in it.
    """

    is_doubtful: bool
    is_asked: bool = False
    quoted: Quoted | None = None

    def cleaned(self, value: Any) -> Any:  # Any: JSON of whatever shape
        """
        Return *value* without secrets.
        """
        if isinstance(value, dict):
            return {
                self.text(name): SEALED
                if is_secret_name(name) and inner is not None and inner is not False
                else self.cleaned(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list):
            return [self.cleaned(inner) for inner in value]
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int | float) and self._may_be_secret(value):
            return SEALED
        return value

    def _may_be_secret(self, value: float) -> bool:
        if not self.is_doubtful or isinstance(value, bool):
            return False
        return abs(value) >= 10**11 or (self.is_asked and 100 <= value < 10_000)  # noqa: PLR2004  # a CVC

    def text(self, text: str) -> str:
        """
        Return *text* without secrets.
        """
        clean = _TOKEN.sub(SEALED, text)
        if self.is_doubtful:  # elsewhere digits stay: somebody's order id may be sixteen of them
            clean = _CVC.sub(rf"\1{SEALED}", _NUMBER.sub(SEALED, clean))
        if self.is_asked:
            clean = _SHORT.sub(SEALED, clean)
        return clean if self.quoted is None else self.quoted.taken_out_of(clean)
