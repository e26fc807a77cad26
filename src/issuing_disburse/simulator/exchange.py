"""
What is known of one request and one response?
"""

from attrs import define

from issuing_disburse.simulator.accounts import Account
from issuing_disburse.simulator.world import API_VERSION


@define
class Response:
    """
    Be one HTTP response.

    *lost* says that it must not reach the caller: the connection breaks (``"lost"``) or stays
    silent (``"hang"``) for *seconds*.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    lost: str | None = None
    seconds: float = 0.0


@define
class Request:
    """
    Be what is known of a request while it is worked on.
    """

    id: str
    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    body: bytes
    account: Account
    key: str | None = None
    version: str = API_VERSION
    replayed: bool = False
    lost: str | None = None
    seconds: float = 0.0
    should_retry: bool | None = None
