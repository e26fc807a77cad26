"""
What can come between an order and its card?
"""

from __future__ import annotations

from issuing_disburse.routes import PrefundedRoute
from issuing_disburse.simulator.faults import Fault, LoseConnection

from .play import Play
from .values import Scenario

NO_SCREENING = "Stripe's test mode screens nobody"
NO_FAULTS = "Stripe loses no answer on demand"
CARDS = "POST /v1/issuing/cards"
TRANSFERS = "POST /v1/transfers"


def watchlist_hit(play: Play) -> None:
    """
    Screen the recipient, and find him on a list.
    """
    play.pay()
    play.before = play.now
    for holder in play.simulator.objects("cardholder", play.stage.account):
        play.simulator.set_screening(holder["id"], "rejected.listed")
    play.resume()


def watchlist_delay(play: Play) -> None:
    """
    Screen the recipient for a while, and find nothing.
    """
    play.pay()
    play.before = play.now
    play.pass_time(minutes=11)
    play.resume()
    play.buy()


def inactive_account(play: Play) -> None:
    """
    Pay from an account whose Issuing is off.
    """
    play.simulator.disable_issuing(play.stage.account)
    play.pay()


def insufficient_balance(play: Play) -> None:
    """
    Pay from a balance that lacks the half; then fill it, and pay again.
    """
    play.pay()
    play.before = play.now
    play.simulator.fund_issuing(play.stage.account, play.full, play.order.amount.currency)
    play.pay()
    play.buy()


def next_day_funding(play: Play) -> None:
    """
    Pay where money takes until the next business day.
    """
    play.pay()
    play.before = play.now
    play.pass_time(days=3)
    play.resume()
    play.buy()


def answer_lost(play: Play) -> None:
    """
    Lose Stripe's answers to the transfer and to the card.
    """
    for endpoint in (TRANSFERS, CARDS):
        play.simulator.faults.add(
            Fault(endpoint=endpoint, action=LoseConnection(after_commit=True))
        )
    play.pay()
    play.buy()


def key_forgotten(play: Play) -> None:
    """
    Lose the answer to the card, and come back when Stripe has forgotten the key.
    """
    faults = play.simulator.faults
    faults.add(Fault(endpoint=CARDS, action=LoseConnection(after_commit=True)))
    faults.add(Fault(endpoint=CARDS, action=LoseConnection(after_commit=False), times=0))
    play.pay()
    play.before = play.now
    faults.clear()
    play.pass_time(hours=25)
    play.resume()
    play.buy()


STORIES = (
    Scenario(
        name="watchlist_hit",
        story="Stripe screens the recipient, and finds the name on a watchlist.",
        outcome="The order waits, then fails with what Stripe says; no card was made, the money is given back.",
        play=watchlist_hit,
        behaviour={"screening_seconds": 600.0},
        not_at_stripe=NO_SCREENING,
    ),
    Scenario(
        name="watchlist_delay",
        story="Stripe screens the recipient for ten minutes, and finds nothing.",
        outcome="The order waits with reason and date, and is paid by `resume`.",
        play=watchlist_delay,
        behaviour={"screening_seconds": 600.0},
        not_at_stripe=NO_SCREENING,
    ),
    Scenario(
        name="inactive_account",
        story="The account's `card_issuing` capability is off.",
        outcome="The order fails before any money moves.",
        play=inactive_account,
        not_at_stripe="no helper of Stripe's turns an account off",
    ),
    Scenario(
        name="insufficient_balance",
        story="The balance that a treasury fills by hand lacks the half; it is filled, and the same order paid again.",
        outcome="Refused with what is missing; the second attempt succeeds. What came to the balance is named, for no order asked for it.",
        play=insufficient_balance,
        options={"route": PrefundedRoute()},
        balance=6_000,
        leaves=("unexplained",),
        not_at_stripe="the balance in the US cannot be filled by the API",
    ),
    Scenario(
        name="next_day_funding",
        story="In the EU, money reaches the Issuing balance on the next business day.",
        outcome="The order waits with the date, and is paid by `resume`.",
        play=next_day_funding,
        currency="eur",
        not_at_stripe="nobody moves Stripe's clock",
    ),
    Scenario(
        name="answer_lost",
        story="Stripe carries out transfer and card, and both answers are lost on the way.",
        outcome="The same keys are sent again: one transfer, one card.",
        play=answer_lost,
        not_at_stripe=NO_FAULTS,
    ),
    Scenario(
        name="key_forgotten",
        story="The answer to the card is lost, and the next try comes when Stripe has forgotten the key.",
        outcome="The card is looked for, found, and not made again.",
        play=key_forgotten,
        not_at_stripe=NO_FAULTS,
    ),
)
