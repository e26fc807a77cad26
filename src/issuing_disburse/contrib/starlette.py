"""
How does an application on Starlette or FastAPI take webhooks?
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache

from issuing_disburse.extras import NeedsExtra
from issuing_disburse.webhooks import Reply

from .door import (
    BUSY,
    PAYLOAD_MAX_BYTES,
    THREADS,
    TOO_LARGE,
    WAITING_MAX,
    Handle,
    check_limits,
    is_too_large,
)

with NeedsExtra("starlette", "anyio", "starlette"):
    from anyio import CapacityLimiter, to_thread
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import Response
    from starlette.routing import Route

__all__ = ["webhook_endpoint", "webhook_route"]


def webhook_route(
    path: str,
    handle: Handle,
    *,
    body_max_bytes: int = PAYLOAD_MAX_BYTES,
    threads: int = THREADS,
    waiting_max: int = WAITING_MAX,
) -> Route:
    """
    Return the route at *path* that answers Stripe; FastAPI takes it as well.

    Pass it in ``Starlette(routes=[…])``, or append it to ``FastAPI().router.routes``. It takes ``POST``
    only. The rest is as with `webhook_endpoint`.
    """
    endpoint = webhook_endpoint(
        handle, body_max_bytes=body_max_bytes, threads=threads, waiting_max=waiting_max
    )
    return Route(path, endpoint, methods=["POST"], name="issuing_disburse_webhook")


def webhook_endpoint(
    handle: Handle,
    *,
    body_max_bytes: int = PAYLOAD_MAX_BYTES,
    threads: int = THREADS,
    waiting_max: int = WAITING_MAX,
) -> Callable[[Request], Awaitable[Response]]:
    """
    Return the endpoint that hands the raw body to *handle* and sends its reply, as it is.

    *handle* waits for a store, so it runs in a thread. The threads are the endpoint's own: slow
    pages of the same application cannot keep an authorization waiting.

    Args:
        handle: `issuing_disburse.Disburser.handle_webhook`.
        body_max_bytes: A larger body is answered 413, and not read to its end.
        threads: How many run at once.
        waiting_max: How many may wait for a thread; more are answered 503.

    Raises:
        InvalidInputError: A limit is no count.

    Stripe: any event, ``issuing_authorization.request`` among them
    """
    check_limits(body_max_bytes=body_max_bytes, threads=threads, waiting_max=waiting_max)

    @cache
    def own_threads() -> CapacityLimiter:  # made when the event loop runs, not when modules load
        return CapacityLimiter(threads)

    inside = 0

    async def endpoint(request: Request) -> Response:
        nonlocal inside
        try:
            body = await _body(request, body_max_bytes)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        if body is None:
            return _response(TOO_LARGE)
        # Counted from here: a stranger who sends slowly takes nobody's place.
        if inside >= threads + waiting_max:
            return _response(BUSY)
        signature = request.headers.get("stripe-signature", "")
        inside += 1
        try:
            reply = await to_thread.run_sync(handle, body, signature, limiter=own_threads())
        finally:
            inside -= 1
        return _response(reply)

    return endpoint


async def _body(request: Request, most: int) -> bytes | None:
    if is_too_large(request.headers.get("content-length"), most):
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return bytes(body)


def _response(reply: Reply) -> Response:
    return Response(reply.body, reply.status, dict(reply.headers))
