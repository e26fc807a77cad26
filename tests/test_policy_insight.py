"""
Can one see why a policy decides as it does, and what another would have said?
"""

from typing import Any

import pytest

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection, Rule
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.policy import AuthorizationPolicy, Shadow
from issuing_disburse.rules import AmountAtMost, OrderCategories, OrderCountries
from issuing_disburse.terms import Terms
from issuing_disburse.testing.policy_kit import make_allotment, make_request, make_use
from odd_rules import (
    ALLOTMENT,
    ASKED,
    IN_PART,
    YES,
    Own,
    Stuck,
    fails,
    gives,
    grumpy,
    limits,
    raises,
    says,
    silent,
)


@pytest.mark.parametrize(
    ("shadow", "deciding", "expected"),
    [
        (grumpy, silent, ("grumpy", "grumpy", True)),
        (grumpy, grumpy, ("grumpy", "grumpy", False)),
        (silent, silent, ("silent", "approved", False)),
        (silent, grumpy, ("silent", "approved", False)),
        (raises(Stuck()), silent, ("broken", "rule_error", True)),
        (limits(5_000), silent, ("at_most_5000", "limited", True)),
        (limits(5_000), limits(4_000), ("at_most_5000", "limited", False)),
        (limits(4_000), limits(5_000), ("at_most_4000", "limited", True)),
        (AuthorizationPolicy(rules=(silent,)), grumpy, ("AuthorizationPolicy", "approved", True)),
        (AuthorizationPolicy(rules=(silent,)), silent, ("AuthorizationPolicy", "approved", False)),
        (AuthorizationPolicy(), silent, ("AuthorizationPolicy", "no_rules", True)),
        (Own(stand_in=fails(Stuck())), silent, ("Own", "rule_error", True)),
        (Own(stand_in=gives(None)), silent, ("Own", "rule_error", True)),
    ],
)
def test_shadow_is_recorded_and_never_changes_the_answer(
    shadow: Any, deciding: Rule, expected: tuple[str, str, bool]
) -> None:
    """What a shadow would have said is known; what is answered is not its business."""
    plain = AuthorizationPolicy(rules=(deciding,))
    policy = plain.with_shadow(shadow)
    decision, (verdict,) = policy.decide_with_shadows(IN_PART, ALLOTMENT)

    assert plain.decide(IN_PART, ALLOTMENT) == decision
    assert expected == (verdict.name, verdict.decision.code, verdict.changes)


def test_shadows_go_by_their_names() -> None:
    """A shadow's verdict is filed under the name it was given."""
    policy = AuthorizationPolicy(rules=(silent,)).with_shadow(grumpy, name="stricter")

    assert ["stricter"] == [v.name for v in policy.shadow_verdicts(ASKED, ALLOTMENT, YES)]


def test_shadow_lets_an_interrupt_through() -> None:
    """Who stops the process with the keyboard is obeyed by shadows, too."""
    policy = AuthorizationPolicy(rules=(silent,)).with_shadow(
        Own(stand_in=fails(KeyboardInterrupt()))
    )
    with pytest.raises(KeyboardInterrupt):
        policy.decide_with_shadows(ASKED, ALLOTMENT)


@pytest.mark.parametrize(
    ("judge", "name"), [(7, "seven"), (AmountAtMost, "class"), (silent, ""), (silent, None)]
)
def test_shadow_is_not_made_when_it_could_not_be_asked(judge: Any, name: Any) -> None:
    """A shadow is a rule or a policy, and has a name."""
    with pytest.raises(InvalidInputError):
        Shadow(judge, name)


def test_explain_shows_every_rule_and_what_it_saw() -> None:
    """Rules behind the one that decided are asked, too, and broken ones are named."""
    rules = (AmountAtMost(5_000), silent, says(True), raises(ValueError("Jenny")), limits(500))
    explanation = AuthorizationPolicy(rules=rules).explain(ASKED, ALLOTMENT)

    assert ("already_approved=0.00 usd", "amount=125.00 usd") == explanation.rows[0].saw[:2]
    assert [
        ("AmountAtMost", "amount_too_high"),
        ("silent", "ok"),
        ("says", "answered with bool"),
        ("broken", "raised ValueError"),
        ("at_most_500", "limited to 5.00 usd"),
    ] == [(row.rule, row.verdict) for row in explanation]
    assert "amount_too_high" == explanation.decision.code
    assert "Jenny" not in str(explanation)


def test_explain_prints_a_table_with_the_outcome() -> None:
    """The printed explanation has a line for each rule, and ends with what came of it."""
    lines = str(AuthorizationPolicy.default().explain(ASKED, ALLOTMENT)).splitlines()

    assert lines[0].split() == ["rule", "verdict", "µs", "saw"]
    assert len(AuthorizationPolicy.default().rules) + 4 == len(lines)
    assert "approved: every rule was asked, none objected" == lines[-1]


@pytest.mark.parametrize(
    ("rules", "request_", "expected"),
    [
        ((grumpy,), ASKED, "declined by grumpy (grumpy: not today)"),
        ((), ASKED, "declined by policy (no_rules: the policy has no rules)"),
        ((limits(5_000),), IN_PART, "approved for 50.00 usd by at_most_5000 (limited)"),
    ],
)
def test_explain_says_what_came_of_it(
    rules: tuple[Rule, ...], request_: AuthorizationRequest, expected: str
) -> None:
    """The last line names the outcome, the rule and the reason."""
    explanation = AuthorizationPolicy(rules=rules).explain(request_, ALLOTMENT)

    assert expected == str(explanation).splitlines()[-1]


def test_explain_watches_rules_of_every_kind() -> None:
    """A rule under observation sees the same values and types as in earnest."""

    def curious(request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        assert isinstance(request, AuthorizationRequest)
        assert isinstance(allotment.terms, Terms)
        return Objection("seen") if allotment.terms.uses and allotment.first_merchant else None

    allotment = make_allotment(history=[make_use(authorization_id="iauth_1")])
    (row,) = AuthorizationPolicy(rules=(curious,)).explain(ASKED, allotment)

    assert ("allotment.terms.uses=1", "allotment.first_merchant=iauth_1") == row.saw
    assert "seen" == row.verdict


def test_explain_shortens_what_is_long() -> None:
    """A merchant cannot fill the screen with its name."""

    def reader(request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        return Objection("seen") if request.merchant_name else None

    policy = AuthorizationPolicy(rules=(reader,))
    (row,) = policy.explain(make_request(merchant_name="x" * 500), ALLOTMENT)

    assert (f"merchant_name='{'x' * 39}…",) == row.saw


def test_explain_counts_what_is_a_list() -> None:
    """A list of terms shows as its length, a single word as it is."""
    terms = Terms(allowed_countries=["US", "CA"], allowed_categories=["bakeries"])
    policy = AuthorizationPolicy(rules=(OrderCountries(), OrderCategories()))
    countries, categories = policy.explain(ASKED, make_allotment(terms=terms))

    assert "allotment.terms.allowed_countries=2 entries" == countries.saw[0]
    assert "allotment.terms.allowed_categories=('bakeries',)" == categories.saw[0]


def test_explain_lets_an_interrupt_through() -> None:
    """Who stops the process with the keyboard is obeyed."""
    policy = AuthorizationPolicy(rules=(grumpy, raises(KeyboardInterrupt())))
    with pytest.raises(KeyboardInterrupt):
        policy.explain(ASKED, ALLOTMENT)
