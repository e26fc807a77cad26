"""
Which recorded requests does one account have, and where do they come from?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from attrs import frozen

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.recording_records import ShadowRecord

from .at_stripe import recorded_at_stripe
from .happened import Recorded
from .recorder import Recorder


class Flushing(Protocol):
    """
    Writes down what waits, on another thread.
    """

    def flush(self) -> bool:
        """
        Wait for it, and tell whether it is done.
        """
        ...


@frozen(kw_only=True)
class Recordings:
    """
    The requests of one account: those that were recorded, and those that Stripe lists.

    Attributes:
        authorizations: Lists ``issuing.authorization`` objects by filters.
    """

    account: str | None
    recorder: Recorder
    authorizations: Callable[[Mapping[str, Any]], Iterator[Mapping[str, Any]]]
    onlookers: Flushing | None = None

    def recorded(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Recorded]:
        """
        Yield what the store has recorded from *since* to before *until* (UTC), oldest first.

        A card that is used more than once stands at its first request in that time as if it were new:
        begin early enough.
        """
        _check(since=since, until=until)
        return self.recorder.recorded(self.account, since=since, until=until)

    def at_stripe(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Recorded]:
        """
        Yield what Stripe's authorizations tell, for requests that nobody recorded.

        All of it is held in memory until it is in order. Cards that the store knows are judged by their
        terms, others by the controls they have at Stripe.

        Stripe: ``GET /v1/issuing/authorizations``
        """
        _check(since=since, until=until)
        filters = {"created": {"gte": int(since.timestamp())}} if since else {}
        return recorded_at_stripe(
            self.authorizations(filters),
            account=self.account,
            known=self.recorder.card,
            until=until,
        )

    def shadows(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[ShadowRecord]:
        """
        Yield what the policy's shadows said of the requests that were decided, oldest first.

        Raises:
            StoreError: It cannot be read.
        """
        _check(since=since, until=until)
        if self.onlookers is not None:
            self.onlookers.flush()
        return self.recorder.shadows(self.account, since=since, until=until)

    def forget(self, *, before: datetime) -> int:
        """
        Remove what was recorded before that time (UTC), and return how much that was.

        Verdicts of shadows go, too, and what velocity rules over recipient and account look at.
        """
        _check(before=before)
        return self.recorder.forget(self.account, before=before)


def _check(**times: datetime | None) -> None:
    for name, at in times.items():
        if at is not None and at.utcoffset() is None:
            raise InvalidInputError(name, "has no time zone", "pass an aware datetime, in UTC")
