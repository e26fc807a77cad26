"""
How does vcrpy keep what a test sends by whatever client, scrubbed and searched?

vcrpy hands requests and answers to hooks; these make scrubbed copies, and refuse to save what still leaks. A new
cassette begins with nobody known, even if one configuration serves many tests.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Generator, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from attrs import define, field

from .bodies import UnreadableError
from .detector import leaks_in_value
from .persons import Pseudonyms
from .refusals import CassetteError, LeakError
from .scrubbing import SENT_HEADERS, Answered, Scrubber, Sent
from .searching import leaks_in_path, leaks_in_request, leaks_in_response

OLDEST = (9, 2)
"""The first vcrpy that asks before it saves."""

MATCH_ON = ("method", "host", "path", "query", "headers", "body")
"""What is compared, after both sides were scrubbed; of the headers only those that mean something are left."""


_FINISH = "_CassetteContextDecorator__finish"


class RequestLike(Protocol):
    """
    What of vcrpy's request is used.
    """

    method: str
    uri: str
    body: Any  # bytes, a file, or an iterator
    headers: Any  # a mapping


def vcr_config(**more: Any) -> dict[str, Any]:
    """
    Return a configuration of vcrpy that scrubs what it keeps and refuses to save what still leaks.

    For pytest-recording, return it from a fixture ``vcr_config``, of whatever scope; for vcrpy alone, pass it to
    ``vcr.VCR(**vcr_config())``. Method, host, path, account, query and fields are matched, in whatever order.

    Args:
        more: Further options of vcrpy's, such as ``record_mode``.

    Raises:
        CassetteError: vcrpy is not installed, or is older than the first that asks before it saves.

    >>> sorted(vcr_config(record_mode="none"))[:3]
    ['after_load_interaction', 'before_record_request', 'before_record_response']
    """
    _check_version()
    _silence()
    wanted = {"before_save_interaction", "before_record_request"} & more.keys()
    if wanted:
        raise CassetteError(
            f"{min(wanted)} would take the place of the scrubbing: pass a list of hooks to vcrpy that has "
            "both in it",
            code="hooks",
        )
    known = _Known()
    return {
        "match_on": MATCH_ON,
        "before_record_request": _Requests(known),
        "before_record_response": _Answers(known),
        "before_save_interaction": _Saving(known),
        "after_load_interaction": _Loading(known),
        **more,
    }


def _check_version() -> None:
    try:
        found = version("vcrpy")
    except PackageNotFoundError:
        found = "0"
    if tuple(int(one) for one in found.split(".")[:2] if one.isdigit()) < OLDEST:
        raise CassetteError(
            f"vcrpy {OLDEST[0]}.{OLDEST[1]} or newer is needed: run pip install 'issuing-disburse[testing]'",
            code="vcrpy_missing",
        )


class _Quiet(logging.Filter):
    """
    Takes answers out of vcrpy's log, which prints them before any hook has seen them.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if str(record.msg).startswith("Appending request"):
            record.msg, record.args = "Appending a request and its answer", ()
        return True


_QUIET = _Quiet()


def _silence() -> None:
    logging.getLogger("vcr.cassette").addFilter(_QUIET)  # adding it again changes nothing


@define(eq=False)
class _Known:
    """
    Who is known in the cassette that was opened last.
    """

    scrubber: Scrubber = field(factory=lambda: Scrubber(Pseudonyms(), SENT_HEADERS))

    def forget(self) -> None:
        self.scrubber = Scrubber(Pseudonyms(), SENT_HEADERS)


# vcrpy iterates over each of these once for each cassette, the requests' first: that is when the cassette's
# own scrubber is made, and when the others take it.


@define(eq=False)
class _Requests:
    known: _Known

    def __iter__(self) -> Iterator[Any]:
        self.known.forget()
        yield _Scrubbing(self.known.scrubber).request

    def __call__(self, request: Any) -> Any:
        return _Scrubbing(self.known.scrubber).request(request)


@define(eq=False)
class _Answers:
    known: _Known

    def __iter__(self) -> Iterator[Any]:
        yield _Scrubbing(self.known.scrubber).answer

    def __call__(self, response: Any) -> Any:
        return _Scrubbing(self.known.scrubber).answer(response)


@define(eq=False)
class _Loading:
    known: _Known

    def __iter__(self) -> Iterator[Any]:
        yield _Scrubbing(self.known.scrubber).loaded


@define(eq=False)
class _Saving:
    known: _Known

    def __iter__(self) -> Iterator[Any]:
        yield Saving(_Scrubbing(self.known.scrubber))


@define(eq=False)
class _Scrubbing:
    """
    Makes scrubbed copies of vcrpy's requests and answers.
    """

    scrubber: Scrubber

    def request(self, request: RequestLike) -> Any:  # Any: of the same class
        sent = Sent(
            method=request.method,
            uri=request.uri,
            headers={str(name): _text(value) for name, value in dict(request.headers).items()},
            body=_content(request.body),
        )
        try:
            clean = self.scrubber.request(sent)
        except UnreadableError:
            return request  # as it is: the search before saving refuses it, and says why
        return type(request)(clean.method, clean.uri, clean.body or None, dict(clean.headers))  # type: ignore[call-arg]  # vcrpy's constructor

    def answer(self, response: dict[str, Any], about: str = "") -> dict[str, Any]:
        body = response.get("body")
        if not isinstance(body, Mapping) or "string" not in body:
            return response  # nothing that vcrpy makes today; searched all the same
        headers = {
            str(name): [
                _text(one) for one in (values if isinstance(values, list | tuple) else [values])
            ]
            for name, values in dict(response.get("headers") or {}).items()
        }
        answered = Answered(status=0, headers=headers, body=_content(body["string"]))
        try:
            clean = self.scrubber.answer(answered, about=about)
        except UnreadableError:
            return response
        changed: dict[str, Any] = {
            "headers": {name: list(values) for name, values in clean.headers.items()},
            "body": {**body, "string": clean.body},
        }
        if isinstance(response.get("url"), str):
            changed["url"] = self.scrubber.uri(response["url"])
        return {**response, **changed}

    def loaded(self, request: Any, response: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return self.request(request), response


@define(eq=False)
class Saving:
    """
    Asked by vcrpy for each interaction before anything is written.
    """

    keeps_no_secret = True
    """By this the library's own connections know that this recorder may be spoken through."""

    _scrubbing: _Scrubbing

    def __call__(self, request: Any, response: Any, cassette: Any) -> tuple[Any, Any]:
        """
        Return the interaction as it may be saved.

        Raises:
            LeakError: It may not; nothing is written, and an older cassette stays.
        """
        clean = self._scrubbing.request(request)
        path = urlsplit(clean.uri).path
        answer = self._scrubbing.answer(response, about=path)
        count = sum(1 for one in cassette.requests if one is not None)
        index = next(
            (at for at, one in enumerate(cassette.requests) if _is_same(one, request)), count
        )
        where = f"interaction {index}"
        sent = {"method": clean.method, "uri": clean.uri, "headers": dict(clean.headers)}
        leaks = [
            *leaks_in_path(Path(str(cassette.path))),
            *leaks_in_request({**sent, "body": clean.body}, f"the request of {where}"),
            *leaks_in_response(answer, f"the answer of {where}"),
            *leaks_in_value(getattr(cassette, "_metadata", None), "the metadata of the cassette"),
        ]
        if leaks:
            _unpatch()
            raise LeakError(tuple(leaks))
        return clean, answer


def _unpatch() -> None:
    """
    Let vcrpy take its connections back, which it forgets when saving fails: later tests would use them.
    """
    frame = inspect.currentframe()
    while frame is not None:
        holder = frame.f_locals.get("self")
        finish = getattr(holder, _FINISH, None)
        if frame.f_code.co_name == "__exit__" and isinstance(finish, Generator):
            finish.close()
            setattr(holder, _FINISH, None)
            return
        frame = frame.f_back


def _is_same(one: Any, other: Any) -> bool:  # Any: vcrpy's requests, and copies of them
    return bool(
        one.method == other.method
        and one.uri == other.uri
        and _content(one.body) == _content(other.body)
    )


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _content(body: Any) -> bytes:  # Any: whatever a client was given to send
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    return b"".join(one.encode() if isinstance(one, str) else bytes(one) for one in body)
