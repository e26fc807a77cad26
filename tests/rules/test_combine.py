"""
Do combined rules object, limit and keep silent as their parts do?
"""

from typing import Any

import pytest

from issuing_disburse.decision import Limit, Objection, Rule
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import Money
from issuing_disburse.rules import AmountAtMost, CountryIn, all_of, any_of, unless
from issuing_disburse.rules.combine import AnyOf, Unless
from issuing_disburse.testing.policy_kit import make_allotment, make_request


def says(answer: object) -> Rule:
    """
    Make a rule that always answers the same.
    """
    return lambda request, allotment: answer  # type: ignore[return-value]  # also nonsense


SILENT = says(None)
NO = says(Objection("no", "no"))
NEVER = says(Objection("never", "never"))
FIVE = says(Limit(Money(500, "usd")))
NINE = says(Limit(Money(900, "usd")))
EUROS = says(Limit(Money(100, "eur")))
NONSENSE = says(True)


def said(rule: Rule) -> Any:
    """
    Return an objection's code, a limit's minor units, or the answer as it is.
    """
    answer: Any = rule(make_request(), make_allotment())
    if isinstance(answer, Objection):
        return answer.code
    return answer.amount.minor if isinstance(answer, Limit) else answer


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (any_of(SILENT), None),
        (any_of(NO, SILENT), None),
        (any_of(NO, NEVER), "no"),
        (any_of(NO, FIVE, NINE, FIVE), 900),
        (any_of(FIVE, SILENT), None),
        (any_of(NO, NONSENSE), True),
        (any_of(NO, EUROS, NINE), 100),
        (all_of(SILENT), None),
        (all_of(SILENT, NO, NEVER), "no"),
        (all_of(NINE, FIVE, NINE), 500),
        (all_of(FIVE, NO), "no"),
        (all_of(FIVE, NONSENSE), True),
        (all_of(FIVE, EUROS), 100),
        (unless(SILENT, NO), None),
        (unless(NO, NEVER), "never"),
        (unless(NO, SILENT), None),
        (unless(FIVE, NO), "no"),
        (unless(NO, NINE, FIVE), 500),
        (unless(NONSENSE, NO), True),
        (any_of(all_of(SILENT, NO), unless(NO, FIVE)), 500),
    ],
)
def test_combination_says_what_its_parts_come_to(rule: Rule, expected: object) -> None:
    """Any, all and unless mean what they say; nonsense stays visible for the policy to decline."""
    assert expected == said(rule)


def test_any_of_tells_all_reasons_when_it_objects() -> None:
    """The code is the first objection's, the message names them all."""
    assert Objection("no", "no; never") == any_of(NO, NEVER)(make_request(), make_allotment())


@pytest.mark.parametrize(
    "make",
    [
        any_of,
        all_of,
        lambda: unless(NO),
        lambda: any_of(AmountAtMost),
        lambda: all_of(None),
        lambda: unless(AmountAtMost, NO),
        lambda: unless(None, NO),
        lambda: AnyOf([NO]),
    ],
)
def test_combination_is_not_made_when_a_part_is_no_rule(make: Any) -> None:
    """No rules, classes and other things are refused at once."""
    with pytest.raises(InvalidInputError):
        make()


def test_combination_shows_its_parts_when_printed() -> None:
    """A combination reads like its parts."""
    rule = unless(CountryIn("US"), AmountAtMost(500))

    assert isinstance(rule, Unless)
    assert (
        "Unless(exception=CountryIn(countries=['US']), rules=(AmountAtMost(amount_max_minor=500),))"
        == repr(rule)
    )
