"""
Does a policy approve only what all its rules agree to, in time, whatever they do?
"""

import asyncio
import functools
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from issuing_disburse.decision import (
    Allotment,
    AuthorizationRequest,
    Decision,
    Limit,
    Objection,
    Rule,
)
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import Money
from issuing_disburse.policy import AuthorizationPolicy
from issuing_disburse.rules import AmountAtMost, CountryIn, Velocity, any_of, unless
from issuing_disburse.testing.policy_kit import make_allotment, make_request
from odd_rules import (
    ALLOTMENT,
    ASKED,
    IN_PART,
    Stuck,
    absent_minded,
    grumpy,
    limits,
    raises,
    says,
    silent,
    ticking,
)
from strategies import questions


def decided(
    *rules: Rule, request: AuthorizationRequest = ASKED, allotment: Allotment = ALLOTMENT
) -> Decision:
    """
    Return what a policy of just these rules decides.
    """
    return AuthorizationPolicy(rules=rules).decide(request, allotment)


def test_decide_approves_when_every_rule_was_asked_and_none_objected() -> None:
    """Approval needs all rules, and each is asked once."""
    asked: list[str] = []
    first = says(None)
    rules = [
        lambda request, allotment, name=name: asked.append(name) or first(request, allotment)
        for name in "abc"
    ]

    assert Decision(approved=True, code="approved") == decided(*rules)
    assert ["a", "b", "c"] == asked


def test_decide_declines_when_there_are_no_rules() -> None:
    """Nobody asked means nobody agreed."""
    decision = decided()

    assert (False, "no_rules") == (decision.approved, decision.code)


def test_decide_declines_with_the_first_objection() -> None:
    """The rule that objected is named, with its code and words."""
    expected = Decision(approved=False, code="grumpy", message="not today", rule="grumpy")

    assert expected == decided(silent, grumpy, raises(RuntimeError()))


@pytest.mark.parametrize(
    "rule",
    [
        says(True),
        says(False),
        says(0),
        says(""),
        says(Decision(approved=True, code="approved")),
        says(Objection),
        says(Objection(None)),  # type: ignore[arg-type]  # that is what is tested
        says(Objection("code", b"bytes")),  # type: ignore[arg-type]  # same
        says(Limit(12_500)),  # type: ignore[arg-type]  # same
        says(Limit(None)),  # type: ignore[arg-type]  # same
        says(Limit(Money(1, "usd"), code=None)),  # type: ignore[arg-type]  # same
        says(Limit(Money(20_000, "eur"))),
        raises(RuntimeError("Jenny")),
        raises(RecursionError()),
        raises(SystemExit(0)),
        raises(GeneratorExit()),
        raises(asyncio.CancelledError()),
        raises(Stuck()),
        lambda: None,
    ],
)
def test_decide_declines_when_a_rule_is_broken(rule: Rule) -> None:
    """Whatever a rule does instead of answering, it never approves and nothing leaks."""
    decision = decided(silent, rule, silent, request=IN_PART)

    assert (False, "rule_error", "error") == (decision.approved, decision.code, decision.source)
    assert "Jenny" not in decision.message


@pytest.mark.filterwarnings("ignore:coroutine 'absent_minded' was never awaited")
def test_decide_declines_when_a_rule_is_a_coroutine_function() -> None:
    """A rule that nobody awaits has not agreed."""
    decision = decided(absent_minded)  # type: ignore[arg-type]  # that is what is tested

    assert "absent_minded answered with coroutine" == decision.message


def test_decide_declines_when_an_answer_lies_about_its_class() -> None:
    """An object that only pretends to be a limit is no limit."""

    class Pretender:
        __class__ = Limit  # type: ignore[assignment]  # believed by isinstance

    assert "rule_error" == decided(says(Pretender())).code


def test_decide_lets_an_interrupt_through() -> None:
    """Who stops the process with the keyboard is not answered with a decline."""
    with pytest.raises(KeyboardInterrupt):
        decided(raises(KeyboardInterrupt()))


@frozen
class Named:
    """
    A rule with a name of its own.
    """

    name: object = "house-rule-7"

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection:
        return Objection("no")


class Nameless:
    """
    A rule that cannot even be asked for its name.
    """

    @property
    def name(self) -> str:
        raise RuntimeError

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection:
        return Objection("no")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Named(), "house-rule-7"),
        (Named(7), "Named"),
        (Nameless(), "Nameless"),
        (AmountAtMost(1), "AmountAtMost"),
        (functools.partial(grumpy), "partial"),
    ],
)
def test_decide_names_the_rule_that_decided(rule: Rule, expected: str) -> None:
    """A rule goes by its own name, or its function's, or its class's."""
    assert expected == decided(rule).rule


def test_decide_approves_a_part_when_the_smallest_limit_allows_it() -> None:
    """The smallest limit wins, and its rule is named."""
    expected = Decision(
        approved=True, code="b", amount=Money(5_000, "usd"), rule="at_most_5000", message=""
    )
    rules = (limits(9_000, code="a"), limits(5_000, code="b"), limits(7_000, code="c"))

    assert expected == decided(*rules, request=IN_PART)


@pytest.mark.parametrize("minor", [12_500, 12_501, 10**9])
def test_decide_approves_all_when_limits_are_not_below_what_is_asked(minor: int) -> None:
    """A limit never raises what was asked, and does not matter where it does not bind."""
    for request in (ASKED, IN_PART):
        assert Decision(approved=True, code="approved") == decided(limits(minor), request=request)


@pytest.mark.parametrize(
    ("request_", "minor", "code"),
    [
        (ASKED, 5_000, "not_controllable"),
        (IN_PART, 0, "limited"),
        (IN_PART, -1, "limited"),
        (IN_PART, 100, "part_too_small"),
        (evolve(IN_PART, cashback=Money(5_001, "usd")), 5_000, "cashback_over_limit"),
    ],
)
def test_decide_declines_when_a_part_is_not_possible(
    request_: AuthorizationRequest, minor: int, code: str
) -> None:
    """A part needs a merchant who takes one, something to approve, and the whole cashback."""
    decision = decided(limits(minor), request=request_)

    assert (False, code) == (decision.approved, decision.code)


def test_decide_approves_a_small_part_when_it_belongs_to_an_increment() -> None:
    """A small addition to a purchase is no probe."""
    request = evolve(IN_PART, already_approved=Money(9_000, "usd"))

    assert Money(50, "usd") == decided(limits(50), request=request).amount


def test_decide_approves_a_part_when_it_covers_the_cashback() -> None:
    """A part that pays the cashback in full is fine."""
    request = evolve(IN_PART, cashback=Money(5_000, "usd"))

    assert Money(5_000, "usd") == decided(limits(5_000), request=request).amount


def test_decide_asks_again_when_only_a_part_is_approved() -> None:
    """A rule that objects to the smaller purchase is heard, though it agreed to the larger."""

    def nothing_small(request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        return Objection("small") if request.amount.minor < 6_000 else None

    assert "small" == decided(nothing_small, limits(5_000), request=IN_PART).code
    assert Money(6_000, "usd") == decided(nothing_small, limits(6_000), request=IN_PART).amount


def test_decide_keeps_an_exact_order_exact_when_a_rule_limits() -> None:
    """A limit cannot turn an exact order's purchase into a smaller one."""
    policy = AuthorizationPolicy.default().with_rules(limits(5_000))

    assert "wrong_amount" == policy.decide(IN_PART, make_allotment(12_500)).code


def test_default_approves_a_part_when_told_to() -> None:
    """With partial approval, too much is cut down to what may be spent."""
    request = make_request(20_000, is_amount_controllable=True)
    strict, lenient = (AuthorizationPolicy.default(partial_approval=p) for p in (False, True))

    assert "wrong_amount" == strict.decide(request, ALLOTMENT).code
    assert Money(12_500, "usd") == lenient.decide(request, ALLOTMENT).amount
    assert lenient.decide(ASKED, ALLOTMENT).approved


def test_decide_declines_when_a_rule_overruns_the_deadline() -> None:
    """The rule that was asked when time ran out is named."""
    policy = AuthorizationPolicy(rules=(silent, says(None)), timer=ticking(0.0, 0.8, 0.81))
    decision = policy.decide(ASKED, ALLOTMENT)

    assert (False, "deadline", "deadline") == (decision.approved, decision.code, decision.source)
    assert "says" == decision.rule


def test_decide_approves_when_the_last_moment_is_not_over() -> None:
    """The deadline itself is still in time."""
    policy = AuthorizationPolicy(rules=(silent,), timer=ticking(0.0, 0.8))

    assert policy.decide(ASKED, ALLOTMENT).approved


def test_decide_declines_when_time_runs_out_over_a_part() -> None:
    """Asking again about a part counts against the same deadline."""
    policy = AuthorizationPolicy(rules=(limits(5_000),), timer=ticking(0.0, 0.1, 0.9))

    assert "deadline" == policy.decide(IN_PART, ALLOTMENT).code


@pytest.mark.parametrize("seconds", [0, -1, 1.81, float("nan")])
def test_policy_is_not_made_when_the_deadline_is_impossible(seconds: float) -> None:
    """A deadline must leave time to think, and fit into Stripe's two seconds."""
    with pytest.raises(InvalidInputError):
        AuthorizationPolicy(deadline_seconds=seconds)


def test_with_rules_asks_them_after_the_others() -> None:
    """Added rules come last, and the policy they were added to is unchanged."""
    policy = AuthorizationPolicy(rules=(silent,))
    stricter = policy.with_rules(grumpy, silent)

    assert (silent, grumpy, silent) == stricter.rules
    assert (silent,) == policy.rules


@pytest.mark.parametrize("rules", [(None,), ("AmountAtMost",), (AmountAtMost,), (silent, 7)])
def test_policy_is_not_made_when_a_rule_is_none(rules: Any) -> None:
    """What cannot be called, and classes, are no rules."""
    with pytest.raises(InvalidInputError) as caught:
        AuthorizationPolicy(rules=rules)

    assert f"policy.rules[{len(rules) - 1}]" == caught.value.field


def test_policy_is_not_made_when_the_stand_in_cannot_be_called() -> None:
    """A stand-in that could not stand in is refused at once."""
    with pytest.raises(InvalidInputError):
        AuthorizationPolicy(stand_in="approve")  # type: ignore[arg-type]  # that is what is tested


@given(questions(), st.lists(st.sampled_from([silent, AmountAtMost(5_000), CountryIn("US")])))
def test_adding_rules_never_approves_more(
    question: tuple[AuthorizationRequest, Allotment], rules: list[Rule]
) -> None:
    """A purchase that a policy declines stays declined with more rules."""
    policy = AuthorizationPolicy.default()
    more = policy.with_rules(*rules)
    if more.decide(*question).approved:
        assert policy.decide(*question).approved


def test_history_needed_finds_velocities_wherever_they_are() -> None:
    """What must be looked up for the rules is known, nested rules and shadows included."""
    day, week = timedelta(days=1), timedelta(days=7)
    policy = (
        AuthorizationPolicy.default()
        .with_rules(Velocity(count_max=1, per=day), any_of(Velocity(count_max=2, per=week)))
        .with_rules(unless(Velocity(count_max=1, per=day, scope="recipient"), silent))
        .with_shadow(AuthorizationPolicy(rules=(Velocity(count_max=1, per=day, scope="account"),)))
    )

    assert {"card": week, "recipient": day, "account": day} == policy.history_needed
    assert {} == AuthorizationPolicy.default().history_needed


def test_history_needed_comes_to_an_end_when_rules_hold_each_other() -> None:
    """A rule that holds itself does not keep us looking for ever."""

    class Round:
        def __init__(self) -> None:
            self.rules = (self, Velocity(count_max=1, per=timedelta(days=1)))

        def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> None:
            return None

    assert {"card": timedelta(days=1)} == AuthorizationPolicy(rules=(Round(),)).history_needed
