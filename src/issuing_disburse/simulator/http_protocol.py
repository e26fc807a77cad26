"""
What does the server do that an application cannot: break connections, refuse what is no HTTP?
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from issuing_disburse.simulator.errors import ApiError

LARGEST_HEAD = 256_000
ABORT = "issuing_disburse.abort"
"""
The ASGI extension by which the application breaks the connection.
"""


class Protocol(HttpToolsProtocol):
    """
    Be uvicorn's protocol, with a way to drop a connection, errors in Stripe's shape, and an end
    to what may come before a body.
    """

    _head_size = 0
    _is_in_head = True

    def data_received(self, data: bytes) -> None:
        """
        Take what came, and refuse address and headers that do not end.
        """
        self._head_size += len(data)
        super().data_received(data)
        if self._is_in_head and self._head_size > LARGEST_HEAD and not self.transport.is_closing():
            self._refuse("431 Request Header Fields Too Large", "The headers are too large.")

    def on_message_begin(self) -> None:
        """
        Tell the application how to break off.
        """
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # as any mapping may be
        scope["extensions"] = {ABORT: self.transport.abort}

    def on_headers_complete(self) -> None:
        """
        Know that a body follows.
        """
        self._is_in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """
        Know that what follows is another request.
        """
        self._is_in_head, self._head_size = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """
        Refuse what is no HTTP.
        """
        self._refuse("400 Bad Request", msg)

    def _refuse(self, status: str, message: str) -> None:
        body = ApiError(message).body("req_unread")
        head = (
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
