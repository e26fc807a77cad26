"""
Does each way of bringing money pay many orders: too little of it, the next day, and sent back?
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve, frozen

from europe import HOMES, local_order, open_region, send_bank_transfer
from issuing_disburse import Money, Order, PrefundedRoute, Status, TopUpRoute
from issuing_disburse.simulator.faults import Fault, Refuse
from world import World, make_order, make_recipient, open_world

AMOUNT = 12_500


def make_orders(people: list[int]) -> list[Order]:
    """
    Make an order for each of *people*, in turn.
    """
    return [
        make_order(
            f"order-{number}",
            recipient=make_recipient(f"supplier-{person}", email=f"jenny{person}@example.com"),
        )
        for number, person in enumerate(people)
    ]


def make_local_orders(currency: str, how_many: int) -> list[Order]:
    """
    Make orders for people in the region of *currency*.
    """
    orders = [local_order(currency, f"order-{number}") for number in range(how_many)]
    return [
        evolve(
            one,
            recipient=evolve(one.recipient, reference=f"s-{one.id}", email=f"{one.id}@example.com"),
        )
        for one in orders
    ]


def check(world: World, orders: list[Order]) -> None:
    """
    Fail unless all books agree, to the cent.
    """
    world.check_books(*(one.id for one in orders))
    world.disburser.verify_ledger()
    assert world.disburser.account_statement().is_balanced


@pytest.mark.parametrize("is_prefunded", [False, True])
def test_too_little_money_pays_those_that_come_first_in_the_list(is_prefunded: bool) -> None:
    """Whoever's cardholder was made later, because a person comes twice, is not overtaken."""
    options: dict[str, Any] = {"route": PrefundedRoute()} if is_prefunded else {}
    funds = 0 if is_prefunded else 3 * AMOUNT
    with open_world(options=options, platform_funds=funds) as world:
        if is_prefunded:
            world.simulator.fund_issuing(world.account or "", 3 * AMOUNT, "usd")
        orders = make_orders([0, 0, 0, 1, 2, 3])

        outcomes = list(world.disburser.disburse_many(orders, workers=1))

        paid = {one.order_id for one in outcomes if one.is_paid}
        assert {"order-0", "order-1", "order-2"} == paid


@pytest.mark.parametrize("currency", ["eur", "gbp"])
def test_a_list_waits_for_bank_transfers_and_says_how_much_is_missing(currency: str) -> None:
    """What is there pays those it suffices for; the rest is named to the cent, whoever is large."""
    with open_region(currency) as world:
        send_bank_transfer(world, 3 * AMOUNT, currency)
        orders = make_local_orders(currency, 6)
        orders[1] = evolve(orders[1], amount=Money(4 * AMOUNT, currency))

        outcomes = list(world.disburser.disburse_many(orders))

        assert {"order-0", "order-2", "order-3"} == {
            one.order_id for one in outcomes if one.is_paid
        }
        assert all(one.error is None for one in outcomes)
        assert 6 * AMOUNT == world.disburser.funding_needed(currency).missing.minor
        send_bank_transfer(world, 6 * AMOUNT, currency)
        world.disburser.resume_all()
        assert {Status.ACTIVE} == {world.disburser.get(one.id).status for one in orders}
        assert world.disburser.funding_needed(currency).missing.is_zero
        check(world, orders)


@pytest.mark.parametrize("currency", ["eur", "gbp"])
def test_money_for_many_that_comes_the_next_day_pays_all_of_them(currency: str) -> None:
    """Two lists wait, by one movement each; a refused card then gives back its share alone."""
    country = HOMES[currency][0]
    start = datetime(2026, 11, 4, 15, tzinfo=UTC)
    with open_world(
        simulator={"country": country, "start": start}, platform_funds=0, country=country
    ) as world:
        world.simulator.fund_platform(6 * AMOUNT, currency)
        orders = make_local_orders(currency, 6)
        for some in (orders[:3], orders[3:], orders):
            for one in world.disburser.disburse_many(some):
                assert one.is_pending
                assert one.error is None
                assert one.disbursement is not None
                assert one.disbursement.reason is not None
                assert one.disbursement.reason.retry_at is not None
                assert "money_in_flight" == one.disbursement.reason.code
        assert "not_over" == world.disburser.reclaim("order-1").outcome
        check(world, [])
        world.simulator.faults.add(Fault(action=Refuse(), endpoint="POST /v1/issuing/cards"))
        world.simulator.clock.advance(timedelta(days=1))

        resumed = world.disburser.resume_all()

        assert 5 == sum(one.status is Status.ACTIVE for one in resumed)
        assert 5 * AMOUNT == world.simulator.issuing_balance(world.account, currency)
        assert AMOUNT == world.simulator.payments_balance(None, currency)
        assert 2 == world.sent("POST /v1/transfers")
        for one in resumed:
            world.disburser.reclaim(one.order_id)
        assert 6 * AMOUNT == world.simulator.payments_balance(None, currency)
        check(world, orders)


@frozen(kw_only=True)
class ManyTopUps(TopUpRoute):
    """
    A route of somebody's own, whose one debit pays for many.
    """

    members_max: int = 100


def test_a_share_that_a_bank_sends_back_is_paid_out_again() -> None:
    """What was one order's share counts as not gone: it is not closed with its money left behind."""
    with open_world(options={"route": ManyTopUps()}, platform_funds=0) as world:
        orders = make_orders([0, 1, 2])
        list(world.disburser.disburse_many(orders))
        (topup,) = world.simulator.objects("topup", world.account)
        world.simulator.settle_topup(topup["id"])
        world.disburser.resume_all()
        world.disburser.reclaim("order-0")
        (payout,) = world.simulator.objects("payout", world.account)
        world.simulator.settle_payout(payout["id"], "account_closed")
        world.simulator.clock.advance(timedelta(days=1))

        (again,) = world.disburser.reclaim_expired()

        assert Money(AMOUNT, "usd") == again.on_its_way
        assert 2 * AMOUNT == world.simulator.issuing_balance(world.account)
        world.simulator.clock.advance(timedelta(days=3))
        (done,) = world.disburser.reclaim_expired()
        assert "closed" == done.outcome
        check(world, orders)
