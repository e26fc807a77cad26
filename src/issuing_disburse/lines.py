"""
What does one process hold to talk to Stripe?

It is made at the first call, and again behind a fork: neither a connection nor a lock is carried into
a child. The SDK is imported here, and nowhere else.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from .hidden import Hidden, Taken
from .ports import Clock, Sleep

if TYPE_CHECKING:
    import stripe

    from .pacing import Pacer, Share
    from .prepared import Request
    from .rate_limits import RateLimits
    from .sealing import SealedAnswer, SealingTransport


@frozen(kw_only=True)
class Line:
    """
    The SDK and everything around it, in one process.

    Attributes:
        base: The address of the API.
        introduction: The headers by which the SDK introduces itself.
        pacer: Lets requests out; ``None`` lets all of them out at once.
    """

    process: int
    base: str
    introduction: dict[str, str]
    transport: SealingTransport
    client: stripe.StripeClient
    sleep: Sleep
    error: type[stripe.StripeError]
    pacer: Pacer | None

    def carry(self, request: Request, key: str | None, taken: Taken | None) -> SealedAnswer:
        """
        Send *request* as the SDK would, without what the SDK does around it.

        Raises:
            stripe.StripeError: No answer came, or one that is an error.
        """
        if not request.path.startswith("/"):
            raise ValueError("a path begins with a slash")  # else it could name another host
        headers = {**self.introduction, "Stripe-Version": request.version}
        if request.account:
            headers["Stripe-Account"] = request.account
        if key:
            headers["Idempotency-Key"] = key
        if request.method == "post":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self.transport.carry(
            request.method, self.base + request.path, headers, body=request.body, taken=taken
        )
        if not 200 <= answer[1] < 300:  # noqa: PLR2004 - as the SDK draws the line
            self._raise(request, answer)
        return answer

    def _raise(self, request: Request, answer: SealedAnswer) -> None:
        """
        Let the SDK say which of its errors *answer* is.
        """
        self.transport.read_next(answer)
        try:
            self.client.raw_request(request.method, request.path)
        finally:
            self.transport.read_next(None)


class LineMaker:
    """
    Makes the line of this process when it is first needed.

    Args:
        api_key: Held by the transport alone.
        http_client: The SDK's own kind of HTTP client; a shared pool if left out.
        rate_limits: What Stripe allows, or what it allows in the mode; ``None`` never waits.
        clock: Tells the pacer the time; it waits by *sleep*.
        share: The line of all processes, for limits that they share.
    """

    def __init__(
        self,
        *,
        api_key: Hidden,
        http_client: stripe.HTTPClient | None,
        api_base: str | None,
        rate_limits: RateLimits | Literal["by_mode"] | None,
        is_livemode: bool,
        clock: Clock,
        sleep: Sleep,
        share: Share | None,
    ) -> None:
        self._api_key = api_key
        self._http_client = http_client
        self._api_base = api_base
        self._rate_limits = rate_limits
        self._is_livemode = is_livemode
        self._clock = clock
        self._sleep = sleep
        self._share = share
        self._lock = os.getpid(), threading.Lock()
        self._line: Line | None = None

    def line(self) -> Line:
        """
        Return the line of this process.
        """
        line = self._line
        if line is not None and line.process == os.getpid():
            return line
        with self._own_lock():
            if self._line is None or self._line.process != os.getpid():
                self._line = self._made()
            return self._line

    def close(self) -> None:
        """
        Close the connections; the next call makes new ones.
        """
        with self._own_lock():
            if self._line is not None and self._line.process == os.getpid():
                self._line.transport.close()
            self._line = None

    def _own_lock(self) -> threading.Lock:
        """
        Return the lock of this process: a thread of the parent may have held its own while it forked.
        """
        process, lock = self._lock
        if process != os.getpid():
            process, lock = self._lock = os.getpid(), threading.Lock()
        return lock

    def _made(self) -> Line:
        import stripe  # noqa: PLC0415  # 90 ms that a process which only answers webhooks saves

        from .sealing import DUMMY_KEY, SealingTransport, introduced  # noqa: PLC0415  # likewise

        inner = self._http_client
        if inner is None:
            from .connections import PooledClient  # noqa: PLC0415  # likewise

            inner = PooledClient()
        transport = SealingTransport(inner, self._api_key)

        def client(over: stripe.HTTPClient) -> stripe.StripeClient:
            return stripe.StripeClient(
                DUMMY_KEY,
                http_client=over,
                max_network_retries=0,
                base_addresses={"api": self._api_base} if self._api_base else {},
            )

        base, introduction = introduced(client)
        return Line(
            process=os.getpid(),
            base=base,
            introduction=introduction,
            transport=transport,
            client=client(transport),
            sleep=self._sleep,
            error=stripe.StripeError,
            pacer=self._pacer(),
        )

    def _pacer(self) -> Pacer | None:
        if self._rate_limits is None:
            return None
        from .pacing import Pacer  # noqa: PLC0415  # likewise
        from .rate_limits import RateLimits  # noqa: PLC0415  # likewise

        limits = self._rate_limits
        if limits == "by_mode":
            limits = RateLimits.by_mode(is_livemode=self._is_livemode)
        share = self._share if limits.shared else None
        return Pacer(limits, clock=self._clock, sleep=self._sleep, share=share)
