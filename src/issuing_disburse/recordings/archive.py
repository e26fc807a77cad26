"""
Which recorded requests does one account have, and where do they come from?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from issuing_disburse.exceptions import InvalidInputError

from .at_stripe import recorded_at_stripe
from .happened import Recorded
from .recorder import Recorder


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

    def forget(self, *, before: datetime) -> int:
        """
        Remove what was recorded before that time (UTC), and return how much that was.
        """
        _check(before=before)
        return self.recorder.forget(self.account, before=before)


def _check(**times: datetime | None) -> None:
    for name, at in times.items():
        if at is not None and at.utcoffset() is None:
            raise InvalidInputError(name, "has no time zone", "pass an aware datetime, in UTC")
