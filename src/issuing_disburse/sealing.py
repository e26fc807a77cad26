"""
What may Stripe's SDK see of keys, card numbers and other secrets? Nothing.

The transport below sits under the SDK. It alone holds the real API key (the SDK is built with a
dummy), it takes card numbers, CVCs and other secrets out of every answer before the SDK parses or logs it,
and it raises transport failures afresh, so that no error report finds a key in an inner frame.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

import stripe

from .hidden import Hidden

_SECRETS = re.compile(
    rb'("(?:number|cvc)"\s*:\s*")[0-9 ]{3,23}|("secret"\s*:\s*")[!#-~]+', re.ASCII
)
SEALED = b"sealed"

DUMMY_KEY = "sk_test_held_by_the_transport"


def sealed(body: bytes) -> bytes:
    """
    Return *body* with card numbers, CVCs and secrets replaced; cut-off bodies are fine, too.
    """
    return _SECRETS.sub(lambda match: (match[1] or match[2]) + SEALED, body)


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

    def next_body(self, body: bytes | None) -> None:
        """
        Send *body*, byte for byte, with the next request of this thread.
        """
        self._call.body = body

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
        body: bytes | None = getattr(self._call, "body", None)
        self._call.body = None
        if method == "post" and body is not None:
            post_data = body.decode()
        failure: Exception
        try:
            content, status, answered = self._inner.request(
                method,
                url,
                {**(headers or {}), "Authorization": f"Bearer {self._api_key.revealed()}"},
                post_data,
            )
        except stripe.APIConnectionError:
            failure = _unreachable("Stripe could not be reached, or its answer was lost")
        except Exception as exc:  # noqa: BLE001  # whatever it is, its frames hold the key
            failure = _unreachable(f"the transport failed: {type(exc).__name__}")
        else:
            raw = content.encode() if isinstance(content, str) else bytes(content)
            return sealed(raw).decode("utf-8", "replace"), status, answered
        raise failure  # outside of the except block: no context, no inner frames

    def close(self) -> None:
        """
        Close the connections.
        """
        self._inner.close()  # type: ignore[no-untyped-call]  # the SDK's is untyped


def _unreachable(message: str) -> stripe.APIConnectionError:
    return stripe.APIConnectionError(message)  # type: ignore[no-untyped-call]  # the SDK's is untyped
