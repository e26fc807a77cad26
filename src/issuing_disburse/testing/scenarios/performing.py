"""
How is a story told on a simulator, through the real disburser?
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from attrs import evolve

from issuing_disburse.arguments import check_kind
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.order import Order
from issuing_disburse.simulator import Behaviour, IssuingSimulator
from issuing_disburse.testing.builders import HOMES, make_order, make_recipient
from issuing_disburse.testing.stage import Stage

from . import deliveries, endings, purchases, waits
from .play import Play
from .values import Happened, Scenario

SEED = 7
PLATFORM_FUNDS = 10_000_000

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {one.name: one for room in (purchases, endings, waits, deliveries) for one in room.STORIES}
)
"""
Every scenario by its name.
"""


def named(name: str) -> Scenario:
    """
    Return the scenario of that *name*.

    Raises:
        InvalidInputError: There is none; the remedy names those that sound alike.
    """
    found = SCENARIOS.get(name) if isinstance(name, str) else None
    if found is None:
        near = get_close_matches(str(name), SCENARIOS, n=3, cutoff=0.5) or sorted(SCENARIOS)
        raise InvalidInputError(
            "name", f"no scenario is called {name!r:.60}", f"use {', '.join(near)}"
        )
    return found


def scenario(
    name: str,
    *,
    order: Order | None = None,
    merchant: Mapping[str, object] | None = None,
    stage: Stage | None = None,
    **options: Any,
) -> Happened:
    """
    Tell one story from order to statement, and return what has happened.

    It runs on a simulator of its own, through a real `issuing_disburse.Disburser` with the store in memory.

    >>> told = scenario("over_capture")
    >>> str(told.statement.covered)
    '12.50 usd'

    Args:
        name: One of `SCENARIOS`.
        order: An order of yours in the place of the story's; the story keeps its proportions.
        merchant: ``merchant_data`` of every purchase: ``{"category": "…", "country": "…"}``.
        stage: Where it plays, if not on a simulator of its own.
        options: Of `issuing_disburse.Disburser.connect`, such as ``policy=`` and ``store=``.

    Raises:
        InvalidInputError: There is no such scenario, or an argument is wrong.
    """
    found = named(name)
    if order is not None:
        check_kind("order", order, Order)
        if found.currency not in (order.amount.currency, "usd"):
            raise InvalidInputError(
                "order.amount", f"{name} plays in {found.currency}", "order in that currency"
            )
    currency = found.currency if order is None else order.amount.currency
    plays_on = stage or simulated(found, currency)
    disburser = plays_on.connect(**{**found.options, **options})
    play = Play(
        scenario=found,
        stage=plays_on,
        disburser=disburser,
        order=order or _order(found, plays_on.suffix),
        merchant=merchant,
    )
    found.play(play)
    return play.told()


def simulated(found: Scenario, currency: str) -> Stage:
    """
    Return a simulator as the scenario needs it.
    """
    country = HOMES[currency][0]
    simulator = IssuingSimulator(
        seed=SEED,
        platform_funds={currency: PLATFORM_FUNDS},
        country=country,
        behaviour=Behaviour(**found.behaviour),
    )
    account = simulator.create_account(country=country, issuing_funds=found.balance)
    return Stage.of_simulator(simulator, account)


def _order(found: Scenario, suffix: str) -> Order:
    order = make_order(f"{found.name}{suffix}", currency=found.currency, terms=found.terms)
    if not suffix:
        return order
    recipient = make_recipient(f"supplier{suffix}", currency=found.currency)
    return evolve(order, recipient=recipient)
