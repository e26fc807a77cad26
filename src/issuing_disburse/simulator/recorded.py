"""
What was the simulator asked, for a test that wants to look?
"""

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from attrs import define, field, frozen

from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.form import Tree, decode

if TYPE_CHECKING:
    from issuing_disburse.simulator.exchange import Request

_HIDDEN = frozenset({"cvc", "number", "pin"})
MOST_REQUESTS = 10_000
MOST_BYTES = 64_000_000


@frozen
class RecordedRequest:
    """
    Be one request as it was received, without the key and without card secrets.

    *params* is decoded when it is looked at: nested dicts of strings, lists as dicts by index.
    """

    method: str
    path: str
    headers: dict[str, str]
    account: str
    idempotency_key: str | None
    status: int
    request_id: str
    _raw: bytes = field(repr=False)

    @property
    def params(self) -> dict[str, Tree]:
        """
        Return what was sent, decoded; empty when it could not be decoded.
        """
        try:
            return {k: v for k, v in decode(self._raw).items() if k not in _HIDDEN}
        except ApiError:
            return {}


_Row: TypeAlias = tuple[str, str, dict[str, str], str, str | None, int, str, bytes]


@define(eq=False)
class RequestLog:
    """
    Keep the last requests, as many as *most* and as few as fit into *most_bytes*.

    They are kept as plain tuples: most are never looked at.
    """

    most: int = MOST_REQUESTS
    most_bytes: int = MOST_BYTES
    size: int = 0
    _rows: deque[tuple[int, _Row]] = field(factory=deque)
    _lock: Lock = field(factory=Lock)

    def add(self, request: "Request", status: int) -> None:
        """
        Record a request that has been answered with *status*; it is not used any more after this.
        """
        headers, sent = request.headers, request.sent
        headers.pop("authorization", None)
        size = len(request.path) + len(sent) + sum(map(len, headers.values()))
        row = (
            request.method,
            request.path,
            headers,
            request.account.id,
            headers.get("idempotency-key"),
            status,
            request.id,
            sent,
        )
        rows = self._rows
        with self._lock:
            rows.append((size, row))
            self.size += size
            while len(rows) > self.most or self.size > self.most_bytes:
                self.size -= rows.popleft()[0]

    def all(self) -> list[RecordedRequest]:
        """
        Return what is kept, oldest first.
        """
        with self._lock:
            rows = list(self._rows)
        return [RecordedRequest(*row) for _, row in rows]
