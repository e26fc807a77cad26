"""
Does the policy kit praise sound policies, and find what is wrong with the others?
"""

import time
from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given

from issuing_disburse.decision import Allotment, AuthorizationRequest, Decision, Objection, Rule
from issuing_disburse.money import Money
from issuing_disburse.policy import AuthorizationPolicy
from issuing_disburse.rules import (
    NotExpired,
    OpenDisbursement,
    OrderAmount,
    OrderCurrency,
    PartialApproval,
    SameCard,
    UsesLeft,
    Velocity,
    WithinRemaining,
)
from issuing_disburse.testing.policy_kit import (
    NOW,
    PolicyContract,
    assert_policy_is_sound,
    make_allotment,
    make_request,
    make_use,
)
from odd_rules import YES, grumpy, limits
from strategies import allotments, orders, questions, requests

DEFAULT = AuthorizationPolicy.default()


class TestDefault(PolicyContract):
    """
    The default policy holds the contract that it asks of others.
    """

    examples = 100

    def make_policy(self) -> AuthorizationPolicy:
        """
        Return the default policy.
        """
        return DEFAULT


class TestEverything(TestDefault):
    """
    So does one with partial approval, another limit, a velocity and another thread.
    """

    examples = 50

    def make_policy(self) -> AuthorizationPolicy:
        """
        Return a policy with more to say.
        """
        policy = AuthorizationPolicy.default(partial_approval=True).with_rules(
            limits(9_000), Velocity(count_max=2, per=NOW - NOW.replace(day=1), scope="account")
        )
        return evolve(policy, isolated=True)


def without(*kinds: type) -> AuthorizationPolicy:
    """
    Return the default policy short of some rules.
    """
    return AuthorizationPolicy(rules=tuple(r for r in DEFAULT.rules if not isinstance(r, kinds)))


class Decides:
    """
    A policy made of one function.
    """

    deadline_seconds = 0.05

    def __init__(self, decide: Callable[[AuthorizationRequest, Allotment], Any]) -> None:
        self.decide = decide


def approve_part(minor: Callable[[int], int], currency: str | None = None) -> Decides:
    """
    Make a policy that approves another sum than is asked, whatever the merchant takes.
    """

    def decide(request: AuthorizationRequest, allotment: Allotment) -> Decision:
        part = Money(minor(request.amount.minor), currency or request.amount.currency)
        decision = DEFAULT.decide(request, allotment)
        return evolve(decision, amount=part) if decision.approved else decision

    return Decides(decide)


def forgetful() -> Decides:
    """
    Make a policy that counts its answers.
    """
    asked: list[object] = []

    def decide(request: AuthorizationRequest, allotment: Allotment) -> Decision:
        asked.append(request)
        return evolve(grumpy_decision(), message=str(len(asked)))

    return Decides(decide)


def grumpy_decision() -> Decision:
    """
    Return a decline.
    """
    return AuthorizationPolicy(rules=(grumpy,)).decide(make_request(), make_allotment())


def slow(request: AuthorizationRequest, allotment: Allotment) -> Decision:
    """
    Decide too late.
    """
    time.sleep(0.06)
    return grumpy_decision()


def divide(request: AuthorizationRequest, allotment: Allotment) -> Decision:
    """
    Break on a question that comes sooner or later.
    """
    assert 1 // request.amount.minor >= 0
    return grumpy_decision()


def count_only(request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
    """
    Compare counts of minor units, whatever they are counted in.
    """
    return Objection("no") if request.amount.minor > allotment.remaining.minor else None


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (Decides(lambda request, allotment: None), "decide returned None, no decision"),
        (Decides(lambda request, allotment: True), "decide returned True, no decision"),
        (Decides(divide), "decide raised ZeroDivisionError"),
        (forgetful(), "the same question was answered with"),
        (approve_part(lambda asked: asked + 1), "was approved"),
        (approve_part(lambda asked: asked // 2 or asked), "the merchant takes all or nothing"),
        (approve_part(lambda asked: asked, "jpy"), "jpy was approved"),
        (without(WithinRemaining), "remains"),
        (without(OrderAmount, WithinRemaining), "remains"),
        (without(OpenDisbursement), "the disbursement is closed"),
        (without(NotExpired), "the terms have ended"),
        (without(UsesLeft), "no use is left"),
        (without(SameCard), "the allotment is another card's"),
        (
            without(OrderCurrency, OrderAmount, WithinRemaining).with_rules(count_only),
            "the currency is another",
        ),
        (Decides(lambda request, allotment: YES), "approved"),
        (Decides(slow), "took longer than 0.05 seconds"),
    ],
)
def test_kit_finds_what_is_wrong_with_a_policy(policy: Any, problem: str) -> None:
    """Each broken promise is found, with the question that shows it."""
    with pytest.raises(AssertionError, match=problem) as caught:
        assert_policy_is_sound(policy, examples=2_000)

    assert "AuthorizationRequest(" in str(caught.value)
    assert "Allotment(" in str(caught.value)


def test_kit_finds_a_part_that_does_not_cover_the_cashback() -> None:
    """A part below the cashback is found where the question has one."""
    from issuing_disburse.testing.policy_promises import (  # noqa: PLC0415 - one promise by hand
        stays_within_what_was_asked,
    )

    request = make_request(cashback=Money(5_000, "usd"), is_amount_controllable=True)
    halves = Decides(lambda request, allotment: evolve(YES, amount=Money(4_999, "usd")))

    assert "49.99 usd was approved, which does not cover the cashback" == (
        stays_within_what_was_asked(halves, request, make_allotment())
    )


def test_contract_asks_for_a_policy() -> None:
    """A contract without a policy fails loudly."""
    with pytest.raises(NotImplementedError):
        PolicyContract().test_never_raises()


def test_builders_take_money_and_counts() -> None:
    """An amount may be money or a count of minor units, and single fields may be replaced."""
    euros = Money(700, "eur")

    assert make_request(700, currency="eur") == make_request(euros)
    assert euros == make_allotment(euros).remaining
    assert Money(300, "eur") == make_allotment(euros, remaining=300).remaining
    assert "FR" == make_request(merchant_country="FR").merchant_country


def test_builders_take_uses_off_what_is_left() -> None:
    """What was used is not left, and probes take no use."""
    allotment = make_allotment(history=[make_use(4_000), make_use(50, is_probe=True)])

    assert (0, 0) == (allotment.uses_left, allotment.probes_left)
    assert Money(8_450, "usd") == allotment.remaining


@pytest.mark.parametrize("strategy", [allotments("eur"), requests("eur"), requests(), orders()])
def test_strategies_make_what_they_say(strategy: Any) -> None:
    """Generated values are valid and in the currency asked for."""

    @given(strategy)
    def check(value: Any) -> None:
        assert value.amount.currency in {"usd", "eur", "gbp"}

    check()


@given(questions())
def test_default_agrees_with_its_rules_asked_one_by_one(
    question: tuple[AuthorizationRequest, Allotment],
) -> None:
    """Approved means exactly that no rule objected, in whatever order they are asked."""
    is_fine = all(rule(*question) is None for rule in reversed(DEFAULT.rules))

    assert is_fine == DEFAULT.decide(*question).approved


@given(questions())
def test_partial_default_approves_no_less_than_the_strict_one(
    question: tuple[AuthorizationRequest, Allotment],
) -> None:
    """Partial approval adds approvals, in part, and takes none away."""
    lenient: tuple[Rule, ...] = AuthorizationPolicy.default(partial_approval=True).rules
    assert any(isinstance(rule, PartialApproval) for rule in lenient)
    if DEFAULT.decide(*question).approved:
        decision = AuthorizationPolicy(rules=lenient).decide(*question)

        assert (True, None) == (decision.approved, decision.amount)
