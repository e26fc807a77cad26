"""
Does unspent money come home, whatever merchants do?
"""

from datetime import timedelta

import pytest

from issuing_disburse import AmountRule, Money, PrefundedRoute, Status, Terms
from issuing_disburse.exceptions import RefusedError
from issuing_disburse.simulator.faults import Fault, LoseConnection, Refuse
from world import World, make_order, open_world


def test_never_used_comes_back_whole(world: World) -> None:
    """An expired, unused card is cancelled and its money is on the platform again."""
    card = world.disburser.disburse(make_order()).card
    world.simulator.clock.advance(timedelta(days=31))

    (done,) = world.disburser.reclaim_expired()

    assert ("closed", Money(12_500, "usd")) == (done.outcome, done.reclaimed)
    assert world.disburser.get("claim-8841").status is Status.CLOSED
    assert world.simulator.payments_balance(None) == 1_000_000
    cards = {one["id"]: one["status"] for one in world.simulator.objects("card", world.account)}
    assert "canceled" == cards[card.id]
    world.check_books("claim-8841")


def test_reclaiming_again_changes_nothing(world: World) -> None:
    """A second and third reclaim are harmless."""
    world.disburser.disburse(make_order())
    world.disburser.reclaim("claim-8841")

    again = world.disburser.reclaim("claim-8841")

    assert ("closed", True) == (again.outcome, again.reclaimed.is_zero)
    assert world.simulator.payments_balance(None) == 1_000_000
    assert () == world.disburser.reclaim_expired()
    world.check_books("claim-8841")


def test_open_hold_is_waited_for(world: World) -> None:
    """While a merchant may capture, the rest waits; when the hold expires it comes back."""
    card = world.disburser.disburse(make_order(terms=Terms(valid_for=timedelta(days=1)))).card
    world.simulator.authorize(card.id, 12_500)
    world.simulator.clock.advance(timedelta(days=2))

    waiting = world.disburser.reclaim("claim-8841")

    assert "waiting" == waiting.outcome
    assert Money(12_500, "usd") == waiting.held
    assert waiting.look_again_at is not None
    world.simulator.clock.advance(timedelta(days=7))
    (done,) = world.disburser.reclaim_expired()
    assert ("closed", Money(12_500, "usd")) == (done.outcome, done.reclaimed)
    world.check_books("claim-8841")


def test_late_capture_after_closing_reopens_and_is_covered(world: World) -> None:
    """An expired authorization that is captured after all is covered, named and closed again."""
    world.simulator.fund_issuing(world.account or "", 20_000)
    card = world.disburser.disburse(make_order()).card
    authorization = world.simulator.authorize(card.id, 12_500)
    world.simulator.expire(authorization["id"])
    world.disburser.reclaim("claim-8841")
    assert world.disburser.get("claim-8841").status is Status.CLOSED

    world.simulator.capture(authorization["id"])

    statement = world.disburser.statement("claim-8841")
    assert Money(12_500, "usd") == statement.spent == statement.covered == statement.reclaimed
    world.disburser.reclaim("claim-8841")
    assert world.disburser.get("claim-8841").status is Status.CLOSED
    world.check_books("claim-8841")


def test_refund_after_closing_is_given_back(world: World) -> None:
    """A refund that arrives after closing reopens the order and comes home."""
    card = world.disburser.disburse(make_order()).card
    authorization = world.simulator.authorize(card.id, 12_500)
    world.simulator.capture(authorization["id"])
    world.disburser.reclaim("claim-8841")

    world.simulator.unlinked_refund(card.id, 4_000)

    assert world.disburser.get("claim-8841").status is Status.CLOSING
    (done,) = world.disburser.reclaim_expired()
    assert ("closed", Money(4_000, "usd")) == (done.outcome, done.reclaimed)
    assert world.simulator.payments_balance(None) == 1_000_000 - 8_500
    world.check_books("claim-8841")


def test_void_closes_by_default(world: World) -> None:
    """A voided use leaves a dead card; the money comes back."""
    card = world.disburser.disburse(make_order()).card
    authorization = world.simulator.authorize(card.id, 12_500)

    world.simulator.reverse(authorization["id"])

    assert world.disburser.get("claim-8841").status is Status.CLOSING
    (done,) = world.disburser.reclaim_expired()
    assert ("closed", Money(12_500, "usd")) == (done.outcome, done.reclaimed)
    world.check_books("claim-8841")


def test_voided_use_can_be_reissued(world: World) -> None:
    """After a certain reversal a fresh card carries the same money."""
    first = world.disburser.disburse(make_order()).card
    authorization = world.simulator.authorize(first.id, 12_500)
    world.simulator.reverse(authorization["id"])

    again = world.disburser.reissue("claim-8841")

    assert again.status is Status.ACTIVE
    assert again.card.id != first.id
    assert [first.id] == [one.id for one in again.earlier_cards]
    purchase = world.simulator.authorize(again.card.id, 12_500)
    world.simulator.capture(purchase["id"])
    assert world.disburser.get("claim-8841").status is Status.SPENT
    assert Money(12_500, "usd") == world.disburser.statement("claim-8841").spent
    world.check_books("claim-8841")


def test_expired_use_is_not_reissued_while_it_may_be_captured(world: World) -> None:
    """An expired authorization may still be captured, so its amount is not promised again."""
    card = world.disburser.disburse(make_order(terms=Terms(valid_for=timedelta(days=90)))).card
    authorization = world.simulator.authorize(card.id, 12_500)
    world.simulator.expire(authorization["id"])

    with pytest.raises(RefusedError) as caught:
        world.disburser.reissue("claim-8841")

    assert "nothing_to_reissue" == caught.value.code
    world.simulator.clock.advance(timedelta(days=32))
    assert world.disburser.reissue("claim-8841").status is Status.ACTIVE
    world.check_books("claim-8841")


def test_at_most_three_reissues(world: World) -> None:
    """The fourth reissue is refused, and the third card stays what it is."""
    card = world.disburser.disburse(make_order()).card
    for _ in range(3):
        world.simulator.reverse(world.simulator.authorize(card.id, 12_500)["id"])
        card = world.disburser.reissue("claim-8841").card
    world.simulator.reverse(world.simulator.authorize(card.id, 12_500)["id"])

    with pytest.raises(RefusedError) as caught:
        world.disburser.reissue("claim-8841")

    assert "too_many_cards" == caught.value.code
    world.check_books("claim-8841")


def test_card_cancelled_from_outside_is_reclaimed(world: World) -> None:
    """A card that somebody cancelled in the Dashboard is noticed and closed."""
    import stripe  # noqa: PLC0415  # the Dashboard's part is played by the SDK

    card = world.disburser.disburse(make_order()).card
    dashboard = stripe.StripeClient(
        world.simulator.api_key, http_client=world.simulator.http_client()
    )
    dashboard.v1.issuing.cards.update(
        card.id, {"status": "canceled"}, {"stripe_account": world.account or ""}
    )

    assert world.disburser.get("claim-8841").status is Status.CLOSING
    (done,) = world.disburser.reclaim_expired()
    assert "closed" == done.outcome
    world.check_books("claim-8841")


@pytest.mark.parametrize(
    "endpoint",
    [
        "POST /v1/issuing/cards/:id",
        "POST /v1/balance_transfers",
        "POST /v1/transfers/:id/reversals",
    ],
)
def test_outage_while_reclaiming_is_made_good(world: World, endpoint: str) -> None:
    """A reclaim that lost an answer is stuck, says so, and finishes the next time, once."""
    world.disburser.disburse(make_order())
    faults = world.simulator.faults
    faults.add(Fault(endpoint=endpoint, action=LoseConnection(after_commit=True)))
    faults.add(Fault(endpoint=endpoint, action=LoseConnection(after_commit=False), times=0))

    stuck = world.disburser.reclaim("claim-8841")
    faults.clear()
    done = world.disburser.reclaim("claim-8841")

    assert "stuck" == stuck.outcome
    assert "closed" == done.outcome
    assert world.simulator.payments_balance(None) == 1_000_000
    assert world.simulator.issuing_balance(world.account) == 0
    world.check_books("claim-8841")


def test_refused_reversal_is_kept_and_tried_again(world: World) -> None:
    """Money that cannot be reversed yet waits on the account, named, and comes home later."""
    world.disburser.disburse(make_order())
    refusal = Refuse(code="balance_insufficient", message="Too low.")
    world.simulator.faults.add(
        Fault(endpoint="POST /v1/transfers/:id/reversals", action=refusal, times=1)
    )

    stuck = world.disburser.reclaim("claim-8841")
    done = world.disburser.reclaim("claim-8841")

    assert ("stuck", "Too low.") == (stuck.outcome, stuck.message)
    assert "closed" == done.outcome
    assert world.simulator.payments_balance(None) == 1_000_000
    world.check_books("claim-8841")


def test_prefunded_rest_stays_on_the_balance() -> None:
    """With a treasury that funds by hand, what is reclaimed can be promised again."""
    with open_world(options={"route": PrefundedRoute()}, issuing_funds=12_500) as world:
        world.disburser.disburse(make_order("a"))
        world.disburser.reclaim("a")

        again = world.disburser.disburse(make_order("b"))

        assert again.status is Status.ACTIVE
        assert world.simulator.issuing_balance(world.account) == 12_500
        world.check_books("a", "b")


def test_pending_and_failed_orders_have_nothing_to_reclaim() -> None:
    """There is no card to cancel and no money to take back."""
    with open_world(platform_funds=1) as world:
        with pytest.raises(RefusedError):
            world.disburser.disburse(make_order())

        assert "not_over" == world.disburser.reclaim("claim-8841").outcome


def test_over_capture_after_tolerance_never_loses_a_cent(world: World) -> None:
    """A tolerance is promised and funded; what the merchant did not take comes back."""
    terms = Terms(amount=AmountRule.exact().with_tolerance(over_minor=500))
    card = world.disburser.disburse(make_order(terms=terms)).card
    authorization = world.simulator.authorize(card.id, 12_900)
    world.simulator.capture(authorization["id"])

    world.disburser.reclaim_expired()

    statement = world.disburser.statement("claim-8841")
    assert Money(13_000, "usd") == statement.funded
    assert Money(12_900, "usd") == statement.spent
    assert Money(100, "usd") == statement.reclaimed
    world.check_books("claim-8841")


def test_terms_can_ask_for_a_new_card_after_a_void(world: World) -> None:
    """With on_void="reissue" the nightly run issues the next card instead of taking money back."""
    terms = Terms(on_void="reissue", valid_for=timedelta(days=30))
    first = world.disburser.disburse(make_order(terms=terms)).card
    world.simulator.reverse(world.simulator.authorize(first.id, 12_500)["id"])

    (done,) = world.disburser.reclaim_expired()

    assert "reissued" == done.outcome
    again = world.disburser.get("claim-8841")
    assert Status.ACTIVE is again.status
    assert first.id != again.card.id
    assert () == world.disburser.reclaim_expired()
    world.simulator.clock.advance(timedelta(days=31))
    (closed,) = world.disburser.reclaim_expired()
    assert ("closed", Money(12_500, "usd")) == (closed.outcome, closed.reclaimed)
    assert 1_000_000 == world.simulator.payments_balance(None)
    world.check_books("claim-8841")


def test_reclaimed_order_is_never_reissued(world: World) -> None:
    """Who asks for the rest back gets it, whatever the terms say about voids."""
    terms = Terms(on_void="reissue", valid_for=timedelta(days=30))
    card = world.disburser.disburse(make_order(terms=terms)).card
    authorization = world.simulator.authorize(card.id, 12_500)
    assert "waiting" == world.disburser.reclaim("claim-8841").outcome
    world.simulator.reverse(authorization["id"])

    (done,) = world.disburser.reclaim_expired()

    assert ("closed", Money(12_500, "usd")) == (done.outcome, done.reclaimed)
    world.check_books("claim-8841")
