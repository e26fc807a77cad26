"""
How is what a test sends and receives kept, and how is it played again?
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

from attrs import define, evolve, field

from issuing_disburse.signatures import sign

from .bodies import UnreadableError
from .clocks import Clock, ReplayClock, SteppingClock
from .detector import Leak
from .matching import Binding, Form, differences, form_of, place_of, shown
from .persons import Pseudonyms
from .refusals import CassetteError, ReplayError
from .scrubbing import Answered, Scrubber, Sent
from .tape import Delivery, Exchange, Tape, save

OUTSIDE = "https://outside.invalid/"
"""Where that which a test did beside the library seems to be sent to."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_KEPT_HEADERS = frozenset(
    {"content-type", "idempotent-replayed", "original-request", "request-id", "retry-after"}
    | {"stripe-account", "stripe-should-retry", "stripe-version"}
)


class ReplyLike(Protocol):
    """
    What a webhook handler returns.
    """

    @property
    def status(self) -> int:
        """
        The HTTP status.
        """

    @property
    def body(self) -> bytes:
        """
        The HTTP body.
        """


Handler = Callable[[bytes, str], Any]


@define(eq=False)
class Recorder:
    """
    Keeps a scrubbed copy of each interaction and delivery; writes the files when it is told to.
    """

    path: Path
    clock: Clock
    tape: Tape
    handler: Handler | None = None
    _scrubber: Scrubber = field(factory=lambda: Scrubber(Pseudonyms()))
    _in_flight: list[int] = field(factory=list)
    _last: int = -1
    _leaks: list[Leak] = field(factory=list)
    _lock: threading.RLock = field(factory=threading.RLock)

    def begin(self, sent: Sent) -> int:
        """
        Keep a request before it is sent, and return its index.
        """
        with self._lock:
            index = len(self.tape.exchanges)
            where = f"the request of interaction {index}"
            kept = evolve(sent, body=b"")
            try:
                kept = self._scrubber.request(sent)
            except UnreadableError as problem:
                self._leaks.append(Leak(f"something that cannot be searched ({problem})", where))
            self.tape.exchanges.append(Exchange(sent=evolve(kept, uri=_origin(kept.uri))))
            self._in_flight.append(index)
            return index

    def answered(self, index: int, answered: Answered) -> None:
        """
        Keep the answer to the request of that *index*.
        """
        with self._lock:
            exchange = self.tape.exchanges[index]
            kept = evolve(answered, headers=_kept(answered.headers))
            path = urlsplit(exchange.sent.uri).path
            try:
                clean = self._scrubber.answer(answered, about=path)
                kept = evolve(clean, headers=_kept(clean.headers))
            except UnreadableError as problem:
                where = f"the answer of interaction {index}"
                self._leaks.append(Leak(f"something that cannot be searched ({problem})", where))
                kept = evolve(kept, body=b"")
            exchange.answered = kept
            self._end(index)

    def lost(self, index: int, how: str) -> None:
        """
        Keep that the request of that *index* got no answer.
        """
        with self._lock:
            self.tape.exchanges[index].lost = how
            self._end(index)

    def _end(self, index: int) -> None:
        if isinstance(self.clock, SteppingClock):
            self.clock.step()
        self.tape.exchanges[index].at = self.clock.now()
        self._in_flight.remove(index)
        self._last = max(self._last, index)

    def receive(self, payload: bytes, signature: str) -> Any:  # Any: whatever the handler returns
        """
        Keep a delivery, and hand it on as it is.
        """
        with self._lock:
            kept = Delivery(
                interaction=self._in_flight[-1] if self._in_flight else self._last,
                is_during=bool(self._in_flight),
                at=self.clock.now(),
                body=self._scrubber.body(payload, "application/json"),
            )
            self.tape.deliveries.append(kept)
        if self.handler is None:
            return None
        reply = self.handler(payload, signature)
        kept.status, kept.approved = _outcome(reply)
        return reply

    def finish(self) -> None:
        """
        Write the files.

        Raises:
            LeakError: Nothing was written.
        """
        for one in self.tape.exchanges:  # by now, everybody is known
            path = urlsplit(one.sent.uri).path
            one.sent = self._scrubber.request(one.sent)
            if one.answered is not None:
                one.answered = self._scrubber.answer(one.answered, about=path)
        for told in self.tape.deliveries:
            told.body = self._scrubber.body(told.body, "application/json")
        self.tape.recorded_with = f"issuing-disburse {version_of('issuing-disburse')}"
        save(self.tape, self.path, known=tuple(self._leaks))


@define(eq=False)
class Player:
    """
    Answers as it was recorded, and lets deliveries come in at their places.
    """

    path: Path
    tape: Tape
    clock: Clock
    webhook_secret: str = field(repr=False)
    handler: Handler | None = None
    problems: list[ReplayError] = field(factory=list)
    _forms: dict[int, Form] = field(factory=dict)
    _places: dict[str, list[int]] = field(factory=dict)
    _played: set[int] = field(factory=set)
    _binding: Binding = field(factory=Binding)
    _waiting: list[Delivery] = field(init=False)
    _lock: threading.RLock = field(factory=threading.RLock)

    def __attrs_post_init__(self) -> None:
        self._waiting = list(self.tape.deliveries)
        for index, one in enumerate(self.tape.exchanges):
            self._places.setdefault(place_of(one.sent), []).append(index)

    def play(self, sent: Sent) -> Exchange:
        """
        Return what was recorded for this request, the first time that it was not played yet.

        Raises:
            ReplayError: Nothing was; the message shows what comes nearest.
        """
        self.deliver_due()
        with self._lock:
            asked = form_of(sent, self._binding.bound)
            for index in self._places.get(asked.place, ()):
                if index not in self._played and self._binding.joins(asked, self._form(index)):
                    self._played.add(index)
                    break
            else:
                raise self._refused(self._unmatched(asked))
        self._deliver(lambda one: one.is_during and one.interaction == index)
        exchange = self.tape.exchanges[index]
        if isinstance(self.clock, ReplayClock):
            self.clock.reach(exchange.at)
        return exchange

    def _form(self, index: int) -> Form:
        if index not in self._forms:
            self._forms[index] = form_of(self.tape.exchanges[index].sent, {})
        return self._forms[index]

    def _unmatched(self, asked: Form) -> str:
        known = [(index, self._form(index)) for index in range(len(self.tape.exchanges))]
        told = {index: list(differences(asked, form)) for index, form in known}
        nearest = sorted(
            known,
            key=lambda one: (
                one[1].place != asked.place,
                one[0] in self._played,
                len(told[one[0]]),
            ),
        )
        message = f"{self.path.name} holds no answer to {shown(asked.place)} that is left"
        if not nearest:
            return f"{message}: it is empty"
        index, form = nearest[0]
        if not told[index] or (index in self._played and form.place == asked.place):
            why = f"interaction {index} comes nearest, and was played already"
        else:
            why = f"interaction {index} comes nearest, but"
        return "; ".join([f"{message}: {why}", *told[index]]).replace("but; ", "but ", 1)

    def _refused(self, message: str) -> ReplayError:
        problem = ReplayError(
            f"{message}. Record the test anew if that is meant", code="unrecorded"
        )
        self.problems.append(problem)
        return problem

    def deliver_due(self) -> None:
        """
        Let everything come in that came in between the interactions so far.
        """
        self._deliver(self._is_due)

    def due_until(self, moment: Any) -> None:  # Any: a datetime, compared only
        """
        Let everything come in that came in between them, and not later than *moment*.
        """
        self._deliver(lambda one: self._is_due(one) and one.at <= moment)

    def _is_due(self, one: Delivery) -> bool:
        return not one.is_during and (one.interaction < 0 or one.interaction in self._played)

    def _deliver(self, is_wanted: Callable[[Delivery], bool]) -> None:
        if self.handler is None:
            return  # nobody listens yet
        while True:
            with self._lock:
                found = next((one for one in self._waiting if is_wanted(one)), None)
                if found is None:
                    return
                self._waiting.remove(found)
            if isinstance(self.clock, ReplayClock):
                self.clock.reach(found.at)
            self._bring(found)

    def _bring(self, one: Delivery) -> None:
        signature = sign(one.body, self.webhook_secret, self.clock.now())
        assert self.handler is not None  # noqa: S101 - asked before
        outcome = _outcome(self.handler(one.body, signature))
        if outcome != (one.status, one.approved):
            index = self.tape.deliveries.index(one)
            recorded = (one.status, one.approved)
            self._refused(
                f"delivery {index} of {self.path.name} was answered otherwise than when it was "
                f"recorded: status and approval are {outcome}, recorded {recorded}"
            )

    def receive(self, payload: bytes, signature: str) -> Any:
        """
        Refuse: while a cassette is played, nothing comes in from anywhere else.

        Raises:
            CassetteError: Always.
        """
        raise CassetteError(
            "a delivery came in from outside while a cassette was played", code="not_recording"
        )

    def finish(self) -> None:
        """
        Fail unless all that was recorded was played.

        Raises:
            ReplayError: Naming what was not.
        """
        self.deliver_due()
        if self.problems:
            return
        unplayed = [i for i in range(len(self.tape.exchanges)) if i not in self._played]
        if unplayed:
            first = self._form(unplayed[0]).place
            raise ReplayError(
                f"{self.path.name}: {len(unplayed)} interaction(s) were recorded and not asked for, first "
                f"interaction {unplayed[0]} ({shown(first)}). Record the test anew if that is meant",
                code="unused",
            )
        if self._waiting:
            raise ReplayError(
                f"{self.path.name}: {len(self._waiting)} deliveries were recorded and not delivered: "
                "pass a handler to deliver_to() before anything is sent",
                code="undelivered",
            )


def _origin(uri: str) -> str:
    """
    Return an address without the port of a server on this machine: it is another one each time.
    """
    parts = urlsplit(uri)
    if parts.hostname in _LOOPBACK:
        return urlunsplit(("http", "127.0.0.1", parts.path, parts.query, ""))
    return uri


def _kept(headers: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: list(values) for name, values in headers.items() if name.lower() in _KEPT_HEADERS}


def _outcome(reply: Any) -> tuple[int | None, bool | None]:  # Any: what a handler returned
    status = getattr(reply, "status", None)
    try:
        body = json.loads(getattr(reply, "body", b"") or b"null")
    except ValueError:
        body = None
    approved = body.get("approved") if isinstance(body, dict) else None
    return status, approved if isinstance(approved, bool) else None
