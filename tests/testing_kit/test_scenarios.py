"""
Does every scenario of the testing kit happen as its page says, with books that balance?
"""

from typing import NamedTuple

import pytest
from attrs import evolve

from issuing_disburse import AuthorizationPolicy, InvalidInputError, Money, Objection, Status
from issuing_disburse.testing import SCENARIOS, Happened, make_order, scenario

FIGURES = ("funded", "held", "spent", "refunded", "disputed", "covered", "reclaimed", "remaining")


class Facts(NamedTuple):
    """
    What a story has to end with.

    *verdicts* has Stripe's reason for each purchase; *money* the figures that are not zero, in minor units.
    """

    status: str
    verdicts: tuple[str, ...]
    money: dict[str, int]
    alerts: tuple[str, ...] = ()
    before: str = ""
    errors: tuple[str, ...] = ()


OK, NO = "webhook_approved", "webhook_declined"
PAID = {"funded": 12_500, "spent": 12_500}
HOME = {"funded": 12_500, "reclaimed": 12_500}

EXPECTED = {
    "exact_purchase": Facts("spent", (OK,), PAID),
    "wrong_amount": Facts("spent", (NO, "spending_controls", OK), PAID),
    "double_use": Facts("spent", (OK, "card_canceled"), PAID),
    "two_probes": Facts("spent", (OK, "spending_controls", OK), PAID),
    "void_then_retry": Facts("spent", (OK, "card_canceled", OK), PAID, before="closing"),
    "partial_approval": Facts("spent", (OK, OK), PAID),
    "increment": Facts("active", (OK, OK), {"funded": 12_500, "spent": 9_375, "remaining": 3_125}),
    "multi_capture": Facts("spent", (OK,), PAID),
    "over_capture": Facts(
        "spent",
        (OK,),
        {"funded": 12_500, "spent": 13_750, "covered": 1_250},
        alerts=("over_capture",),
    ),
    "late_capture": Facts(
        "closed",
        (OK,),
        {"funded": 12_500, "spent": 12_500, "covered": 12_500, "reclaimed": 12_500},
        alerts=("late_capture",),
        before="closed",
    ),
    "force_capture": Facts(
        "spent",
        (),
        {"funded": 12_500, "spent": 4_166, "remaining": 8_334},
        alerts=("force_capture",),
    ),
    "unlinked_refund": Facts(
        "spent",
        (OK,),
        {"funded": 12_500, "spent": 12_500, "refunded": 2_500, "remaining": 2_500},
        alerts=("unlinked_refund",),
    ),
    "refund_after_closing": Facts(
        "closing",
        (OK,),
        {
            "funded": 12_500,
            "spent": 10_000,
            "refunded": 2_500,
            "reclaimed": 2_500,
            "remaining": 2_500,
        },
        before="closed",
    ),
    "expiry": Facts("closed", (NO,), HOME),
    "watchlist_hit": Facts("failed", (), {}, before="pending", errors=("RecipientNotReadyError",)),
    "watchlist_delay": Facts("spent", (OK,), PAID, before="pending"),
    "inactive_account": Facts("failed", (), {}, errors=("RefusedError",)),
    "insufficient_balance": Facts(
        "spent", (OK,), PAID, before="failed", errors=("InsufficientIssuingBalanceError",)
    ),
    "next_day_funding": Facts("spent", (OK,), PAID, before="pending"),
    "webhook_twice": Facts("spent", (OK,), PAID),
    "webhook_late": Facts("spent", (OK,), PAID, before="active"),
    "webhook_shuffled": Facts(
        "spent",
        (OK,),
        {"funded": 12_500, "spent": 12_500, "refunded": 5_000, "remaining": 5_000},
    ),
    "webhook_missing": Facts("active", (OK,), {"funded": 12_500, "remaining": 12_500}),
    "webhook_timeout": Facts(
        "active", ("webhook_timeout",), {"funded": 12_500, "remaining": 12_500}
    ),
    "key_forgotten": Facts("spent", (OK,), PAID, before="pending", errors=("UnknownOutcomeError",)),
    "answer_lost": Facts("spent", (OK,), PAID),
    "card_cancelled_outside": Facts("closed", ("card_canceled",), HOME, before="closing"),
    "dispute_won": Facts(
        "spent",
        (OK,),
        {"funded": 12_500, "spent": 12_500, "disputed": 12_500, "remaining": 12_500},
        alerts=("dispute",),
    ),
    "dispute_lost": Facts("spent", (OK,), PAID, alerts=("dispute",)),
    "foreign_currency_drift": Facts(
        "spent",
        (OK,),
        {"funded": 12_500, "spent": 10_298, "remaining": 2_202},
        alerts=("over_capture",),
    ),
}


def facts_of(told: Happened) -> Facts:
    """
    Return what a story has ended with.
    """
    figures = {name: getattr(told.statement, name).minor for name in FIGURES}
    return Facts(
        status=told.disbursement.status.value,
        verdicts=tuple(one.reason for one in told.asked),
        money={name: minor for name, minor in figures.items() if minor},
        alerts=tuple(one.kind for one in told.alerts),
        before=told.before.status.value if told.before else "",
        errors=tuple(type(one).__name__ for one in told.errors),
    )


def decline(request: object, allotment: object) -> Objection:
    """
    Object to everything.
    """
    return Objection("never", "this policy approves nothing")


def test_every_story_is_expected_here() -> None:
    """No scenario is left without the facts that it has to end with, and there are enough of them."""
    assert EXPECTED.keys() == SCENARIOS.keys()
    assert len(SCENARIOS) >= 25


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_story_ends_as_it_is_told(name: str) -> None:
    """Status, verdicts, money and alerts are those of the page; the statement balances, and so do the books."""
    with scenario(name) as told:
        assert EXPECTED[name] == facts_of(told)
        assert told.statement.is_balanced
        assert SCENARIOS[name].leaves == tuple(sorted(one.kind for one in told.discrepancies))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_story_goes_on_under_a_policy_that_declines_everything(name: str) -> None:
    """Whatever the policy under test says, the story ends, nothing is approved by us, and no cent is lost."""
    policy = AuthorizationPolicy.default().with_rules(decline)
    with scenario(name, policy=policy) as told:
        assert [] == [one.reason for one in told.asked if one.reason == OK]
        assert told.statement.is_balanced
        assert {one.kind for one in told.discrepancies} <= {*SCENARIOS[name].leaves}


def test_decisions_stand_beside_what_was_asked() -> None:
    """Each purchase has our decision, if we were asked, and all of them stand in the order of asking."""
    with scenario("wrong_amount") as told:
        ours = [one.decision.code if one.decision else None for one in told.asked]

        assert ["wrong_amount", None, "approved"] == ours
        assert ["wrong_amount", "approved"] == [one.code for one in told.decisions]
        assert 3 == len(told.authorization_ids)
        assert Money(12_400, "usd") == told.asked[0].amount


def test_a_part_is_approved_to_the_cent() -> None:
    """What a partial approval leaves of the question is in the decision."""
    with scenario("partial_approval") as told:
        assert told.decisions[-1].amount == Money(5_000, "usd")


def test_a_key_that_was_forgotten_makes_no_second_card() -> None:
    """After a lost answer, and after a forgotten key, there is one card and one transfer."""
    for name in ("key_forgotten", "answer_lost"):
        with scenario(name) as told:
            assert 1 == len(told.simulator.objects("card")), name
            assert 1 == len(told.simulator.objects("transfer")), name


def test_what_was_missed_is_listed_and_can_be_repaired() -> None:
    """A timeout is listed among the misses; what no webhook told is booked by a repair."""
    with scenario("webhook_timeout") as told:
        assert ["miss"] == [one.kind for one in told.authorization_alerts]
    with scenario("webhook_missing") as told:
        told.disburser.reconcile().repair()

        assert Money(12_500, "usd") == told.disburser.statement(told.order.id).spent
        assert () == told.disburser.reconcile().discrepancies


def test_a_story_goes_on_in_the_hands_of_the_test() -> None:
    """Simulator and disburser are there to go on with: what a refund brought is taken home."""
    with scenario("refund_after_closing") as told:
        told.disburser.reclaim_expired()

        assert Status.CLOSED is told.disburser.get(told.order.id).status
        assert Money(5_000, "usd") == told.disburser.statement(told.order.id).reclaimed


def test_an_order_and_a_merchant_of_ones_own_are_taken() -> None:
    """The story keeps its proportions with another order, and each purchase comes from that merchant."""
    order = make_order("invoice-9", "80.00")
    with scenario("over_capture", order=order, merchant={"country": "CA"}) as told:
        (authorization,) = told.simulator.objects("authorization")

        assert ("invoice-9", Money(8_800, "usd")) == (told.order.id, told.statement.spent)
        assert "CA" == authorization["merchant_data"]["country"]


def test_the_same_story_is_the_same_twice() -> None:
    """Ids, numbers and figures of a story are the same each time it is told."""
    first, again = (scenario("multi_capture") for _ in range(2))

    assert first.authorization_ids == again.authorization_ids
    assert first.disbursement == again.disbursement


@pytest.mark.parametrize(
    ("arguments", "field", "remedy"),
    [
        ({"name": "over_captured"}, "name", "over_capture"),
        ({"name": 7}, "name", "answer_lost"),
        ({"name": "expiry", "order": "order-1"}, "order", "Order"),
        ({"name": "expiry", "api_key": "sk_test_1"}, "api_key", "leave it out"),
        ({"name": "next_day_funding", "order": make_order()}, "order.amount", "that currency"),
    ],
)
def test_a_wrong_argument_is_named_with_its_remedy(
    arguments: dict[str, object], field: str, remedy: str
) -> None:
    """Before anything happens, the error says which argument is wrong and what to do."""
    with pytest.raises(InvalidInputError) as caught:
        scenario(**arguments)  # type: ignore[arg-type]  # wrong on purpose

    assert field == caught.value.field
    assert remedy in caught.value.remedy


def test_a_scenario_is_a_value() -> None:
    """It prints as its name, and nobody changes it in passing."""
    found = SCENARIOS["expiry"]

    assert "expiry" == str(found)
    assert found == evolve(found)
