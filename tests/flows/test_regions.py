"""
Do the flows of Europe work whole: money by bank transfer, cards, and money back to the bank?
"""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from europe import HOMES, local_order, open_region, send_bank_transfer
from issuing_disburse import (
    AmountRule,
    InvalidInputError,
    Money,
    PushRoute,
    ReclaimPolicy,
    Status,
    Terms,
)
from issuing_disburse.exceptions import RefusedError
from issuing_disburse.simulator.faults import Fault, LoseConnection, Refuse, Webhook
from world import World, make_order, open_world

PART = Terms(amount=AmountRule.up_to())
BOTH = pytest.mark.parametrize("currency", ["eur", "gbp"])


@BOTH
def test_an_order_waits_for_a_bank_transfer_and_says_where_to_send_it(currency: str) -> None:
    """Nothing is issued before the money is there; reason and verb name amount and bank account."""
    with open_region(currency) as world:
        waiting = world.disburser.disburse(local_order(currency))

        assert Status.PENDING is waiting.status
        assert waiting.reason is not None
        assert "awaiting_bank_transfer" == waiting.reason.code
        need = world.disburser.funding_needed(currency)
        assert (Money(12_500, currency), 1) == (need.missing, need.orders)
        assert need.instructions is not None
        assert str(need.instructions) in waiting.reason.message
        assert {"eur": "iban", "gbp": "sort_code"}[currency] in need.instructions.details
        assert 0 == world.sent("POST /v1/issuing/cards")
        world.check_books("claim-8841")


@BOTH
def test_a_purchase_from_order_to_payout(currency: str) -> None:
    """Money comes by bank transfer, is spent in part, and the rest goes back to the bank."""
    with open_region(currency) as world:
        world.disburser.disburse(local_order(currency, terms=PART))
        send_bank_transfer(world, 12_500, currency)

        (paid,) = world.disburser.resume_all()

        assert Status.ACTIVE is paid.status
        authorization = world.simulator.authorize(paid.card.id, 10_000)
        world.simulator.capture(authorization["id"])
        waiting = world.disburser.reclaim("claim-8841")
        assert ("waiting", "look_again") == (waiting.outcome, waiting.next_step)
        assert Money(2_500, currency) == waiting.reclaimed == waiting.on_its_way
        world.simulator.clock.advance(timedelta(days=3))
        (done,) = world.disburser.reclaim_expired()
        assert ("closed", Money(0, currency)) == (done.outcome, done.on_its_way)
        said = world.disburser.statement("claim-8841")
        assert Money(10_000, currency) == said.spent
        assert Money(2_500, currency) == said.reclaimed
        assert 0 == world.simulator.issuing_balance(world.account, currency)
        world.check_books("claim-8841")


def test_orders_share_what_bank_transfers_bring() -> None:
    """Two orders and three transfers: each is covered once, the second waits for the rest."""
    with open_region("eur") as world:
        send_bank_transfer(world, 10_000, "eur")
        assert Status.PENDING is world.disburser.disburse(local_order("eur", "a")).status
        send_bank_transfer(world, 2_500, "eur")
        assert Status.ACTIVE is world.disburser.resume("a").status
        assert Status.PENDING is world.disburser.disburse(local_order("eur", "b")).status

        need = world.disburser.funding_needed("eur")

        assert Money(12_500, "eur") == need.missing == need.promised == need.waiting
        send_bank_transfer(world, 12_600, "eur")
        assert Status.ACTIVE is world.disburser.resume("b").status
        assert world.disburser.funding_needed("eur").missing.is_zero
        world.check_books("a", "b")


def test_money_that_was_there_before_is_used_and_explained() -> None:
    """Bank transfers from before the first order pay for it, and every cent reconciles."""
    with open_region("eur") as world:
        send_bank_transfer(world, 20_000, "eur")
        world.simulator.take_back_issuing(world.account or "", 1_000, "eur")
        world.simulator.clock.advance(timedelta(days=3))

        assert Status.ACTIVE is world.disburser.disburse(local_order("eur")).status

        world.check_books("claim-8841")
        send_bank_transfer(world, 700, "eur")  # nobody asked for it, and nobody resumes anything
        world.check_books("claim-8841")


def test_a_float_can_stay_for_the_next_order() -> None:
    """With way_back="keep" the rest of one order pays for the next, without any payout."""
    policy = ReclaimPolicy(way_back="keep")
    with open_region("eur", reclaim_policy=policy) as world:
        send_bank_transfer(world, 12_500, "eur")
        world.disburser.disburse(local_order("eur", "a"))

        done = world.disburser.reclaim("a")

        assert ("closed", Money(12_500, "eur")) == (done.outcome, done.kept)
        assert Status.ACTIVE is world.disburser.disburse(local_order("eur", "b")).status
        assert 0 == world.sent("POST /v1/payouts")
        world.check_books("a", "b")


@pytest.mark.parametrize("how", ["failed", "canceled"])
def test_a_payout_that_comes_back_is_paid_out_again(how: str) -> None:
    """What a bank sends back lies on the card's account again, and the next day goes out anew."""
    with open_region("eur") as world:
        send_bank_transfer(world, 12_500, "eur")
        world.disburser.disburse(local_order("eur"))
        world.disburser.reclaim("claim-8841")
        (payout,) = world.simulator.objects("payout", world.account)

        if how == "failed":
            world.simulator.settle_payout(payout["id"], "account_closed")
        else:
            world.send(f"/v1/payouts/{payout['id']}/cancel")

        said = world.disburser.statement("claim-8841")
        assert (0, 12_500) == (said.reclaimed.minor, said.remaining.minor)
        world.check_books("claim-8841")
        world.simulator.clock.advance(timedelta(days=1))
        (again,) = world.disburser.reclaim_expired()
        assert Money(12_500, "eur") == again.on_its_way
        world.simulator.clock.advance(timedelta(days=3))
        (done,) = world.disburser.reclaim_expired()
        assert "closed" == done.outcome
        assert 2 == world.sent("POST /v1/payouts")
        world.check_books("claim-8841")


def test_a_payout_that_fails_without_a_webhook_is_found_by_the_walk() -> None:
    """A lost event does no harm: the run that looks for the payout sees that it came back."""
    with open_region("gbp") as world:
        send_bank_transfer(world, 12_500, "gbp")
        world.disburser.disburse(local_order("gbp"))
        world.disburser.reclaim("claim-8841")
        (payout,) = world.simulator.objects("payout", world.account)
        deaf(world)
        world.simulator.settle_payout(payout["id"], "account_closed")
        world.simulator.clock.advance(timedelta(days=3))

        (again,) = world.disburser.reclaim_expired()

        assert ("waiting", Money(12_500, "gbp")) == (again.outcome, again.on_its_way)
        world.check_books("claim-8841")


def test_a_payout_whose_answer_is_lost_is_made_once() -> None:
    """A reclaim that lost the answer to its payout finishes with the same payout."""
    with open_region("eur") as world:
        send_bank_transfer(world, 12_500, "eur")
        world.disburser.disburse(local_order("eur"))
        faults = world.simulator.faults
        faults.add(Fault(endpoint="POST /v1/payouts", action=LoseConnection(after_commit=True)))
        faults.add(
            Fault(endpoint="POST /v1/payouts", action=LoseConnection(after_commit=False), times=0)
        )
        assert "stuck" == world.disburser.reclaim("claim-8841").outcome
        faults.clear()
        world.simulator.clock.advance(timedelta(days=4))

        (done,) = world.disburser.reclaim_expired()

        assert Money(12_500, "eur") == done.reclaimed
        assert 1 == len(world.simulator.objects("payout", world.account))
        world.check_books("claim-8841")


@BOTH
@pytest.mark.parametrize("days", [1, 3])
def test_next_day_money_is_waited_for_over_weekends(currency: str, days: int) -> None:
    """What leaves on a Friday is expected on Monday, and the order becomes active then."""
    friday = datetime(2026, 11, 6, 15, tzinfo=UTC)
    start = friday if days == 3 else friday - timedelta(days=2)
    country = HOMES[currency][0]
    with open_world(
        simulator={"country": country, "start": start}, platform_funds=0, country=country
    ) as world:
        world.simulator.fund_platform(100_000, currency)

        waiting = world.disburser.disburse(local_order(currency))

        assert waiting.reason is not None
        assert waiting.reason.retry_at is not None
        assert "money_in_flight" == waiting.reason.code
        assert (start + timedelta(days=days)).date() == waiting.reason.retry_at.date()
        world.check_books()
        world.simulator.clock.advance(timedelta(days=days) - timedelta(hours=8))
        assert () == tuple(
            one.order_id for one in world.disburser.resume_all() if one.status is Status.ACTIVE
        )
        world.simulator.clock.advance(timedelta(hours=8))
        assert Status.ACTIVE is world.disburser.resume("claim-8841").status
        done = world.disburser.reclaim("claim-8841")
        assert ("closed", Money(12_500, currency)) == (done.outcome, done.reclaimed)
        assert 100_000 == world.simulator.payments_balance(None, currency)
        world.check_books("claim-8841")


@BOTH
def test_a_recipient_without_a_phone_is_refused_before_any_call(currency: str) -> None:
    """The field at fault is named, and Stripe is asked nothing."""

    order = local_order(currency)
    with open_region(currency) as world:
        with pytest.raises(InvalidInputError) as caught:
            world.disburser.disburse(
                evolve(order, recipient=evolve(order.recipient, phone_number=None))
            )

        assert "recipient.phone_number" == caught.value.field
        assert [] == world.client.requests


def test_preflight_tells_the_treasurer_where_to_send_money() -> None:
    """It names the verb first, and the bank account once Stripe has made one."""
    with open_region("eur") as world:
        assert "funding_needed()" in route_check(world)

        need = world.disburser.funding_needed("eur")

        assert str(need.instructions) in route_check(world)


def test_a_currency_without_instructions_is_refused_with_the_reason() -> None:
    """An account that Stripe gives no instructions for fails the order; nothing is promised."""
    with open_world(options={"route": PushRoute()}) as world:
        world.simulator.faults.add(refused_instructions())
        with pytest.raises(RefusedError, match="not currently supported"):
            world.disburser.disburse(make_order())

        assert Status.FAILED is world.disburser.get("claim-8841").status
        send_bank_transfer(world, 12_500, "usd")
        assert Status.ACTIVE is world.disburser.disburse(make_order()).status
        world.check_books("claim-8841")


def test_a_refused_card_leaves_the_float_alone() -> None:
    """An order that fails after its promise frees it and pays nothing out."""

    with open_region("eur") as world:
        send_bank_transfer(world, 12_500, "eur")
        world.simulator.faults.add(
            Fault(
                endpoint="POST /v1/issuing/cards", action=Refuse(code="x", message="No."), times=1
            )
        )
        with pytest.raises(RefusedError):
            world.disburser.disburse(local_order("eur"))

        assert 0 == world.sent("POST /v1/payouts")
        again = world.disburser.disburse(local_order("eur", terms=Terms()))
        assert Status.ACTIVE is again.status
        world.check_books("claim-8841")


def route_check(world: World) -> str:
    """
    Return what preflight says about the funding route.
    """
    checks = {one.name: one for one in world.disburser.preflight().checks}
    assert ("ok", "ok") == (checks["funding route"].verdict, checks["balance"].verdict)
    return checks["funding route"].detail


def refused_instructions() -> Fault:
    """
    Have Stripe refuse funding instructions.
    """

    return Fault(
        endpoint="POST /v1/issuing/funding_instructions",
        action=Refuse(message="A Funding Instruction is not currently supported for US"),
    )


def deaf(world: World) -> None:
    """
    Let no further event reach the disburser.
    """
    world.simulator.faults.add(Fault(action=Webhook(how="never"), times=0))
