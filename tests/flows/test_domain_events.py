"""
Is everybody who listens told what happened, once, after it is stored, and can nobody do harm by it?
"""

import logging
from typing import Any

import pytest

from behind_our_back import open_accident
from issuing_disburse import AmountRule, Disburser, Money, PrefundedRoute, Terms
from issuing_disburse.domain_events import (
    Approved,
    BalanceLow,
    CapturedBeyond,
    CapturedLate,
    Declined,
    DifferenceFound,
    Disputed,
    DomainEvent,
    ForceCaptured,
    Issued,
    OrderEvent,
    OverCaptured,
    Reclaimed,
    Refunded,
    Spent,
    Voided,
)
from issuing_disburse.exceptions import InvalidInputError
from world import World, make_order, open_world


def heard(disburser: Disburser) -> list[DomainEvent]:
    """
    Listen to everything.
    """
    told: list[DomainEvent] = []
    disburser.on(DomainEvent, told.append)
    return told


def test_the_whole_life_is_told_in_order(world: World) -> None:
    """Issued, approved, spent, refunded, reclaimed: once each, with ids and amounts."""
    told = heard(world.disburser)
    card = world.disburser.disburse(make_order()).card
    iauth = world.simulator.authorize(card.id, 12_500)["id"]
    world.simulator.capture(iauth)
    world.simulator.unlinked_refund(card.id, 2_500)
    world.disburser.reclaim("claim-8841")

    assert [Issued, Approved, Spent, Refunded, Reclaimed] == [type(one) for one in told]
    issued, approved, spent, refunded, reclaimed = told
    assert isinstance(issued, Issued)
    assert (card.id, Money(12_500, "usd"), 1) == (issued.card_id, issued.amount, issued.generation)
    assert isinstance(approved, Approved)
    assert (iauth, Money(12_500, "usd")) == (approved.authorization_id, approved.amount)
    assert isinstance(spent, Spent)
    assert (iauth, Money(12_500, "usd")) == (spent.authorization_id, spent.amount)
    assert isinstance(refunded, Refunded)
    assert Money(2_500, "usd") == refunded.amount
    assert isinstance(reclaimed, Reclaimed)
    assert Money(2_500, "usd") == reclaimed.amount
    orders = [one.order_id for one in told if isinstance(one, OrderEvent)]
    assert ["claim-8841"] * 5 == orders
    assert {world.account} == {one.account for one in told}


def test_it_is_stored_before_it_is_told(world: World) -> None:
    """A handler that looks sees the books as the event describes them."""
    seen: list[Money] = []

    def look(event: Spent) -> None:
        seen.append(world.disburser.statement(event.order_id).spent)

    world.disburser.on(Spent, look)
    card = world.disburser.disburse(make_order()).card
    world.simulator.capture(world.simulator.authorize(card.id, 12_500)["id"])

    assert [Money(12_500, "usd")] == seen


def test_events_are_told_once_when_deliveries_repeat() -> None:
    """The same delivery twice, and everything read again by reclaim: nothing is told again."""
    with open_accident() as accident:
        told = heard(accident.disburser)
        again: list[tuple[bytes, str]] = []
        accident.simulator.deliver_webhooks_to(
            lambda payload, signature: (
                again.append((payload, signature))  # type: ignore[func-returns-value]
                or accident.disburser.handle_webhook(payload, signature)
            )
        )
        card = accident.disburser.disburse(make_order()).card
        accident.simulator.capture(accident.simulator.authorize(card.id, 12_500)["id"])
        for payload, signature in again:
            accident.disburser.handle_webhook(payload, signature)
        accident.disburser.reclaim("claim-8841")

        assert [Issued, Approved, Spent] == [type(one) for one in told]


def test_voided_and_declined_are_told(world: World) -> None:
    """A merchant's void and a decline come with amount and reason."""
    told = heard(world.disburser)
    card = world.disburser.disburse(make_order(terms=Terms(uses=3, amount=AmountRule.up_to()))).card
    world.simulator.reverse(world.simulator.authorize(card.id, 12_500)["id"])
    refused = world.simulator.authorize(card.id, 14_000)

    (voided,) = [one for one in told if isinstance(one, Voided)]
    assert (Money(12_500, "usd"), "reversed") == (voided.amount, voided.status)
    (declined,) = [one for one in told if isinstance(one, Declined)]
    assert (refused["id"], card.id) == (declined.authorization_id, declined.card_id)
    assert declined.reason
    assert Money(14_000, "usd") == declined.amount


def test_what_nobody_agreed_to_is_told_by_its_kind(world: World) -> None:
    """Over, late and forced captures each have a type, with the part that was not agreed to."""
    told: list[CapturedBeyond] = []
    world.simulator.fund_issuing(world.account or "", 50_000)
    world.disburser.on(CapturedBeyond, told.append)
    over = world.disburser.disburse(make_order("over")).card
    world.simulator.capture(world.simulator.authorize(over.id, 12_500)["id"], 13_000)
    late = world.disburser.disburse(make_order("late")).card
    iauth = world.simulator.authorize(late.id, 12_500)["id"]
    world.simulator.expire(iauth)
    world.simulator.capture(iauth)
    forced = world.disburser.disburse(make_order("forced")).card
    world.simulator.force_capture(forced.id, 900)

    assert [
        (OverCaptured, "over", 500),
        (CapturedLate, "late", 12_500),
        (ForceCaptured, "forced", 900),
    ] == [(type(one), one.order_id, one.beyond.minor) for one in told]
    assert all(one.remedy for one in told)


def test_a_dispute_is_told_as_it_moves() -> None:
    """A dispute is told when it begins and when it is won."""
    with open_accident() as accident:
        told: list[Disputed] = []
        accident.disburser.on(Disputed, told.append)
        card = accident.disburser.disburse(make_order()).card
        accident.simulator.capture(accident.simulator.authorize(card.id, 12_500)["id"])
        (bought,) = accident.simulator.objects("transaction", accident.account)
        accident.by_hand(
            "/v1/issuing/disputes", transaction=bought["id"], evidence={"reason": "not_received"}
        )

        assert told
        assert {"claim-8841"} == {one.order_id for one in told}


def test_differences_are_told_when_they_are_found() -> None:
    """Each difference of a reconciliation is an event of its own."""
    with open_accident() as accident:
        told: list[DifferenceFound] = []
        accident.disburser.on(DifferenceFound, told.append)
        accident.disburser.disburse(make_order())
        accident.disburser.reconcile()
        assert [] == told
        accident.simulator.take_back_issuing(accident.account, 700)

        found = accident.disburser.reconcile()

        assert list(found.discrepancies) == [one.difference for one in told]


def test_a_low_balance_is_told_when_it_falls_below() -> None:
    """Crossing a threshold downwards is told once per crossing, with what is free."""
    with open_world(
        options={"route": PrefundedRoute(), "low_balance": Money.of("200.00", "usd")}
    ) as world:
        told: list[BalanceLow] = []
        world.disburser.on(BalanceLow, told.append)
        world.simulator.fund_issuing(world.account or "", 40_000)
        for number in range(3):
            world.disburser.disburse(make_order(f"claim-{number}", "100.00"))

        (low,) = told
        assert (Money(10_000, "usd"), Money(20_000, "usd")) == (low.free, low.threshold)


def test_a_failing_handler_harms_nobody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Others still hear, the books are right, and the log names type and error without contents."""

    def fail(event: DomainEvent) -> None:
        raise RuntimeError("secret of the handler")

    world.disburser.on(DomainEvent, fail)
    told = heard(world.disburser)
    with caplog.at_level(logging.ERROR, logger="issuing_disburse"):
        card = world.disburser.disburse(make_order()).card
        world.simulator.capture(world.simulator.authorize(card.id, 12_500)["id"])

    assert [Issued, Approved, Spent] == [type(one) for one in told]
    assert "a handler of Spent failed with RuntimeError" in caplog.text
    assert "secret of the handler" not in caplog.text
    world.check_books("claim-8841")


def test_a_handler_may_use_the_disburser(world: World) -> None:
    """Reacting with a call of our own is fine: nothing is locked while events are told."""
    world.disburser.on(Spent, lambda event: world.disburser.reclaim(event.order_id))
    card = world.disburser.disburse(make_order(terms=Terms(amount=AmountRule.up_to()))).card
    world.simulator.capture(world.simulator.authorize(card.id, 9_000)["id"])

    assert Money(3_500, "usd") == world.disburser.statement("claim-8841").reclaimed
    world.check_books("claim-8841")


def test_nothing_is_told_after_unsubscribing(world: World) -> None:
    """The function that `on` returns ends it, and may be called twice; others go on hearing."""
    told: list[Issued] = []
    stop = world.disburser.on(Issued, told.append)
    others = heard(world.disburser)
    world.disburser.disburse(make_order("a"))
    stop()
    stop()
    world.disburser.for_account(world.account).disburse(make_order("b"))

    assert ["a"] == [one.order_id for one in told]
    assert 2 == len(others)


def test_what_cannot_listen_is_refused(world: World) -> None:
    """Neither another type nor something that cannot be called is taken."""
    with pytest.raises(InvalidInputError, match="event_type"):
        world.disburser.on(str, print)  # type: ignore[type-var]
    with pytest.raises(InvalidInputError, match="handler"):
        world.disburser.on(Issued, "print")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="low_balance"):
        world.connect(low_balance=[100])


def test_an_authorization_is_decided_without_telling_anybody() -> None:
    """Listeners hear when Stripe says how it went, after the answer: they cannot delay it."""
    with open_accident() as accident:
        received: list[str] = []
        told_after: list[list[str]] = []
        card = accident.disburser.disburse(make_order()).card

        def note(event: dict[str, Any]) -> bool:
            received.append(event["type"])
            return False

        accident.is_lost = note
        accident.disburser.on(Approved, lambda _: told_after.append(list(received)))
        authorization = accident.simulator.authorize(card.id, 12_500)

        assert authorization["approved"]
        (before,) = told_after
        assert ("issuing_authorization.request", "issuing_authorization.created") == (
            before[0],
            before[-1],
        )
