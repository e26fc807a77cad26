"""
How does an application on Django take webhooks?
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

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

with NeedsExtra("django", "asgiref", "django"):
    from asgiref.sync import sync_to_async
    from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

__all__ = ["async_webhook_view", "webhook_view"]


def webhook_view(
    handle: Handle, *, body_max_bytes: int = PAYLOAD_MAX_BYTES
) -> Callable[[HttpRequest], HttpResponse]:
    """
    Return the view that hands the raw body to *handle* and sends its reply, as it is; for WSGI.

    It takes ``POST`` only and needs no CSRF token: the signature is checked instead.

    Args:
        handle: `issuing_disburse.Disburser.handle_webhook`.
        body_max_bytes: A larger body is answered 413, and not read to its end.

    Raises:
        InvalidInputError: The limit is no count.

    Stripe: any event, ``issuing_authorization.request`` among them
    """
    check_limits(body_max_bytes=body_max_bytes)

    def webhook(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        body = _body(request, body_max_bytes)
        return _response(TOO_LARGE if body is None else handle(body, _signature(request)))

    webhook.csrf_exempt = True  # type: ignore[attr-defined]  # what Django's own decorator sets
    return webhook


def async_webhook_view(
    handle: Handle,
    *,
    body_max_bytes: int = PAYLOAD_MAX_BYTES,
    threads: int = THREADS,
    waiting_max: int = WAITING_MAX,
) -> Callable[[HttpRequest], Awaitable[HttpResponse]]:
    """
    Return the same as `webhook_view` for ASGI, with threads of its own.

    Django would run a synchronous view in the one thread that all of them share. Before the view is
    asked, Django has written the whole body to a temporary file: limit it in the server, too.

    Args:
        threads: How many run at once.
        waiting_max: How many may wait for a thread; more are answered 503.
    """
    check_limits(body_max_bytes=body_max_bytes, threads=threads, waiting_max=waiting_max)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="issuing-disburse-webhook")
    handled = sync_to_async(handle, thread_sensitive=False, executor=pool)
    inside = 0

    async def webhook(request: HttpRequest) -> HttpResponse:
        nonlocal inside
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if inside >= threads + waiting_max:
            return _response(BUSY)
        body = _body(request, body_max_bytes)
        if body is None:
            return _response(TOO_LARGE)
        inside += 1
        try:
            return _response(await handled(body, _signature(request)))
        finally:
            inside -= 1

    webhook.csrf_exempt = True  # type: ignore[attr-defined]  # what Django's own decorator sets
    return webhook


def _signature(request: HttpRequest) -> str:
    return str(request.headers.get("Stripe-Signature", ""))


def _body(request: HttpRequest, most: int) -> bytes | None:
    if is_too_large(request.META.get("CONTENT_LENGTH"), most):
        return None
    body = bytes(request.read(most + 1))
    return None if len(body) > most else body


def _response(reply: Reply) -> HttpResponse:
    return HttpResponse(reply.body, status=reply.status, headers=dict(reply.headers))
