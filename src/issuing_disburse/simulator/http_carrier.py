"""
How does a webhook get to an address outside this process?
"""

from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPSConnection
from socket import SHUT_RDWR, socket
from threading import Event, Timer
from time import monotonic
from urllib.parse import urlsplit

from attrs import define

from issuing_disburse.simulator.access import LARGEST_BODY
from issuing_disburse.simulator.delivery import Reply


@define
class HTTPCarrier:
    """
    Bring a webhook to *url*; a redirect is an answer, and is not followed.
    """

    url: str

    def __call__(self, payload: bytes, headers: Mapping[str, str], *, timeout: float) -> Reply:
        """
        Post *payload* and return the reply.

        Raises:
            TimeoutError: The whole reply was not there within *timeout* seconds, however busily
                the receiver kept sending.
        """
        ends = monotonic() + timeout
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        is_late = Event()
        try:
            connection.connect()
            left = max(0.0, ends - monotonic())
            watch = Timer(left, _cut, (connection.sock, is_late))
            watch.daemon = True
            watch.start()
            try:
                reply = self._talk(connection, payload, headers)
            except Exception:
                if not is_late.is_set():
                    raise
            finally:
                watch.cancel()
        finally:
            connection.close()
        if is_late.is_set():  # what was read by then ends where it was cut
            raise TimeoutError
        return reply

    def _talk(
        self, connection: HTTPConnection, payload: bytes, headers: Mapping[str, str]
    ) -> Reply:
        parts = urlsplit(self.url)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("POST", target, payload, dict(headers))
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read(LARGEST_BODY))


def _cut(connected: socket, is_late: Event) -> None:
    is_late.set()
    with suppress(OSError):  # it has come to its end by itself
        connected.shutdown(SHUT_RDWR)
