"""
In which other ways can a text be read: decoded, unpacked, joined, with plain digits?
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote_plus

from .bodies import SIZE_MAX, UnreadableError, recognised

DEPTH_MAX = 4
"""So many packings, one inside the other, are undone."""

_VIEWS_MAX = 4_000
_STREAMS_MAX = 2_000
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPE = re.compile(
    r"\\+(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2}))"
)
_CODES = 0x110000
_HALVES = range(0xD800, 0xE000)
_LETTER = re.compile(r"\\+([nrt])")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
_OCTAL = re.compile(r"\\+([0-3][0-7]{2})")
_SCIENTIFIC = re.compile(r"(?<![0-9.])([0-9])\.([0-9]{11,17})[eE]\+?(1[2-8])(?![0-9])")
_PRINTABLE = re.compile(r"=(00|[3-7][0-9A-Fa-f])")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_BASE64_LINES = re.compile(r"(?<=[A-Za-z0-9+/=_-])\\?[rn\\]*\s*[\r\n]\s*(?=[A-Za-z0-9+/=_-])")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){12,}")
_PAIRS = re.compile(r"(?:0x)?[0-9A-Fa-f]{2}(?:[ :,-]{1,2}(?:0x)?[0-9A-Fa-f]{2}){11,}")
_BETWEEN = re.compile(r"0x|[ :,-]")
_TAG = re.compile(r"<[^<>]{1,1000}>")
_REFERENCE = re.compile(r"&(?:#|[a-z]{2,6};)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BASE32 = re.compile(r"(?<![A-Z2-7])[A-Z2-7]{16,}(?:={0,6})")
_BREAK = re.compile(r"(?<=\w)[ \t\"'+\\-]*(?:\r?\n|\\r\\n|\\n)[ \t>|\"'+#*-]*(?=\w)")
_GZIP = re.compile(rb"\x1f\x8b\x08")
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_INVISIBLE = frozenset({"Cc", "Cf", "Me", "Mn"})
_BASE64_LONG = 20_000
# What is decoded without having been encoded is noise, and not worth a search.
_WORTH = re.compile(
    rb"(?:[0-9][^0-9A-Za-z]{0,3}){11}|live_|whsec_|\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]|PK\x03\x04"
    rb"|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd"
)
_READABLE = bytes(range(32, 127)) + b"\t\r\n"


def views_of(data: str | bytes) -> Iterator[tuple[str, bool]]:
    """
    Yield every way to read *data*; the flag says that lines, or bytes, were joined for it.

    Raises:
        UnreadableError: Something in it is packed, but broken, cut off or too large.
    """
    seen: set[str] = set()
    waiting: list[tuple[str | bytes, int]] = [(data, 0)]
    while waiting and len(seen) < _VIEWS_MAX:
        one, depth = waiting.pop()
        if isinstance(one, bytes):
            if depth < DEPTH_MAX:
                waiting += [(inner, depth + 1) for inner in _inside(one)]
            one = one.decode("utf-8", "replace")
            if "\0" in one:  # two or four bytes a character
                waiting.append((one.replace("\0", ""), depth))
        text = _plain(one)
        if text in seen:
            continue
        seen.add(text)
        yield text, False
        if "\n" in text:
            joined = _BREAK.sub("", text)
            if joined != text:
                yield joined, True
        if depth < DEPTH_MAX:
            waiting += [(inner, depth + 1) for inner in _decoded(text)]
    if waiting:
        raise UnreadableError("more is packed in it than is searched")


def _plain(text: str) -> str:
    """
    Return *text* with digits of whatever script as plain ones, without invisible characters.
    """
    text = _CONTROL.sub("", text)
    if text.isascii():
        return text
    if len(text) > _VIEWS_MAX and text.count("\ufffd") > len(text) // 10:
        return text.encode("ascii", "replace").decode()  # bytes that are no text
    return "".join(
        mark if mark.isascii() else _plain_mark(mark)
        for mark in text
        if mark.isascii() or unicodedata.category(mark) not in _INVISIBLE
    )


def _plain_mark(mark: str) -> str:
    digit = unicodedata.digit(mark, None)
    if digit is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", mark)


def _decoded(text: str) -> Iterator[str | bytes]:
    if "%" in text and _PERCENT.search(text):
        yield unquote_plus(text)
    if "\\" in text and _ESCAPE.search(text):
        yield _ESCAPE.sub(_escaped, text)
    if "\\" in text:
        yield _LETTER.sub(lambda found: _LETTERS[found[1]], text).replace("\\_", "_")
        yield _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)
    if "." in text and _SCIENTIFIC.search(text):
        yield _SCIENTIFIC.sub(_written_out, text)
    if "&" in text and _REFERENCE.search(text):
        yield html.unescape(text)
    if "<" in text and _TAG.search(text):
        yield _TAG.sub("", text)
    if "=3" in text or "=\n" in text:
        unfolded = text.replace("=\r\n", "").replace("=\n", "")
        yield _PRINTABLE.sub(lambda found: chr(int(found[1], 16)), unfolded)
    unfolded = _BASE64_LINES.sub("", text) if "\n" in text else text
    for decoded in (*_from_tokens(text), *(_from_tokens(unfolded) if unfolded != text else ())):
        if _is_worth_it(decoded):
            yield decoded


def _written_out(found: re.Match[str]) -> str:
    size = int(found[3]) + 1
    return f"{found[1]}{found[2]}"[:size].ljust(size, "0")


def _from_tokens(text: str) -> Iterator[bytes]:
    for found in _HEX.finditer(text):
        yield binascii.unhexlify(found[0])
    for found in _PAIRS.finditer(text):
        yield binascii.unhexlify(_BETWEEN.sub("", found[0]))
    for found in _BASE32.finditer(text):
        token = found[0].rstrip("=")
        if len(token) % 8 not in {1, 3, 6}:  # so many characters end no base32
            yield base64.b32decode(token + "=" * (-len(token) % 8))
    yield from _from_base64(text)


def _escaped(found: re.Match[str]) -> str:
    code = int(next(one for one in found.groups() if one), 16)
    return chr(code) if code < _CODES and code not in _HALVES else " "


def _from_base64(text: str) -> Iterator[bytes]:
    for found in _BASE64.finditer(text):
        token = found[0].replace("-", "+").replace("_", "/")
        # A text may stand right before it; long ones are hardly ever preceded by anything.
        for start in range(4 if len(token) < _BASE64_LONG else 1):
            piece = token[start:]
            piece += "A" * (-len(piece) % 4)
            with suppress(ValueError):
                yield base64.b64decode(piece)


def _is_worth_it(decoded: bytes) -> bool:
    decoded = decoded.replace(b"\0", b"")  # two bytes a character
    return _WORTH.search(decoded) is not None or not decoded[:-2].translate(None, _READABLE)


def _inside(body: bytes) -> Iterator[bytes]:
    for _, inner in recognised(body):
        yield inner
    # Streams further inside, as in a PDF: whatever of them can be read.
    whole, count, left = memoryview(body), 0, SIZE_MAX
    for look, wbits in ((_GZIP, zlib.MAX_WBITS | 16), (_ZLIB, zlib.MAX_WBITS)):
        for found in look.finditer(body):
            if not found.start():
                continue
            try:
                inner = zlib.decompressobj(wbits=wbits).decompress(whole[found.start() :], left)
            except zlib.error:
                continue
            count, left = count + bool(inner), left - len(inner)
            if count > _STREAMS_MAX or left <= 0:
                raise UnreadableError("more streams in it than are searched")
            if inner:
                yield inner
