"""
Which part of Stripe's history is compared?
"""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from issuing_disburse.encoding import Params


@frozen(kw_only=True)
class Period:
    """
    The period that is compared, by Stripe's time of booking (UTC).
    """

    since: datetime | None
    until: datetime | None

    @property
    def is_bounded(self) -> bool:
        """Whether it leaves anything out."""
        return self.since is not None or self.until is not None

    @property
    def filters(self) -> Params:
        """The period as Stripe's lists take it."""
        return {"created": {"gte": self.since, "lt": self.until}} if self.is_bounded else {}

    def holds(self, seconds: int) -> bool:
        """
        Tell whether that time (Unix seconds) is within.
        """
        since = self.since is None or seconds >= self.since.timestamp()
        return since and (self.until is None or seconds < self.until.timestamp())
