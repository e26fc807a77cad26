"""
Where in a cassette, in its sidecar or in any other file is something that must not be there?
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .detector import (
    Leak,
    leaks_in_body,
    leaks_in_headers,
    leaks_in_text,
    leaks_in_uri,
    leaks_in_value,
)

_PATH_LENGTH = 3  # the name of the file and of the two folders above it: the tester chose those


def leaks_in_path(path: Path) -> Iterator[Leak]:
    """
    Search the name of a file, and of the folders that it lies in.
    """
    for part in path.parts[-_PATH_LENGTH:]:
        yield from leaks_in_text(part, "the path of the cassette")


def leaks_in_document(document: Mapping[str, Any], what: str = "the cassette") -> Iterator[Leak]:
    """
    Search a cassette, or its deliveries, as they are written or were read.
    """
    for name, value in document.items():
        if name == "interactions" and isinstance(value, list):
            for index, one in enumerate(value):
                yield from _in_interaction(one, f"interaction {index}")
        elif name == "deliveries" and isinstance(value, list):
            for index, one in enumerate(value):
                yield from _in_delivery(one, f"delivery {index}")
        else:
            yield from leaks_in_text(str(name), f"{what}, the name of a field")
            yield from leaks_in_value(value, what, (str(name),))


def _in_interaction(entry: Any, where: str) -> Iterator[Leak]:  # Any: whatever a file holds
    if not isinstance(entry, Mapping):
        yield from leaks_in_value(entry, where)
        return
    for name, value in entry.items():
        if name == "request" and isinstance(value, Mapping):
            yield from leaks_in_request(value, f"the request of {where}")
        elif name == "response" and isinstance(value, Mapping):
            yield from leaks_in_response(value, f"the answer of {where}")
        else:
            yield from leaks_in_value({name: value}, where)


def leaks_in_request(request: Mapping[str, Any], where: str) -> Iterator[Leak]:
    """
    Search a request.
    """
    headers = request.get("headers") or {}
    for name, value in request.items():
        if name == "headers" and isinstance(value, Mapping):
            yield from leaks_in_headers(value, where)
        elif name == "uri" and isinstance(value, str):
            yield from leaks_in_uri(value, where)
        elif name == "body":
            yield from leaks_in_content(value, headers, where)
        else:
            yield from leaks_in_value({name: value}, where)


def leaks_in_response(response: Mapping[str, Any], where: str) -> Iterator[Leak]:
    """
    Search an answer.
    """
    headers = response.get("headers") or {}
    for name, value in response.items():
        if name == "headers" and isinstance(value, Mapping):
            yield from leaks_in_headers(value, where)
        elif name == "body" and isinstance(value, Mapping):
            for inner in value.values():
                yield from leaks_in_content(inner, headers, where)
        else:
            yield from leaks_in_value({name: value}, where)


def _in_delivery(entry: Any, where: str) -> Iterator[Leak]:  # Any: whatever a file holds
    if not isinstance(entry, Mapping):
        yield from leaks_in_value(entry, where)
        return
    for name, value in entry.items():
        if name == "body":
            yield from leaks_in_content(value, {}, where)
        else:
            yield from leaks_in_value({name: value}, where)


def leaks_in_content(content: Any, headers: Any, where: str) -> Iterator[Leak]:  # Any: as above
    """
    Search a body as a cassette holds it: a text, bytes, something to read, or a list of such.
    """
    if content is None:
        return
    if hasattr(content, "read"):
        content = content.read()
    if isinstance(content, Mapping):
        yield from leaks_in_value(content, where)
        return
    if not isinstance(content, str | bytes):
        if not isinstance(content, Iterable):
            yield from leaks_in_value(content, where)
            return
        content = list(content)
        if not all(isinstance(one, str | bytes | bytearray | memoryview) for one in content):
            yield from leaks_in_value(content, where)
            return
        pieces = [one.encode() if isinstance(one, str) else bytes(one) for one in content]
        content = b"".join(pieces)
    body = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    headers = headers if isinstance(headers, Mapping) else {}
    lowered = {str(name).lower(): value for name, value in headers.items()}
    kind, encodings = (
        [str(one) for one in (value if isinstance(value, list | tuple) else [value])]
        for value in (lowered.get("content-type", ""), lowered.get("content-encoding", ""))
    )
    yield from leaks_in_body(body, f"{where}, the body", kind=", ".join(kind), encodings=encodings)
