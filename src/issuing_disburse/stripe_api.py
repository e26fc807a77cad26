"""
How do we ask Stripe: one door, one retry policy, one translation of errors?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import orjson

from .encoding import Params, form
from .exceptions import DisburseError, NotPermittedError, UnknownOutcomeError
from .hidden import Hidden, Sealed, Taken
from .lines import Line, LineMaker
from .ports import Clock, Outcome, Sleep
from .prepared import Answer, PreparedCall, Request
from .stripe_errors import failed, too_many, translated

if TYPE_CHECKING:
    import stripe

    from .pacing import Share
    from .rate_limits import RateLimits

API_VERSION = "2026-10-28.endive"
"""The version whose objects this library reads."""

PREVIEW_VERSION = "2026-10-14.preview"
"""Sent to the endpoints that only a preview has; Stripe does not say which ones it takes."""

_HOLDER = b'"issuing.cardholder"'


def _system_clock() -> datetime:
    return datetime.now(UTC)


class StripeAPI:
    """
    The one door to Stripe.

    Args:
        api_key: Held by the transport alone; a `Hidden` one shows in no frame on its way here.
        http_client: The SDK's own kind of HTTP client; a shared pool if left out.
        preview_version: ``Stripe-Version`` for the endpoints that only a preview has.
        rate_limits: What Stripe allows, to stay under it; ``None`` sends at once.
        is_livemode: Which limits are those of the mode.
        clock: Tells the limiter the time; it waits by *sleep*.
        share: The line of all processes, for limits that they share.
    """

    def __init__(
        self,
        *,
        api_key: str | Hidden,
        sleep: Sleep,
        http_client: stripe.HTTPClient | None = None,
        api_base: str | None = None,
        version: str = API_VERSION,
        preview_version: str = PREVIEW_VERSION,
        rate_limits: RateLimits | Literal["by_mode"] | None = None,
        is_livemode: bool = True,
        clock: Clock = _system_clock,
        share: Share | None = None,
    ) -> None:
        self._lines = LineMaker(
            api_key=api_key if isinstance(api_key, Hidden) else Hidden(api_key),
            http_client=http_client,
            api_base=api_base,
            rate_limits=rate_limits,
            is_livemode=is_livemode,
            clock=clock,
            sleep=sleep,
            share=share,
        )
        self.version = version
        self.preview_version = preview_version

    def prepare(
        self,
        path: str,
        params: Params,
        *,
        account: str | None,
        keep: Callable[[Answer], Outcome],
        is_preview: bool = False,
    ) -> PreparedCall:
        """
        Encode a POST for a journal.
        """
        version = self.preview_version if is_preview else self.version
        request = Request(
            method="post", path=path, body=form(params), account=account, version=version
        )
        return PreparedCall(api=self, request=request, keep=keep)

    def get(self, path: str, params: Params | None = None, *, account: str | None) -> Answer:
        """
        Read one object or one page.

        Raises:
            RefusedError: Stripe said no (``code`` ``resource_missing``: no such object).
            UnavailableError: No answer after several tries.
        """
        query = form(params or {}).decode()
        target = f"{path}?{query}" if query else path
        request = Request(
            method="get", path=target, body=b"", account=account, version=self.version
        )
        return self.send(request, key=None)

    def pages(self, path: str, params: Params, *, account: str | None) -> Iterator[Answer]:
        """
        Yield every object of a list, newest first, page by page.
        """
        after: str | None = None
        while True:
            page = self.get(
                path, {**params, "limit": 100, "starting_after": after}, account=account
            )
            yield from page["data"]
            if not page.get("has_more") or not page["data"]:
                return
            after = page["data"][-1]["id"]

    def read_card(self, card_id: str, *, account: str | None) -> tuple[Answer, Sealed | None]:
        """
        Read one card, and its number and CVC, sealed: for a sink that was passed in, and nobody else.

        Raises:
            RefusedError: Stripe said no.
            UnavailableError: No answer after several tries.

        Stripe: ``GET /v1/issuing/cards/:id`` with ``expand=number`` and ``cvc``
        """
        query = form({"expand": ["number", "cvc"]}).decode()
        request = Request(
            method="get",
            path=f"/v1/issuing/cards/{card_id}?{query}",
            body=b"",
            account=account,
            version=self.version,
        )
        taken = Taken()
        return self.send(request, key=None, taken=taken), taken.card

    def create_ephemeral_key(
        self, params: Params, *, account: str | None, key: str
    ) -> tuple[Answer, Hidden | None]:
        """
        Make a key for a browser; its secret comes hidden.

        Raises:
            RefusedError: Stripe said no.
            UnknownOutcomeError: It may exist; the same *key* brings the same one.

        Stripe: ``POST /v1/ephemeral_keys``
        """
        request = Request(
            method="post",
            path="/v1/ephemeral_keys",
            body=form(params),
            account=account,
            version=self.version,
        )
        taken = Taken()
        return self.send(request, key=key, taken=taken), taken.secret

    def send(
        self,
        request: Request,
        *,
        key: str | None,
        taken: Taken | None = None,
        is_key_alive: Callable[[], bool] | None = None,
    ) -> Answer:
        """
        Send *request* until there is an answer; always the same bytes under the same key.

        Args:
            taken: Gets the secrets of the answer; without it they go nowhere.
            is_key_alive: Asked before each try: a machine may be frozen for a day between two.

        Raises:
            RefusedError: Stripe said no; the effect did not happen.
            NotPermittedError: The key may not do this; the effect did not happen.
            UnknownOutcomeError: The effect may have happened.
            UnavailableError: The last try had no effect (a GET, a 409 or a 429).
        """
        from .retries import until_answered  # noqa: PLC0415 - as the SDK itself

        line = self._lines.line()
        doubts: list[DisburseError] = []
        try:
            return until_answered(
                lambda: self._send_in_time(is_key_alive, line, request, key, doubts, taken),
                sleep=line.sleep,
            )
        except NotPermittedError as forbidden:
            if not doubts:
                raise
            message = f"a try was left without an answer, and now the key may not ask: {forbidden}"
        raise UnknownOutcomeError(message, code="not_permitted")

    def get_ready(self) -> None:
        """
        Import the SDK now, for who will have no time for it later; nothing is sent.
        """
        self._lines.line()

    def post_once(self, path: str, params: Params, account: str | None, key: str) -> None:
        """
        Send one POST, once and at once: for who can wait neither for a second try nor in a line.

        Raises:
            DisburseError: Stripe said no, or there was no answer.
        """
        request = Request(
            method="post", path=path, body=form(params), account=account, version=self.version
        )
        line = self._lines.line()
        if line.pacer is not None:
            line.pacer.note(request)
        self._send_once(line, request, key, [], None)

    def _send_in_time(
        self,
        is_key_alive: Callable[[], bool] | None,
        line: Line,
        request: Request,
        *sending: Any,
    ) -> Answer:
        """
        Send once, unless Stripe may have forgotten the key: then it has to be looked at first.
        """
        if line.pacer is not None:
            line.pacer.wait(request)
        if is_key_alive is not None and not is_key_alive():
            too_old = UnknownOutcomeError("the idempotency key has become too old to be sent again")
            too_old.is_recorded = True  # repeating it is of no use
            raise too_old
        return self._send_once(line, request, *sending)

    def _send_once(
        self,
        line: Line,
        request: Request,
        key: str | None,
        doubts: list[DisburseError],
        taken: Taken | None,
    ) -> Answer:
        failure: DisburseError
        is_effect = request.method == "post"
        try:
            body, status, headers = line.carry(request, key, taken)
            answer = _parsed(body)
            if answer is not None:
                return answer
            failure = failed(status, headers, is_effect=is_effect)
        except line.error as exc:
            failure = translated(exc, is_effect=is_effect)
            reason = too_many(exc)
            if line.pacer is not None and reason is not None:
                line.pacer.slow_down(request, reason)
        if isinstance(failure, UnknownOutcomeError):
            doubts.append(failure)
        raise failure  # outside of the except block: the SDK's frames hold bodies and headers

    def close(self) -> None:
        """
        Close the connections.
        """
        self._lines.close()


def _parsed(body: bytes) -> Answer | None:
    try:
        answer = orjson.loads(body)
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    from .redaction import without_people  # noqa: PLC0415 - as the SDK itself

    return without_people(answer) if _HOLDER in body else answer
