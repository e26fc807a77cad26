"""
What was the simulator asked, for a test that wants to look?
"""

from typing import TYPE_CHECKING

from attrs import field, frozen

from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.form import Tree, decode

if TYPE_CHECKING:
    from issuing_disburse.simulator.exchange import Request

_HIDDEN = frozenset({"cvc", "number", "pin"})


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

    @classmethod
    def of(cls, request: "Request", status: int) -> "RecordedRequest":
        """
        Record a request that has been answered with *status*.
        """
        headers = request.headers.copy()
        headers.pop("authorization", None)
        return cls(
            request.method,
            request.path,
            headers,
            request.account.id,
            request.headers.get("idempotency-key"),
            status,
            request.id,
            request.sent,
        )

    @property
    def params(self) -> dict[str, Tree]:
        """
        Return what was sent, decoded; empty when it could not be decoded.
        """
        try:
            return {k: v for k, v in decode(self._raw).items() if k not in _HIDDEN}
        except ApiError:
            return {}
