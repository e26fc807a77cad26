"""
What can a process be in the midst of when something goes wrong, and how does it have to end?
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from attrs import field, frozen

from issuing_disburse import Disburser, Status, Terms
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.simulator.faults import Fault, Refuse
from world import World, make_order

LEASE = timedelta(seconds=121)
FUNDS = 1_000_000
OF_LIFE = Terms(on_void="reissue")


@frozen(kw_only=True)
class Scenario:
    """
    Something that a process does, and in the midst of which it dies.

    Attributes:
        prepare: What was so before.
        act: What the process does; then somebody else does it again.
        repeats: How often it has to be done again at most: twice where Stripe recorded a refusal.
        status: How the order stands then.
        issuing: What is on the Issuing balance then, in minor units; the rest is the platform's.
        live_cards: How many cards are not cancelled then.
    """

    name: str
    prepare: Callable[[World], None] = field(repr=False)
    act: Callable[[Disburser], object] = field(repr=False)
    status: Status
    issuing: int
    live_cards: int
    spent: int = 0
    repeats: int = 1

    def __str__(self) -> str:
        return self.name


def pay(world: World) -> None:
    """
    Pay the order before anything else.
    """
    world.disburser.disburse(make_order())


def void(world: World) -> None:
    """
    Pay the order, and let the merchant give its use back.
    """
    card = world.disburser.disburse(make_order(terms=OF_LIFE)).card
    world.simulator.reverse(world.simulator.authorize(card.id, 12_500)["id"])


def lapse(world: World) -> None:
    """
    Replace the card, and let a merchant capture on the one that is dead.
    """
    terms = Terms(valid_for=timedelta(days=90), on_void="reissue")
    card = world.disburser.disburse(make_order(terms=terms)).card
    late = world.simulator.authorize(card.id, 12_500)["id"]
    world.simulator.clock.advance(timedelta(days=40))
    world.disburser.reissue("claim-8841")
    world.simulator.capture(late, 5_000)


def refuse(endpoint: str) -> Callable[[World], None]:
    """
    Have Stripe refuse the next call for one endpoint, and keep that under its key.
    """

    def prepare(world: World) -> None:
        world.simulator.faults.add(Fault(endpoint=endpoint, action=Refuse()))

    return prepare


def disburse(disburser: Disburser) -> None:
    """
    Pay the order; a refusal is told and can be repeated.
    """
    with suppress(DisburseError):
        disburser.disburse(make_order())


def reclaim(disburser: Disburser) -> None:
    """
    Take back what the order has left.
    """
    disburser.reclaim("claim-8841")


def reissue(disburser: Disburser) -> None:
    """
    Issue the next card, unless that was done already.
    """
    if disburser.get("claim-8841").status is not Status.ACTIVE:
        disburser.reissue("claim-8841")


SCENARIOS = [
    Scenario(
        name="disburse", prepare=lambda world: None, act=disburse,
        status=Status.ACTIVE, issuing=12_500, live_cards=1,
    ),
    Scenario(
        name="reclaim", prepare=pay, act=reclaim,
        status=Status.CLOSED, issuing=0, live_cards=0,
    ),
    Scenario(
        name="reissue", prepare=void, act=reissue,
        status=Status.ACTIVE, issuing=12_500, live_cards=1,
    ),
    Scenario(
        name="lower", prepare=lapse, act=Disburser.resume_all,
        status=Status.ACTIVE, issuing=7_500, live_cards=1, spent=5_000,
    ),
    Scenario(
        name="refused card", prepare=refuse("POST /v1/issuing/cards"), act=disburse,
        status=Status.ACTIVE, issuing=12_500, live_cards=1, repeats=2,
    ),
    Scenario(
        name="refused transfer", prepare=refuse("POST /v1/transfers"), act=disburse,
        status=Status.ACTIVE, issuing=12_500, live_cards=1, repeats=2,
    ),
    Scenario(
        name="refused cardholder", prepare=refuse("POST /v1/issuing/cardholders"), act=disburse,
        status=Status.ACTIVE, issuing=12_500, live_cards=1, repeats=2,
    ),
    Scenario(
        name="refused reversal", act=reclaim,
        prepare=lambda world: (pay(world), refuse("POST /v1/transfers/:id/reversals")(world))[0],
        status=Status.CLOSED, issuing=0, live_cards=0, repeats=2,
    ),
]  # fmt: skip


def check(world: World, scenario: Scenario, point: int) -> None:
    """
    Fail unless everything is there once, and every cent has a name.
    """
    simulator, account = world.simulator, world.account
    cards = [one["status"] for one in simulator.objects("card", account)]
    brought = sum(one["amount"] - one["amount_reversed"] for one in simulator.objects("transfer"))

    assert scenario.status is world.disburser.get("claim-8841").status, point
    assert scenario.live_cards == len(cards) - cards.count("canceled"), point
    assert 1 == len(simulator.objects("cardholder", account)), point
    assert scenario.issuing == simulator.issuing_balance(account), point
    assert scenario.issuing + scenario.spent == brought, point
    assert 0 == simulator.payments_balance(account), point
    assert FUNDS - scenario.spent == simulator.payments_balance(None) + scenario.issuing, point
    world.check_books("claim-8841")
