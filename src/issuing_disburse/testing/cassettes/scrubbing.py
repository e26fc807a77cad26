"""
What of a request or an answer may stand in a cassette, and what stands in the place of the rest?

Only known places are rewritten: fields and headers by their names, and keys of test mode by their look. What is
found elsewhere is left for the detector to refuse: it means that the test holds what it should not.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from attrs import define, field, frozen

from issuing_disburse.redaction import is_secret_name

from .bodies import (
    BOUNDARY,
    Part,
    UnreadableError,
    joined,
    json_of,
    pairs_of,
    parts_of,
    path_of,
    unpacked,
    written,
)
from .numbers import LONGEST, SHORTEST, stand_in
from .persons import Naming, Pseudonyms, birth_part, is_about_somebody, is_somebody, kind_of

SCRUBBED = "[scrubbed]"
"""What stands in the place of a secret."""

CVC = "000"
"""What stands in the place of a CVC."""

SENT_HEADERS = frozenset({"content-type", "stripe-account", "stripe-context"})
"""The headers of a request that mean something, and are compared."""

TOLD_HEADERS = SENT_HEADERS | {"idempotency-key", "stripe-version"}
"""Those and the ones that only tell a reader something."""

_SECRET_HEADER = re.compile(
    r"(?i)auth|cookie|key|password|secret|session|signature|token|\bclient-user-agent"
)
_ADDRESSES = frozenset({"content-location", "location"})
_HARMLESS_HEADERS = frozenset({"idempotency-key", "www-authenticate"})
_TEST_KEY = re.compile(r"(?<![A-Za-z0-9])(?:sk|rk|ek|pk)_(?:org_)?test_[A-Za-z0-9_]{4,}")
_SECRET_FIELDS = frozenset({"access_token", "api_key", "apikey", "password", "refresh_token"})
_CVC_FIELDS = frozenset({"csc", "cvc", "cvc2", "cvn", "cvv", "cvv2", "security_code"})


@frozen(kw_only=True)
class Sent:
    """
    A request, as far as it matters.
    """

    method: str
    uri: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@frozen(kw_only=True)
class Answered:
    """
    An answer, as far as it matters.
    """

    status: int
    headers: Mapping[str, Sequence[str]] = field(repr=False)
    body: bytes = field(repr=False)


@define
class Walk:
    """
    One walk through all fields of a request or an answer.

    Args:
        is_text_kept: Whether sentences stay for a second walk, when everybody is known.

    Attributes:
        is_text_met: Whether there are any.
    """

    naming: Naming
    is_text_kept: bool
    is_text_met: bool = False

    def uri(self, uri: str) -> str:
        """
        Return an address without who asks, its query in the order of its names.
        """
        parts = urlsplit(uri)
        pairs = pairs_of(parts.query, "x-www-form-urlencoded") or []
        query = written(self._pairs(pairs, is_somebody=is_about_somebody(parts.path)))
        host = parts.netloc.rpartition("@")[2]
        path = _TEST_KEY.sub("scrubbed", self._named(parts.path))
        return urlunsplit((parts.scheme, host, path, query, ""))

    def _named(self, path: str) -> str:
        return "/".join(
            self.naming.of("email", unquote_plus(part)) if "@" in unquote_plus(part) else part
            for part in path.split("/")
        )

    def body(
        self, body: bytes, kind: str, *, is_somebody: bool = False, is_sorted: bool = False
    ) -> bytes:
        """
        Return an unpacked body as it may be kept; what is no text stays as it is.
        """
        parts = parts_of(body, kind)
        if parts is not None:
            return joined([self._part(one) for one in parts])
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return body
        found = json_of(text, kind)
        if found is not None:
            clean = self.value(found, is_somebody=is_somebody)
            if clean == found and not is_sorted and json_of(text, kind, is_strict=True) is not None:
                return body  # byte for byte
            return json.dumps(
                clean, ensure_ascii=False, separators=(",", ":"), sort_keys=is_sorted
            ).encode("utf-8", "surrogatepass")
        pairs = pairs_of(text, kind) if text else None
        if pairs is not None:
            return written(self._pairs(pairs, is_somebody=is_somebody)).encode()
        return without_keys(text).encode()

    def _part(self, part: Part) -> Part:
        path = path_of(part.name)
        if "filename" in part.head.lower() or part.content_type:
            return Part(part.head, part.name, self.body(part.content, part.content_type))
        try:
            text = part.content.decode()
        except UnicodeDecodeError:
            return part
        return Part(part.head, part.name, str(self._leaf(path, text, is_somebody=False)).encode())

    def _pairs(
        self, pairs: Iterable[tuple[str, str]], *, is_somebody: bool
    ) -> Iterator[tuple[str, str]]:
        # In the order in which they are written, so that pseudonyms are given out in it, too.
        for name, value in sorted(pairs, key=lambda pair: pair[0]):
            yield name, str(self._leaf(path_of(name), value, is_somebody=is_somebody))

    def value(
        self, value: Any, path: tuple[str, ...] = (), *, is_somebody: bool = False
    ) -> Any:  # Any: JSON
        """
        Return parsed JSON as it may be kept.
        """
        if isinstance(value, dict):
            if _is_somebody(value):
                path, is_somebody = (), True
            return {
                name: self.value(value[name], (*path, name), is_somebody=is_somebody)
                for name in sorted(value)
            }
        if isinstance(value, list):
            return [self.value(one, path, is_somebody=is_somebody) for one in value]
        return self._leaf(path, value, is_somebody=is_somebody)

    def _leaf(self, path: tuple[str, ...], value: Any, *, is_somebody: bool) -> Any:  # Any: JSON
        if value is None or isinstance(value, bool) or value == "":
            return value
        name = path[-1].lower() if path else ""
        is_secret, born, kind = _meaning_of(path, is_somebody)
        if is_secret:
            return self._secret(name, value)
        if born is not None:
            return str(born) if isinstance(value, str) else born
        if kind is not None:
            return self.naming.of(kind, str(value))
        return self._told(value) if isinstance(value, str) else value

    def _told(self, value: str) -> str:
        inner = json_of(value, "") if value[:1] in {"{", "["} else None
        if inner is not None:  # a document in a text, such as an event that was kept
            clean = self.value(inner)
            return value if clean == inner else json.dumps(clean, ensure_ascii=False)
        self.is_text_met = True
        return without_keys(value if self.is_text_kept else self.naming.in_text(value))

    def _secret(self, name: str, value: object) -> object:
        if name in _CVC_FIELDS:
            return CVC
        return (
            SCRUBBED if name.endswith("secret") or name in _SECRET_FIELDS else self._number(value)
        )

    def _number(self, value: object) -> object:
        digits = "".join(mark for mark in str(value) if mark.isdigit())
        if SHORTEST <= len(digits) <= LONGEST:
            return stand_in(digits)
        return without_keys(value) if isinstance(value, str) else value


@define
class Scrubber:
    """
    Makes scrubbed copies; what it is given stays as it is.

    Args:
        naming: Who says what stands in the place of people's data.
        headers: Which headers of a request are kept.
    """

    naming: Naming = field(factory=Pseudonyms)
    headers: frozenset[str] = TOLD_HEADERS

    def request(self, sent: Sent) -> Sent:
        """
        Return a request as it may be kept, its fields in the order of their names.

        Raises:
            UnreadableError: The body is packed in a way that cannot be undone.
        """
        lowered = {name.lower(): str(value) for name, value in sent.headers.items()}
        kind = lowered.get("content-type", "")
        about = is_about_somebody(urlsplit(sent.uri).path)
        body = unpacked(sent.body, [lowered.get("content-encoding", "")])
        kept = {
            "-".join(word.capitalize() for word in name.split("-")): without_keys(value)
            for name, value in lowered.items()
            if name in self.headers and name != "content-type"
        }
        if body and kind:
            kept["Content-Type"] = _media_type(kind)
        uri = sent.uri
        for walk in self._walks():
            body = walk.body(body, kind, is_somebody=about, is_sorted=True)
            uri = walk.uri(uri)
            kind = _media_type(kind)
        return Sent(method=sent.method.upper(), uri=uri, headers=kept, body=body)

    def answer(self, answered: Answered, *, about: str = "") -> Answered:
        """
        Return an answer as it may be kept, unpacked.

        Args:
            about: The path that was asked.

        Raises:
            UnreadableError: The body is packed in a way that cannot be undone.
        """
        lowered = {name.lower(): values for name, values in answered.headers.items()}
        kind = ", ".join(lowered.get("content-type", ()))
        plain = unpacked(answered.body, lowered.get("content-encoding", ()))
        body = self.body(plain, kind, about=about)
        dropped = {"content-encoding"} if plain != answered.body else set()
        kept = {
            name: [
                without_keys(self.uri(value) if name.lower() in _ADDRESSES else value)
                for value in values
            ]
            for name, values in answered.headers.items()
            if not _is_secret_header(name) and name.lower() not in dropped
        }
        if parts_of(plain, kind) is not None:
            kept = {
                name: [_media_type(kind)] if name.lower() == "content-type" else values
                for name, values in kept.items()
            }
        if body != answered.body:
            kept = {
                name: [str(len(body))] if name.lower() == "content-length" else values
                for name, values in kept.items()
            }
        return Answered(status=answered.status, headers=kept, body=body)

    def uri(self, uri: str) -> str:
        """
        Return an address without who asks.
        """
        for walk in self._walks():
            uri = walk.uri(uri)
        return uri

    def body(self, body: bytes, kind: str, *, about: str = "") -> bytes:
        """
        Return an unpacked body as it may be kept.

        Args:
            kind: Its ``Content-Type``.
            about: The path that was asked.
        """
        for walk in self._walks():
            body = walk.body(body, kind, is_somebody=is_about_somebody(about))
            kind = _media_type(kind)
        return body

    def _walks(self) -> Iterator[Walk]:
        # Whoever is named in a field may stand in a text before it.
        first = Walk(self.naming, is_text_kept=True)
        yield first
        if first.is_text_met and len(self.naming):
            yield Walk(self.naming, is_text_kept=False)


@functools.lru_cache(maxsize=4_096)  # the same names, over and over
def _meaning_of(
    path: tuple[str, ...], is_somebody: bool
) -> tuple[bool, int | str | None, str | None]:
    name = path[-1].lower() if path else ""
    is_secret = is_secret_name(name) or name in _SECRET_FIELDS
    return is_secret, birth_part(path), kind_of(path, is_somebody=is_somebody)


def without_keys(text: str) -> str:
    """
    Return *text* without keys of test mode.
    """
    return _TEST_KEY.sub(SCRUBBED, text) if "_test_" in text else text


def _is_somebody(value: Mapping[str, Any]) -> bool:
    return is_somebody(value.get("object"))


def _is_secret_header(name: str) -> bool:
    return name.lower() not in _HARMLESS_HEADERS and _SECRET_HEADER.search(name) is not None


def _media_type(kind: str) -> str:
    media = kind.partition(";")[0].strip().lower()
    if not media:
        return kind
    return f"{media}; boundary={BOUNDARY}" if media.startswith("multipart/") else media


__all__ = ["Answered", "Scrubber", "Sent", "UnreadableError"]
