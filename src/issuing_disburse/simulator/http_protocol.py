"""
What does the server do that an application cannot: break connections, refuse what is no HTTP?
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from issuing_disburse.simulator.errors import ApiError

ABORT = "issuing_disburse.abort"
"""
The ASGI extension by which the application breaks the connection.
"""


class Protocol(HttpToolsProtocol):
    """
    Be uvicorn's protocol, with a way to drop a connection and errors in Stripe's shape.
    """

    def on_message_begin(self) -> None:
        """
        Tell the application how to break off.
        """
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # as any mapping may be
        scope["extensions"] = {ABORT: self.transport.abort}

    def send_400_response(self, msg: str) -> None:
        """
        Refuse what is no HTTP.
        """
        body = ApiError(msg).body("req_unread")
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
