"""
Is this the kind of business that the card is for?
"""

from __future__ import annotations

from attrs import frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection


@frozen
class OrderCategories:
    """
    Object when the merchant's category is not allowed, or is blocked, by the terms.

    Terms that speak of categories refuse a merchant without one: nobody knows what it sells.

    >>> from issuing_disburse import terms
    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> allotment = make_allotment(terms=terms.Terms(blocked_categories=["cigar_stores_and_stands"]))
    >>> OrderCategories()(make_request(category="cigar_stores_and_stands"), allotment).code
    'wrong_category'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        allowed = allotment.terms.allowed_categories
        blocked = allotment.terms.blocked_categories
        if not allowed and not blocked:
            return None
        category = request.category
        if (
            category is not None
            and category not in blocked
            and (not allowed or category in allowed)
        ):
            return None
        return Objection("wrong_category", f"the terms do not allow {category or 'no category'}")
