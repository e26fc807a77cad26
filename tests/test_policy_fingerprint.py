"""
Does a fingerprint tell policies apart, and stay where they are the same?
"""

import functools
import subprocess
import sys
from pathlib import Path
from typing import Any

import issuing_disburse
from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection, Rule
from issuing_disburse.policy import AuthorizationPolicy
from issuing_disburse.rules import AmountAtMost
from odd_rules import YES, Own, gives, grumpy, silent, ticking


def capped(most: int) -> Rule:
    """
    Make a rule that holds a value in its closure.
    """

    def cap(request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        return Objection("cap") if request.amount.minor > most else None

    return cap


class Plain:
    """
    A rule that keeps its setting where `repr` does not show it.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.again = self  # and holds itself

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> None:
        return None

    def method(self, request: AuthorizationRequest, allotment: Allotment) -> None:
        return None


class Shown(Plain):
    """
    A rule with a repr of its own.
    """

    def __repr__(self) -> str:
        return f"Shown({self.most}) at 0x{id(self):x}"


def set_of(*words: str) -> Rule:
    """
    Make a rule whose default holds a set and a dict.
    """

    def rule(
        request: AuthorizationRequest,
        allotment: Allotment,
        words: frozenset[str] = frozenset(words),
        *,
        table: Any = {"a": [1]},  # noqa: B006 - never written to
    ) -> None:
        return None

    return rule


def test_fingerprint_tells_policies_apart() -> None:
    """Another rule, order, setting, closure or body is another policy."""
    policies = [
        AuthorizationPolicy(),
        AuthorizationPolicy.default(),
        AuthorizationPolicy.default(partial_approval=True),
        AuthorizationPolicy(rules=(silent, grumpy)),
        AuthorizationPolicy(rules=(grumpy, silent)),
        AuthorizationPolicy(rules=(silent, grumpy), deadline_seconds=0.5),
        AuthorizationPolicy(rules=(silent, grumpy), isolated=True),
        AuthorizationPolicy(rules=(silent, grumpy), stand_in=gives(YES)),
        Own(rules=(silent, grumpy)),
        *[AuthorizationPolicy(rules=(AmountAtMost(most),)) for most in (1, 2)],
        *[AuthorizationPolicy(rules=(capped(most),)) for most in (1, 2)],
        *[AuthorizationPolicy(rules=(Plain(most),)) for most in (1, 2)],
        *[AuthorizationPolicy(rules=(Plain(most).method,)) for most in (1, 2)],
        *[AuthorizationPolicy(rules=(Shown(most),)) for most in (1, 2)],
        *[AuthorizationPolicy(rules=(set_of(*words),)) for words in ("ab", "abc")],
        *[AuthorizationPolicy(rules=(functools.partial(grumpy, x=x),)) for x in (1, 2)],
        AuthorizationPolicy(rules=(lambda request, allotment: None,)),
        AuthorizationPolicy(rules=(lambda request, allotment: Objection("x"),)),
    ]
    prints = [policy.fingerprint for policy in policies]

    assert len(prints) == len(set(prints))


def test_fingerprint_stays_when_nothing_that_decides_changed() -> None:
    """Shadows and the timer do not count, and equal parts make equal prints."""
    policy = AuthorizationPolicy(rules=(capped(5), Shown(1), set_of("a", "b")))
    same = AuthorizationPolicy(rules=(capped(5), Shown(1), set_of("b", "a")), timer=ticking(0.0))

    assert policy.fingerprint == same.with_shadow(grumpy).fingerprint


def test_fingerprint_takes_a_closure_that_was_never_filled() -> None:
    """A name that the enclosing function never set does not break the print."""

    def make(is_set: bool) -> Rule:
        def rule(request: AuthorizationRequest, allotment: Allotment) -> object:
            return later

        if is_set:
            later = None
        return rule  # type: ignore[return-value]  # never asked

    assert (
        AuthorizationPolicy(rules=(make(False),)).fingerprint
        != AuthorizationPolicy(rules=(make(True),)).fingerprint
    )


_SOURCE = str(Path(str(issuing_disburse.__file__)).parents[1])

SCRIPT = """
from issuing_disburse.policy import AuthorizationPolicy
from issuing_disburse.rules import CountryIn, HoursBetween, MCCIn, any_of
def rule(request, allotment, words={"a", "b", "c"}):
    return None if request.category in {"x", "y", "z"} else words
print(AuthorizationPolicy.default().with_rules(
    rule, any_of(CountryIn(["US", "CA"]), MCCIn("4000-4100")), HoursBetween(1, 2)
).fingerprint)
"""


def test_fingerprint_is_the_same_in_every_process() -> None:
    """Neither addresses nor the order of sets get into the print."""
    prints = {
        subprocess.run(  # noqa: S603 - this very interpreter and a constant script
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            check=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": _SOURCE},
        ).stdout
        for seed in ("1", "2")
    }

    assert 1 == len(prints)
