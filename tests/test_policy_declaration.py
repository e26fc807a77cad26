"""
Is a policy in a file the policy that was meant, or an error that says where it is wrong?
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from issuing_disburse import rules as built_in
from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.policy import AuthorizationPolicy
from issuing_disburse.rules import (
    AmountAtMost,
    CountryIn,
    CVCMatch,
    DatesBetween,
    MCCIn,
    Velocity,
    all_of,
    any_of,
    unless,
)
from odd_rules import grumpy, silent

TOML = """
base = "default"
partial_approval = true
deadline_seconds = 0.5
isolated = true

[[rules]]
rule = "Velocity"
count_max = 3
per = { days = 1, hours = 12 }
scope = "recipient"

[[rules]]
rule = "any_of"
rules = [
  { rule = "CountryIn", countries = ["US", "CA"] },
  { rule = "all_of", rules = [{ rule = "MCCIn", mccs = ["3000-3299"] }, { rule = "CVCMatch", or_not_provided = true }] },
]

[[rules]]
rule = "unless"
exception = { rule = "CountryIn", countries = "US" }
rules = [{ rule = "AmountAtMost", amount_max_minor = 5_000 }, "grumpy"]

[[rules]]
rule = "DatesBetween"
first = 2026-12-01
last = "2026-12-24"
time_zone = "Europe/Berlin"

[[rules]]
rule = "spree"
limit = 7

[[shadows]]
name = "stricter"
rule = { rule = "AmountAtMost", amount_max_minor = 1_000 }
"""


@frozen
class Spree:
    """
    A rule of a team's own.
    """

    limit: int = 0

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        return None


class Unknown:
    """
    A class that is no attrs class, so that nobody knows its settings.
    """


KNOWN: dict[str, Any] = {"grumpy": grumpy, "spree": Spree, "unknown": Unknown}

EXPECTED = (
    AuthorizationPolicy.default(partial_approval=True)
    .with_rules(
        Velocity(count_max=3, per=timedelta(hours=36), scope="recipient"),
        any_of(CountryIn(["US", "CA"]), all_of(MCCIn("3000-3299"), CVCMatch(or_not_provided=True))),
        unless(CountryIn("US"), AmountAtMost(5_000), grumpy),
        DatesBetween(date(2026, 12, 1), date(2026, 12, 24), time_zone="Europe/Berlin"),
        Spree(7),
    )
    .with_shadow(AmountAtMost(1_000), name="stricter")
)


def test_from_toml_makes_the_policy_that_is_meant(tmp_path: Path) -> None:
    """A declared policy equals the one written in code, from text as from a file."""
    file = tmp_path / "policy.toml"
    file.write_text(TOML, encoding="utf-8")
    policy = AuthorizationPolicy.from_toml(TOML, known=KNOWN)

    assert EXPECTED.rules == policy.rules
    assert EXPECTED.shadows == policy.shadows
    assert (0.5, True) == (policy.deadline_seconds, policy.isolated)
    assert policy == AuthorizationPolicy.from_toml(file, known=KNOWN)


def test_from_dict_starts_from_the_default_when_nothing_is_said() -> None:
    """An empty declaration is the default policy; base 'none' has no rules at all."""
    assert AuthorizationPolicy.default() == AuthorizationPolicy.from_dict({})
    assert AuthorizationPolicy() == AuthorizationPolicy.from_dict({"base": "none"})


def test_from_dict_makes_the_subclass_it_is_called_on() -> None:
    """A team's own policy class can be declared, too."""

    class Own(AuthorizationPolicy):
        pass

    assert Own is type(Own.from_dict({"rules": [{"rule": "CVCMatch"}]}))


@pytest.mark.parametrize("name", [n for n in built_in.__all__ if n.startswith(("Order", "Not"))])
def test_from_dict_knows_every_built_in_rule_by_name(name: str) -> None:
    """A built-in rule without settings needs nothing but its name."""
    policy = AuthorizationPolicy.from_dict({"base": "none", "rules": [name]})

    assert [name] == [type(rule).__name__ for rule in policy.rules]


def rule(**settings: Any) -> dict[str, Any]:
    """
    Declare a policy of one rule.
    """
    return {"rules": [settings]}


@pytest.mark.parametrize(
    ("found", "field"),
    [
        (7, "policy"),
        ({"rulez": []}, "policy.rulez"),
        ({"base": "strict"}, "policy.base"),
        ({"base": ["none"]}, "policy.base"),
        ({"isolated": "yes"}, "policy.isolated"),
        ({"isolated": 1}, "policy.isolated"),
        ({"partial_approval": "no"}, "policy.partial_approval"),
        ({"base": "none", "partial_approval": True}, "policy.partial_approval"),
        ({"deadline_seconds": "0.8"}, "policy.deadline_seconds"),
        ({"deadline_seconds": True}, "policy.deadline_seconds"),
        ({"deadline_seconds": 60}, "policy.deadline_seconds"),
        ({"rules": {"rule": "CVCMatch"}}, "policy.rules"),
        ({"rules": "CVCMatch"}, "policy.rules"),
        ({"rules": [7]}, "policy.rules[0]"),
        ({"rules": ["CVCMatch", {}]}, "policy.rules[1].rule"),
        (rule(rule=7), "policy.rules[0].rule"),
        (rule(rule="CvcMatch"), "policy.rules[0].rule"),
        (rule(rule="os.system"), "policy.rules[0].rule"),
        (rule(rule="__all__"), "policy.rules[0].rule"),
        (rule(rule="AmountAtMost"), "policy.rules[0]"),
        (rule(rule="AmountAtMost", most=1), "policy.rules[0].most"),
        (rule(rule="AmountAtMost", amount_max_minor="9"), "policy.rules[0].amount_max_minor"),
        (rule(rule="AmountBetween", amount_min_minor=2, amount_max_minor=1), "policy.rules[0]"),
        (rule(rule="CountryIn", countries=["USA"]), "policy.rules[0]"),
        (rule(rule="MerchantNameMatches", pattern="a", _matcher="a"), "policy.rules[0]._matcher"),
        (rule(rule="CVCMatch", or_not_provided="no"), "policy.rules[0].or_not_provided"),
        (rule(rule="CVCMatch", or_not_provided=1), "policy.rules[0].or_not_provided"),
        (rule(rule="Velocity", count_max=1, per={"day": 1}), "policy.rules[0].per.day"),
        (rule(rule="Velocity", count_max=1, per={"days": "1"}), "policy.rules[0].per.days"),
        (rule(rule="Velocity", count_max=1, per=60), "policy.rules[0].per"),
        (rule(rule="Velocity", count_max=1, per={"days": 10**12}), "policy.rules[0].per"),
        (rule(rule="Velocity", count_max=1, per={"days": float("nan")}), "policy.rules[0].per"),
        (rule(rule="Velocity", count_max=1), "policy.rules[0]"),
        (rule(rule="DatesBetween", first="soon", last="2026-12-24"), "policy.rules[0].first"),
        (rule(rule="grumpy", mood=1), "policy.rules[0].mood"),
        (rule(rule="unknown"), "policy.rules[0]"),
        (rule(rule="any_of"), "policy.rules[0].rules"),
        (rule(rule="any_of", rules=[]), "policy.rules[0].rules"),
        (rule(rule="any_of", rules=["CVCMatch", "x"]), "policy.rules[0].rules[1].rule"),
        (
            rule(rule="any_of", rules=["CVCMatch"], exception="CVCMatch"),
            "policy.rules[0].exception",
        ),
        (rule(rule="unless", rules=["CVCMatch"]), "policy.rules[0].exception"),
        ({"shadows": ["CVCMatch"]}, "policy.shadows[0]"),
        ({"shadows": [{"rule": "CVCMatch"}]}, "policy.shadows[0].name"),
        ({"shadows": [{"name": "x"}]}, "policy.shadows[0].rule"),
        ({"shadows": [{"name": "x", "rule": "y"}]}, "policy.shadows[0].rule.rule"),
    ],
)
def test_from_dict_names_the_place_when_a_declaration_is_wrong(found: Any, field: str) -> None:
    """An error carries the path to the bad key."""
    with pytest.raises(InvalidInputError) as caught:
        AuthorizationPolicy.from_dict(found, known=KNOWN)

    assert field == caught.value.field


def test_from_toml_says_where_when_it_is_no_toml() -> None:
    """A slip of the pen is reported with line and column."""
    with pytest.raises(InvalidInputError, match="line 2"):
        AuthorizationPolicy.from_toml("rules = [\n}")


def test_from_dict_does_not_touch_what_it_was_given() -> None:
    """The declaration can be used again."""
    found = {"rules": [{"rule": "AmountAtMost", "amount_max_minor": 5}]}
    first = AuthorizationPolicy.from_dict(found)

    assert first == AuthorizationPolicy.from_dict(found)
    assert silent not in first.rules
