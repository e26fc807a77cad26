"""
What may Stripe's SDK see of keys, card numbers and other secrets? Nothing.

The transport below sits under the SDK. It alone holds the real API key (the SDK is built with a
dummy), it takes card numbers, CVCs and other secrets out of every answer before the SDK parses or logs it,
and it raises transport failures afresh, so that no error report finds a key in an inner frame.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any, NoReturn

import stripe
from attrs import define, field

from .connections import check_unrecorded
from .exceptions import RefusedError
from .hidden import Hidden, Taken
from .interrupts import emptied
from .redaction import Cleaner, asks_for_secrets, redacted

DUMMY_KEY = "sk_test_held_by_the_transport"

AUDIT_EVENT = "issuing_disburse.asks_for_secrets"
"""The auditing event of each request that asks for number or CVC; its argument is the URL."""

_NO_STREAMS = "streams are refused: an answer that is not read whole cannot be searched for secrets"


def sealed(body: bytes | str, *, is_doubtful: bool = False) -> bytes:
    """
    Return *body* with card numbers, CVCs and secrets replaced; one that nobody can read is withheld.
    """
    return redacted(body, is_doubtful=is_doubtful, key=DUMMY_KEY)


@define(eq=False)
class Passage:
    """
    One call of ours: it goes by the SDK, which sees neither what is sent nor what is answered.

    The SDK logs and keeps whatever passes through its hands, people's names and addresses included.

    Attributes:
        body: Sent byte for byte in place of what the SDK encoded.
        taken: Gets the secrets of the answer; ``None`` when nobody asked for any.
        answer: The body of a successful answer, without secrets.
    """

    body: bytes | None = field(default=None, repr=False)
    taken: Taken | None = None
    answer: bytes | None = field(default=None, repr=False)


class SealingTransport(stripe.HTTPClient):
    """
    The transport under the SDK: adds the real key, sends our exact bytes, seals the answer.
    """

    name = "issuing_disburse"

    def __init__(self, inner: stripe.HTTPClient, api_key: Hidden) -> None:
        super().__init__()
        self._inner = inner
        self._api_key = api_key
        self._call = threading.local()

    def next_call(self, passage: Passage | None) -> None:
        """
        Let the next request of this thread be that of *passage*.
        """
        self._call.passage = passage

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
        Send one request; see `stripe.HTTPClient`.
        """
        passage: Passage | None = getattr(self._call, "passage", None)
        self._call.passage = None
        if method == "post" and passage is not None and passage.body is not None:
            post_data = passage.body.decode()
        is_asking = _announced(url, post_data)
        if is_asking or (passage is not None and passage.taken is not None):
            check_unrecorded("a card number or a key to it")
        failure: BaseException
        try:
            return self._exchanged(
                method, url, headers, post_data, is_asking=is_asking, passage=passage
            )
        except BaseException as exc:  # noqa: BLE001  # whatever it is, its frames hold the key
            failure = _afresh(exc)
        del post_data, passage  # who is paid stands in there
        raise failure  # outside of the except block: no context, no inner frames

    def _exchanged(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any,
        *,
        is_asking: bool,
        passage: Passage | None,
    ) -> tuple[str, int, Mapping[str, str]]:
        key = self._api_key.revealed()
        answer = self._inner.request(method, url, _with_key(headers, key), post_data)
        return _sealed(*answer, key=key, is_asking=is_asking, passage=passage)

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
        return _sealed(*answer, key=key, is_asking=is_asking, passage=None)

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
    passage: Passage | None,
) -> tuple[str, int, Mapping[str, str]]:
    is_good = 200 <= status < 300  # noqa: PLR2004  # as the SDK draws the line
    is_doubtful = is_asking or not is_good
    body = redacted(
        content,
        is_doubtful=is_doubtful,
        is_asked=is_asking and not is_good,
        key=key,
        sent=passage.body if passage is not None else None,
        taken=passage.taken if passage is not None and is_good else None,
    )
    headers = _cleaned_headers(answered, key, is_doubtful=is_doubtful)
    if passage is not None and is_good:
        passage.answer = body
        return "{}", status, headers
    return body.decode("utf-8", "replace"), status, headers


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
