"""
How does the official SDK talk to a simulator in the same process?
"""

from collections.abc import AsyncIterable, Callable, Iterator, Mapping, MutableMapping
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import stripe

from issuing_disburse.simulator.exchange import Response

Handle = Callable[[str, str, Mapping[str, str], bytes], Response]


class Headers(MutableMapping[str, str]):
    """
    Hold response headers whose names know no case, as the SDK expects them.
    """

    def __init__(self, items: Mapping[str, str]) -> None:
        self._items = {name.lower(): (name, value) for name, value in items.items()}

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()][1]

    def __setitem__(self, name: str, value: str) -> None:
        self._items[name.lower()] = (name, value)

    def __delitem__(self, name: str) -> None:
        del self._items[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._items

    def __repr__(self) -> str:
        return repr(dict(self._items.values()))


class SimulatorClient(stripe.HTTPClient):
    """
    Be the ``http_client`` of a ``StripeClient``: real SDK, real encoding, no socket.
    """

    name = "simulator"

    def __init__(self, handle: Handle) -> None:
        super().__init__()
        self._handle = handle

    def request(  # type: ignore[override]  # bytes, as the SDK's own clients return
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_: Any,
    ) -> tuple[bytes, int, Headers]:
        """
        Carry one request of the SDK to the simulator and its answer back.
        """
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        response = self._handle(method, target, headers or {}, body)
        if response.lost is not None:
            message = (
                "Unexpected error communicating with Stripe: the connection was lost."
                if response.lost == "lost"
                else "Request timed out: Stripe did not answer."
            )
            raise stripe.APIConnectionError(message, should_retry=True)  # type: ignore[no-untyped-call]  # untyped in the SDK
        return response.body, response.status, Headers(response.headers)

    def request_stream(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **_: Any,
    ) -> tuple[BytesIO, int, Headers]:
        """
        Do the same for the SDK's streaming calls.
        """
        body, status, found = self.request(method, url, headers, post_data)
        return BytesIO(body), status, found

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: Any = None,
        **_: Any,
    ) -> tuple[bytes, int, Headers]:
        """
        Do the same for asynchronous calls; there is nothing to wait for.
        """
        return self.request(method, url, headers, post_data)

    async def request_stream_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: Any = None,
        **_: Any,
    ) -> tuple[AsyncIterable[bytes], int, Headers]:
        """
        Do the same for asynchronous streaming calls.
        """
        body, status, found = self.request(method, url, headers, post_data)

        async def chunks() -> AsyncIterable[bytes]:
            yield body

        return chunks(), status, found

    async def sleep_async(self, secs: float) -> None:
        """
        Let the SDK's own retries wait, asynchronously.
        """
        import asyncio  # noqa: PLC0415 - only asynchronous callers need it

        await asyncio.sleep(secs)

    def close(self) -> None:
        """
        Have nothing to close.
        """

    async def close_async(self) -> None:
        """
        Have nothing to close.
        """
