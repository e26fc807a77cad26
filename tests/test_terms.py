"""
Do terms say one thing only, and a thing that Stripe can carry?
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import Money
from issuing_disburse.terms import (
    PER_AUTHORIZATION_MAX_MINOR,
    AmountRule,
    Bounds,
    Terms,
    card_expiry,
)

AMOUNT = Money(12_500, "usd")


def refusal(make: Any, *args: Any, **kwargs: Any) -> InvalidInputError:
    """
    Return the error that making something ends with; it must say what to do.
    """
    with pytest.raises(InvalidInputError) as caught:
        make(*args, **kwargs)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("rule", "bounds"),
    [
        (AmountRule.exact(), (12_500, 12_500)),
        (AmountRule.up_to(), (1, 12_500)),
        (AmountRule.between(10_000, 15_000), (10_000, 15_000)),
        (AmountRule.between(0, 15_000), (1, 15_000)),
        (AmountRule.exact().with_tolerance(under_minor=500), (12_000, 12_500)),
        (AmountRule.exact().with_tolerance(over_minor=500), (12_500, 13_000)),
        (AmountRule.exact().with_tolerance(over_basis_points=250), (12_500, 12_812)),
        (AmountRule.exact().with_tolerance(under_basis_points=250), (12_188, 12_500)),
        (
            AmountRule.exact().with_tolerance(over_minor=500, over_basis_points=100),
            (12_500, 13_000),
        ),
        (AmountRule.exact().with_tolerance(over_minor=5, over_basis_points=100), (12_500, 12_625)),
        (AmountRule.exact().with_tolerance(under_minor=99_999), (1, 12_500)),
        (AmountRule.up_to().with_tolerance(over_basis_points=10_000), (1, 25_000)),
        (AmountRule.between(10_000, 15_000).with_tolerance(under_minor=1), (9_999, 15_000)),
    ],
)
def test_bounds_follow_from_rule_and_tolerance(rule: AmountRule, bounds: tuple[int, int]) -> None:
    """Of minor units and basis points the larger counts, rounded in nobody's favour but ours."""
    assert Bounds(*bounds) == rule.bounds(AMOUNT)


@given(strategies.amount_rules(), st.integers(1, 10**6))
def test_bounds_are_never_empty_or_below_one(rule: AmountRule, minor: int) -> None:
    """Some purchase is always allowed, and never one for nothing."""
    low, high = rule.bounds(Money(minor, "usd"))

    assert 1 <= low <= high


@pytest.mark.parametrize("name", ["under_minor", "over_minor", "under_basis_points"])
@pytest.mark.parametrize("value", [-1, 1.5, "1", None, True, 10**10])
def test_tolerance_refuses_when_it_is_no_count(name: str, value: object) -> None:
    """A tolerance is a whole number from zero, and no more than makes sense."""
    error = refusal(AmountRule.exact().with_tolerance, **{name: value})

    assert f"terms.amount.{name}" == error.field


@pytest.mark.parametrize(
    ("low", "high", "field"),
    [
        (2, 1, "terms.amount"),
        (0, 0, "terms.amount"),
        (-1, 5, "terms.amount.minimum_minor"),
        (1.0, 5, "terms.amount.minimum_minor"),
        (1, "5", "terms.amount.maximum_minor"),
        (1, 2.5, "terms.amount.maximum_minor"),
        (1, None, "terms.amount.maximum_minor"),
        (1, 10**9 + 1, "terms.amount.maximum_minor"),
    ],
)
def test_between_refuses_when_it_is_no_range(low: Any, high: Any, field: str) -> None:
    """Both ends are whole numbers of minor units, in their order."""
    assert field == refusal(AmountRule.between, low, high).field


@pytest.mark.parametrize("tolerance", [{"under_minor": 1}, {"under_basis_points": 1}])
def test_up_to_refuses_when_given_a_lower_side(tolerance: dict[str, int]) -> None:
    """What has no lower side has nothing to tolerate there."""
    assert "terms.amount" == refusal(AmountRule.up_to().with_tolerance, **tolerance).field


def test_rule_refuses_when_its_kind_is_unknown() -> None:
    """There are three kinds of amount."""
    assert "terms.amount.kind" == refusal(AmountRule, kind="about").field


def test_terms_are_single_use_and_exact_unless_told_otherwise() -> None:
    """The default is the narrowest card, for 30 days."""
    terms = Terms()

    assert (1, "exact", timedelta(days=30)) == (terms.uses, terms.amount.kind, terms.valid_for)
    assert ("any", "close", False) == (
        terms.card_presence,
        terms.on_void,
        terms.lock_to_first_merchant,
    )


def test_terms_keep_lists_in_one_order() -> None:
    """The same words are the same terms, whatever their order and repetition."""
    terms = Terms(allowed_countries=["US", "CA", "US"], allowed_network_ids={"2", "1"})

    assert ("CA", "US") == terms.allowed_countries
    assert ("1", "2") == terms.allowed_network_ids
    assert terms == Terms(allowed_countries=("CA", "US"), allowed_network_ids=["1", "2"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"valid_for": timedelta(0)}, "terms.valid_for"),
        ({"valid_for": timedelta(days=-1)}, "terms.valid_for"),
        ({"valid_for": 30}, "terms.valid_for"),
        ({"valid_for": datetime(2026, 12, 1, tzinfo=UTC)}, "terms.valid_for"),
        ({"valid_for": timedelta(days=1_825)}, "terms.valid_for"),
        ({"reissue_after": timedelta(0)}, "terms.reissue_after"),
        ({"reissue_after": None}, "terms.reissue_after"),
        ({"amount": AMOUNT}, "terms.amount"),
        ({"amount": "exact"}, "terms.amount"),
        ({"uses": 0}, "terms.uses"),
        ({"uses": 101, "amount": AmountRule.up_to()}, "terms.uses"),
        ({"uses": True}, "terms.uses"),
        ({"uses": 1.0}, "terms.uses"),
        ({"uses": 2}, "terms.uses"),
        ({"uses": 2, "amount": AmountRule.exact().with_tolerance(over_minor=5)}, "terms.uses"),
        ({"lock_to_first_merchant": True}, "terms.lock_to_first_merchant"),
        ({"allowed_categories": ["taxis"]}, "terms.allowed_categories"),
        ({"blocked_categories": ["4121"]}, "terms.blocked_categories"),
        ({"allowed_countries": ["usa"]}, "terms.allowed_countries"),
        ({"blocked_countries": ["us"]}, "terms.blocked_countries"),
        ({"allowed_countries": "US"}, "terms"),
        (
            {"allowed_countries": ["US"], "blocked_countries": ["RU"]},
            "terms.allowed_countries",
        ),
        (
            {"allowed_categories": ["bakeries"], "blocked_categories": ["airports_flying_fields"]},
            "terms.allowed_categories",
        ),
        ({"card_presence": "maybe"}, "terms.card_presence"),
        ({"on_void": "shrug"}, "terms.on_void"),
    ],
)
def test_terms_refuse_when_they_contradict_themselves_or_stripe(
    changes: dict[str, Any], field: str
) -> None:
    """What cannot be, or cannot be carried, is refused when the terms are made, by its field."""
    assert field == refusal(Terms, **changes).field


def test_terms_last_just_under_five_years() -> None:
    """A card expires before five years are over."""
    longest = timedelta(days=1_825) - timedelta.resolution

    assert longest == Terms(valid_for=longest).valid_for


@pytest.mark.parametrize(
    ("rule", "minor", "is_fine"),
    [
        (AmountRule.exact(), PER_AUTHORIZATION_MAX_MINOR, True),
        (AmountRule.exact(), PER_AUTHORIZATION_MAX_MINOR + 1, False),
        (AmountRule.up_to(), PER_AUTHORIZATION_MAX_MINOR, True),
        (AmountRule.up_to(), PER_AUTHORIZATION_MAX_MINOR + 1, False),
        (AmountRule.exact().with_tolerance(over_minor=1), PER_AUTHORIZATION_MAX_MINOR, False),
        (AmountRule.exact().with_tolerance(over_basis_points=100), 990_099, True),
        (AmountRule.exact().with_tolerance(over_basis_points=100), 990_100, False),
        (AmountRule.between(1, PER_AUTHORIZATION_MAX_MINOR + 1), 500, False),
    ],
)
def test_check_refuses_when_a_purchase_could_exceed_stripes_ceiling(
    rule: AmountRule, minor: int, *, is_fine: bool
) -> None:
    """10,000.00 for one purchase, tolerance included; the remedy is several orders."""
    if is_fine:
        Terms(amount=rule).check_for(Money(minor, "usd"))
    else:
        error = refusal(Terms(amount=rule).check_for, Money(minor, "usd"))
        assert ("order.amount", "split it into several orders") == (error.field, error.remedy)
        assert "10,000.00 usd" in error.problem


@pytest.mark.parametrize(
    ("uses", "low", "high", "is_fine"),
    [
        (1, 10_000, 15_000, True),
        (1, 12_500, 12_500, True),
        (1, 12_501, 15_000, False),
        (1, 10_000, 12_499, False),
        (3, 1_000, 12_500, True),
        (3, 1_000, 12_501, False),
    ],
)
def test_check_refuses_when_a_range_does_not_fit_the_amount(
    uses: int, low: int, high: int, *, is_fine: bool
) -> None:
    """A range includes the amount of one purchase, and never exceeds the total of several."""
    terms = Terms(amount=AmountRule.between(low, high), uses=uses)
    if is_fine:
        terms.check_for(AMOUNT)
    else:
        assert "terms.amount" == refusal(terms.check_for, AMOUNT).field


@pytest.mark.parametrize(
    ("terms", "most"),
    [
        (Terms(), 12_500),
        (Terms(amount=AmountRule.exact().with_tolerance(over_minor=500)), 13_000),
        (Terms(amount=AmountRule.between(10_000, 15_000)), 15_000),
        (Terms(amount=AmountRule.between(1_000, 5_000), uses=4), 12_500),
        (Terms(amount=AmountRule.up_to(), uses=4), 12_500),
        (Terms(amount=AmountRule.up_to().with_tolerance(over_minor=100), uses=4), 12_600),
    ],
)
def test_most_is_what_all_uses_together_may_cost(terms: Terms, most: int) -> None:
    """What is promised covers the dearest way to use the card."""
    assert Money(most, "usd") == terms.most(AMOUNT)


@given(strategies.terms(), st.integers(1, PER_AUTHORIZATION_MAX_MINOR))
def test_most_covers_the_dearest_purchase(terms: Terms, minor: int) -> None:
    """No single purchase that the terms allow costs more than what is promised."""
    amount = Money(minor, "usd")

    assert terms.most(amount).minor >= terms.amount.bounds(amount).high


@pytest.mark.parametrize(
    ("created", "expires", "expiry"),
    [
        ((2026, 11, 2), (2026, 12, 2), (2026, 12)),
        ((2026, 11, 2), (2026, 11, 3), (2026, 12)),
        ((2026, 12, 2), (2026, 12, 9), (2027, 1)),
        ((2026, 12, 31), (2027, 1, 1), (2027, 1)),
        ((2026, 11, 2), (2027, 12, 31), (2027, 12)),
        ((2026, 1, 1), (2030, 12, 1), (2030, 12)),
    ],
)
def test_card_expiry_is_the_month_of_the_end_but_not_this_one(
    created: tuple[int, int, int], expires: tuple[int, int, int], expiry: tuple[int, int]
) -> None:
    """Stripe's card lives at least into the next month, across the turn of a year, too."""
    assert expiry == card_expiry(datetime(*created, tzinfo=UTC), datetime(*expires, tzinfo=UTC))


def test_card_expiry_counts_months_in_utc() -> None:
    """An hour past midnight in Berlin is still last month for Stripe."""
    berlin = timezone(timedelta(hours=1))
    created = datetime(2026, 12, 1, 0, 30, tzinfo=berlin)
    expires = datetime(2027, 2, 1, 0, 30, tzinfo=berlin)

    assert (2027, 1) == card_expiry(created, expires)


@given(strategies.times(), st.timedeltas(timedelta(seconds=1), timedelta(days=1_824)))
def test_card_expiry_never_ends_before_the_terms(created: datetime, length: timedelta) -> None:
    """The end of the card's last month is never earlier than the end of its terms."""
    expires = created + length
    year, month = card_expiry(created, expires)

    assert (year, month) >= (expires.year, expires.month)
    assert (year, month) > (created.year, created.month)
    assert 1 <= month <= 12
