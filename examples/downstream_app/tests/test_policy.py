"""
Is the desk's policy sound, and does it say no where it should?
"""

from typing import Any

import pytest
from claims_desk.policy import house_policy

from issuing_disburse import AuthorizationPolicy
from issuing_disburse.testing import PolicyContract
from issuing_disburse.testing.policy_kit import make_allotment, make_request


class TestHousePolicy(PolicyContract):
    """
    It keeps what every policy must.
    """

    examples = 50

    def make_policy(self) -> AuthorizationPolicy:
        """
        Return it.
        """
        return house_policy()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "approved"),
        ({"mcc": "5947", "category": "gift_card_novelty_and_souvenir_shops"}, "gift_cards"),
        ({"amount": 150_000, "cvc_check": "not_provided"}, "cvc"),
        ({"merchant_country": "FR"}, "country_not_allowed"),
    ],
)
def test_the_house_rules_object(changes: dict[str, Any], code: str) -> None:
    """Each rule declines what it is there for, under its own code."""
    asked = make_request(**changes)
    decision = house_policy().decide(asked, make_allotment(asked.amount))

    assert (code == "approved", code) == (decision.approved, decision.code)
