"""
How does time move on with what merchants do at Stripe, too, while a test is recorded there?
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import stripe

from issuing_disburse.testing.cassettes.clocks import SteppingClock


class SteppingClient(stripe.HTTPClient):
    """
    Moves a clock on with each answer.
    """

    name = "stepping"

    def __init__(self, inner: stripe.HTTPClient, clock: SteppingClock) -> None:
        super().__init__()
        self._inner = inner
        self._clock = clock

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
        try:
            return self._inner.request(method, url, headers, post_data)
        finally:
            self._clock.step()

    def close(self) -> None:
        """
        Close the connections.
        """
        self._inner.close()  # type: ignore[no-untyped-call]  # the SDK's is untyped
