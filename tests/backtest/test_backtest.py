"""
Is a policy judged on the past as it would have decided then?
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from issuing_disburse import (
    Allotment,
    AuthorizationPolicy,
    AuthorizationRequest,
    Decision,
    InvalidInputError,
    Money,
    Objection,
)
from issuing_disburse.backtest import backtest
from issuing_disburse.recordings import (
    Recorded,
    RecordedCard,
    RecordedOutcome,
    RecordedRequest,
)
from issuing_disburse.rules import AmountAtMost, CountryIn, Velocity
from issuing_disburse.testing.policy_kit import NOW, make_allotment, make_request
from replaying import OPEN, play
from world import World, open_world

DEFAULT = AuthorizationPolicy.default()


@pytest.fixture(scope="module")
def played() -> Iterator[tuple[World, tuple[Recorded, ...]]]:
    """
    A day of purchases, decided by the default policy, and what was recorded of it.
    """
    with open_world() as world:
        play(world)
        yield world, tuple(world.disburser.recordings.recorded())


def _card(card_id: str = "ic_1", recipient: str = "r1", **changes: Any) -> RecordedCard:
    allotment = make_allotment(12_500, terms=OPEN)
    card = RecordedCard(
        card_id=card_id,
        order_id=f"order of {card_id}",
        account="acct_1",
        amount=allotment.amount,
        terms=allotment.terms,
        expires_at=allotment.expires_at,
        recipient=recipient,
    )
    return evolve(card, **changes)


def _asked(number: int, amount: int, card_id: str = "ic_1", **changes: Any) -> RecordedRequest:
    request = make_request(
        amount,
        card_id=card_id,
        authorization_id=f"iauth_{number}",
        created=NOW + timedelta(minutes=number),
    )
    asked = RecordedRequest(
        request=request, was_asked=True, approved=True, approved_minor=amount, code="approved"
    )
    return evolve(asked, **changes)


def test_the_policy_that_decided_would_decide_the_same(played) -> None:
    """Uses, increments, reversals, captures and probes leave each card as it stood at each request."""
    _, recorded = played
    found = backtest(DEFAULT, recorded)

    assert 8 == found.requests
    assert (0, (), ()) == (found.changed, found.groups, found.examples)
    assert 5 == found.decided_by_others
    assert found.totals[0].approved_before_minor == found.totals[0].approved_after_minor
    assert 7 == found.totals[0].approved_before


def test_stripes_own_list_tells_the_same_as_what_was_recorded(played) -> None:
    """Cards that the store knows are judged by their terms, wherever the requests come from."""
    world, recorded = played
    listed = tuple(world.disburser.recordings.at_stripe())

    assert [one for one in recorded if isinstance(one, RecordedRequest)] == [
        one for one in listed if isinstance(one, RecordedRequest)
    ]
    assert backtest(DEFAULT, recorded) == backtest(DEFAULT, listed)


def test_what_a_stricter_policy_declines_is_counted_with_its_money(played) -> None:
    """By answer before, answer after, rule and currency, the largest group first."""
    _, recorded = played
    found = backtest(DEFAULT.with_rules(CountryIn("US"), AmountAtMost(11_000)), recorded)

    assert [
        ("approved", "amount_too_high", "AmountAtMost", 2, 24_500),
        ("approved", "country_not_allowed", "CountryIn", 1, 3_000),
    ] == [(g.before, g.after, g.rule, g.requests, g.approved_before_minor) for g in found.groups][
        :2
    ]
    assert {0} == {group.approved_after_minor for group in found.groups[:2]}


def test_what_was_not_used_is_there_for_a_later_request() -> None:
    """The card stands as it would, had this policy decided from the beginning."""
    recorded = [
        _card(),
        _asked(1, 9_000),
        _asked(2, 8_000, approved=False, approved_minor=0, code="over_remaining"),
    ]
    strict = DEFAULT.with_rules(AmountAtMost(8_500))

    assert 0 == backtest(DEFAULT, recorded).changed
    assert [("approved", "amount_too_high"), ("over_remaining", "approved")] == [
        (one.before, one.after) for one in backtest(strict, recorded).examples
    ]


@pytest.mark.parametrize(
    ("scope", "expected"), [("card", []), ("recipient", ["iauth_3"]), ("account", ["iauth_2"])]
)
def test_velocity_counts_the_uses_of_its_scope(scope: Any, expected: list[str]) -> None:
    """Of the card, of all the recipient's cards, or of the whole account; each as it was then."""
    recorded = [
        _card("ic_1", "r1"),
        _asked(1, 1_000, "ic_1"),
        _card("ic_2", "r2"),
        _asked(2, 1_000, "ic_2"),
        _card("ic_3", "r1"),
        _asked(3, 1_000, "ic_3"),
        _asked(200, 1_000, "ic_3"),  # the window has passed
    ]
    policy = DEFAULT.with_rules(Velocity(count_max=1, per=timedelta(hours=1), scope=scope))
    found = backtest(policy, recorded)

    declined = [one.authorization_id for one in found.examples]
    assert expected == declined[: len(expected)]
    assert {"too_often"} >= {one.after for one in found.examples}


def test_a_recipient_nobody_knows_is_not_guessed() -> None:
    """A velocity rule over recipients objects, as it would to a card whose uses nobody looked up."""
    policy = DEFAULT.with_rules(Velocity(count_max=9, per=timedelta(hours=1), scope="recipient"))
    found = backtest(policy, [_card(recipient=""), _asked(1, 1_000)])

    assert ["history_unknown"] == [one.after for one in found.examples]


def test_money_comes_back_when_a_use_cost_less() -> None:
    """A reversal or a smaller capture leaves more for later; the use itself stays used."""
    late = _asked(9, 12_000)
    before = [_card(), _asked(1, 9_000)]
    reversed_ = RecordedOutcome(
        authorization_id="iauth_1", card_id="ic_1", at=NOW + timedelta(minutes=5), minor=0
    )

    assert ["over_remaining"] == [one.after for one in backtest(DEFAULT, [*before, late]).examples]
    assert () == backtest(DEFAULT, [*before, reversed_, late]).examples
    assert () == backtest(DEFAULT, [*before, reversed_, reversed_, late]).examples


def test_what_stripe_decides_alone_is_used_but_not_judged() -> None:
    """An approval by the network takes its money, whatever the policy thinks of it."""
    alone = _asked(1, 9_000, was_asked=False, code="network_fallback")
    found = backtest(DEFAULT, [_card(), alone, _asked(2, 8_000)])

    assert (1, 1) == (found.requests, found.decided_by_others)
    assert ["over_remaining"] == [one.after for one in found.examples]


def test_a_request_for_an_unknown_card_is_left_out() -> None:
    """It is counted, and nothing is claimed about it."""
    found = backtest(DEFAULT, [_asked(1, 9_000, "ic_9")])

    assert (0, 1) == (found.requests, found.unknown)


def test_a_disbursement_that_was_over_stays_over() -> None:
    """A policy without limits does not approve what came after the end."""
    closed = _asked(1, 9_000, approved=False, approved_minor=0, code="not_open")

    assert 0 == backtest(DEFAULT, [_card(), closed]).changed


def test_time_stands_still_for_a_slow_rule() -> None:
    """How fast the machine is has no part in the result: no deadline, no second thread."""

    def clock() -> float:
        clock.now += 10.0  # type: ignore[attr-defined]  # its own memory
        return clock.now  # type: ignore[attr-defined,no-any-return]  # likewise

    clock.now = 0.0  # type: ignore[attr-defined]  # likewise
    slow = evolve(DEFAULT, timer=clock, isolated=True)

    assert "deadline" == slow.answer(make_request(), make_allotment()).code
    assert 0 == backtest(slow, [_card(), _asked(1, 9_000)]).changed


class _Broken:
    def decide(self, request: AuthorizationRequest, allotment: Allotment) -> Decision:
        raise RuntimeError("broken")


class _Generous:
    def decide(self, request: AuthorizationRequest, allotment: Allotment) -> Decision:
        return Decision(approved=True, code="approved", amount=Money(10**6, "usd"))


@pytest.mark.parametrize("policy", [_Broken(), _Generous()])
def test_what_is_no_sound_decision_counts_as_a_decline(policy: Any) -> None:
    """Anything with `decide` can be replayed, and none of it can approve what may not be."""
    found = backtest(policy, [_card(), _asked(1, 9_000)])

    assert ["rule_error"] == [one.after for one in found.examples]


@pytest.mark.parametrize("policy", [None, AmountAtMost(1), AuthorizationPolicy, object()])
def test_what_decides_nothing_is_refused(policy: Any) -> None:
    """Before anything is read."""
    with pytest.raises(InvalidInputError) as caught:
        backtest(policy, iter(()))

    assert "policy" == caught.value.field


def test_examples_are_bounded_and_counts_are_not() -> None:
    """A year of requests fits into a page."""

    def never(request: AuthorizationRequest, allotment: Allotment) -> Objection:
        return Objection("never")

    told: list[int] = []
    recorded = [_card(), *(_asked(number, 1) for number in range(2_500))]
    found = backtest(DEFAULT.with_rules(never), recorded, examples_max=3, progress=told.append)

    assert 3 == len(found.examples)
    assert sum(group.requests for group in found.groups) == found.changed
    assert [1_000, 2_000, 2_500] == told
