"""
Is a ledger that somebody touched found out, with one clear error?
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from issuing_disburse.exceptions import ChainBrokenError, LedgerError
from world import World, make_order, open_world

ENTRY = "issuing_disburse_entry"
OF_A = "scope like '%/a'"
LAST = f"seq = (select max(seq) from {ENTRY} where {OF_A})"  # noqa: S608 - our own names


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """
    Name a database file.
    """
    return tmp_path / "books.sqlite3"


@pytest.fixture
def world(file: Path) -> Iterator[World]:
    """
    A world whose books are in a file, with one order paid and spent and one reclaimed.
    """
    with open_world(f"sqlite:///{file}") as opened:
        for name in ("a", "b"):
            opened.disburser.disburse(make_order(name))
        card = opened.disburser.get("a").card.id
        opened.simulator.capture(opened.simulator.authorize(card, 12_500)["id"])
        opened.disburser.reclaim("b")
        yield opened


def tamper(file: Path, statement: str) -> None:
    """
    Change the file behind the library's back.
    """
    with sqlite3.connect(file, timeout=30) as connection:
        assert connection.execute(statement).rowcount > 0
    connection.close()


def test_untouched_ledger_is_proven_with_its_counts(world: World) -> None:
    """Every chain is counted, and the same entries give the same head."""
    proof = world.disburser.verify_ledger()

    assert (5, 5) < (proof.chains, proof.entries)
    assert proof == world.disburser.verify_ledger()
    world.disburser.disburse(make_order("c"))
    assert proof.head != world.disburser.verify_ledger().head


@pytest.mark.parametrize(
    "statement",
    [
        f"update {ENTRY} set lines = replace(lines, '12500', '12499') where {OF_A}",  # noqa: S608
        f"update {ENTRY} set cause = 'nothing' where {OF_A} and seq = 1",  # noqa: S608
        f"update {ENTRY} set lines = '[[1]]' where {OF_A} and seq = 1",  # noqa: S608
        f"update {ENTRY} set lines = 'no json' where {OF_A} and seq = 1",  # noqa: S608
        f"delete from {ENTRY} where {OF_A} and seq = 1",  # noqa: S608
        f"delete from {ENTRY} where {OF_A}",  # noqa: S608
        f"delete from {ENTRY} where {OF_A} and {LAST}",  # noqa: S608
        f"update {ENTRY} set scope = 'acct_x/other' where {OF_A}",  # noqa: S608
    ],
)
def test_touched_ledger_is_one_clear_error(world: World, file: Path, statement: str) -> None:
    """Changed, unreadable, removed at either end or moved: a broken chain that names the order."""
    tamper(file, statement)

    with pytest.raises(ChainBrokenError):
        world.disburser.verify_ledger()


def test_statement_of_touched_entries_is_refused(world: World, file: Path) -> None:
    """Figures from entries that were changed would lie; other orders are not disturbed."""
    tamper(file, f"update {ENTRY} set cause = 'nothing' where {OF_A} and seq = 1")  # noqa: S608

    with pytest.raises(ChainBrokenError, match=r"entry 1 of .*/a"):
        world.disburser.statement("a")
    assert world.disburser.statement("b").is_balanced


def test_walks_name_a_broken_chain_and_go_on(world: World, file: Path) -> None:
    """One order with a broken chain stops no other; its webhook is delivered again."""
    world.disburser.disburse(make_order("c"))
    tamper(file, f"update {ENTRY} set cause = 'nothing' where {OF_A}")  # noqa: S608
    world.simulator.unlinked_refund(world.disburser.get("a").card.id, 100)
    world.simulator.clock.advance(world.disburser.get("c").expires_at - world.simulator.clock.now())

    outcomes = {one.order_id: one for one in world.disburser.reclaim_expired()}

    assert "closed" == outcomes["c"].outcome
    assert "stuck" == outcomes["a"].outcome
    assert "changed, removed or put in between" in outcomes["a"].message


def test_totals_that_were_changed_are_found(world: World, file: Path) -> None:
    """What is kept as the sum of all entries has to be their sum."""
    tamper(
        file,
        "update issuing_disburse_pool set body ="
        " json_set(body, '$.available_minor', json_extract(body, '$.available_minor') + 1)",
    )

    with pytest.raises(LedgerError, match="totals of acct_"):
        world.disburser.verify_ledger()
