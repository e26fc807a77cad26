"""
Does the statement of an account and period say where every cent went, and what is behind it?
"""

import itertools
from datetime import datetime, timedelta

import pytest

from issuing_disburse import Money, Terms
from issuing_disburse.exceptions import ChainBrokenError, InvalidInputError
from issuing_disburse.figures import CAME, FIGURES, WENT
from issuing_disburse.ledger import Entry, Line
from world import World, make_order


def usd(minor: int) -> Money:
    """
    Return dollars.
    """
    return Money(minor, "usd")


def three_weeks(world: World) -> tuple[datetime, datetime]:
    """
    Let things happen before, within and after a week; return its beginning and end.
    """
    terms = Terms(valid_for=timedelta(days=60))
    simulator, disburser = world.simulator, world.disburser
    first = disburser.disburse(make_order("before", "100.00", terms=terms)).card
    held = simulator.authorize(first.id, 10_000)["id"]
    disburser.disburse(make_order("idle", "30.00", terms=terms))
    simulator.clock.advance(timedelta(days=5))
    since = simulator.clock.now()
    simulator.capture(held)
    within = disburser.disburse(make_order("within", "50.00", terms=terms)).card
    bought = simulator.authorize(within.id, 5_000)["id"]
    simulator.clock.advance(timedelta(days=1))
    simulator.capture(bought)
    simulator.unlinked_refund(within.id, 700)
    disburser.reclaim("idle")
    simulator.clock.advance(timedelta(days=1))
    until = simulator.clock.now()
    disburser.disburse(make_order("after", "20.00", terms=terms))
    disburser.reclaim("within")
    return since, until


def test_a_period_opens_with_what_was_there_and_closes_with_what_is_left(world: World) -> None:
    """What was held and on cards before, and what moved within, are what is there at the end."""
    since, until = three_weeks(world)

    statement = world.disburser.account_statement(since, until)

    (one,) = statement.currencies
    assert (usd(10_000), usd(3_000)) == (one.opening_held, one.opening_remaining)
    assert (usd(5_000), usd(700), usd(0), usd(0)) == (
        one.funded,
        one.refunded,
        one.disputed,
        one.covered,
    )
    assert (usd(15_000), usd(0), usd(3_000), usd(700)) == (
        one.spent,
        one.held,
        one.reclaimed,
        one.remaining,
    )
    assert (3, True, True) == (one.orders, one.is_balanced, statement.is_balanced)


def test_periods_that_follow_each_other_add_up(world: World) -> None:
    """The end of one period is the opening of the next, and all of them make the whole."""
    since, until = three_weeks(world)
    books = world.disburser

    parts = [
        books.account_statement(None, since),
        books.account_statement(since, until),
        books.account_statement(until, None),
    ]
    whole = books.account_statement().figures("usd")

    figures = [part.figures("usd") for part in parts]
    for before, after in itertools.pairwise(figures):
        assert (before.held, before.remaining) == (after.opening_held, after.opening_remaining)
    for name in ("funded", "spent", "refunded", "reclaimed", "covered", "disputed"):
        assert getattr(whole, name).minor == sum(getattr(one, name).minor for one in figures)
    assert (whole.held, whole.remaining) == (figures[-1].held, figures[-1].remaining)


def test_the_account_is_the_sum_of_its_orders(world: World) -> None:
    """Every figure of the account is the sum of the statements of its orders."""
    three_weeks(world)

    whole = world.disburser.account_statement().figures("usd")

    orders = [world.disburser.statement(name) for name in ("before", "idle", "within", "after")]
    for name in FIGURES:
        assert getattr(whole, name).minor == sum(getattr(one, name).minor for one in orders)


def test_every_figure_names_its_sources(world: World) -> None:
    """The objects behind a figure add up to it, for the account and for an order."""
    three_weeks(world)
    statement = world.disburser.account_statement()
    order = world.disburser.statement("within")

    for name in (*CAME, *WENT):
        behind = list(statement.sources(name, "usd"))
        assert getattr(statement.figures("usd"), name).minor == sum(one.minor for one in behind)
        assert getattr(order, name).minor == sum(one.minor for one in order.sources(name))
    (capture,) = [one for one in order.sources("spent") if one.minor]
    assert "ipi_" == capture.object_id[:4]
    assert capture.scope.endswith("/within")
    with pytest.raises(InvalidInputError, match="figure"):
        order.sources("profit")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="figure"):
        next(statement.sources("profit", "usd"))  # type: ignore[arg-type]


def test_another_account_and_another_currency_are_zeros(world: World) -> None:
    """What never moved is nothing, and balanced."""
    three_weeks(world)

    statement = world.disburser.for_account(None).account_statement()

    assert ((), True) == (statement.currencies, statement.is_balanced)
    assert Money(0, "eur") == statement.figures("eur").spent


def test_a_period_that_is_none_is_refused(world: World) -> None:
    """An end before the beginning is refused, naming the field."""
    now = world.simulator.clock.now()

    with pytest.raises(InvalidInputError, match=r"^until: "):
        world.disburser.account_statement(now, now)


def test_figures_are_refused_when_the_ledger_was_changed(world: World) -> None:
    """An entry that was put in by somebody else stops the statement instead of entering it."""
    three_weeks(world)
    forged = Entry(
        scope=f"{world.account}/zzz", seq=1, at=world.simulator.clock.now(), currency="usd",
        cause="me", lines=(Line("capture", "ipi_x", "card:x", "spent:x", 1),),
    )  # fmt: skip
    world.disburser.store.transact(lambda tx: tx.append(forged))

    with pytest.raises(ChainBrokenError, match="zzz"):
        world.disburser.account_statement()
