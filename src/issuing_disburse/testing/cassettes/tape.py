"""
How do the interactions and the inbound deliveries of one test lie in files?

The cassette is one of vcrpy's, version 1, with a header of ours beside its interactions: vcrpy reads it, too. The
deliveries lie beside it: vcrpy rewrites whole files, and would drop what it does not know.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import Factory, define

from .detector import Leak
from .documents import read_document, written_document
from .refusals import CassetteError, LeakError
from .scrubbing import Answered, Sent
from .searching import leaks_in_document, leaks_in_path

VERSION = 1
LOST = 0
"""The status in a cassette when there was no answer; the message says why."""


@define(kw_only=True)
class Exchange:
    """
    One request and its answer, scrubbed.

    Attributes:
        lost: In which way the answer was lost, ``""`` if it was not.
        at: When it was answered, in UTC; ``None`` in cassettes of others.
    """

    sent: Sent
    answered: Answered | None = None
    lost: str = ""
    at: datetime | None = None


@define(kw_only=True)
class Delivery:
    """
    One inbound delivery, scrubbed, and its place.

    Attributes:
        interaction: The index of an interaction, from 0; -1 before all.
        is_during: Whether it came before that interaction was answered, not after it.
        at: When it came, in UTC.
        status: How it was answered.
        approved: What was decided, if it was a question.
    """

    interaction: int
    is_during: bool
    at: datetime
    body: bytes
    status: int | None = None
    approved: bool | None = None


@define(kw_only=True)
class Tape:
    """
    What is recorded of one test.
    """

    recorded_with: str = ""
    recorded_against: str = ""
    started_at: datetime | None = None
    exchanges: list[Exchange] = Factory(list)
    deliveries: list[Delivery] = Factory(list)


def sidecar_of(path: Path) -> Path:
    """
    Return where the deliveries of a cassette lie.
    """
    return path.with_name(f"{path.stem}.deliveries{path.suffix}")


def load(path: Path) -> Tape:
    """
    Read a cassette, and the deliveries beside it.

    Raises:
        CassetteError: There is none, or it is none.
    """
    if not path.is_file():
        raise CassetteError(
            f"there is no cassette {path.name} in {path.parent}: record it first",
            code="cassette_missing",
        )
    beside = sidecar_of(path)
    try:
        document = read_document(path.read_bytes(), path.suffix)
        exchanges = [_exchange(one) for one in document["interactions"]]
        further = read_document(beside.read_bytes(), path.suffix) if beside.is_file() else {}
        return Tape(
            recorded_with=str(document.get("recorded_with", "")),
            recorded_against=str(document.get("recorded_against", "")),
            started_at=_moment(document.get("started_at")),
            exchanges=exchanges,
            deliveries=[_delivery(one) for one in further.get("deliveries", ())],
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CassetteError(
            f"{path.name} in {path.parent} is no cassette of version {VERSION}, or its deliveries are "
            "broken: record it anew",
            code="cassette_broken",
        ) from None


def save(tape: Tape, path: Path, *, known: tuple[Leak, ...] = ()) -> None:
    """
    Write a cassette, and the deliveries beside it, unless anything in them must not be in a file.

    Args:
        known: What was found before.

    Raises:
        LeakError: Nothing was written, and an older cassette is as it was.
    """
    cassette, beside = _cassette(tape), _deliveries(tape)
    leaks = [*known, *leaks_in_path(path), *leaks_in_document(cassette)]
    leaks += leaks_in_document(beside, "the deliveries")
    if leaks:
        raise LeakError(tuple(leaks))
    files = [(path, written_document(cassette, path.suffix))]
    if tape.deliveries:
        files.append((sidecar_of(path), written_document(beside, path.suffix)))
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(files)
    if not tape.deliveries:
        sidecar_of(path).unlink(missing_ok=True)


def _replace(files: list[tuple[Path, bytes]]) -> None:
    # All are written before the first takes its place: a full disk leaves the older ones whole.
    waiting: list[tuple[str, Path]] = []
    try:
        for path, content in files:
            handle, name = tempfile.mkstemp(prefix=".cassette-", dir=path.parent)
            waiting.append((name, path))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).chmod(0o644)
        for name, path in waiting:
            Path(name).replace(path)
    finally:
        for name, _ in waiting:
            with suppress(FileNotFoundError):
                Path(name).unlink()


def _cassette(tape: Tape) -> dict[str, Any]:
    return {
        "recorded_with": tape.recorded_with,
        "recorded_against": tape.recorded_against,
        "started_at": tape.started_at.isoformat() if tape.started_at else None,
        "version": VERSION,
        "interactions": [_entry(one) for one in tape.exchanges],
    }


def _entry(exchange: Exchange) -> dict[str, Any]:
    sent, answered = exchange.sent, exchange.answered
    return {
        "request": {
            "method": sent.method,
            "uri": sent.uri,
            "headers": {name: [value] for name, value in sent.headers.items()},
            "body": _text(sent.body) or None,
        },
        "response": {
            "status": {"code": answered.status if answered else LOST, "message": exchange.lost},
            "headers": {name: list(values) for name, values in answered.headers.items()}
            if answered
            else {},
            "body": {"string": _text(answered.body) if answered else ""},
        },
        "at": exchange.at.isoformat() if exchange.at else None,
    }


def _exchange(entry: Mapping[str, Any]) -> Exchange:
    request, response = entry["request"], entry["response"]
    status = response["status"]
    lost = str(status.get("message") or "lost") if status["code"] == LOST else ""
    answered = Answered(
        status=int(status["code"]),
        headers={name: _listed(values) for name, values in response["headers"].items()},
        body=_bytes(response["body"].get("string")),
    )
    return Exchange(
        sent=Sent(
            method=request["method"],
            uri=request["uri"],
            headers={name: str(_listed(value)[0]) for name, value in request["headers"].items()},
            body=_bytes(request["body"]),
        ),
        answered=None if lost else answered,
        lost=lost,
        at=_moment(entry.get("at")),
    )


def _deliveries(tape: Tape) -> dict[str, Any]:
    return {
        "version": VERSION,
        "deliveries": [
            {
                "during" if one.is_during else "after": one.interaction,
                "at": one.at.isoformat(),
                "body": _text(one.body),
                "status": one.status,
                "approved": one.approved,
            }
            for one in tape.deliveries
        ],
    }


def _delivery(entry: Mapping[str, Any]) -> Delivery:
    is_during = "during" in entry
    at = _moment(entry["at"])
    if at is None:
        raise ValueError("a delivery without a time")
    return Delivery(
        interaction=int(entry["during" if is_during else "after"]),
        is_during=is_during,
        at=at,
        body=_bytes(entry["body"]),
        status=entry.get("status"),
        approved=entry.get("approved"),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _listed(values: Any) -> list[str]:  # Any: a text or a list of them
    return list(values) if isinstance(values, list | tuple) else [values]


def _text(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def _bytes(body: Any) -> bytes:  # Any: what a cassette holds
    if body is None:
        return b""
    return body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
