"""
What stands in a body, however it is packed, and how is it written again?
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, quote_plus

from attrs import frozen

SIZE_MAX = 64 * 1024 * 1024
"""So many bytes may come out of one body."""

BOUNDARY = "cassette-boundary"
"""What parts a multipart body in a cassette, in the place of a random text."""

_FORM = re.compile(r"[^\s=&]+=[^\s&]*(?:&[^\s=&]+=[^\s&]*)*", re.ASCII)
_NAMES = re.compile(r"[^\[\]]+")
_PART = re.compile(rb"\r?\n\r?\n")
_LABEL = re.compile(r"\bname=\"?([^\";]*)\"?")


class UnreadableError(ValueError):
    """
    A body is packed in a way that cannot be undone here.
    """


def unpacked(body: bytes, encodings: Iterable[str]) -> bytes:
    """
    Undo the ``Content-Encoding`` of *body*; one that was undone already is fine.

    Raises:
        UnreadableError: Unknown, broken, cut off or too large; the message names the encoding.
    """
    for name in reversed([one.strip().lower() for value in encodings for one in value.split(",")]):
        if name in {"", "identity"} or not body:
            continue
        opener = _OPENERS.get(name)
        if opener is None:
            raise UnreadableError(f"packed as {name!r}, which is not known")
        try:
            body = opener(body)
        except ModuleNotFoundError as missing:
            message = f"packed as {name!r}: install {missing.name!r} to record it"
            raise UnreadableError(message) from None
        except Exception:  # noqa: BLE001 - each library has errors of its own
            if _is_plain(body):
                continue  # some clients undo it and leave the header in place
            message = f"packed as {name!r}, but broken, cut off or too large"
            raise UnreadableError(message) from None
    return body


def _is_plain(body: bytes) -> bool:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    return text.isprintable() or text.replace("\n", "").replace("\r", "").isprintable()


def _inflated(body: bytes, wbits: int) -> bytes:
    whole = bytearray()
    while body:
        opened = zlib.decompressobj(wbits=wbits)
        whole += opened.decompress(body, SIZE_MAX - len(whole) + 1)
        if not opened.eof or len(whole) > SIZE_MAX:
            raise UnreadableError("cut off, or too large")
        body = opened.unused_data.lstrip(b"\0")  # a file may be several, one after the other
    return bytes(whole)


def gunzipped(body: bytes) -> bytes:
    """
    Undo gzip.
    """
    return _inflated(body, zlib.MAX_WBITS | 16)


def deflated(body: bytes) -> bytes:
    """
    Undo deflate, with zlib's head or without it.
    """
    try:
        return _inflated(body, zlib.MAX_WBITS)
    except zlib.error:
        return _inflated(body, -zlib.MAX_WBITS)


def _by(*names: str) -> Callable[[bytes], bytes]:
    """
    Return what undoes a packing with the first of these modules that is installed.
    """

    def opened(body: bytes) -> bytes:
        for name in names:
            try:
                module = importlib.import_module(name)
            except ModuleNotFoundError:
                continue
            opener = getattr(module, "decompress", None) or module.ZstdDecompressor().decompress
            plain = bytes(opener(body))
            if len(plain) > SIZE_MAX:
                raise UnreadableError("too large")
            return plain
        raise ModuleNotFoundError(name=names[-1])

    return opened


_OPENERS: dict[str, Callable[[bytes], bytes]] = {
    "br": _by("brotli", "brotlicffi"),
    "bzip2": _by("bz2"),
    "deflate": deflated,
    "gzip": gunzipped,
    "x-gzip": gunzipped,
    "xz": _by("lzma"),
    "zstd": _by("compression.zstd", "zstandard"),
}


def recognised(body: bytes) -> Iterable[tuple[str, bytes]]:
    """
    Undo a packing that *body* shows by its first bytes; yield each thing inside with its name.

    Raises:
        UnreadableError: It is packed, but broken, cut off or too large.
    """
    if body[:4] == b"PK\x03\x04":
        try:
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                members = archive.infolist()
                if sum(one.file_size for one in members) > SIZE_MAX:
                    raise UnreadableError("a zip archive, too large")
                yield "the names in a zip archive", "\n".join(archive.namelist()).encode()
                for one in members:
                    yield "a zip archive", archive.read(one)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error):
            raise UnreadableError("a zip archive, broken or encrypted") from None
    for head, name in _HEADS.items():
        if body.startswith(head):
            yield name, unpacked(body, [name])
    if body[:1] == b"\x78" and body[1:2] in b"\x01\x5e\x9c\xda" and len(body) > 6:  # noqa: PLR2004 - zlib's own frame
        try:
            yield "zlib", deflated(body)
        except (UnreadableError, zlib.error):
            return  # a text may begin with these two as well


_HEADS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


@frozen
class Part:
    """
    One part of a multipart body.
    """

    head: str
    name: str
    content: bytes

    @property
    def content_type(self) -> str:
        """
        Return what it says it is.
        """
        found = re.search(r"(?im)^content-type:\s*([^\r\n]+)", self.head)
        return found[1] if found else ""


def _pieces(body: bytes, content_type: str) -> list[bytes]:
    found = re.search(r"boundary=\"?([^\";]+)\"?", content_type)
    if found is None or not content_type.lower().startswith("multipart/"):
        return []
    pieces = body.split(b"--" + found[1].encode())
    is_whole = len(pieces) > 2 and pieces[-1].startswith(b"--")  # noqa: PLR2004 - before, between, after
    return pieces if is_whole else []


def around_parts(body: bytes, content_type: str) -> list[bytes]:
    """
    Return what stands before and behind the parts of a multipart body.
    """
    pieces = _pieces(body, content_type)
    return [pieces[0], pieces[-1]] if pieces else []


def parts_of(body: bytes, content_type: str) -> list[Part] | None:
    """
    Take a multipart body apart; ``None`` if it is none.
    """
    pieces = _pieces(body, content_type)
    if not pieces:
        return None
    parts = []
    for piece in pieces[1:-1]:
        head, *content = _PART.split(piece.removeprefix(b"\r\n").removeprefix(b"\n"), maxsplit=1)
        text = head.decode("utf-8", "replace")
        label = _LABEL.search(text)
        whole = content[0] if content else b""
        whole = whole.removesuffix(b"\n").removesuffix(b"\r")
        parts.append(Part(text, label[1] if label else "", whole))
    return parts


def joined(parts: Iterable[Part]) -> bytes:
    """
    Write a multipart body.
    """
    border = f"--{BOUNDARY}".encode()
    pieces = [b"\r\n".join((border, one.head.encode(), b"", one.content)) for one in parts]
    return b"\r\n".join([*pieces, border + b"--", b""])


def pairs_of(text: str, content_type: str) -> list[tuple[str, str]] | None:
    """
    Take a form apart; ``None`` if *text* is none.
    """
    is_named = "x-www-form-urlencoded" in content_type.lower()
    if not is_named and (content_type or _FORM.fullmatch(text) is None):
        return None
    return parse_qsl(text, keep_blank_values=True)


def written(pairs: Iterable[tuple[str, str]]) -> str:
    """
    Write a form, its fields in order of their names: their order means nothing.
    """
    ordered = sorted(pairs, key=lambda pair: pair[0])  # a repeated name keeps its order
    return "&".join(f"{_quoted_name(name)}={_quoted(value)}" for name, value in ordered)


def _quoted(value: str) -> str:
    return value if value.isascii() and value.isalnum() else quote_plus(value)


@functools.lru_cache(maxsize=2_048)  # the same names, over and over
def _quoted_name(name: str) -> str:
    return quote_plus(name, safe="[]")


@functools.lru_cache(maxsize=2_048)  # likewise
def path_of(name: str) -> tuple[str, ...]:
    """
    Return the names within the name of a form's field, without the numbers of lists.

    >>> path_of("individual[dob][day]"), path_of("expand[0]")
    (('individual', 'dob', 'day'), ('expand',))
    """
    return tuple(one for one in _NAMES.findall(name) if not one.isdigit())


def json_of(text: str, content_type: str, *, is_strict: bool = False) -> Any:  # Any: JSON
    """
    Parse *text* as JSON; ``None`` if it is none that could hold a field.

    Args:
        is_strict: A text that names something twice is none: parsing would lose one of both.
    """
    text = text.removeprefix("\ufeff")  # a byte order mark
    if "json" not in content_type.lower() and text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(text, object_pairs_hook=_once if is_strict else None)
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found
