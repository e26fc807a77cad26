"""
Is the amount that an order allows held at Stripe, by our rules, and looked at again when it is captured?
"""

import pytest

from issuing_disburse import AmountRule, Terms
from issuing_disburse.simulator import Behaviour
from world import make_order, open_world

EXACT = AmountRule.exact()
TOLERANT = EXACT.with_tolerance(under_minor=200, over_basis_points=250)
OURS, STRIPES, YES = "webhook_declined", "spending_controls", "webhook_approved"


@pytest.mark.parametrize(
    ("rule", "limit_minor", "asked"),
    [
        (EXACT, 12_500, {12_499: OURS, 12_500: YES}),
        (EXACT, 12_500, {12_501: STRIPES, 50: YES}),
        (AmountRule.up_to(), 12_500, {12_501: STRIPES, 1_000: YES}),
        (AmountRule.between(10_000, 13_000), 13_000, {9_999: OURS, 13_001: STRIPES, 13_000: YES}),
        (TOLERANT, 12_812, {12_299: OURS, 12_813: STRIPES, 12_300: YES}),
        (TOLERANT, 12_812, {12_812: YES}),
    ],
)
def test_stripe_carries_the_upper_side_and_we_the_rest(
    rule: AmountRule, limit_minor: int, asked: dict[int, str]
) -> None:
    """The most becomes the limit of one purchase; below it our rule decides, to the minor unit."""
    with open_world() as world:
        order = make_order(terms=Terms(amount=rule))
        card = world.disburser.disburse(order).card
        found = {
            amount: world.simulator.authorize(card.id, amount=amount)["request_history"][0][
                "reason"
            ]
            for amount in asked
        }
        (created,) = _listed(world)

    assert asked == found
    assert {"amount": limit_minor, "interval": "per_authorization"} in [
        {"amount": one["amount"], "interval": one["interval"]}
        for one in created["spending_controls"]["spending_limits"]
    ]


def _listed(world):
    api = world.disburser._connection.api  # noqa: SLF001 - what Stripe has, not what we think
    return list(api.pages("/v1/issuing/cards", {}, account=world.account))


def test_a_foreign_purchase_is_judged_in_the_currency_of_the_card() -> None:
    """The network's conversion moves the amount; the tolerance is there for it."""
    rates = Behaviour(exchange_rates={"usd": 1.0, "eur": 1.1})
    with open_world(simulator={"behaviour": rates}) as world:
        card = world.disburser.disburse(make_order(terms=Terms(amount=TOLERANT))).card
        cheap, right = (
            world.simulator.authorize(card.id, merchant_amount=amount, merchant_currency="eur")
            for amount in (11_181, 11_545)  # 122.99 and 127.00 in the card's currency
        )

    assert [OURS, YES] == [one["request_history"][0]["reason"] for one in (cheap, right)]
    assert ("eur", 12_700) == (right["merchant_currency"], right["amount"])


def test_a_capture_beyond_the_terms_is_told() -> None:
    """Nobody can decline a capture: it is booked, and somebody is told."""
    with open_world() as world:
        card = world.disburser.disburse(make_order(terms=Terms(amount=TOLERANT))).card
        authorization = world.simulator.authorize(card.id, amount=12_700)
        world.simulator.capture(authorization["id"], 14_000)
        statement = world.disburser.statement("claim-8841")

    assert [("over_capture", -14_000)] == [(one.kind, one.minor) for one in statement.alerts]
    assert 14_000 == statement.spent.minor
