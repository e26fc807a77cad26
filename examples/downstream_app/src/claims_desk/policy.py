"""
What may a garage be paid for, beyond what the claim itself allows?
"""

from issuing_disburse import Allotment, AuthorizationPolicy, AuthorizationRequest, Limit, Objection
from issuing_disburse.rules import CountryIn

GIFT_CARD_SHOPS = frozenset({"5947", "5815", "5816"})
"""Codes of shops that sell what can be turned into money."""

KEYED_MAX_MINOR = 100_000


def no_gift_cards(request: AuthorizationRequest, allotment: Allotment) -> Objection | Limit | None:
    """
    Object to shops where a repair cannot be bought.
    """
    if request.mcc in GIFT_CARD_SHOPS:
        return Objection("gift_cards", "a claim pays for repairs")
    return None


def large_sums_need_a_cvc(
    request: AuthorizationRequest, allotment: Allotment
) -> Objection | Limit | None:
    """
    Object to large purchases for which nobody has typed the code on the back.
    """
    if request.amount.minor > KEYED_MAX_MINOR and request.cvc_check != "match":
        return Objection("cvc", "more than 1,000.00 needs the card's code")
    return None


def house_policy() -> AuthorizationPolicy:
    """
    Return what the desk decides by: the terms of each claim first.
    """
    return AuthorizationPolicy.default().with_rules(
        no_gift_cards, large_sums_need_a_cvc, CountryIn(("US", "CA"))
    )
