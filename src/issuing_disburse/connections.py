"""
How do requests reach Stripe when the caller brings no HTTP client of his own?
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import stripe
import urllib3

from .exceptions import RefusedError

_CONNECT_SECONDS = 10.0
_READ_SECONDS = 60.0
_POOL_SIZE = 256
"""
How many connections are kept. They are made when they are first needed: 100 requests a second that take
0.3 s are 30 of them; what a crowd leaves over is thrown away and costs the next one a handshake.
"""


def check_unrecorded(what: str, *, is_scrubbed_enough: bool = False) -> None:
    """
    Refuse to send *what* while a cassette recorder would keep it: it sits below every seal.

    Args:
        is_scrubbed_enough: A recorder that scrubs by `issuing_disburse.testing.cassettes` may keep it.

    Raises:
        RefusedError: vcrpy has put its own connections in the place of urllib3's; nothing was sent.
    """
    connection = urllib3.connectionpool.HTTPSConnectionPool.ConnectionCls
    if connection.__module__.partition(".")[0] == "vcr":
        if is_scrubbed_enough and _keeps_no_secret(getattr(connection, "cassette", None)):
            return
        raise RefusedError(
            f"a cassette recorder is active and would keep {what}: test with the simulator, or record by "
            "issuing_disburse.testing.cassettes",
            code="recorder_active",
        )


def _keeps_no_secret(cassette: object) -> bool:
    hooks = getattr(cassette, "_before_save_interaction", ())
    return any(getattr(hook, "keeps_no_secret", False) is True for hook in hooks)


class PooledClient(stripe.HTTPClient):
    """
    One keep-alive pool shared by all threads; never reads ``.netrc``, never retries by itself.

    The SDK's own default keeps one session per thread, so that every new thread pays a handshake.
    """

    name = "urllib3"

    def __init__(self) -> None:
        super().__init__()
        self._pool = urllib3.PoolManager(
            num_pools=4,
            maxsize=_POOL_SIZE,
            block=False,
            retries=False,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            ssl_context=ssl.create_default_context(cafile=stripe.ca_bundle_path),
        )

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
        check_unrecorded("the API key", is_scrubbed_enough=True)
        try:
            answer = self._pool.request(
                method.upper(), url, headers=dict(headers or {}), body=post_data, redirect=False
            )
        except urllib3.exceptions.HTTPError as exc:
            msg = f"no answer: {type(exc).__name__}"
            raise _unreachable(msg) from None
        return answer.data, answer.status, answer.headers

    def close(self) -> None:
        """
        Close all connections.
        """
        self._pool.clear()


def _unreachable(message: str) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(message)  # type: ignore[no-untyped-call]  # the SDK's is untyped
