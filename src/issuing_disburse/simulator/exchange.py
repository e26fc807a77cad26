"""
What is known of one request and one response?
"""

from attrs import define

from issuing_disburse.simulator.accounts import Account


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
    version: str
    key: str | None = None
    replayed: bool = False
    lost: str | None = None
    seconds: float = 0.0
    should_retry: bool | None = None

    @property
    def sent(self) -> bytes:
        """
        Return the parameters as they were sent: the query, and after it what a POST carries.
        """
        if self.method != "POST":
            return self.query
        return self.query + b"&" + self.body if self.query else self.body
