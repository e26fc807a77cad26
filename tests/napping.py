"""
What time is it for a pacer, and how many requests were sent in a second?
"""

from datetime import UTC, datetime, timedelta

from attrs import define, field

from issuing_disburse.prepared import Request

CARDS, HOLDERS = "/v1/issuing/cards", "/v1/issuing/cardholders"


@define
class Nap:
    """
    A clock that moves only when somebody sleeps, and by how much each one did.
    """

    seconds: float = 0.0
    naps: list[float] = field(factory=list)
    is_frozen: bool = False

    def now(self) -> datetime:
        """
        Tell the time.
        """
        return datetime(2026, 11, 2, 9, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        """
        Move on, unless the clock stands still.
        """
        self.naps.append(seconds)
        if not self.is_frozen:
            self.seconds += seconds


def asked(path: str = CARDS, account: str | None = "acct_1", method: str = "post") -> Request:
    """
    Make a request.
    """
    return Request(method=method, path=path, body=b"", account=account, version="v")


def most_in_a_second(times: list[float]) -> int:
    """
    Return the most requests in any second.
    """
    return max(sum(first <= one < first + 1.0 for one in times) for first in times)
