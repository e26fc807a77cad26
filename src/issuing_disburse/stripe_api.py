"""
How do we ask Stripe: one door, one retry policy, one translation of errors?
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from attrs import evolve, field, frozen

from .encoding import Params, form
from .exceptions import (
    DisburseError,
    NotPermittedError,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
)
from .hidden import Hidden
from .ports import Outcome, Sleep

if TYPE_CHECKING:
    import stripe
    from tenacity import Retrying

    from .sealing import SealingTransport

API_VERSION = "2026-10-28.endive"
"""The version whose objects this library reads."""

PREVIEW_VERSION = "2026-10-14.preview"
"""Sent to the endpoints that only a preview has; Stripe does not say which ones it takes."""

Answer: TypeAlias = dict[str, Any]
"""A Stripe object, as parsed JSON."""

_MESSAGE_MAX = 400


@frozen(kw_only=True)
class Request:
    """
    One request, encoded: what is stored before it is sent, and sent again byte for byte.
    """

    method: str
    path: str
    body: bytes = field(repr=False)
    account: str | None
    version: str

    def to_bytes(self) -> bytes:
        """
        Return the form in which it is stored.
        """
        return orjson.dumps(
            [self.method, self.path, self.body.decode(), self.account, self.version]
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> Request:
        """
        Read the stored form back.
        """
        method, path, body, account, version = orjson.loads(stored)
        return cls(method=method, path=path, body=body.encode(), account=account, version=version)


@frozen(kw_only=True)
class PreparedCall:
    """
    A request that a journal can store, send under a key, and send again unchanged.

    Attributes:
        keep: Reduces Stripe's answer to what is to be remembered.
    """

    api: StripeAPI
    request: Request
    keep: Callable[[Answer], Outcome]

    def __call__(self, key: str) -> Outcome:
        """
        Send the request under *key*.
        """
        return self.keep(self.api.send(self.request, key=key))

    @property
    def encoded(self) -> bytes:
        """
        The request in the form in which it is stored.
        """
        return self.request.to_bytes()

    def as_stored(self, encoded: bytes) -> PreparedCall:
        """
        Return the call that sends what was stored, whatever this version of us would send.
        """
        return evolve(self, request=Request.from_bytes(encoded))


class StripeAPI:
    """
    The one door to Stripe.

    Args:
        api_key: Held by the transport alone.
        http_client: The SDK's own kind of HTTP client; a shared pool if left out.
        preview_version: ``Stripe-Version`` for the endpoints that only a preview has.
    """

    def __init__(
        self,
        *,
        api_key: str,
        sleep: Sleep,
        http_client: stripe.HTTPClient | None = None,
        api_base: str | None = None,
        version: str = API_VERSION,
        preview_version: str = PREVIEW_VERSION,
    ) -> None:
        self._api_key = Hidden(api_key)
        self._http_client = http_client
        self._api_base = api_base
        self._sleep = sleep
        self._lock = threading.Lock()
        self._line: _Line | None = None
        self.version = version
        self.preview_version = preview_version

    def _connected(self) -> _Line:
        """
        Return the connection of this process; the SDK is imported when it is first needed.
        """
        line = self._line
        if line is not None and line.process == os.getpid():
            return line
        with self._lock:
            if self._line is None or self._line.process != os.getpid():
                self._line = self._connect()
            return self._line

    def _connect(self) -> _Line:
        import stripe  # noqa: PLC0415  # 90 ms that a process which only answers webhooks saves

        from .retries import make_retrying  # noqa: PLC0415  # likewise
        from .sealing import DUMMY_KEY, SealingTransport  # noqa: PLC0415  # likewise

        inner = self._http_client
        if inner is None:
            from .connections import PooledClient  # noqa: PLC0415  # likewise

            inner = PooledClient()
        transport = SealingTransport(inner, self._api_key)
        client = stripe.StripeClient(
            DUMMY_KEY,
            http_client=transport,
            max_network_retries=0,
            base_addresses={"api": self._api_base} if self._api_base else {},
        )
        return _Line(
            process=os.getpid(),
            transport=transport,
            client=client,
            retrying=make_retrying(sleep=self._sleep),
            error=stripe.StripeError,
        )

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

    def send(self, request: Request, *, key: str | None) -> Answer:
        """
        Send *request* until there is an answer; always the same bytes under the same key.

        Raises:
            RefusedError: Stripe said no; the effect did not happen.
            NotPermittedError: The key may not do this; the effect did not happen.
            UnknownOutcomeError: The effect may have happened.
            UnavailableError: The last try had no effect (a GET, a 409 or a 429).
        """
        line = self._connected()
        doubts: list[DisburseError] = []
        try:
            return line.retrying(self._send_once, line, request, key, doubts)
        except NotPermittedError as forbidden:
            if not doubts:
                raise
            message = f"a try was left without an answer, and now the key may not ask: {forbidden}"
        raise UnknownOutcomeError(message, code="not_permitted")

    def _send_once(
        self, line: _Line, request: Request, key: str | None, doubts: list[DisburseError]
    ) -> Answer:
        failure: DisburseError
        options = {
            "stripe_version": request.version,
            **({"stripe_account": request.account} if request.account else {}),
            **({"idempotency_key": key} if key else {}),
        }
        try:
            if request.method == "post":
                line.transport.next_body(request.body)
            answer = line.client.raw_request(request.method, request.path, **options)
        except line.error as exc:
            failure = translated(exc, is_effect=request.method == "post")
        else:
            data: Answer = answer.data
            return data
        finally:
            line.transport.next_body(None)
        if isinstance(failure, UnknownOutcomeError):
            doubts.append(failure)
        raise failure  # outside of the except block: the SDK's frames hold bodies and headers

    def close(self) -> None:
        """
        Close the connections.
        """
        with self._lock:
            if self._line is not None and self._line.process == os.getpid():
                self._line.transport.close()
            self._line = None


@frozen(kw_only=True)
class _Line:
    """
    What one process holds to talk to Stripe.
    """

    process: int
    transport: SealingTransport
    client: stripe.StripeClient
    retrying: Retrying
    error: type[stripe.StripeError]


def translated(exc: stripe.StripeError, *, is_effect: bool) -> DisburseError:
    """
    Return our error for one of the SDK's, without bodies, headers or inner frames.

    Args:
        is_effect: Whether the request may have changed something at Stripe.
    """
    status = exc.http_status
    detail = exc.error
    code = exc.code or (detail.code if detail else None)
    headers = {name.lower(): value for name, value in (exc.headers or {}).items()}
    message = (detail.message if detail and detail.message else "Stripe gave no reason")[
        :_MESSAGE_MAX
    ]
    context: dict[str, Any] = {
        "stripe_request_id": headers.get("request-id"),
        "code": code,
        "param": getattr(exc, "param", None) or (detail.param if detail else None),
    }
    if status is None:
        lost = "no answer came from Stripe"
        return (UnknownOutcomeError if is_effect else UnavailableError)(lost, **context)
    if status in {401, 403}:
        forbidden = NotPermittedError(message, **context)
        forbidden.is_recorded = headers.get("idempotent-replayed") == "true"
        return forbidden
    if status in {409, 429} or code == "rate_limit":  # rate limits have come as 400, too
        return UnavailableError(message, **context)
    if 400 <= status < 500 and status != 424:  # noqa: PLR2004  # 424: a dependency of Stripe's failed
        return RefusedError(message, **context)
    reason = "Stripe failed" if status >= 500 else "Stripe's answer could not be read"  # noqa: PLR2004
    unknown = (UnknownOutcomeError if is_effect else UnavailableError)(
        f"{reason} (HTTP {status})", **context
    )
    unknown.is_recorded = is_effect and (
        headers.get("stripe-should-retry") == "false"
        or headers.get("idempotent-replayed") == "true"
    )
    return unknown
