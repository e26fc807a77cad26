"""
Is this request the recorded one, although the cassette knows nobody by name?

Both are compared as they would be kept: method, path, account and fields, in whatever order. Where a person
stands, the first match binds the test's value to the cassette's pseudonym, and from then on it must stay with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import define, field, frozen

from .bodies import json_of
from .detector import leaks_in_text
from .persons import Slots
from .scrubbing import SENT_HEADERS, Scrubber, Sent

_SHOWN_MAX = 60


@frozen
class Form:
    """
    A request as it is compared.

    Attributes:
        place: Method and path.
        headers: Those that mean something.
        query: The address from the question mark on, names and values in order.
        body: The fields, each person's data replaced by its kind.
        people: What stood in the places of those, in order.
    """

    place: str
    headers: tuple[tuple[str, str], ...]
    query: str
    body: str
    people: tuple[tuple[str, str], ...] = field(repr=False)


def form_of(sent: Sent, bound: Mapping[tuple[str, str], str]) -> Form:
    """
    Return what of *sent* is compared.

    Args:
        bound: What is known of people by now.
    """
    slots = Slots(bound)
    plain = Scrubber(naming=slots).request(sent)
    parts = urlsplit(plain.uri)
    headers = {name.lower(): value for name, value in plain.headers.items()}
    return Form(
        place=f"{plain.method} {parts.path}",
        headers=tuple(
            (name, headers[name])
            for name in sorted(SENT_HEADERS - {"content-type"})
            if name in headers
        ),
        query=parts.query,
        body=plain.body.decode("utf-8", "backslashreplace"),
        people=tuple(slots.values),
    )


def place_of(sent: Sent) -> str:
    """
    Return method and path, as `form_of` does.
    """
    path = urlsplit(sent.uri).path
    return f"{sent.method} {path}" if "@" not in unquote(path) else form_of(sent, {}).place


@define
class Binding:
    """
    Who of the test is who in the cassette.
    """

    bound: dict[tuple[str, str], str] = field(factory=dict, repr=False)
    _taken: dict[tuple[str, str], str] = field(factory=dict, repr=False)

    def joins(self, asked: Form, recorded: Form) -> bool:
        """
        Tell whether both are the same request, and if so, keep who is who.
        """
        if not _is_alike(asked, recorded) or len(asked.people) != len(recorded.people):
            return False
        bound: dict[tuple[str, str], str] = {}
        taken: dict[tuple[str, str], str] = {}
        for (kind, value), (other, pseudonym) in zip(asked.people, recorded.people, strict=True):
            ours, theirs = (kind, value), (kind, pseudonym)
            if kind != other:
                return False
            if self.bound.get(ours, bound.setdefault(ours, pseudonym)) != pseudonym:
                return False
            if self._taken.get(theirs, taken.setdefault(theirs, value)) != value:
                return False
        self.bound.update(bound)
        self._taken.update(taken)
        return True


def _is_alike(asked: Form, recorded: Form) -> bool:
    return (
        asked.place == recorded.place
        and asked.headers == recorded.headers
        and asked.query == recorded.query
        and asked.body == recorded.body
    )


def differences(asked: Form, recorded: Form) -> Iterator[str]:
    """
    Say in which ways two requests differ, without anybody's data and without a secret.
    """
    if asked.place != recorded.place:
        yield f"{shown(recorded.place)} was recorded"
    for what, ours, theirs in (
        ("header", dict(asked.headers), dict(recorded.headers)),
        ("query", _fields(asked.query), _fields(recorded.query)),
        ("body", _fields(asked.body), _fields(recorded.body)),
    ):
        for name in sorted({*ours, *theirs}):
            if ours.get(name) != theirs.get(name):
                yield (
                    f"{what} {shown(name)}: {_told(ours.get(name))}, "
                    f"recorded {_told(theirs.get(name))}"
                )
    if _is_alike(asked, recorded):
        yield "other people, or the same people in other places"


def _fields(text: str) -> dict[str, str]:
    parsed = json_of(text, "")
    if parsed is not None:
        return dict(_leaves(parsed, ""))
    found: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found or ({"(content)": text} if text else {})


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:  # Any: JSON
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path or "(content)", str(value)


def _told(value: str | None) -> str:
    return "not there" if value is None else repr(shown(re.sub("\ue000(\\w+)", r"<\1>", value)))


def shown(text: str) -> str:
    """
    Return *text* as an error may show it.
    """
    if any(leaks_in_text(text, "")):
        return "…"
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
