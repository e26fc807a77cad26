"""
Is the merchant where it may be?
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection
from issuing_disburse.vocabulary import COUNTRIES

from .words import shown, words


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


def _country_in_words(values: str | Iterable[str]) -> frozenset[str]:
    return words("CountryIn", values, known=COUNTRIES, fold=str.upper)


@frozen
class CountryIn:
    """
    Object when the merchant's country is none of these; unknown counts as none.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> CountryIn(["US", "CA"])(make_request(merchant_country="FR"), make_allotment()).code
    'country_not_allowed'
    """

    countries: frozenset[str] = field(converter=_country_in_words, repr=shown)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.merchant_country in self.countries:
            return None
        return Objection(
            "country_not_allowed", f"{request.merchant_country or 'no country'} is not allowed"
        )


def _country_not_in_words(values: str | Iterable[str]) -> frozenset[str]:
    return words("CountryNotIn", values, known=COUNTRIES, fold=str.upper)


@frozen
class CountryNotIn:
    """
    Object when the merchant's country is one of these, or missing.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> CountryNotIn("FR")(make_request(merchant_country="FR"), make_allotment()).message
    'FR is blocked'
    """

    countries: frozenset[str] = field(converter=_country_not_in_words, repr=shown)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.merchant_country is not None and request.merchant_country not in self.countries:
            return None
        return Objection(
            "country_blocked", f"{request.merchant_country or 'no country'} is blocked"
        )
