"""
How much may be read from Stripe, and how much was?

Stripe allots 500 reads for each transaction over 30 days, and 10,000 a month at least. What walks
through everything therefore counts its reads, and asks before it looks at single objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import define

from issuing_disburse.encoding import Params
from issuing_disburse.exceptions import RefusedError
from issuing_disburse.prepared import Answer
from issuing_disburse.stripe_api import StripeAPI

READS_PER_TRANSACTION = 500
READS_ALWAYS = 10_000
_PAGE = 100


@define(kw_only=True)
class CountedReads:
    """
    Reads from Stripe for one account, and counts.

    Attributes:
        reads: How many requests were sent.
        transactions: How many Issuing transactions were seen: each allows for more reads.
    """

    api: StripeAPI
    account: str | None
    reads: int = 0
    transactions: int = 0

    def get(self, path: str, params: Params | None = None) -> Answer:
        """
        Read one object.

        Raises:
            RefusedError: Stripe said no.
            UnavailableError: No answer.
        """
        self.reads += 1
        return self.api.get(path, params, account=self.account)

    def find(self, path: str) -> Answer | None:
        """
        Read one object, ``None`` if Stripe knows none by that name.
        """
        try:
            return self.get(path)
        except RefusedError as refused:
            if refused.code != "resource_missing":
                raise
            return None

    def pages(
        self, path: str, params: Params | None = None, *, as_platform: bool = False
    ) -> Iterator[Answer]:
        """
        Yield every object of a list, newest first; every hundred cost one read.
        """
        for page in self.whole_pages(path, params, as_platform=as_platform):
            yield from page

    def whole_pages(
        self, path: str, params: Params | None = None, *, as_platform: bool = False
    ) -> Iterator[Sequence[Answer]]:
        """
        Yield the objects of a list as they come, up to a hundred at a time, newest first.
        """
        account = None if as_platform else self.account
        asked: Params = {**(params or {}), "limit": _PAGE}
        while True:
            self.reads += 1
            answer = self.api.get(path, asked, account=account)
            page: Sequence[Answer] = answer["data"]
            yield page
            if not page or not answer.get("has_more"):
                return
            asked = {**asked, "starting_after": page[-1]["id"]}

    @property
    def may_look_closer(self) -> bool:
        """
        Whether the allotment leaves room for reading single objects.
        """
        return self.reads < max(READS_ALWAYS, READS_PER_TRANSACTION * self.transactions)
