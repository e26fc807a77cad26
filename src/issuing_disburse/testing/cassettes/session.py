"""
How does a test talk to Stripe, and hear from it, through a cassette?
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeAlias
from urllib.parse import quote, unquote, urlsplit

import stripe
from attrs import define, field

from issuing_disburse.connections import PooledClient
from issuing_disburse.simulator.transport import Headers

from .clocks import Clock, ReplayClock, SteppingClock
from .detector import KEY, leaks_in_text
from .recording import OUTSIDE, Handler, Player, Recorder
from .refusals import CassetteError
from .scrubbing import Answered, Sent
from .tape import Tape, load

Mode: TypeAlias = Literal["replay", "record"]

_GOOD = 200


class CassetteClient(stripe.HTTPClient):
    """
    Be the ``http_client`` of a `issuing_disburse.Disburser`, or of a ``StripeClient``.

    It lies below the seal: it sees the key and what a sink asked for, and keeps neither.
    """

    name = "cassette"

    def __init__(self, tape: Recorder | Player, inner: stripe.HTTPClient | None) -> None:
        super().__init__()
        self._tape = tape
        self._inner = inner

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        """
        Carry one request, or answer it as it was recorded; see `stripe.HTTPClient`.
        """
        sent = _sent(method, url, headers, post_data)
        if isinstance(self._tape, Player):
            return _replayed(self._tape, sent)
        index = _begun(self._tape, sent)
        answer: tuple[Any, int, Mapping[str, str]] | None = None
        how = "lost"
        try:
            answer = self._live().request(method, url, headers, post_data)
        except stripe.APIConnectionError as lost:
            how = "lost, to be tried again" if lost.should_retry else how
            raise
        finally:
            _ended(self._tape, index, answer, how)
        return answer

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[Any, int, Mapping[str, str]]:
        """
        Do the same for asynchronous calls.
        """
        sent = _sent(method, url, headers, post_data)
        if isinstance(self._tape, Player):
            return _replayed(self._tape, sent)
        index = _begun(self._tape, sent)
        answer: tuple[Any, int, Mapping[str, str]] | None = None
        how = "lost"
        try:
            answer = await self._live().request_async(method, url, headers, post_data)
        except stripe.APIConnectionError as lost:
            how = "lost, to be tried again" if lost.should_retry else how
            raise
        finally:
            _ended(self._tape, index, answer, how)
        return answer

    def _live(self) -> stripe.HTTPClient:
        if self._inner is None:
            self._inner = PooledClient()
        return self._inner

    def request_stream(self, *arguments: Any, **options: Any) -> NoReturn:
        """
        Refuse: a stream cannot be searched before it is handed on.
        """
        raise CassetteError("streams are not recorded", code="stream")

    async def request_stream_async(self, *arguments: Any, **options: Any) -> NoReturn:
        """
        Refuse, likewise.
        """
        raise CassetteError("streams are not recorded", code="stream")

    def sleep_async(self, secs: float) -> Any:
        """
        Wait as a simulator does: not at all when nothing is asked of anybody.
        """
        return self._live().sleep_async(0.0 if isinstance(self._tape, Player) else secs)

    def close(self) -> None:
        """
        Close the connections.
        """
        if self._inner is not None:
            self._inner.close()  # type: ignore[no-untyped-call]  # the SDK's is untyped

    async def close_async(self) -> None:
        """
        Close the connections of an asynchronous client.
        """
        if self._inner is not None:
            await self._inner.close_async()  # type: ignore[no-untyped-call]  # the SDK's is untyped


def _sent(method: str, url: str, headers: Mapping[str, str] | None, data: Any) -> Sent:
    body = data.encode() if isinstance(data, str) else bytes(data or b"")
    return Sent(method=method.upper(), uri=url, headers=dict(headers or {}), body=body)


def _begun(tape: Recorder, sent: Sent) -> int:
    asking = [str(sent.headers[one]) for one in sent.headers if one.lower() == "authorization"]
    asking.append(unquote(urlsplit(sent.uri).netloc.rpartition("@")[0]))
    if any(leak.what == KEY for one in asking for leak in leaks_in_text(one, "")):
        raise CassetteError(
            "a live key is never recorded: it moves real money, and its answers are about real people",
            code="live_key",
        )
    return tape.begin(sent)


def _ended(
    tape: Recorder, index: int, answer: tuple[Any, int, Mapping[str, str]] | None, how: str
) -> None:
    if answer is None:
        tape.lost(index, how)
        return
    content, status, headers = answer
    body = content.encode() if isinstance(content, str) else bytes(content or b"")
    listed = {str(name): [str(headers[name])] for name in headers}
    tape.answered(index, Answered(status=status, headers=listed, body=body))


def _replayed(tape: Player, sent: Sent) -> tuple[bytes, int, Headers]:
    exchange = tape.play(sent)
    if exchange.answered is None:
        raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]  # the SDK's is untyped
            f"As recorded: the answer was {exchange.lost}.", should_retry="again" in exchange.lost
        )
    answered = exchange.answered
    headers = {name: ", ".join(values) for name, values in answered.headers.items()}
    return answered.body, answered.status, Headers(headers)


@define(eq=False)
class Recorded:
    """
    What a test gets of a cassette; see `recorded`.

    Attributes:
        http_client: For ``Disburser.connect(http_client=…)``, or for a ``StripeClient``.
        clock: The time of the test: its ``now`` and ``sleep`` are for ``Disburser.connect``. While a
            cassette is played it stands at the recorded times.
        webhook_secret: What deliveries are signed with.
        is_replaying: Whether nothing is sent anywhere.
    """

    http_client: CassetteClient
    clock: Clock
    webhook_secret: str = field(repr=False)
    is_replaying: bool
    _tape: Recorder | Player = field(repr=False)

    def deliver_to(self, handler: Handler) -> None:
        """
        Let *handler* get each delivery: raw body and ``Stripe-Signature`` header in, reply out.

        While a cassette is played, deliveries come in at their recorded places, signed anew. While it
        is recorded, whoever brings them hands them to `receive`.
        """
        self._tape.handler = handler

    def receive(self, payload: bytes, signature: str) -> Any:  # Any: what the handler returns
        """
        Take a live delivery in: ``simulator.deliver_webhooks_to(recorded.receive)``.
        """
        return self._tape.receive(payload, signature)

    def deliver_due(self) -> None:
        """
        Let come in what came in after the last interaction; it does so by itself before the next one.
        """
        if isinstance(self._tape, Player):
            self._tape.deliver_due()

    def outside(self, name: str, act: Callable[[], Any], **arguments: Any) -> Any:  # Any: JSON
        """
        Do something beside the library, as a merchant does, and return what *act* returned.

        It is an interaction, too: while a cassette is played, *act* is not called, and what it returned is.

        Args:
            name: What is done, such as ``"authorize"``.
            arguments: With what; they are compared. JSON, as what *act* returns.
        """
        body = json.dumps(arguments, sort_keys=True).encode()
        kind = {"Content-Type": "application/json"}
        sent = Sent(method="POST", uri=OUTSIDE + quote(name), headers=kind, body=body)
        if isinstance(self._tape, Player):
            answered = self._tape.play(sent).answered
            if answered is None:
                raise CassetteError(f"{name} failed when it was recorded", code="outside_failed")
            return json.loads(answered.body)
        index = _begun(self._tape, sent)
        answer: tuple[Any, int, Mapping[str, str]] | None = None
        try:
            result = act()
            answer = json.dumps(result).encode(), _GOOD, kind
        finally:
            _ended(self._tape, index, answer, "failed")
        return result


@contextmanager
def recorded(
    path: str | Path,
    *,
    mode: Mode = "replay",
    http_client: stripe.HTTPClient | None = None,
    clock: Clock | None = None,
    webhook_secret: str | None = None,
    against: str = "",
) -> Iterator[Recorded]:
    """
    Play a cassette, or record one: what is sent, what is answered, and what comes in.

    What is written is scrubbed; the test's own objects stay as they are. A test that fails records nothing.

    Args:
        path: The cassette, ``.yaml`` or ``.json``; deliveries lie beside it.
        http_client: Who really sends while recording; a pool of connections if left out.
        clock: Whose time it is while recording, such as ``simulator.clock``; the machine's if left out, which
            then moves on with each answer. While a cassette is played: a clock of yours in the place of the
            recorded times.
        webhook_secret: What deliveries are signed with while a cassette is played.
        against: What the header says this was recorded against.

    Raises:
        CassetteError: There is no such cassette, it is none, or its name is that of another's deliveries.
        LeakError: At the end of the block: what was recorded must not be in a file; nothing was written.
        ReplayError: At the end of the block: something was asked for that was not recorded, or the reverse.
    """
    path = Path(path)
    if path.stem.endswith(".deliveries"):
        raise CassetteError(
            f"{path.name} is where the deliveries of another cassette lie: take another name",
            code="cassette_name",
        )
    secret = webhook_secret or f"whsec_{secrets.token_hex(16)}"
    if mode == "record":
        recorder = Recorder(path=path, clock=clock or SteppingClock(), tape=Tape())
        recorder.tape.started_at = recorder.clock.now()
        recorder.tape.recorded_against = against or _guessed(http_client)
        client = CassetteClient(recorder, http_client)
        yield Recorded(client, recorder.clock, secret, is_replaying=False, tape=recorder)
        recorder.finish()
        return
    if mode != "replay":
        raise CassetteError(f"mode is 'replay' or 'record', not {mode!r}", code="mode")
    player = _player(path, clock, secret)
    client = CassetteClient(player, None)
    try:
        yield Recorded(client, player.clock, secret, is_replaying=True, tape=player)
    except Exception as failed:
        if player.problems and player.problems[0] is not failed:
            raise player.problems[0] from failed  # what failed may be only a consequence
        raise
    player.finish()
    if player.problems:
        raise player.problems[0]


def _player(path: Path, clock: Clock | None, secret: str) -> Player:
    tape = load(path)
    start = tape.started_at or datetime(2026, 1, 1, tzinfo=UTC)
    replaying = ReplayClock(start, due=lambda _: None)
    player = Player(path=path, tape=tape, clock=clock or replaying, webhook_secret=secret)
    replaying.due = player.due_until
    return player


def _guessed(client: stripe.HTTPClient | None) -> str:
    return "the simulator, in process" if getattr(client, "name", "") == "simulator" else "unknown"
