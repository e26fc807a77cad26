"""
When does money arrive that takes until the next business day?
"""

from __future__ import annotations

from datetime import datetime, time, timedelta


def next_business_day(now: datetime) -> datetime:
    """
    Return the end of the next day that is no Saturday or Sunday, UTC.
    """
    day = now.date() + timedelta(days=1)
    while day.weekday() >= 5:  # noqa: PLR2004  # Saturday
        day += timedelta(days=1)
    return datetime.combine(day, time(23, 59, 59), tzinfo=now.tzinfo)
