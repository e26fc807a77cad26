"""
How does an application on Flask take webhooks?
"""

from __future__ import annotations

from collections.abc import Callable

from issuing_disburse.extras import NeedsExtra

from .door import PAYLOAD_MAX_BYTES, TOO_LARGE, Handle, check_limits, is_too_large

with NeedsExtra("flask", "flask", "werkzeug"):
    from flask import Blueprint, Response, request
    from werkzeug.exceptions import RequestEntityTooLarge

__all__ = ["webhook_blueprint", "webhook_view"]


def webhook_blueprint(
    path: str,
    handle: Handle,
    *,
    body_max_bytes: int = PAYLOAD_MAX_BYTES,
    name: str = "issuing_disburse",
) -> Blueprint:
    """
    Return a blueprint that answers Stripe at *path*; it takes ``POST`` only.

    Args:
        name: The blueprint's; another one for each endpoint of an application.
    """
    blueprint = Blueprint(name, __name__)
    view = webhook_view(handle, body_max_bytes=body_max_bytes)
    blueprint.add_url_rule(path, "webhook", view, methods=["POST"])
    return blueprint


def webhook_view(
    handle: Handle, *, body_max_bytes: int = PAYLOAD_MAX_BYTES
) -> Callable[[], Response]:
    """
    Return the view that hands the raw body to *handle* and sends its reply, as it is.

    Flask gives each request a thread of the server's; run enough of them, so that slow pages
    cannot keep an authorization waiting. With Flask-WTF, exempt the view from its CSRF check: the signature
    is checked instead.

    Args:
        handle: `issuing_disburse.Disburser.handle_webhook`.
        body_max_bytes: A larger body is answered 413, and not read to its end. Counts here instead of the
            application's ``MAX_CONTENT_LENGTH``.

    Raises:
        InvalidInputError: The limit is no count.

    Stripe: any event, ``issuing_authorization.request`` among them
    """
    check_limits(body_max_bytes=body_max_bytes)

    def webhook() -> Response:
        reply = TOO_LARGE
        if not is_too_large(request.headers.get("Content-Length"), body_max_bytes):
            request.max_content_length = body_max_bytes + 1
            try:
                body = request.get_data(cache=False)  # cut off there if it came in chunks
            except RequestEntityTooLarge:
                body = None
            if body is not None and len(body) <= body_max_bytes:
                reply = handle(body, request.headers.get("Stripe-Signature", ""))
        return Response(reply.body, reply.status, dict(reply.headers))

    return webhook
