"""
Is this a time at which the card may be used?
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import Attribute, field, frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection
from issuing_disburse.exceptions import InvalidInputError

from .words import shown, words

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS_A_DAY = 24


def _zone(value: str | tzinfo) -> tzinfo:
    if isinstance(value, tzinfo):
        return value
    if value == "UTC":
        return UTC  # known even where no time zones are installed
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise InvalidInputError(
            "time_zone",
            f"{value!r} is not known on this machine",
            "use a name such as 'America/New_York', and install tzdata where the system has none",
        ) from None


def _key(zone: tzinfo) -> str:
    return repr(str(zone))


@frozen
class HoursBetween:
    """
    Object outside of the hours from *start_hour* up to, but not including, *end_hour*.

    The clock on the wall of *time_zone* counts, summer time included. A start after the end runs
    over midnight.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> rule = HoursBetween(8, 18, time_zone="Europe/Berlin")
    >>> rule(make_request(created=datetime(2026, 11, 2, 17, 30, tzinfo=UTC)), make_allotment()).message
    'it is 18:30 in Europe/Berlin'
    """

    start_hour: int = field()
    end_hour: int = field()
    time_zone: tzinfo = field(default=UTC, converter=_zone, kw_only=True, repr=_key)

    @start_hour.validator
    @end_hour.validator
    def _is_an_hour(self, attribute: Attribute[int], value: object) -> None:
        if type(value) is not int or not 0 <= value <= _HOURS_A_DAY:
            raise InvalidInputError(f"HoursBetween.{attribute.name}", "needs 0 to 24", "use hours")

    def __attrs_post_init__(self) -> None:
        if self.start_hour == self.end_hour:
            raise InvalidInputError("HoursBetween", "is empty", "use 0 and 24 for the whole day")

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        local = request.created.astimezone(self.time_zone)
        if self.start_hour < self.end_hour:
            is_inside = self.start_hour <= local.hour < self.end_hour
        else:
            is_inside = local.hour >= self.start_hour or local.hour < self.end_hour
        if is_inside:
            return None
        return Objection("outside_hours", f"it is {local:%H:%M} in {self.time_zone}")


def _days_of_week_words(values: str | Iterable[str]) -> frozenset[str]:
    return words("DaysOfWeek", values, known=_DAYS, fold=str.lower)


@frozen
class DaysOfWeek:
    """
    Object on other days of the week than these, by the calendar of *time_zone*.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> DaysOfWeek(["tue", "thu"])(make_request(), make_allotment()).message
    'it is mon in UTC'
    """

    days: frozenset[str] = field(converter=_days_of_week_words, repr=shown)
    time_zone: tzinfo = field(default=UTC, converter=_zone, kw_only=True, repr=_key)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        day = _DAYS[request.created.astimezone(self.time_zone).weekday()]
        if day in self.days:
            return None
        return Objection("wrong_day", f"it is {day} in {self.time_zone}")


@frozen
class DatesBetween:
    """
    Object before the day *first* and after the day *last*, by the calendar of *time_zone*.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> rule = DatesBetween(date(2026, 12, 1), date(2026, 12, 24))
    >>> rule(make_request(), make_allotment()).message
    'it is 2026-11-02 in UTC'
    """

    first: date = field()
    last: date = field()
    time_zone: tzinfo = field(default=UTC, converter=_zone, kw_only=True, repr=_key)

    @first.validator
    @last.validator
    def _is_a_day(self, attribute: Attribute[date], value: object) -> None:
        if not isinstance(value, date) or isinstance(value, datetime):
            raise InvalidInputError(
                f"DatesBetween.{attribute.name}", "is no date", "pass datetime.date(2026, 12, 1)"
            )

    def __attrs_post_init__(self) -> None:
        if self.first > self.last:
            raise InvalidInputError("DatesBetween", "ends before it begins", "swap the two days")

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        today = request.created.astimezone(self.time_zone).date()
        if self.first <= today <= self.last:
            return None
        return Objection("outside_dates", f"it is {today} in {self.time_zone}")
