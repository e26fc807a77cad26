"""
What does the desk's policy make of stories that others have lived through?
"""

from collections.abc import Callable

import pytest

from issuing_disburse import Money
from issuing_disburse.testing import SCENARIOS, Happened

Tell = Callable[..., Happened]


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_every_story_ends_with_books_that_balance(scenario: Tell, name: str) -> None:
    """Whatever happens, no cent is without a place."""
    assert scenario(name).statement.is_balanced


def test_an_over_capture_is_covered_and_named(scenario: Tell) -> None:
    """What a merchant takes beyond the claim is the account's loss, and listed."""
    told = scenario("over_capture")

    assert told.statement.covered > Money.zero("usd")
    assert told.alerts


def test_a_gift_card_shop_gets_nothing(scenario: Tell) -> None:
    """The same story at a shop that the house rules object to ends with nothing spent."""
    told = scenario("exact_purchase", merchant={"category": "gift_card_novelty_and_souvenir_shops"})

    assert Money.zero("usd") == told.statement.spent
