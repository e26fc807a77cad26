"""
Do spending controls cap what, where and how often, in the right windows?
"""

from datetime import UTC, datetime, timedelta

import pytest
import stripe

from issuing_disburse.simulator import Behaviour


def _limit(amount: int, interval: str, *categories: str) -> dict[str, object]:
    limit: dict[str, object] = {"amount": amount, "interval": interval}
    return {**limit, "categories": list(categories)} if categories else limit


def test_default_is_500_a_day_when_no_limit_is_set(make_bench):
    """Without limits 500 a day apply, hidden or visible; setting one replaces it."""
    bench = make_bench()
    card = bench.card(spending_controls=None)
    approved = [bench.sim.authorize(card.id, amount)["approved"] for amount in (50_000, 1)]
    bench.sim.clock.advance(timedelta(hours=15))
    approved.append(bench.sim.authorize(card.id, 50_000)["approved"])
    visible = make_bench(Behaviour(default_limit_visible=True)).card(spending_controls=None)

    assert [True, False, True] == approved
    assert [] == card.spending_controls.spending_limits
    assert 50_000 == visible.spending_controls.spending_limits[0].amount


def test_ten_thousand_per_authorization_always_apply(make_bench):
    """No limit of ours lifts Stripe's own, increments included."""
    bench = make_bench(issuing_funds=9_000_000)
    card = bench.card(spending_controls={"spending_limits": [_limit(5_000_000, "all_time")]})
    whole = bench.sim.authorize(card.id, 1_000_000)
    over = bench.sim.authorize(card.id, 1_000_001)
    grown = bench.sim.increment(whole["id"], 1)

    assert [True, False] == [whole["approved"], over["approved"]]
    assert "spending_controls" == grown["request_history"][-1]["reason"]


@pytest.mark.parametrize(
    ("interval", "starts_again"),
    [
        ("daily", datetime(2026, 11, 3, tzinfo=UTC)),
        ("weekly", datetime(2026, 11, 8, tzinfo=UTC)),
        ("monthly", datetime(2026, 12, 1, tzinfo=UTC)),
        ("yearly", datetime(2027, 1, 1, tzinfo=UTC)),
        ("all_time", None),
    ],
)
def test_window_starts_again_at_midnight_utc(bench, interval, starts_again):
    """Windows turn at midnight UTC: Sunday, the first, 1 January, or never."""
    card = bench.card(spending_controls={"spending_limits": [_limit(10_000, interval)]})
    approved = [bench.sim.authorize(card.id, 10_000)["approved"]]
    until = starts_again or datetime(2029, 1, 1, tzinfo=UTC)
    bench.sim.clock.advance(until - bench.sim.clock.now() - timedelta(seconds=1))
    if starts_again:
        bench.sim.capture(bench.sim.objects("authorization")[0]["id"])
        approved.append(bench.sim.authorize(card.id, 1)["approved"])
        bench.sim.clock.advance(timedelta(seconds=1))
    approved.append(bench.sim.authorize(card.id, 10_000)["approved"])

    # A hold that lapsed uncaptured gives its room back.
    assert [True, False, True] == approved if starts_again else [True, True] == approved


def test_category_limit_caps_only_its_categories(bench):
    """A limit with categories leaves the others alone."""
    limits = [_limit(1_000, "daily", "bakeries"), _limit(50_000, "daily")]
    card = bench.card(spending_controls={"spending_limits": limits})
    bread = {"category": "bakeries"}
    approved = [
        bench.sim.authorize(card.id, 1_000, merchant=bread)["approved"],
        bench.sim.authorize(card.id, 1, merchant=bread)["approved"],
        bench.sim.authorize(card.id, 49_000)["approved"],
        bench.sim.authorize(card.id, 1)["approved"],
    ]

    assert [True, False, True, False] == approved


def test_per_authorization_counts_what_is_approved_already(bench):
    """An increment is judged by the total of its authorization."""
    card = bench.card(spending_controls={"spending_limits": [_limit(1_000, "per_authorization")]})
    bought = bench.sim.authorize(card.id, 900)
    grown = bench.sim.increment(bought["id"], 200)

    assert [True, False] == [each["approved"] for each in grown["request_history"]]
    assert bench.sim.authorize(card.id, 1_000)["approved"]


@pytest.mark.parametrize(
    ("controls", "purchase", "approved"),
    [
        ({"allowed_categories": ["bakeries"]}, {"merchant": {"category": "bakeries"}}, True),
        ({"allowed_categories": ["bakeries"]}, {}, False),
        ({"blocked_categories": ["taxicabs_limousines"]}, {}, False),
        ({"allowed_merchant_countries": ["FR"]}, {"merchant": {"country": "FR"}}, True),
        ({"allowed_merchant_countries": ["FR"]}, {}, False),
        ({"blocked_merchant_countries": ["US"]}, {}, False),
        ({"allowed_card_presences": ["present"]}, {"authorization_method": "chip"}, True),
        ({"allowed_card_presences": ["present"]}, {}, False),
        ({"blocked_card_presences": ["not_present"]}, {}, False),
    ],
)
def test_places_are_allowed_or_blocked(bench, controls, purchase, approved):
    """Categories, countries and presence decide before anybody is asked."""
    receiver = bench.receiver()
    card = bench.card(spending_controls=controls)
    bought = bench.sim.authorize(card.id, 1_000, **purchase)
    asked = receiver.types().count("issuing_authorization.request")

    assert (approved, int(approved)) == (bought["approved"], asked)


def test_holder_controls_apply_beside_the_card(bench):
    """The stricter of card and holder wins, over all of the holder's cards."""
    holder = bench.holder(
        spending_controls={
            "spending_limits": [_limit(6_000, "all_time")],
            "spending_limits_currency": "usd",
        }
    )
    cards = [bench.card(holder.id) for _ in range(2)]
    approved = [bench.sim.authorize(card.id, 5_000)["approved"] for card in cards]

    assert [True, False] == approved
    assert "usd" == holder.spending_controls.spending_limits_currency


def test_lag_lets_quick_ones_through_when_switched_on(make_bench):
    """With the documented aggregation delay, two quick authorizations exceed a limit."""
    bench = make_bench(Behaviour(spending_lag_seconds=30))
    card = bench.card(spending_controls={"spending_limits": [_limit(5_000, "all_time")]})
    approved = [bench.sim.authorize(card.id, 5_000)["approved"] for _ in range(2)]
    bench.sim.clock.sleep(30)
    approved.append(bench.sim.authorize(card.id, 5_000)["approved"])

    assert [True, True, False] == approved


@pytest.mark.parametrize(
    ("controls", "param"),
    [
        (
            {"allowed_categories": ["bakeries"], "blocked_categories": ["florists"]},
            "parameters_exclusive",
        ),
        ({"spending_limits_currency": "usd"}, "parameter_unknown"),
        ({"allowed_merchants": ["x"]}, "parameter_unknown"),
        ({"allowed_categories": ["hotels_motels_resorts"]}, None),
        ({"allowed_merchant_countries": ["usa"]}, "country_code_invalid"),
        ({"spending_limits": [{"amount": 1}]}, "parameter_missing"),
    ],
)
def test_controls_are_refused_when_wrong(bench, controls, param):
    """Wrong controls are told by code, and no card is made."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.card(spending_controls=controls)
    bench.contract.problems.clear()  # The wrong values are wrong by the SDK's types, too.

    assert param == caught.value.code


def test_update_is_refused_when_it_would_allow_and_block(bench):
    """A list that contradicts the one already there is refused."""
    card = bench.card(spending_controls={"allowed_categories": ["bakeries"]})
    update = bench.client.v1.issuing.cards.update
    with pytest.raises(stripe.InvalidRequestError) as caught:
        update(card.id, {"spending_controls": {"blocked_categories": ["florists"]}}, bench.opt)
    body = b"spending_controls[allowed_merchant_countries]="
    cleared = bench.raw("POST", f"/v1/issuing/cards/{card.id}", body)

    assert "parameters_exclusive" == caught.value.code
    assert 200 == cleared.status


def test_unset_limits_restore_the_default_unless_switched(make_bench):
    """An empty value removes the limits; what applies then is a switch."""
    approved = []
    for restores in (True, False):
        bench = make_bench(Behaviour(unset_limits_restore_default=restores))
        card = bench.card()
        bench.raw("POST", f"/v1/issuing/cards/{card.id}", b"spending_controls[spending_limits]=")
        approved.append(bench.sim.authorize(card.id, 60_000)["approved"])

    assert [False, True] == approved
