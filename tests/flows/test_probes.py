"""
Does a merchant's test of a card get in the way of the purchase that it was made for?
"""

from collections.abc import Iterator

import pytest

from asking import deliver, is_approved, outcome_event, request_event
from issuing_disburse import AmountRule, Disbursement, Money, Status, Terms
from world import World, make_order, open_world

SEVERAL = Terms(amount=AmountRule.up_to(), uses=2)


@pytest.fixture(params=["memory://", "sqlite://"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """
    An account whose balance has a dollar more than its one order needs.
    """
    with open_world(request.param) as opened:
        opened.simulator.fund_issuing(opened.account or "", 100)
        yield opened


def paid(world: World, terms: Terms | None = None) -> Disbursement:
    """
    Pay the one order.
    """
    return world.disburser.disburse(make_order(terms=terms))


def usd(minor: int) -> Money:
    """
    Return dollars.
    """
    return Money(minor, "usd")


def test_purchase_is_approved_while_the_probe_is_held(world: World) -> None:
    """The exact amount passes before the probe is reversed; the account covers that dollar until then."""
    card = paid(world).card
    probe = world.simulator.authorize(card.id, 100)

    real = world.simulator.authorize(card.id, 12_500)

    assert (True, True) == (probe["approved"], real["approved"])
    meanwhile = world.disburser.statement("claim-8841")
    assert (usd(12_600), usd(100)) == (meanwhile.held, meanwhile.covered)
    world.check_books("claim-8841")
    world.simulator.reverse(probe["id"])
    world.simulator.capture(real["id"])
    after = world.disburser.statement("claim-8841")
    assert (usd(12_500), usd(0), usd(0)) == (after.spent, after.held, after.covered)
    assert Status.SPENT is world.disburser.get("claim-8841").status
    world.check_books("claim-8841")


def test_probe_that_is_taken_after_all_is_covered_and_told(world: World) -> None:
    """A merchant that captures the probe as well costs the account that dollar, and somebody is told."""
    card = paid(world).card
    probe = world.simulator.authorize(card.id, 100)
    real = world.simulator.authorize(card.id, 12_500)

    world.simulator.capture(real["id"])
    world.simulator.capture(probe["id"])

    statement = world.disburser.statement("claim-8841")
    assert (usd(12_600), usd(100)) == (statement.spent, statement.covered)
    assert "amount_outside_terms" in {one.kind for one in world.disburser.alerts()}
    world.check_books("claim-8841")


def test_stripe_declines_when_the_balance_lacks_the_dollar() -> None:
    """With not a cent beside the order's money, Stripe declines the purchase before anybody is asked."""
    with open_world() as world:
        card = paid(world).card
        world.simulator.authorize(card.id, 100)

        real = world.simulator.authorize(card.id, 12_500)

        assert not real["approved"]
        assert "insufficient_funds" == real["request_history"][-1]["reason"]
        world.check_books("claim-8841")


def test_probe_that_nobody_has_confirmed_yet_takes_nothing_either(world: World) -> None:
    """The purchase passes whether Stripe's word on the probe came before it, after it, or not at all."""
    card = paid(world).card

    assert is_approved(deliver(world, request_event(world, card.id, 1, 100)))
    assert is_approved(deliver(world, request_event(world, card.id, 2, 12_500)))

    deliver(world, outcome_event(world, card.id, 2, approved=True))
    deliver(world, outcome_event(world, card.id, 1, approved=True, amount=100))
    statement = world.disburser.statement("claim-8841")
    assert (usd(12_600), usd(100)) == (statement.held, statement.covered)
    assert statement.is_balanced


def test_purchases_share_the_amount_whatever_probes_hold(world: World) -> None:
    """Two purchases get the whole amount beside a held probe, and not a cent of what the probe holds."""
    card = paid(world, SEVERAL).card
    world.simulator.authorize(card.id, 100)
    assert world.simulator.authorize(card.id, 5_000)["approved"]

    assert not world.simulator.authorize(card.id, 7_501)["approved"]
    assert world.simulator.authorize(card.id, 7_500)["approved"]

    assert usd(100) == world.disburser.statement("claim-8841").covered
    world.check_books("claim-8841")


@pytest.mark.parametrize(("more", "passes"), [(4_900, True), (4_901, False)])
def test_probe_that_grows_counts_with_what_it_held(world: World, more: int, passes: bool) -> None:
    """A probe raised to a purchase is judged by the new total: it takes what is left and no more."""
    card = paid(world, SEVERAL).card
    world.simulator.authorize(card.id, 7_500)
    probe = world.simulator.authorize(card.id, 100)

    raised = world.simulator.increment(probe["id"], more)

    assert (100 + more if passes else 100) == raised["amount"]
    assert usd(0) == world.disburser.statement("claim-8841").covered
    world.check_books("claim-8841")


def test_purchase_reduced_to_a_dollar_is_no_probe(world: World) -> None:
    """What a merchant keeps of a purchase stays taken, however little it is."""
    card = paid(world, SEVERAL).card
    first = world.simulator.authorize(card.id, 12_500)
    world.simulator.reverse(first["id"], 12_450)

    assert not world.simulator.authorize(card.id, 12_500)["approved"]
    assert world.simulator.authorize(card.id, 12_450)["approved"]
    assert usd(0) == world.disburser.statement("claim-8841").covered
    world.check_books("claim-8841")


def test_probe_raised_without_asking_becomes_a_purchase(world: World) -> None:
    """A probe that the network raised by itself takes the card's use and its money."""
    card = paid(world, SEVERAL).card
    deliver(world, request_event(world, card.id, 1, 100))
    deliver(world, outcome_event(world, card.id, 1, approved=True, amount=9_000))

    assert not is_approved(deliver(world, request_event(world, card.id, 2, 3_501)))
    assert is_approved(deliver(world, request_event(world, card.id, 3, 3_500)))
    assert not is_approved(deliver(world, request_event(world, card.id, 4, 200)))
