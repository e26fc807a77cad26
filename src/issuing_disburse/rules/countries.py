"""
Is the merchant where it may be?
"""

from __future__ import annotations

from attrs import frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection


@frozen
class OrderCountries:
    """
    Object when the merchant's country is not allowed, or is blocked, by the terms.

    Terms that speak of countries refuse a merchant without one.

    >>> from issuing_disburse import terms
    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> allotment = make_allotment(terms=terms.Terms(allowed_countries=["US"]))
    >>> OrderCountries()(make_request(merchant_country="FR"), allotment).code
    'wrong_country'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        allowed = allotment.terms.allowed_countries
        blocked = allotment.terms.blocked_countries
        if not allowed and not blocked:
            return None
        country = request.merchant_country
        if country is not None and country not in blocked and (not allowed or country in allowed):
            return None
        return Objection("wrong_country", f"the terms do not allow {country or 'no country'}")
