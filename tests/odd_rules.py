"""
Which rules and deciders behave in ways that a policy must survive?
"""

from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

from issuing_disburse.decision import (
    Allotment,
    AuthorizationRequest,
    Decision,
    Limit,
    Objection,
    Rule,
)
from issuing_disburse.money import Money
from issuing_disburse.policy import AuthorizationPolicy
from issuing_disburse.terms import AmountRule, Terms
from issuing_disburse.testing.policy_kit import make_allotment, make_request

ASKED = make_request(12_500)
IN_PART = make_request(12_500, is_amount_controllable=True)
ALLOTMENT = make_allotment(12_500, terms=Terms(amount=AmountRule.up_to()))


class Stuck(BaseException):
    """
    What a rule should not raise, but libraries do: an error that is no `Exception`.
    """


def silent(request: AuthorizationRequest, allotment: Allotment) -> None:
    """
    Have nothing to say.
    """


def grumpy(request: AuthorizationRequest, allotment: Allotment) -> Objection:
    """
    Object to everything.
    """
    return Objection("grumpy", "not today")


async def absent_minded(request: AuthorizationRequest, allotment: Allotment) -> None:
    """
    Look like a rule without being one.
    """


def says(answer: object, name: str = "says") -> Rule:
    """
    Make a rule that always answers the same.
    """

    def rule(request: AuthorizationRequest, allotment: Allotment) -> Any:
        return answer

    rule.__name__ = name
    return rule


def raises(error: BaseException) -> Rule:
    """
    Make a rule that always raises.
    """

    def broken(request: AuthorizationRequest, allotment: Allotment) -> None:
        raise error

    return broken


def limits(minor: int, currency: str = "usd", code: str = "limited") -> Rule:
    """
    Make a rule that allows at most so much.
    """
    return says(Limit(Money(minor, currency), code), name=f"at_most_{minor}")


def ticking(*readings: float) -> Callable[[], float]:
    """
    Make a monotonic timer that shows *readings* one after the other, then the last for ever.
    """
    shown: Iterator[float] = chain(readings, repeat(readings[-1]))
    return lambda: next(shown)


class Own(AuthorizationPolicy):
    """
    A policy that decides by a function put into its stand-in, for brevity.
    """

    def decide(self, request: AuthorizationRequest, allotment: Allotment) -> Decision:
        assert self.stand_in is not None
        return self.stand_in(request)


YES = Decision(approved=True, code="approved")


def gives(answer: object) -> Callable[[AuthorizationRequest], Any]:
    """
    Make a decider that always gives the same answer.
    """
    return lambda request: answer


def fails(error: BaseException) -> Callable[[AuthorizationRequest], Any]:
    """
    Make a decider that always raises.
    """

    def failing(request: AuthorizationRequest) -> Any:
        raise error

    return failing
