"""
What may a card still spend, by its controls and its holder's?
"""

from calendar import timegm
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final

from attrs import define, field, frozen

from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.merchant_categories import CODES
from issuing_disburse.simulator.schema import (
    Amount,
    Choice,
    Currency,
    Hash,
    Node,
    Params,
    Sequence,
    Text,
)
from issuing_disburse.simulator.world import Wire

INTERVALS: Final = frozenset(
    {"per_authorization", "daily", "weekly", "monthly", "yearly", "all_time"}
)
DAY_SECONDS = 86_400
_LISTS = (
    "allowed_card_presences",
    "allowed_categories",
    "allowed_merchant_countries",
    "blocked_card_presences",
    "blocked_categories",
    "blocked_merchant_countries",
)


@frozen
class SpendingLimit:
    """
    Cap what is spent in one interval, in minor units; *categories* empty means everywhere.
    """

    amount: int
    interval: str
    categories: tuple[str, ...] = ()

    def wire(self) -> Wire:
        return {
            "amount": self.amount,
            "categories": list(self.categories) or None,
            "interval": self.interval,
        }


@frozen
class Controls:
    """
    Be the spending controls of a card or of a holder; *limits* is ``None`` until limits are set.
    """

    limits: tuple[SpendingLimit, ...] | None = None
    limits_currency: str | None = None
    allowed_card_presences: tuple[str, ...] | None = None
    allowed_categories: tuple[str, ...] | None = None
    allowed_merchant_countries: tuple[str, ...] | None = None
    blocked_card_presences: tuple[str, ...] | None = None
    blocked_categories: tuple[str, ...] | None = None
    blocked_merchant_countries: tuple[str, ...] | None = None


NO_CONTROLS = Controls()
_NO_LISTS = dict.fromkeys(_LISTS)


@define(eq=False)
class Spend:
    """
    Count what was spent, by day and merchant category, so that no window needs a scan.

    The keys are ``"day/category"``, with ``*`` for any day or category; text and numbers only, so
    that a hundred thousand cards cost the garbage collector nothing. *recent* holds what the
    aggregation has not seen yet: when it will, and the booking.
    """

    sums: dict[str, int] = field(factory=dict)
    recent: tuple[tuple[int, int, str, int], ...] = ()

    def add(self, created: int, category: str, amount: int, *, now: int, lag: float) -> None:
        """
        Count *amount* minor units on the day of *created*; negative gives room back.
        """
        if lag > 0 and amount > 0:
            self.recent = (*self.recent, (now + round(lag), created, category, amount))
            return
        self._book(created, category, amount)

    def _book(self, created: int, category: str, amount: int) -> None:
        sums = self.sums
        for key in _keys(created // DAY_SECONDS, category):
            sums[key] = sums.get(key, 0) + amount

    def since(self, start: int | None, categories: tuple[str, ...], now: int) -> int:
        """
        Return the sum from *start* (Unix seconds; ``None`` for all time) until *now*.
        """
        if self.recent:
            for visible, created, category, amount in self.recent:
                if visible <= now:
                    self._book(created, category, amount)
            self.recent = tuple(entry for entry in self.recent if entry[0] > now)
        days: Iterable[object] = (
            ("*",) if start is None else range(start // DAY_SECONDS, now // DAY_SECONDS + 1)
        )
        get, wanted = self.sums.get, set(categories) or {"*"}
        return sum(get(f"{day}/{category}", 0) for day in days for category in wanted)


@lru_cache(1_024)
def _keys(day: int, category: str) -> tuple[str, ...]:
    """
    Return where a booking counts; thousands of cards share the texts.
    """
    return (f"{day}/{category}", f"{day}/*", f"*/{category}", "*/*")


def window_start(interval: str, now: int) -> int | None:
    """
    Return when the current window began: midnight UTC, Sunday, the 1st, 1 January.
    """
    today = datetime.fromtimestamp(now, UTC).date()
    match interval:
        case "daily":
            start = today
        case "weekly":
            start = today - timedelta(days=(today.weekday() + 1) % 7)
        case "monthly":
            start = today.replace(day=1)
        case "yearly":
            start = date(today.year, 1, 1)
        case _:
            return None
    return timegm(start.timetuple())


def allows(
    controls: Controls,
    spend: Spend,
    *,
    amount: int,
    category: str,
    country: str | None,
    presence: str,
    now: int,
    behaviour: Behaviour,
    is_card: bool,
    increment_from: int = 0,
) -> bool:
    """
    Say whether controls let an authorization of *amount* minor units through.

    Args:
        is_card: Whether the default limit of 500 a day applies when no limit is set.
        increment_from: What is approved already, when this is an increment.
    """
    if not _places_allow(controls, category, country, presence):
        return False
    limits = controls.limits
    if limits is None and is_card and behaviour.default_daily_limit is not None:
        limits = (SpendingLimit(behaviour.default_daily_limit, "daily"),)
    for limit in limits or ():
        if limit.categories and category not in limit.categories:
            continue
        if limit.interval == "per_authorization":
            spent = increment_from
        else:
            spent = spend.since(window_start(limit.interval, now), limit.categories, now)
        if spent + amount > limit.amount:
            return False
    return True


def _places_allow(controls: Controls, category: str, country: str | None, presence: str) -> bool:
    for allowed, blocked, value in (
        (controls.allowed_categories, controls.blocked_categories, category),
        (controls.allowed_merchant_countries, controls.blocked_merchant_countries, country),
        (controls.allowed_card_presences, controls.blocked_card_presences, presence),
    ):
        if allowed and value not in allowed:
            return False
        if blocked and value in blocked:
            return False
    return True


def _check_category(value: str, name: str) -> None:
    if value not in CODES:
        raise ApiError(f"Invalid {name}: must be one of the merchant categories.", param=name)


def _check_country(value: str, name: str) -> None:
    if len(value) != 2 or not value.isalpha() or not value.isupper():  # noqa: PLR2004 - ISO 3166
        raise ApiError(f"Invalid country: {value[:20]}.", code="country_code_invalid", param=name)


_CATEGORIES = Sequence(Text(check=_check_category))
_COUNTRIES = Sequence(Text(check=_check_country))
_PRESENCES = Sequence(Choice({"not_present", "present"}))
_FIELDS: dict[str, Node] = {
    "allowed_card_presences": _PRESENCES,
    "allowed_categories": _CATEGORIES,
    "allowed_merchant_countries": _COUNTRIES,
    "blocked_card_presences": _PRESENCES,
    "blocked_categories": _CATEGORIES,
    "blocked_merchant_countries": _COUNTRIES,
    "spending_limits": Sequence(
        Hash(
            {
                "amount": Amount(required=True, least=0),
                "interval": Choice(INTERVALS, required=True),
                "categories": _CATEGORIES,
            }
        )
    ),
}
_EXCLUSIVE = (
    ("allowed_categories", "blocked_categories"),
    ("allowed_merchant_countries", "blocked_merchant_countries"),
    ("allowed_card_presences", "blocked_card_presences"),
)


def card_controls() -> Hash:
    """
    Declare the controls of a card, whose currency cannot be chosen.
    """
    return Hash(_FIELDS, exclusive=_EXCLUSIVE)


def cardholder_controls() -> Hash:
    """
    Declare the controls of a holder, whose currency can.
    """
    return Hash({**_FIELDS, "spending_limits_currency": Currency()}, exclusive=_EXCLUSIVE)


def read_controls(old: Controls, asked: Params, *, unset_restores_default: bool = True) -> Controls:
    """
    Return *old* with each list that was sent replaced as a whole.

    Raises:
        ApiError: The result would allow and block the same kind of thing.
    """
    changes: Params = {name: tuple(asked[name] or ()) for name in _LISTS if name in asked}
    if "spending_limits" in asked:
        limits = asked["spending_limits"]
        changes["limits"] = (
            tuple(
                SpendingLimit(each["amount"], each["interval"], tuple(each.get("categories") or ()))
                for each in limits
            )
            if limits
            else (None if unset_restores_default else ())
        )
    if "spending_limits_currency" in asked:
        changes["limits_currency"] = asked["spending_limits_currency"].lower()
    kept = {name: getattr(old, name) for name in (*_LISTS, "limits", "limits_currency")}
    merged = {**kept, **changes}
    for allowed, blocked in _EXCLUSIVE:
        if merged[allowed] and merged[blocked]:
            sent, kept_name = (allowed, blocked) if allowed in changes else (blocked, allowed)
            raise ApiError(
                f"You cannot set {sent} while {kept_name} is set.",
                code="parameters_exclusive",
                param=f"spending_controls[{sent}]",
            )
    return Controls(**merged)


def controls_wire(
    controls: Controls, *, currency: str | None, default_limit: int | None = None
) -> Wire:
    """
    Return controls as Stripe shows them; a default limit only where it is made visible.
    """
    if controls is NO_CONTROLS and default_limit is None:  # as most are
        return {**_NO_LISTS, "spending_limits": [], "spending_limits_currency": currency}
    wire: Wire = {}
    for name in _LISTS:
        value = getattr(controls, name)
        wire[name] = None if value is None else list(value)
    limits = controls.limits or ()
    if controls.limits is None and default_limit is not None:
        limits = (SpendingLimit(default_limit, "daily"),)
    wire["spending_limits"] = [limit.wire() for limit in limits]
    wire["spending_limits_currency"] = currency
    return wire
