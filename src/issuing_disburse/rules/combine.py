"""
How do several rules become one?
"""

from __future__ import annotations

from attrs import Attribute, field, frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Limit, Objection, Rule
from issuing_disburse.exceptions import InvalidInputError


def _are_rules(instance: object, attribute: Attribute[tuple[Rule, ...]], value: object) -> None:
    if not isinstance(value, tuple) or not value:
        raise InvalidInputError(type(instance).__name__, "has no rules", "name at least one")
    for rule in value:
        _check(instance, rule)


def _is_rule(instance: object, attribute: Attribute[Rule], value: Rule) -> None:
    _check(instance, value)


def _check(instance: object, value: object) -> None:
    if not callable(value) or isinstance(value, type):
        raise InvalidInputError(
            type(instance).__name__,
            f"{value!r} is no rule",
            "a rule is a callable of (request, allotment), not a class",
        )


@frozen
class AnyOf:
    """
    Object when each of its rules objects. Make one with `any_of`.
    """

    rules: tuple[Rule, ...] = field(validator=_are_rules)

    def __call__(
        self, request: AuthorizationRequest, allotment: Allotment
    ) -> Objection | Limit | None:
        objections: list[Objection] = []
        most: Limit | None = None
        for rule in self.rules:
            said = rule(request, allotment)
            if isinstance(said, Objection):
                objections.append(said)
            elif isinstance(said, Limit) and said.amount.currency == request.amount.currency:
                if most is None or said.amount.minor > most.amount.minor:
                    most = said
            else:
                return said  # nothing to say; or nonsense, which the policy declines
        if most is not None:
            return most
        return Objection(objections[0].code, "; ".join(said.message for said in objections))


@frozen
class AllOf:
    """
    Object when one of its rules objects. Make one with `all_of`.
    """

    rules: tuple[Rule, ...] = field(validator=_are_rules)

    def __call__(
        self, request: AuthorizationRequest, allotment: Allotment
    ) -> Objection | Limit | None:
        least: Limit | None = None
        for rule in self.rules:
            said = rule(request, allotment)
            if said is None:
                continue
            if not isinstance(said, Limit) or said.amount.currency != request.amount.currency:
                return said  # an objection; or nonsense, which the policy declines
            if least is None or said.amount.minor < least.amount.minor:
                least = said
        return least


@frozen
class Unless:
    """
    Ask its rules only when the exception does not hold. Make one with `unless`.
    """

    exception: Rule = field(validator=_is_rule)
    rules: tuple[Rule, ...] = field(validator=_are_rules)

    def __call__(
        self, request: AuthorizationRequest, allotment: Allotment
    ) -> Objection | Limit | None:
        said = self.exception(request, allotment)
        if said is None or not isinstance(said, Objection | Limit):
            return said  # the exception holds; or nonsense, which the policy declines
        return AllOf(self.rules)(request, allotment)


def any_of(*rules: Rule) -> AnyOf:
    """
    Return a rule that is content when one of *rules* is.

    Of several limits the most generous counts; of several objections the first gives the code.

    >>> from issuing_disburse.rules import AmountAtMost, CountryIn
    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> rule = any_of(CountryIn("CA"), AmountAtMost(5_000))
    >>> rule(make_request(4_000, merchant_country="US"), make_allotment()) is None
    True
    >>> rule(make_request(6_000, merchant_country="US"), make_allotment()).message
    'US is not allowed; 60.00 usd is more than 50.00 usd'
    """
    return AnyOf(rules)


def all_of(*rules: Rule) -> AllOf:
    """
    Return one rule that says what *rules* say together; useful inside of `any_of`.

    >>> from issuing_disburse.rules import AmountAtMost, CountryIn
    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> all_of(CountryIn("US"), AmountAtMost(5_000))(make_request(6_000), make_allotment()).code
    'amount_too_high'
    """
    return AllOf(rules)


def unless(exception: Rule, *rules: Rule) -> Unless:
    """
    Return a rule that asks *rules*, unless *exception* has nothing to object.

    >>> from issuing_disburse.rules import AmountAtMost, CategoryIn
    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> rule = unless(CategoryIn("taxicabs_limousines"), AmountAtMost(5_000))
    >>> rule(make_request(6_000, category="taxicabs_limousines"), make_allotment()) is None
    True
    >>> rule(make_request(6_000, category="bakeries"), make_allotment()).code
    'amount_too_high'
    """
    return Unless(exception, rules)
