"""
What may a policy or a stand-in of a team's own, and what never?
"""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from issuing_disburse.decision import AuthorizationRequest, Decision, Objection
from issuing_disburse.money import Money
from issuing_disburse.policy import AuthorizationPolicy
from odd_rules import ALLOTMENT, ASKED, IN_PART, YES, Own, Stuck, fails, gives, ticking

UNSOUND: list[Callable[[AuthorizationRequest], Any]] = [
    gives(None),
    gives(True),
    gives(Objection("no")),
    gives(evolve(YES, approved="yes")),
    gives(evolve(YES, amount=Money(12_501, "usd"))),
    gives(evolve(YES, amount=Money(0, "usd"))),
    gives(evolve(YES, amount=Money(5_000, "eur"))),
    gives(evolve(YES, amount=5_000)),
    gives(evolve(YES, amount=Money(4_999, "usd"))),
    fails(RuntimeError()),
    fails(Stuck()),
]
SOUND = [
    gives(YES),
    gives(evolve(YES, amount=Money(12_500, "usd"))),
    gives(evolve(YES, amount=Money(5_000, "usd"))),
]
QUESTION = evolve(IN_PART, cashback=Money(5_000, "usd"))


@pytest.mark.parametrize("decider", UNSOUND)
def test_answer_declines_when_a_policy_of_ones_own_is_unsound(decider: Any) -> None:
    """Whatever an overridden `decide` does, no more than asked is approved, and nothing raised."""
    decision = Own(stand_in=decider).answer(QUESTION, ALLOTMENT)

    assert (False, "rule_error", "Own") == (decision.approved, decision.code, decision.rule)


@pytest.mark.parametrize("decider", UNSOUND)
def test_stand_in_declines_when_it_is_unsound(decider: Any) -> None:
    """The same holds for a stand-in, and its answers are marked as such."""
    decision = AuthorizationPolicy(stand_in=decider).decide_without_store(QUESTION)

    assert (False, "stand_in") == (decision.approved, decision.source)


@pytest.mark.parametrize("decider", SOUND)
def test_sound_answers_of_ones_own_are_given(decider: Any) -> None:
    """What may be approved is approved."""
    policy = Own(stand_in=decider)

    assert decider(QUESTION) == policy.answer(QUESTION, ALLOTMENT)
    assert policy.decide_without_store(QUESTION).approved
    assert "stand_in" == policy.decide_without_store(QUESTION).source


def test_part_is_refused_when_the_merchant_takes_none() -> None:
    """A policy of one's own cannot approve a part that the merchant would ignore."""
    policy = Own(stand_in=gives(evolve(YES, amount=Money(5_000, "usd"))))

    assert not policy.answer(ASKED, ALLOTMENT).approved


def test_answer_declines_when_a_policy_of_ones_own_is_late() -> None:
    """An approval after the deadline is a decline; a decline stays what it is."""
    no = Decision(approved=False, code="own")
    late = Own(stand_in=gives(YES), timer=ticking(0.0, 0.9))

    assert "deadline" == late.answer(ASKED, ALLOTMENT).code
    assert no == Own(stand_in=gives(no), timer=ticking(0.0, 0.9)).answer(ASKED, ALLOTMENT)


def test_policy_declines_without_store_when_nobody_stands_in() -> None:
    """Not knowing the card is no reason to approve."""
    decision = AuthorizationPolicy.default().decide_without_store(ASKED)

    assert (False, "store_unavailable", "stand_in") == (
        decision.approved,
        decision.code,
        decision.source,
    )


@pytest.mark.parametrize("ask", ["answer", "decide_without_store"])
def test_interrupts_pass_policies_and_stand_ins(ask: str) -> None:
    """Who stops the process with the keyboard is not answered with a decline."""
    policy = Own(stand_in=fails(KeyboardInterrupt()))
    arguments = (ASKED, ALLOTMENT)[: 2 if ask == "answer" else 1]
    with pytest.raises(KeyboardInterrupt):
        getattr(policy, ask)(*arguments)
