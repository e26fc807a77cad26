"""
What if Stripe's post is late, doubled, shuffled or lost?
"""

from __future__ import annotations

from issuing_disburse.simulator.faults import Fault, Webhook

from .play import Play
from .values import Scenario

NO_POST = "what Stripe's test mode tells is fetched here, not delivered by Stripe"
QUESTION = "issuing_authorization.request"
TOLD = (
    "issuing_authorization.created",
    "issuing_authorization.updated",
    "issuing_card.updated",
    "issuing_transaction.created",
    "issuing_transaction.updated",
)


def _spoil(play: Play, action: Webhook) -> None:
    for event in TOLD:
        play.simulator.faults.add(Fault(event=event, action=action, times=0))


def webhook_twice(play: Play) -> None:
    """
    Buy, and hear everything twice, the question included.
    """
    play.pay()
    play.simulator.faults.add(Fault(action=Webhook(how="twice"), times=0))
    play.buy()


def webhook_late(play: Play) -> None:
    """
    Buy, and hear of it six hours later.
    """
    play.pay()
    _spoil(play, Webhook(how="late", seconds=6 * 3600))
    play.buy()
    play.before = play.now
    play.pass_time(hours=7)


def webhook_shuffled(play: Play) -> None:
    """
    Buy, and hear of it in another order.
    """
    play.pay()
    _spoil(play, Webhook(how="shuffled", group=3))
    bought = play.buy()
    if bought is not None:
        play.simulator.refund(bought, play.full // 5)
    play.simulator.faults.clear()
    if bought is not None:
        play.simulator.refund(bought, play.full // 5)  # brings along what still waits


def webhook_missing(play: Play) -> None:
    """
    Buy, and never hear of it.
    """
    play.pay()
    _spoil(play, Webhook(how="never"))
    play.buy()


def webhook_timeout(play: Play) -> None:
    """
    Answer the question after Stripe's deadline.
    """
    play.pay()
    play.simulator.faults.add(Fault(event=QUESTION, action=Webhook(how="late", seconds=3.0)))
    play.authorize()


STORIES = (
    Scenario(
        name="webhook_twice",
        story="The order is bought, and Stripe delivers everything twice, the question included.",
        outcome="The second answer is the first one, and nothing is booked twice.",
        play=webhook_twice,
        not_at_stripe=NO_POST,
    ),
    Scenario(
        name="webhook_late",
        story="The order is bought, and Stripe tells of it six hours later.",
        outcome="Until then the use is claimed and the order active; then it is booked as it happened.",
        play=webhook_late,
        not_at_stripe=NO_POST,
    ),
    Scenario(
        name="webhook_shuffled",
        story="A purchase and two refunds are told in another order.",
        outcome="The books are the same as in order.",
        play=webhook_shuffled,
        not_at_stripe=NO_POST,
    ),
    Scenario(
        name="webhook_missing",
        story="The order is bought, and Stripe never tells of it.",
        outcome="Reconciling names the purchase that is missing here; `repair` books it.",
        play=webhook_missing,
        leaves=("missing_here", "status_differs"),
        not_at_stripe=NO_POST,
    ),
    Scenario(
        name="webhook_timeout",
        story="Our answer comes after Stripe's two seconds.",
        outcome="Stripe declines by itself; the miss is listed by `misses`, and the use is free again.",
        play=webhook_timeout,
        not_at_stripe=NO_POST,
    ),
)
