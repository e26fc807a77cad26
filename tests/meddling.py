"""
Who spoils a database in the middle of a disbursement, and who will not wait long for it?
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import stripe
from attrs import define

from issuing_disburse.ledger import Entry
from issuing_disburse.ports import Store, Transaction

T = TypeVar("T")


class MeddlingClient(stripe.HTTPClient):
    """
    A client before whose nth request something happens to the database.
    """

    name = "meddling"

    def __init__(self, inner: stripe.HTTPClient, nth: int, meddle: Callable[[], None]) -> None:
        super().__init__()
        self._inner = inner
        self._left = nth
        self._meddle = meddle

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **options: Any,
    ) -> tuple[Any, int, Any]:
        """
        Meddle, if it is time to, and pass the request on.
        """
        self._left -= 1
        if self._left == 0:
            self._meddle()
        return self._inner.request(method, url, headers, post_data, **options)

    def close(self) -> None:
        """
        Leave the inner client open.
        """


@define
class ImpatientStore:
    """
    A store that waits for a moment only, so that its tests need not wait for half a minute.
    """

    inner: Store
    seconds: float = 0.3

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Do it at once.
        """
        return self.inner.transact(work, timeout_seconds=self.seconds)

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Do it at once.
        """
        return self.inner.read(work, timeout_seconds=self.seconds)

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Pass on what the inner store has.
        """
        return self.inner.stream_entries(after=after)

    def close(self) -> None:
        """
        Close the inner store.
        """
        self.inner.close()
