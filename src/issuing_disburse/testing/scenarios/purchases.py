"""
What do merchants ask for, and how do they collect?
"""

from __future__ import annotations

from datetime import timedelta

from issuing_disburse.policy import AuthorizationPolicy
from issuing_disburse.terms import AmountRule, Terms

from .play import Play
from .values import Scenario

NO_QUESTION = "it is our answer that counts, and Stripe asks only a public URL"

FLOAT = 20_000
"""
What the account has beside the order's money, in minor units: it pays what nobody could decline.
"""

_MONTH = timedelta(days=30)
_UP_TO = Terms(valid_for=_MONTH, amount=AmountRule.up_to())
_TWICE = Terms(valid_for=_MONTH, amount=AmountRule.up_to(), uses=2)
_REISSUE = Terms(valid_for=_MONTH, on_void="reissue")


def exact_purchase(play: Play) -> None:
    """
    Ask for the order's amount, and collect it.
    """
    play.pay()
    play.buy()


def wrong_amount(play: Play) -> None:
    """
    Ask for less, ask for more, then for the right amount.
    """
    play.pay()
    play.authorize(play.full - 100)
    play.authorize(play.full + 50)
    play.buy()


def double_use(play: Play) -> None:
    """
    Use the card, and use it again.
    """
    play.pay()
    play.buy()
    play.authorize()


def two_probes(play: Play) -> None:
    """
    Test the card twice, then ask for the real amount.
    """
    play.pay()
    probe = play.authorize(50)
    play.authorize(50)
    real = play.authorize()
    if probe is not None:
        play.simulator.reverse(probe)
    play.capture(real)


def void_then_retry(play: Play) -> None:
    """
    Ask, give it back, ask the used-up card again; then ask the card that follows.
    """
    play.pay()
    voided = play.authorize()
    if voided is not None:
        play.simulator.reverse(voided)
    play.authorize()
    play.before = play.now
    if not play.is_active:
        play.reissue()
    play.buy()


def partial_approval(play: Play) -> None:
    """
    Buy for the larger part; then ask again, of what is left and more, content with a part.
    """
    play.pay()
    play.buy(play.full * 6 // 10)
    part = play.authorize(play.full * 4 // 10 + 50, is_amount_controllable=True)
    play.capture(part)


def increment(play: Play) -> None:
    """
    Ask for a half, then for a quarter more, and collect both.
    """
    play.pay()
    stay = play.authorize(play.full // 2)
    play.increment(stay, play.full // 4)
    play.capture(stay)


def multi_capture(play: Play) -> None:
    """
    Ask once, collect in two parts, as for a split shipment.
    """
    play.pay()
    authorization = play.authorize()
    play.capture(authorization, play.full * 6 // 10, close=False)
    play.capture(authorization, play.full - play.full * 6 // 10)


def over_capture(play: Play) -> None:
    """
    Ask for the order's amount, and collect a tenth more.
    """
    play.pay()
    play.capture(play.authorize(), play.full * 11 // 10)


def late_capture(play: Play) -> None:
    """
    Ask, wait until the authorization has lapsed and the rest went home, then collect.
    """
    play.pay()
    authorization = play.authorize()
    play.pass_time(days=8)
    play.reclaim()
    play.before = play.now
    play.capture(authorization)


def force_capture(play: Play) -> None:
    """
    Collect a third without having asked.
    """
    card = play.pay()
    if card is not None:
        play.simulator.force_capture(card, play.full // 3)


def unlinked_refund(play: Play) -> None:
    """
    Pay money to a card that names no purchase.
    """
    card = play.pay()
    play.buy()
    if card is not None:
        play.simulator.unlinked_refund(card, play.full // 5)


def foreign_currency_drift(play: Play) -> None:
    """
    Ask in another currency, whose rate has moved by three per cent when the money is collected.
    """
    play.pay()
    asked = play.authorize(merchant_amount=play.full * 8 // 11, merchant_currency="eur")
    if asked is not None:
        held = play.asked[-1].amount.minor
        play.capture(asked, held * 103 // 100)


STORIES = (
    Scenario(
        name="exact_purchase",
        story="The merchant asks for the order's amount and collects it.",
        outcome="Approved, spent to the cent; the single-use card is used up.",
        play=exact_purchase,
    ),
    Scenario(
        name="wrong_amount",
        story="The merchant asks for 1.00 less, for 0.50 more, then for the right amount.",
        outcome="Less is declined by our rule, more by Stripe's own limit, which asks nobody; the right one is approved.",
        play=wrong_amount,
        not_at_stripe=NO_QUESTION,
    ),
    Scenario(
        name="double_use",
        story="The card is used, and then used again.",
        outcome="The second purchase is declined by Stripe: the first one has cancelled the card.",
        play=double_use,
    ),
    Scenario(
        name="two_probes",
        story="The merchant tests the card with 0.50 twice, asks for the real amount, and gives the test back.",
        outcome="The first test and the real purchase are approved; a second test is one too many.",
        play=two_probes,
        balance=FLOAT,
    ),
    Scenario(
        name="void_then_retry",
        story="An approved purchase is voided and asked again on the same card; then the order is reissued and the new card used.",
        outcome="The retry is declined, for the void gave no use back; `reissue` makes a card that works.",
        play=void_then_retry,
        terms=_REISSUE,
    ),
    Scenario(
        name="partial_approval",
        story="After a purchase of six tenths, a merchant that takes a part asks for 0.50 more than is left.",
        outcome="With `AuthorizationPolicy.default(partial_approval=True)`, exactly what is left is approved.",
        play=partial_approval,
        balance=FLOAT,
        terms=_TWICE,
        options={"policy": AuthorizationPolicy.default(partial_approval=True)},
        not_at_stripe=NO_QUESTION,
    ),
    Scenario(
        name="increment",
        story="A hotel asks for a half, then for a quarter more, and collects three quarters.",
        outcome="Each is judged on the new total, and both are approved.",
        play=increment,
        terms=_TWICE,
    ),
    Scenario(
        name="multi_capture",
        story="One purchase is collected in two parts, as for a split shipment.",
        outcome="Both parts belong to the one approved use.",
        play=multi_capture,
    ),
    Scenario(
        name="over_capture",
        story="The merchant asks for the order's amount and collects a tenth more.",
        outcome="Nobody can decline it: the account covers the excess, and an alert names it.",
        play=over_capture,
        balance=FLOAT,
    ),
    Scenario(
        name="late_capture",
        story="The authorization lapses, the money goes home, the order is closed; then the merchant collects.",
        outcome="The account covers it, an alert names it, and the order stays closed, for nothing is left to take home.",
        play=late_capture,
        balance=FLOAT,
        not_at_stripe="an authorization lapses after seven days, and nobody moves Stripe's clock",
    ),
    Scenario(
        name="force_capture",
        story="A merchant collects a third without ever having asked.",
        outcome="It is taken from the card's money, uses the card up, and an alert names it.",
        play=force_capture,
    ),
    Scenario(
        name="unlinked_refund",
        story="After a purchase, a refund comes that names none.",
        outcome="It is on the card's account, with an alert: make sure that it belongs to this order.",
        play=unlinked_refund,
    ),
    Scenario(
        name="foreign_currency_drift",
        story="A purchase in euros is collected three per cent dearer, because the rate has moved.",
        outcome="It is approved in the card's currency; what the drift costs is told as an over-capture.",
        play=foreign_currency_drift,
        terms=_UP_TO,
    ),
)
