"""
When is a disbursement over, what is waited for, and where does the rest go?
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from attrs import field, frozen

from .disbursement import Status
from .exceptions import InvalidInputError
from .facts import AuthorizationFacts, Facts
from .late import may_still_capture_minor
from .records import DisbursementRecord

LONG_CATEGORIES = (
    "hotel", "motel", "lodging", "resort", "timeshare", "airline", "air_carrier", "car_rental",
    "cruise",
)  # fmt: skip
"""Merchants who may capture for a month; words in Stripe's names of categories."""

WayBack: TypeAlias = Literal["route", "keep"]

_DAY = timedelta(days=1)


def _check_span(_: object, where: object, span: object) -> None:
    name = getattr(where, "name", "span")
    if not isinstance(span, timedelta) or not timedelta(0) <= span <= 366 * _DAY:
        raise InvalidInputError(
            f"reclaim_policy.{name}", "is no span of 0 to 366 days", "pass a timedelta"
        )


@frozen(kw_only=True)
class ReclaimPolicy:
    """
    How `Disburser.reclaim_expired` treats what was not spent. A value: given once, at `connect`.

    Attributes:
        close_after: How long after its validity a disbursement is left alone before it counts as
            over; the card is declined from its expiry on in any case.
        close_spent_after: How long a used-up one stays open, for refunds that are expected.
        hold_for: How long merchants usually hold before Stripe lets go.
        hold_long_for: The same for lodging, airlines and car rental.
        long_categories: Words in Stripe's category names that mean the latter.
        lapsed_grace: How much longer what an *expired* authorization may still take is left on the
            balance: a late capture is then paid from it, instead of being covered. Counted from the
            end of the ordinary hold. A reversed one is certain and needs none.
        keep_up_to_minor: Rests up to that many minor units stay on the Issuing balance, where they
            are free for other orders: sending a cent costs more than a cent.
        way_back: ``route``: the way the money came; ``keep``: every rest stays on the Issuing
            balance, for a treasury that keeps a float there.
    """

    close_after: timedelta = field(default=timedelta(0), validator=_check_span)
    close_spent_after: timedelta = field(default=timedelta(0), validator=_check_span)
    hold_for: timedelta = field(default=7 * _DAY, validator=_check_span)
    hold_long_for: timedelta = field(default=31 * _DAY, validator=_check_span)
    long_categories: tuple[str, ...] = LONG_CATEGORIES
    lapsed_grace: timedelta = field(default=timedelta(0), validator=_check_span)
    keep_up_to_minor: int = 0
    way_back: WayBack = "route"

    def __attrs_post_init__(self) -> None:
        if type(self.keep_up_to_minor) is not int or self.keep_up_to_minor < 0:
            raise InvalidInputError(
                "reclaim_policy.keep_up_to_minor", "is no amount", "pass minor units, 0 or more"
            )
        if self.way_back not in ("route", "keep"):
            raise InvalidInputError(
                "reclaim_policy.way_back", "is unknown", "use 'route' or 'keep'"
            )

    def is_over(self, record: DisbursementRecord, now: datetime) -> bool:
        """
        Tell whether a disbursement that is due is to be closed now.
        """
        if record.status is Status.ACTIVE:
            return record.is_to_lower or now >= record.expires_at + self.close_after
        if record.status is Status.SPENT and not record.is_reclaimed:
            return now >= (record.look_at or now) + self.close_spent_after
        return True

    def may_be_captured_until(self, authorization: AuthorizationFacts) -> datetime:
        """
        Return until when an open authorization is usually captured, or expires by itself (UTC).
        """
        is_long = any(word in authorization.category for word in self.long_categories)
        return authorization.created + (self.hold_long_for if is_long else self.hold_for)

    def set_aside(self, facts: Facts, now: datetime) -> tuple[int, datetime | None]:
        """
        Return what expired authorizations may still take, in minor units, and until when it waits.
        """
        minor, until = 0, None
        for one in facts.authorizations if self.lapsed_grace else ():
            end = self.may_be_captured_until(one) + self.lapsed_grace
            still = may_still_capture_minor(facts, one)
            if still and now < end:
                minor += still
                until = end if until is None else max(until, end)
        return minor, until

    def keeps(self, minor: int) -> bool:
        """
        Tell whether a rest of that many minor units stays on the Issuing balance.
        """
        return self.way_back == "keep" or minor <= self.keep_up_to_minor
