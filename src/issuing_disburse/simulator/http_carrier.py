"""
How does a webhook get to an address outside this process?
"""

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection
from socket import SHUT_RDWR, socket
from threading import Timer
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
        try:
            connection.connect()
            left = max(0.0, ends - monotonic())
            watch = Timer(left, _cut, (connection.sock,))
            watch.daemon = True
            watch.start()
            try:
                return self._talk(connection, payload, headers)
            except Exception:
                if monotonic() >= ends:
                    raise TimeoutError from None
                raise
            finally:
                watch.cancel()
        finally:
            connection.close()

    def _talk(
        self, connection: HTTPConnection, payload: bytes, headers: Mapping[str, str]
    ) -> Reply:
        parts = urlsplit(self.url)
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("POST", target, payload, dict(headers))
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read(LARGEST_BODY))


def _cut(connected: socket) -> None:
    try:
        connected.shutdown(SHUT_RDWR)
    except OSError:
        return  # it has come to its end by itself
