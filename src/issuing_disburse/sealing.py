"""
What may Stripe's SDK see of keys, card numbers and other secrets? Nothing.

The transport below sits under the SDK. It alone holds the real API key (the SDK is built with a
dummy), it takes card numbers, CVCs and other secrets out of every answer before the SDK parses or logs it,
and it raises transport failures afresh, so that no error report finds a key in an inner frame.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias

import stripe

from .connections import check_unrecorded
from .exceptions import RefusedError
from .hidden import Hidden, Taken
from .interrupts import emptied
from .redaction import Cleaner, asks_for_secrets, redacted

DUMMY_KEY = "sk_test_held_by_the_transport"

AUDIT_EVENT = "issuing_disburse.asks_for_secrets"
"""The auditing event of each request that asks for number or CVC; its argument is the URL."""

_INTRODUCTION = frozenset({"User-Agent", "X-Stripe-Client-User-Agent"})
_NOT_SENT = "/v1/balance?is=not_sent"
_NO_STREAMS = "streams are refused: an answer that is not read whole cannot be searched for secrets"


SealedAnswer: TypeAlias = tuple[bytes, int, Mapping[str, str]]
"""Body, status and headers of an answer, without secrets."""


def sealed(body: bytes | str, *, is_doubtful: bool = False) -> bytes:
    """
    Return *body* with card numbers, CVCs and secrets replaced; one that nobody can read is withheld.
    """
    return redacted(body, is_doubtful=is_doubtful, key=DUMMY_KEY)


class SealingTransport(stripe.HTTPClient):
    """
    The transport under the SDK: adds the real key, sends our exact bytes, seals the answer.

    The SDK logs and keeps whatever passes through its hands, people's names and addresses included. So our
    requests go by it (`carry`), and it reads no answers of theirs but errors (`read_next`).
    """

    name = "issuing_disburse"

    def __init__(self, inner: stripe.HTTPClient, api_key: Hidden) -> None:
        super().__init__()
        self._inner = inner
        self._api_key = api_key
        self._next = threading.local()

    def read_next(self, answer: SealedAnswer | None) -> None:
        """
        Let the SDK read *answer* as that to the next request of this thread, which is not sent.
        """
        self._next.answer = answer

    def carry(
        self, method: str, url: str, headers: Mapping[str, str], *, body: bytes, taken: Taken | None
    ) -> SealedAnswer:
        """
        Send one request of ours, byte for byte.

        Args:
            taken: Gets the secrets of the answer; ``None`` when nobody asked for any.

        Raises:
            stripe.APIConnectionError: No answer came.
        """
        text = body.decode() if method == "post" else None
        is_asking = _announced(url, text)
        if is_asking or taken is not None:
            check_unrecorded("a card number or a key to it")
        failure: BaseException
        try:
            return self._exchanged(
                method, url, headers, text, is_asking=is_asking, sent=body, taken=taken
            )
        except BaseException as exc:  # noqa: BLE001  # whatever it is, its frames hold the key
            failure = _afresh(exc)
        del text, body  # who is paid stands in there
        raise failure  # outside of the except block: no context, no inner frames

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
        Send one request of the SDK's; see `stripe.HTTPClient`.
        """
        known: SealedAnswer | None = getattr(self._next, "answer", None)
        if known is not None:
            self._next.answer = None
            return _as_text(known)
        is_asking = _announced(url, post_data)
        if is_asking:
            check_unrecorded("a card number")
        failure: BaseException
        try:
            return _as_text(self._exchanged(method, url, headers, post_data, is_asking=is_asking))
        except BaseException as exc:  # noqa: BLE001  # as above
            failure = _afresh(exc)
        del post_data
        raise failure

    def _exchanged(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any,
        *,
        is_asking: bool,
        sent: bytes | None = None,
        taken: Taken | None = None,
    ) -> SealedAnswer:
        key = self._api_key.revealed()
        answer = self._inner.request(method, url, _with_key(headers, key), post_data)
        return _sealed(*answer, key=key, is_asking=is_asking, sent=sent, taken=taken)

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[Any, int, Mapping[str, str]]:
        """
        Send one request of an asynchronous client; what is taken out of its answer goes nowhere.
        """
        is_asking = _announced(url, post_data)
        if is_asking:
            check_unrecorded("a card number")
        failure: BaseException
        try:
            return await self._exchanged_async(method, url, headers, post_data, is_asking=is_asking)
        except BaseException as exc:  # noqa: BLE001  # as above
            failure = _afresh(exc)
        del post_data
        raise failure

    async def _exchanged_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any, *, is_asking: bool
    ) -> tuple[str, int, Mapping[str, str]]:
        key = self._api_key.revealed()
        answer = await self._inner.request_async(method, url, _with_key(headers, key), post_data)
        return _as_text(_sealed(*answer, key=key, is_asking=is_asking))

    def request_stream(self, *arguments: Any, **options: Any) -> NoReturn:
        """
        Refuse.
        """
        raise _unreachable(_NO_STREAMS)

    async def request_stream_async(self, *arguments: Any, **options: Any) -> NoReturn:
        """
        Refuse.
        """
        raise _unreachable(_NO_STREAMS)

    def close(self) -> None:
        """
        Close the connections.
        """
        self._inner.close()  # type: ignore[no-untyped-call]  # the SDK's is untyped

    async def close_async(self) -> None:
        """
        Close the connections of an asynchronous client.
        """
        await self._inner.close_async()  # type: ignore[no-untyped-call]  # the SDK's is untyped

    def sleep_async(self, secs: float) -> Any:
        """
        Wait as the client below does.
        """
        return self._inner.sleep_async(secs)


def _with_key(headers: Mapping[str, str] | None, key: str) -> dict[str, str]:
    return {**(headers or {}), "Authorization": f"Bearer {key}"}


def _sealed(
    content: object,
    status: int,
    answered: Mapping[str, str],
    *,
    key: str,
    is_asking: bool,
    sent: bytes | None = None,
    taken: Taken | None = None,
) -> SealedAnswer:
    is_good = 200 <= status < 300  # noqa: PLR2004  # as the SDK draws the line
    is_doubtful = is_asking or not is_good
    body = redacted(
        content,
        is_doubtful=is_doubtful,
        is_asked=is_asking and not is_good,
        key=key,
        sent=sent,
        taken=taken if is_good else None,
    )
    return body, status, _cleaned_headers(answered, key, is_doubtful=is_doubtful)


def _as_text(answer: SealedAnswer) -> tuple[str, int, Mapping[str, str]]:
    return answer[0].decode("utf-8", "replace"), answer[1], answer[2]


def _announced(url: str, post_data: object) -> bool:
    is_asking = asks_for_secrets(url, post_data)
    if is_asking:
        sys.audit(AUDIT_EVENT, url)
    return is_asking


def _afresh(exc: BaseException) -> BaseException:
    """
    Return what is raised in place of *exc*: nothing of its text, its causes and its frames.
    """
    if isinstance(exc, RefusedError):
        return RefusedError(str(exc), code=exc.code)  # ours, from below
    if isinstance(exc, stripe.APIConnectionError):
        return _unreachable("Stripe could not be reached, or its answer was lost")
    if isinstance(exc, Exception):
        return _unreachable(f"the transport failed: {type(exc).__name__}")
    return emptied(exc)  # an interrupt: it goes on, without its frames


def _cleaned_headers(
    headers: Mapping[str, str], key: str, *, is_doubtful: bool
) -> Mapping[str, str]:
    if not is_doubtful and key not in "".join(map(str, headers.values())):
        return headers
    clean = Cleaner(is_doubtful=is_doubtful).text
    kept = {name: clean(str(value)) for name, value in headers.items() if key not in str(value)}
    return {name.lower(): value for name, value in kept.items()} | kept


def _unreachable(message: str) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(message)  # type: ignore[no-untyped-call]  # the SDK's is untyped


class _Ear(stripe.HTTPClient):
    """
    Hears how the SDK would ask, and sends nothing.
    """

    name = SealingTransport.name

    def __init__(self) -> None:
        super().__init__()
        self.url = ""
        self.headers: dict[str, str] = {}

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """
        Keep address and headers.
        """
        self.url, self.headers = url, dict(headers or {})
        return "{}", 200, {}


def introduced(
    client: Callable[[stripe.HTTPClient], stripe.StripeClient],
) -> tuple[str, dict[str, str]]:
    """
    Return the API's address, and the headers by which the SDK introduces itself: it builds them each time.
    """
    ear = _Ear()
    client(ear).raw_request("get", _NOT_SENT)  # the SDK's log shows it
    headers = {name: ear.headers[name] for name in ear.headers if name in _INTRODUCTION}
    return ear.url.removesuffix(_NOT_SENT), headers
