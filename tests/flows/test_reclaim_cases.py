"""
Is every way in which a card can end closed to the cent, with the amounts told and the next step?

One test for each case; all of them end in balanced statements and books that agree with Stripe's.
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from europe import local_order
from late_things import FRAUD
from reclaiming import ORDER, PART, paid, told, usd
from world import World, open_world


@pytest.fixture
def world() -> Iterator[World]:
    """
    A world in the US, in memory: that stores behave alike is proven elsewhere.
    """
    with open_world() as opened:
        yield opened


def test_never_used(world: World) -> None:
    """Nothing was spent: all of it is taken back, and nothing is left to do."""
    paid(world)

    done = world.disburser.reclaim(ORDER)

    assert ("closed", "nothing", 0, 12_500, 0) == told(done)
    assert 1_000_000 == world.simulator.payments_balance(None)
    world.check_books(ORDER)


def test_partly_used(world: World) -> None:
    """What the merchant took is spent, the rest comes home."""
    card = paid(world)
    world.simulator.capture(world.simulator.authorize(card, 9_000)["id"])

    (done,) = world.disburser.reclaim_expired()

    assert ("closed", "nothing", 9_000, 3_500, 0) == told(done)
    assert 991_000 == world.simulator.payments_balance(None)
    world.check_books(ORDER)


def test_used_in_full(world: World) -> None:
    """There is nothing to take back, and no call moves money."""
    card = paid(world)
    world.simulator.capture(world.simulator.authorize(card, 12_500)["id"])
    before = world.sent("POST /v1/balance_transfers")

    (done,) = world.disburser.reclaim_expired()

    assert ("closed", "nothing", 12_500, 0, 0) == told(done)
    assert before == world.sent("POST /v1/balance_transfers")
    world.check_books(ORDER)


def test_open_hold(world: World) -> None:
    """What a merchant holds is waited for, with the date by which to look again."""
    card = paid(world)
    authorization = world.simulator.authorize(card, 9_000)["id"]

    waiting = world.disburser.reclaim(ORDER)

    assert ("waiting", "look_again", 0, 0, 3_500) == told(waiting)
    assert usd(9_000) == waiting.held
    assert waiting.look_again_at is not None
    assert timedelta(days=7) == waiting.look_again_at - world.simulator.clock.now()
    world.check_books(ORDER)
    world.simulator.capture(authorization)
    assert ("closed", "nothing", 9_000, 3_500, 0) == told(world.disburser.reclaim(ORDER))
    world.check_books(ORDER)


def test_open_hold_of_a_hotel_is_waited_for_a_month(world: World) -> None:
    """Lodging may be captured for 31 days, so the date is later."""
    card = paid(world)
    world.simulator.authorize(card, 9_000, merchant={"category": "hotels_motels_and_resorts"})

    waiting = world.disburser.reclaim(ORDER)

    assert waiting.look_again_at is not None
    assert timedelta(days=31) == waiting.look_again_at - world.simulator.clock.now()
    world.check_books(ORDER)


def test_hold_that_expires(world: World) -> None:
    """Stripe lets go after a week, and the run that was told to look then takes all back."""
    card = paid(world)
    world.simulator.authorize(card, 9_000)
    world.disburser.reclaim(ORDER)
    world.simulator.clock.advance(timedelta(days=7, hours=1))

    (done,) = world.disburser.reclaim_expired()

    assert ("closed", "nothing", 0, 12_500, 0) == told(done)
    world.check_books(ORDER)


def test_capture_after_closing(world: World) -> None:
    """The account covers it; the order is closed again and says how much that was."""
    world.simulator.fund_issuing(world.account or "", 20_000)
    card = paid(world)
    authorization = world.simulator.authorize(card, 12_500)["id"]
    world.simulator.clock.advance(timedelta(days=8))
    assert "closed" == world.disburser.reclaim(ORDER).outcome

    world.simulator.capture(authorization)

    done = world.disburser.reclaim(ORDER)
    assert ("closed", "nothing", 12_500, 12_500, 0) == told(done)
    assert usd(12_500) == done.covered
    (alert,) = world.disburser.statement(ORDER).alerts
    assert "late_capture" == alert.kind
    world.check_books(ORDER)


@pytest.mark.parametrize("is_closed", [False, True])
def test_force_capture(world: World, is_closed: bool) -> None:
    """Nobody could decline it: from the card while there is something, else covered."""
    world.simulator.fund_issuing(world.account or "", 20_000)
    card = paid(world)
    if is_closed:
        world.disburser.reclaim(ORDER)

    world.simulator.force_capture(card, 4_000)

    world.disburser.reclaim_expired()
    done = world.disburser.reclaim(ORDER)
    back, covered = (12_500, 4_000) if is_closed else (8_500, 0)
    assert ("closed", "nothing", 4_000, back, 0) == told(done)
    assert usd(covered) == done.covered
    world.check_books(ORDER)


def test_over_capture(world: World) -> None:
    """The merchant took more than was approved, and more than there was: the excess is covered."""
    world.simulator.fund_issuing(world.account or "", 20_000)
    card = paid(world)
    world.simulator.capture(world.simulator.authorize(card, 12_500)["id"], 14_000)

    (done,) = world.disburser.reclaim_expired()

    assert ("closed", "nothing", 14_000, 0, 0) == told(done)
    assert usd(1_500) == done.covered
    (alert,) = world.disburser.statement(ORDER).alerts
    assert ("over_capture", 1_500) == (alert.kind, alert.covered_minor)
    world.check_books(ORDER)


@pytest.mark.parametrize("is_closed", [False, True])
def test_refund(world: World, is_closed: bool) -> None:
    """Before or after closing, what a merchant gives back comes home, once."""
    card = paid(world)
    world.simulator.capture(world.simulator.authorize(card, 12_500)["id"])
    (capture,) = world.simulator.objects("transaction", world.account)
    if is_closed:
        world.disburser.reclaim_expired()

    world.simulator.refund(capture["id"], 5_000)

    (done,) = world.disburser.reclaim_expired()
    assert ("closed", "nothing", 12_500, 5_000, 0) == told(done)
    assert 992_500 == world.simulator.payments_balance(None)
    assert () == world.disburser.reclaim_expired()
    world.check_books(ORDER)


@pytest.mark.parametrize("verdict", ["open", "won", "lost"])
def test_dispute(world: World, verdict: str) -> None:
    """An open dispute holds nothing up; what is won comes home later, what is lost stays spent."""
    card = paid(world)
    world.simulator.capture(world.simulator.authorize(card, 12_500)["id"])
    (capture,) = world.simulator.objects("transaction", world.account)
    world.send("/v1/issuing/disputes", transaction=capture["id"], evidence=FRAUD)
    (dispute,) = world.simulator.objects("dispute", world.account)
    world.send(f"/v1/issuing/disputes/{dispute['id']}/submit")
    (open_,) = world.disburser.reclaim_expired()
    assert ("closed", "nothing", 12_500, 0, 0) == told(open_)
    world.check_books(ORDER)

    if verdict != "open":
        world.simulator.decide_dispute(dispute["id"], won=verdict == "won")

    world.disburser.reclaim_expired()
    back = 12_500 if verdict == "won" else 0
    assert ("closed", "nothing", 12_500, back, 0) == told(world.disburser.reclaim(ORDER))
    assert 987_500 + back == world.simulator.payments_balance(None)
    world.check_books(ORDER)


def test_card_cancelled_by_lifecycle_control(world: World) -> None:
    """Stripe has cancelled the single-use card already; no cancel is sent, the rest comes home."""
    card = paid(world)
    world.simulator.capture(world.simulator.authorize(card, 9_000)["id"])
    before = world.client.requests.count(f"POST /v1/issuing/cards/{card}")
    cards = {one["id"]: one["status"] for one in world.simulator.objects("card", world.account)}
    assert "canceled" == cards[card]

    (done,) = world.disburser.reclaim_expired()

    assert ("closed", "nothing", 9_000, 3_500, 0) == told(done)
    assert before == world.client.requests.count(f"POST /v1/issuing/cards/{card}")
    world.check_books(ORDER)


def test_payments_balance_too_low_for_the_reversal(world: World) -> None:
    """The account owes elsewhere: the money waits on its payments balance, and comes home later."""
    paid(world)
    move_payments(world, -5_000)

    stuck = world.disburser.reclaim(ORDER)

    assert ("stuck", "act") == (stuck.outcome, stuck.next_step)
    assert "balance" in stuck.message.lower()
    assert stuck.look_again_at is not None
    assert 987_500 == world.simulator.payments_balance(None)
    move_payments(world, 5_000)
    world.simulator.clock.advance(timedelta(hours=2))
    (done,) = world.disburser.reclaim_expired()
    assert ("closed", "nothing", 0, 12_500, 0) == told(done)
    assert 1_000_000 == world.simulator.payments_balance(None)
    assert 0 == world.simulator.issuing_balance(world.account)
    world.check_books(ORDER)


@pytest.mark.parametrize("parts", [(2_500,), (2_500, 1_000), (12_500,)])
def test_transfer_partly_reversed_by_hand(world: World, parts: tuple[int, ...]) -> None:
    """What somebody has taken home by hand is not taken twice, and explains itself."""
    paid(world)
    move_payments(world, sum(parts))  # what the account earned otherwise
    (transfer,) = world.simulator.objects("transfer")
    for minor in parts:
        reverse_by_hand(world, transfer["id"], minor)
    (notice, *_) = world.disburser.reconcile().discrepancies
    assert ("unexplained", "transfer_reversal") == (notice.kind, notice.object_type)

    done = world.disburser.reclaim(ORDER)

    assert ("closed", "nothing", 0, 12_500, 0) == told(done)
    assert 1_000_000 == world.simulator.payments_balance(None)
    assert sum(parts) == world.simulator.payments_balance(world.account)
    world.check_books(ORDER)


def test_next_day_balance_transfers() -> None:
    """Where money takes a day to the Issuing balance, it still comes home whole."""
    with open_world(simulator={"country": "DE"}, platform_funds=0, country="DE") as world:
        world.simulator.fund_platform(100_000, "eur")
        world.disburser.disburse(local_order("eur", terms=PART))
        assert "not_over" == world.disburser.reclaim(ORDER).outcome
        world.simulator.clock.advance(timedelta(days=2))
        card = world.disburser.resume(ORDER).card.id
        world.simulator.capture(world.simulator.authorize(card, 10_000)["id"])

        (done,) = world.disburser.reclaim_expired()

        assert ("closed", "nothing", 10_000, 2_500, 0) == told(done)
        assert 90_000 == world.simulator.payments_balance(None, "eur")
        world.check_books(ORDER)


def move_payments(world: World, minor: int) -> None:
    """
    Let the account earn, or owe, something of its own.
    """
    world.simulator._move(  # noqa: SLF001  # its other business
        world.account or "", minor, "usd", "payments", "adjustment", "Other business"
    )


def reverse_by_hand(world: World, transfer: str, minor: int) -> None:
    """
    Reverse a part of a transfer, as somebody at the platform's dashboard.
    """
    api = world.disburser._connection.api  # noqa: SLF001  # the connection that is there anyway
    path = f"/v1/transfers/{transfer}/reversals"
    api.prepare(path, {"amount": minor}, account=None, keep=lambda answer: answer)(f"hand-{minor}")
