"""
Is it the right amount, in the right currency, and is it still there?
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import Attribute, field, frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Limit, Objection
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import EXPONENTS, Money

from .words import shown, words


@frozen
class OrderCurrency:
    """
    Object when the card's currency is not the order's.

    The merchant's own currency does not matter: Stripe asks for the converted amount.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> OrderCurrency()(make_request(currency="eur"), make_allotment()).code
    'wrong_currency'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        asked = request.amount.currency
        if asked == allotment.amount.currency == allotment.remaining.currency:
            return None
        return Objection("wrong_currency", f"{asked} was asked, the order is in {allotment.amount}")


@frozen
class OrderAmount:
    """
    Object when the purchase as a whole is outside of what ``terms.amount`` allows.

    An increment is judged by the new total, probes are left to `UsesLeft`.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> OrderAmount()(make_request(12_400), make_allotment(12_500)).message
    '124.00 usd was asked, the order is for 125.00 usd'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.amount.currency != allotment.amount.currency:
            return OrderCurrency()(request, allotment)
        total_minor = request.already_approved.minor + request.amount.minor
        rule = allotment.terms.amount
        if total_minor == allotment.amount.minor and rule.kind != "between":
            return None  # just what was ordered: most questions need no arithmetic
        low, high = rule.bounds(allotment.amount)
        if low <= total_minor <= high or allotment.is_probe(request):
            return None
        return _outside(request, low, high)


@frozen
class WithinRemaining:
    """
    Object when more is asked than is neither spent, held nor claimed.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> WithinRemaining()(make_request(12_500), make_allotment(remaining=10_000)).message
    '125.00 usd was asked, 100.00 usd remains'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.amount.currency != allotment.remaining.currency:
            return OrderCurrency()(request, allotment)
        taken_minor = allotment.taken_minor(request)
        if taken_minor <= allotment.remaining.minor:
            return None
        asked = Money(taken_minor, request.amount.currency)
        return Objection("over_remaining", f"{asked} was asked, {allotment.remaining} remains")


@frozen
class PartialApproval:
    """
    Stand in for `OrderAmount` and `WithinRemaining`: cut what is too much down to what may be spent.

    Only where the merchant takes a part (``is_amount_controllable``); a cashback is paid in full or
    not at all; and what is left of the purchase must still satisfy the terms. Otherwise it objects
    just as the two would.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> asked = make_request(20_000, is_amount_controllable=True)
    >>> PartialApproval()(asked, make_allotment(12_500))
    Limit(amount=Money(12500, 'usd'), code='partial', message='125.00 of 200.00 usd may be spent')
    """

    def __call__(
        self, request: AuthorizationRequest, allotment: Allotment
    ) -> Objection | Limit | None:
        asked, before = request.amount.minor, request.already_approved.minor
        objection = OrderCurrency()(request, allotment)
        if objection is not None:
            return objection
        objection = OrderAmount()(request, allotment) or WithinRemaining()(request, allotment)
        if objection is None or not request.is_amount_controllable:
            return objection
        low, high = allotment.terms.amount.bounds(allotment.amount)
        probed = allotment.taken_minor(request) - asked
        most = min(asked, high - before, allotment.remaining.minor - probed)
        if most <= 0 or before + most < low:
            return objection
        if request.cashback is not None and most < request.cashback.minor:
            return Objection("cashback_over_limit", "the cashback alone is more than may be spent")
        part = Money(most, request.amount.currency)
        figure = str(part).removesuffix(f" {part.currency}")
        return Limit(part, "partial", f"{figure} of {request.amount} may be spent")


def _outside(request: AuthorizationRequest, low: int, high: int) -> Objection:
    currency = request.amount.currency
    most = Money(high, currency)
    if low == high:
        return Objection("wrong_amount", f"{request.total} was asked, the order is for {most}")
    least = str(Money(low, currency)).removesuffix(f" {currency}")
    return Objection("wrong_amount", f"{request.total} is not between {least} and {most}")


def _is_minor(instance: object, attribute: Attribute[int], value: object) -> None:
    if type(value) is not int or value < 0:
        raise InvalidInputError(
            f"{type(instance).__name__}.{attribute.name}",
            "must be a count of minor units",
            "pass 12_500 for 125.00",
        )


@frozen
class AmountAtMost:
    """
    Object when the purchase as a whole is more than *amount_max_minor* minor units.

    Which currency they are in is the card's; add `CurrencyIn` where cards differ.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> AmountAtMost(10_000)(make_request(12_500), make_allotment()).code
    'amount_too_high'
    """

    amount_max_minor: int = field(validator=_is_minor)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.already_approved.minor + request.amount.minor <= self.amount_max_minor:
            return None
        most = Money(self.amount_max_minor, request.amount.currency)
        return Objection("amount_too_high", f"{request.total} is more than {most}")


@frozen
class AmountBetween:
    """
    Object when the purchase is less or more than so many minor units, probes excepted.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> AmountBetween(5_000, 10_000)(make_request(4_999), make_allotment()).code
    'amount_too_low'
    """

    amount_min_minor: int = field(validator=_is_minor)
    amount_max_minor: int = field(validator=_is_minor)

    def __attrs_post_init__(self) -> None:
        if self.amount_min_minor > self.amount_max_minor:
            raise InvalidInputError(
                "AmountBetween", "the minimum is above the maximum", "swap them"
            )

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        total_minor = request.already_approved.minor + request.amount.minor
        if total_minor > self.amount_max_minor:
            return AmountAtMost(self.amount_max_minor)(request, allotment)
        if total_minor >= self.amount_min_minor or allotment.is_probe(request):
            return None
        least = Money(self.amount_min_minor, request.amount.currency)
        return Objection("amount_too_low", f"{request.total} is less than {least}")


def _currency_in_words(values: str | Iterable[str]) -> frozenset[str]:
    return words("CurrencyIn", values, known=EXPONENTS, fold=str.lower)


@frozen
class CurrencyIn:
    """
    Object when the merchant's own currency is none of these; unknown counts as none.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> CurrencyIn(["usd", "eur"])(make_request(merchant_currency="jpy"), make_allotment()).code
    'currency_not_allowed'
    """

    currencies: frozenset[str] = field(converter=_currency_in_words, repr=shown)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.merchant_currency in self.currencies:
            return None
        return Objection(
            "currency_not_allowed", f"the merchant sells in {request.merchant_currency}"
        )
