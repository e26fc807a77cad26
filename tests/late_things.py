"""
What can merchants do that nobody can decline?
"""

from datetime import timedelta

from world import World

FRAUD = {"reason": "fraudulent", "fraudulent": {"explanation": "nobody knows this purchase"}}


def late_capture(world: World, card: str) -> None:
    """
    Capture what had expired.
    """
    authorization = world.simulator.authorize(card, 12_500)["id"]
    world.simulator.clock.advance(timedelta(days=8))
    world.simulator.capture(authorization)


def force_capture(world: World, card: str) -> None:
    """
    Capture without having asked.
    """
    world.simulator.force_capture(card, 4_000)


def over_capture(world: World, card: str) -> None:
    """
    Capture more than was approved.
    """
    world.simulator.capture(world.simulator.authorize(card, 12_500)["id"], 14_000)


def unlinked_refund(world: World, card: str) -> None:
    """
    Give money back without saying what for.
    """
    world.simulator.unlinked_refund(card, 2_000)


def won_dispute(world: World, card: str) -> None:
    """
    Contest a capture, and win.
    """
    world.simulator.capture(world.simulator.authorize(card, 12_500)["id"])
    (capture,) = world.simulator.objects("transaction", world.account)
    world.send("/v1/issuing/disputes", transaction=capture["id"], evidence=FRAUD)
    (dispute,) = world.simulator.objects("dispute", world.account)
    world.send(f"/v1/issuing/disputes/{dispute['id']}/submit")
    world.simulator.decide_dispute(dispute["id"], won=True)
