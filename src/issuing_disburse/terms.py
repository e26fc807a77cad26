"""
What may a card be used for, how often, how long, and for how much?
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, Self

from attrs import evolve, field, frozen

from .exceptions import InvalidInputError
from .money import Money
from .vocabulary import CATEGORIES, COUNTRIES

PER_AUTHORIZATION_MAX_MINOR = 1_000_000
"""Stripe refuses any single authorization above 10,000.00, whatever the controls say."""

PROBE_MAX_MINOR = 100
"""Authorizations of up to this many minor units are probes: Stripe counts them when captured."""

VALID_FOR_MAX = timedelta(days=5 * 365)
_USES_MAX = 100


class Bounds(NamedTuple):
    """
    The least and the most that one purchase may cost, in minor units, both included.
    """

    low: int
    high: int


@frozen(kw_only=True)
class AmountRule:
    """
    Which amounts one purchase may have, relative to the order's amount.

    Make one with `exact`, `up_to` or `between`; `with_tolerance` widens it. Judged on the amount
    in the card's currency, after conversion.

    >>> AmountRule.exact().with_tolerance(over_basis_points=250).bounds(Money(12_500, "usd"))
    Bounds(low=12500, high=12812)
    """

    kind: Literal["exact", "up_to", "between"]
    minimum_minor: int = 1
    maximum_minor: int | None = None
    under_minor: int = 0
    over_minor: int = 0
    under_basis_points: int = 0
    over_basis_points: int = 0

    @classmethod
    def exact(cls) -> Self:
        """
        Allow the order's amount and nothing else.
        """
        return cls(kind="exact")

    @classmethod
    def up_to(cls) -> Self:
        """
        Allow anything from one minor unit up to the order's amount.
        """
        return cls(kind="up_to")

    @classmethod
    def between(cls, minimum_minor: int, maximum_minor: int) -> Self:
        """
        Allow anything from *minimum_minor* to *maximum_minor*, in minor units, both included.
        """
        return cls(kind="between", minimum_minor=minimum_minor, maximum_minor=maximum_minor)

    def with_tolerance(
        self,
        *,
        under_minor: int = 0,
        over_minor: int = 0,
        under_basis_points: int = 0,
        over_basis_points: int = 0,
    ) -> Self:
        """
        Widen the rule; of minor units and basis points the larger counts on each side.

        A hundred basis points are one per cent of the order's amount.

        Raises:
            InvalidInputError: A tolerance is negative or no whole number.
        """
        return evolve(
            self,
            under_minor=under_minor,
            over_minor=over_minor,
            under_basis_points=under_basis_points,
            over_basis_points=over_basis_points,
        )

    def __attrs_post_init__(self) -> None:
        for name in ("minimum_minor", "under_minor", "over_minor"):
            _count(f"terms.amount.{name}", getattr(self, name), most=10**9)
        for name in ("under_basis_points", "over_basis_points"):
            _count(f"terms.amount.{name}", getattr(self, name), most=10_000)
        if self.kind not in {"exact", "up_to", "between"}:
            raise InvalidInputError(
                "terms.amount.kind", "is unknown", "use AmountRule.exact(), .up_to() or .between()"
            )
        if self.kind == "between":
            maximum = self.maximum_minor
            _count("terms.amount.maximum_minor", maximum, most=10**9)
            if maximum is None or maximum < max(self.minimum_minor, 1):
                raise InvalidInputError(
                    "terms.amount", "the maximum is below the minimum", "swap them"
                )
        if self.kind == "up_to" and (self.under_minor or self.under_basis_points):
            raise InvalidInputError(
                "terms.amount",
                "up_to has no lower side to tolerate",
                "use AmountRule.exact().with_tolerance(under_minor=…)",
            )

    def bounds(self, amount: Money) -> Bounds:
        """
        Return what one purchase may cost when the order is for *amount*.
        """
        if self.kind == "between":
            low, high = self.minimum_minor, self.maximum_minor or 0
        else:
            low, high = (amount.minor if self.kind == "exact" else 1), amount.minor
        if not (
            self.under_minor or self.over_minor or self.under_basis_points or self.over_basis_points
        ):
            return Bounds(low or 1, high)
        under = max(self.under_minor, low * self.under_basis_points // 10_000)
        over = max(self.over_minor, high * self.over_basis_points // 10_000)
        return Bounds(max(1, low - under), high + over)


def _count(path: str, value: object, *, most: int) -> None:
    if type(value) is not int or not 0 <= value <= most:
        raise InvalidInputError(
            path, f"must be a whole number from 0 to {most}", "correct it or leave it out"
        )


def _words(values: Iterable[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise InvalidInputError("terms", f"{values!r} is one text", f"pass a list: [{values!r}]")
    try:
        words = tuple(values)
    except TypeError:
        raise InvalidInputError("terms", f"{values!r} is no list", "pass a list of texts") from None
    if not all(isinstance(word, str) for word in words):
        raise InvalidInputError("terms", f"{words!r} holds something else than text", "pass texts")
    return tuple(sorted(set(words)))


@frozen(kw_only=True)
class Terms:
    """
    What a card may be used for: single use for the exact amount, for 30 days, unless told otherwise.

    Terms become Stripe's own controls (first line) and rules of ours (second line).

    Attributes:
        valid_for: How long the card may be used; less than 5 years. Stripe counts card expiry in
            whole months, so the exact end rests on our rule and on cancelling.
        amount: Which amounts a purchase may have.
        uses: How many purchases; more than one needs `AmountRule.up_to` or `between`, and the
            order's amount is then the total of all.
        allowed_categories: Stripe's merchant category names; empty allows all.
        blocked_categories: Likewise, refused. Not both.
        allowed_countries: ISO alpha-2 countries of the merchant; empty allows all.
        blocked_countries: Likewise, refused. Not both.
        allowed_network_ids: Merchant ids of the card network (``merchant_data.network_id``).
        card_presence: Allow only purchases with the card ``present`` or ``not_present``.
        lock_to_first_merchant: Later purchases must come from the first one's merchant.
        on_void: What follows when the merchant voids an approved use of a single-use card, which
            Stripe has then cancelled: ``close`` gives the money back, ``reissue`` makes a new card.
        reissue_after: How long a use that was not certainly reversed may still be captured.

    Raises:
        InvalidInputError: Terms that contradict each other, or that Stripe cannot carry.
    """

    valid_for: timedelta = timedelta(days=30)
    amount: AmountRule = field(factory=AmountRule.exact)
    uses: int = 1
    allowed_categories: tuple[str, ...] = field(default=(), converter=_words)
    blocked_categories: tuple[str, ...] = field(default=(), converter=_words)
    allowed_countries: tuple[str, ...] = field(default=(), converter=_words)
    blocked_countries: tuple[str, ...] = field(default=(), converter=_words)
    allowed_network_ids: tuple[str, ...] = field(default=(), converter=_words)
    card_presence: Literal["any", "present", "not_present"] = "any"
    lock_to_first_merchant: bool = False
    on_void: Literal["close", "reissue"] = "close"
    reissue_after: timedelta = timedelta(days=31)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.amount, AmountRule):
            raise InvalidInputError(
                "terms.amount",
                "is no AmountRule",
                "pass AmountRule.exact(), .up_to() or .between()",
            )
        self._check_duration()
        self._check_uses()
        for name, known in (("categories", CATEGORIES), ("countries", COUNTRIES)):
            allowed = getattr(self, f"allowed_{name}")
            blocked = getattr(self, f"blocked_{name}")
            if allowed and blocked:
                raise InvalidInputError(
                    f"terms.allowed_{name}",
                    f"contradicts blocked_{name}",
                    "Stripe takes one of the two lists: keep one",
                )
            for word in (*allowed, *blocked):
                if word not in known:
                    raise InvalidInputError(
                        f"terms.{'allowed' if allowed else 'blocked'}_{name}",
                        f"{word!r} is unknown to Stripe",
                        "see issuing_disburse.vocabulary for the spelling",
                    )
        if self.card_presence not in {"any", "present", "not_present"}:
            raise InvalidInputError(
                "terms.card_presence", "is unknown", "use 'any', 'present' or 'not_present'"
            )
        if self.on_void not in {"close", "reissue"}:
            raise InvalidInputError("terms.on_void", "is unknown", "use 'close' or 'reissue'")

    def _check_duration(self) -> None:
        for name in ("valid_for", "reissue_after"):
            value = getattr(self, name)
            if not isinstance(value, timedelta) or value <= timedelta(0):
                raise InvalidInputError(
                    f"terms.{name}", "must be a positive timedelta", "pass timedelta(days=30)"
                )
        if self.valid_for >= VALID_FOR_MAX:
            raise InvalidInputError(
                "terms.valid_for", "is 5 years or more", "Stripe's cards expire before that"
            )

    def _check_uses(self) -> None:
        if type(self.uses) is not int or not 1 <= self.uses <= _USES_MAX:
            raise InvalidInputError(
                "terms.uses", f"must be a whole number from 1 to {_USES_MAX}", "correct it"
            )
        if self.uses > 1 and self.amount.kind == "exact":
            raise InvalidInputError(
                "terms.uses",
                "several uses contradict one exact amount",
                "use amount=AmountRule.up_to() or one order per purchase",
            )
        if self.uses == 1 and self.lock_to_first_merchant:
            raise InvalidInputError(
                "terms.lock_to_first_merchant", "says nothing with a single use", "leave it out"
            )

    def check_for(self, amount: Money) -> None:
        """
        Refuse an amount that these terms, or Stripe's own ceiling, cannot carry.

        Raises:
            InvalidInputError: Naming the field and the remedy.
        """
        low, high = self.amount.bounds(amount)
        if high > PER_AUTHORIZATION_MAX_MINOR:
            most = Money(PER_AUTHORIZATION_MAX_MINOR, amount.currency)
            raise InvalidInputError(
                "order.amount",
                f"one purchase could cost {Money(high, amount.currency)}, Stripe allows {most}",
                "split it into several orders",
            )
        if self.amount.kind == "between":
            if self.uses == 1 and not low <= amount.minor <= high:
                raise InvalidInputError(
                    "terms.amount", "does not include the order's amount", "widen it"
                )
            if self.uses > 1 and high > amount.minor:
                raise InvalidInputError(
                    "terms.amount", "one purchase may exceed the order's total", "lower the maximum"
                )

    def most(self, amount: Money) -> Money:
        """
        Return the most that all uses together may cost: what is promised and funded.
        """
        high = self.amount.bounds(amount).high
        if self.uses == 1:
            return Money(high, amount.currency)
        return Money(max(amount.minor, high), amount.currency)


def card_expiry(created_at: datetime, expires_at: datetime) -> tuple[int, int]:
    """
    Return Stripe's expiry year and month: the month of *expires_at*, but at least the next one.

    >>> card_expiry(datetime(2026, 12, 2, tzinfo=UTC), datetime(2026, 12, 9, tzinfo=UTC))
    (2027, 1)
    """
    earliest = created_at.astimezone(UTC).year * 12 + created_at.astimezone(UTC).month
    wanted = expires_at.astimezone(UTC).year * 12 + expires_at.astimezone(UTC).month - 1
    year, month = divmod(max(earliest, wanted), 12)
    return year, month + 1
