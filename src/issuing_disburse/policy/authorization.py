"""
Which rules does a team put between its money and a merchant?
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Self, TypeAlias

from attrs import evolve, field, frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Decision, Rule
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.rules import (
    FirstMerchantOnly,
    NotExpired,
    OpenDisbursement,
    OrderAmount,
    OrderCardPresence,
    OrderCategories,
    OrderCountries,
    OrderCurrency,
    OrderMerchants,
    PartialApproval,
    UsesLeft,
    WithinRemaining,
)

from .judging import judge

DEADLINE_SECONDS = 0.8
"""How long a decision may take; Stripe waits two seconds, network included."""

_DEADLINE_SECONDS_MAX = 1.8

StandIn: TypeAlias = Callable[[AuthorizationRequest], Decision]
"""Decides from the question alone, when the store does not answer in time."""


def _rules(values: Iterable[Rule]) -> tuple[Rule, ...]:
    rules = tuple(values)
    for index, rule in enumerate(rules):
        if not callable(rule):
            raise InvalidInputError(
                f"policy.rules[{index}]",
                f"{type(rule).__name__} cannot be called",
                "a rule is a callable of (request, allotment)",
            )
        if isinstance(rule, type):
            raise InvalidInputError(
                f"policy.rules[{index}]",
                f"{rule.__name__} is a class, calling it would judge nothing",
                f"pass an instance: {rule.__name__}(…)",
            )
    return rules


@frozen(kw_only=True)
class AuthorizationPolicy:
    """
    Decides on purchases: every rule is asked, none may object.

    A value: the methods return new policies. A rule can only object or limit, so adding one never
    approves more. To decide in another way altogether, override `decide` in a subclass.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> policy = AuthorizationPolicy.default()
    >>> policy.decide(make_request(12_500), make_allotment(12_500)).approved
    True
    >>> policy.decide(make_request(99_900), make_allotment(12_500)).code
    'wrong_amount'

    Attributes:
        rules: Asked in this order. None at all declines everything.
        deadline_seconds: A rule that is still busy then makes the answer a decline.
        stand_in: Decides when the store does not answer in time; ``None`` declines.
        timer: Monotonic seconds.
    """

    rules: tuple[Rule, ...] = field(default=(), converter=_rules)
    deadline_seconds: float = DEADLINE_SECONDS
    stand_in: StandIn | None = None
    timer: Callable[[], float] = field(default=time.monotonic, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if not 0 < self.deadline_seconds <= _DEADLINE_SECONDS_MAX:
            raise InvalidInputError(
                "policy.deadline_seconds",
                f"must be above 0 and at most {_DEADLINE_SECONDS_MAX}",
                "Stripe waits two seconds, network included; keep the default",
            )

    @classmethod
    def default(cls, *, partial_approval: bool = False) -> Self:
        """
        Return the policy that holds each card to its order's terms.

        Args:
            partial_approval: Approve a part where the merchant takes one, instead of objecting.
        """
        amounts: tuple[Rule, ...] = (OrderAmount(), WithinRemaining())
        return cls(
            rules=(
                OpenDisbursement(),
                NotExpired(),
                OrderCurrency(),
                *((PartialApproval(),) if partial_approval else amounts),
                UsesLeft(),
                OrderMerchants(),
                FirstMerchantOnly(),
                OrderCategories(),
                OrderCountries(),
                OrderCardPresence(),
            )
        )

    def with_rules(self, *rules: Rule) -> Self:
        """
        Return this policy with *rules* asked after those it has.
        """
        return evolve(self, rules=(*self.rules, *rules))

    def decide(self, request: AuthorizationRequest, allotment: Allotment) -> Decision:
        """
        Answer *request*; never raises, and approves no more than asked.

        Stripe: ``issuing_authorization.request``
        """
        timer = self.timer
        return judge(
            self.rules, request, allotment, timer=timer, ends_at=timer() + self.deadline_seconds
        )
