"""
How does an order end, with money that comes home, or comes back?
"""

from __future__ import annotations

from .play import Play
from .purchases import _UP_TO
from .values import Scenario

NO_CLOCK = "nobody moves Stripe's clock"
NO_NETWORK = "no helper of Stripe's decides a dispute"


def refund_after_closing(play: Play) -> None:
    """
    Buy for a part, close the order, then refund a fifth.
    """
    play.pay()
    bought = play.buy(play.full * 8 // 10)
    play.reclaim()
    play.before = play.now
    if bought is not None:
        play.simulator.refund(bought, play.full // 5)


def expiry(play: Play) -> None:
    """
    Spend a part, let the terms run out, ask again, and let the nightly run take the rest.
    """
    play.pay()
    play.pass_time(seconds=play.order.terms.valid_for.total_seconds(), hours=1)
    play.authorize()
    play.reclaim_expired()


def card_cancelled_outside(play: Play) -> None:
    """
    Cancel the card at the dashboard, ask, and take the money back.
    """
    card = play.pay()
    if card is None:
        return
    play.by_hand(f"/v1/issuing/cards/{card}", status="canceled")
    play.authorize()
    play.before = play.now
    play.reclaim()


def dispute_won(play: Play) -> None:
    """
    Contest a purchase, and win.
    """
    play.pay()
    play.dispute(play.buy(), won=True)


def dispute_lost(play: Play) -> None:
    """
    Contest a purchase, and lose.
    """
    play.pay()
    play.dispute(play.buy(), won=False)


STORIES = (
    Scenario(
        name="refund_after_closing",
        story="Four fifths are spent, the rest goes home, the order is closed; then the merchant refunds a fifth.",
        outcome="The refund opens the order again, until it is reclaimed, too.",
        play=refund_after_closing,
        terms=_UP_TO,
    ),
    Scenario(
        name="expiry",
        story="Nobody buys until the terms run out; then a merchant asks, and the nightly run takes the money back.",
        outcome="The purchase is declined by our rule, and all of the money goes home.",
        play=expiry,
        not_at_stripe=NO_CLOCK,
    ),
    Scenario(
        name="card_cancelled_outside",
        story="Somebody cancels the card at Stripe's dashboard; a merchant asks; the money is taken back.",
        outcome="The purchase is declined by Stripe, the library notices, and all of the money goes home.",
        play=card_cancelled_outside,
    ),
    Scenario(
        name="dispute_won",
        story="A purchase is contested, and won.",
        outcome="The money is on the card's account again, with an alert, for `reclaim` to take home.",
        play=dispute_won,
        not_at_stripe=NO_NETWORK,
    ),
    Scenario(
        name="dispute_lost",
        story="A purchase is contested, and lost.",
        outcome="It stays spent, and an alert tells of the dispute.",
        play=dispute_lost,
        not_at_stripe=NO_NETWORK,
    ),
)
