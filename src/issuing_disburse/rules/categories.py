"""
Is this the kind of business that the card is for?
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection
from issuing_disburse.vocabulary import CATEGORIES

from .words import category_codes, codes_shown, shown, words


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


def _category_in_words(values: str | Iterable[str]) -> frozenset[str]:
    return words("CategoryIn", values, known=CATEGORIES)


@frozen
class CategoryIn:
    """
    Object when Stripe's name for the merchant's category is none of these; no name counts as none.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> CategoryIn("bakeries")(make_request(category="airports_flying_fields"), make_allotment()).code
    'category_not_allowed'
    """

    categories: frozenset[str] = field(converter=_category_in_words, repr=shown)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.category in self.categories:
            return None
        return Objection(
            "category_not_allowed", f"{request.category or 'no category'} is not allowed"
        )


def _category_not_in_words(values: str | Iterable[str]) -> frozenset[str]:
    return words("CategoryNotIn", values, known=CATEGORIES)


@frozen
class CategoryNotIn:
    """
    Object when Stripe's name for the merchant's category is one of these, or missing.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> CategoryNotIn(["bakeries"])(make_request(category="bakeries"), make_allotment()).message
    'bakeries is blocked'
    """

    categories: frozenset[str] = field(converter=_category_not_in_words, repr=shown)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.category is not None and request.category not in self.categories:
            return None
        return Objection("category_blocked", f"{request.category or 'no category'} is blocked")


def _mccin_words(values: str | Iterable[str]) -> frozenset[str]:
    return category_codes("MCCIn", values)


@frozen
class MCCIn:
    """
    Object when the merchant category code is none of these; ranges are welcome.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> MCCIn(["3000-3299", "4511"])
    MCCIn(mccs=['3000-3299', '4511'])
    >>> MCCIn(["3000-3299", "4511"])(make_request(mcc="4121"), make_allotment()).code
    'mcc_not_allowed'
    """

    mccs: frozenset[str] = field(converter=_mccin_words, repr=codes_shown)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.mcc in self.mccs:
            return None
        return Objection("mcc_not_allowed", f"MCC {request.mcc or 'unknown'} is not allowed")


def _mccnot_in_words(values: str | Iterable[str]) -> frozenset[str]:
    return category_codes("MCCNotIn", values)


@frozen
class MCCNotIn:
    """
    Object when the merchant category code is one of these, or missing.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> MCCNotIn("6010-6012")(make_request(mcc="6011"), make_allotment()).message
    'MCC 6011 is blocked'
    """

    mccs: frozenset[str] = field(converter=_mccnot_in_words, repr=codes_shown)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.mcc is not None and request.mcc not in self.mccs:
            return None
        return Objection("mcc_blocked", f"MCC {request.mcc or 'unknown'} is blocked")
