"""
Does everything that nobody could decline have a name, an account and an alert?
"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from issuing_disburse import Statement
from issuing_disburse.ledger import balances
from late_things import (
    force_capture,
    late_capture,
    over_capture,
    unlinked_refund,
    won_dispute,
)
from world import World, make_order


@pytest.mark.parametrize(
    ("happen", "kind", "minor", "covered"),
    [
        (late_capture, "late_capture", -12_500, 0),
        (force_capture, "force_capture", -4_000, 0),
        (over_capture, "over_capture", -14_000, 1_500),
        (unlinked_refund, "unlinked_refund", 2_000, 0),
        (won_dispute, "dispute", 12_500, 0),
    ],
)
def test_each_late_thing_has_an_account_and_an_alert(
    world: World, happen: Callable[[World, str], None], kind: str, minor: int, covered: int
) -> None:
    """It passes through `late:` under its own id, is told in the statement, and reconciles."""
    happen(world, world.disburser.disburse(make_order()).card.id)

    said = world.disburser.statement("claim-8841")
    (alert,) = said.alerts
    assert (kind, minor, covered) == (alert.kind, alert.minor, alert.covered_minor)
    assert alert.remedy
    assert f"late:{alert.object_id}" in accounts_of(said)
    assert -covered == accounts_of(said)[f"late:{alert.object_id}"]
    world.check_books("claim-8841")


@pytest.mark.parametrize("happen", [late_capture, force_capture, unlinked_refund])
def test_late_things_reopen_what_was_closed(
    world: World, happen: Callable[[World, str], None]
) -> None:
    """After the rest went home, they are covered or brought home by the next run."""
    card = world.disburser.disburse(make_order()).card
    if happen is late_capture:
        lapsed = world.simulator.authorize(card.id, 12_500)["id"]
        world.simulator.clock.advance(timedelta(days=8))
        assert "closed" == world.disburser.reclaim("claim-8841").outcome
        world.simulator.capture(lapsed)
    else:
        assert "closed" == world.disburser.reclaim("claim-8841").outcome
        happen(world, card.id)
    world.disburser.reclaim_expired()

    said = world.disburser.statement("claim-8841")
    assert 1 == len(said.alerts)
    assert 0 == said.remaining.minor
    world.check_books("claim-8841")


def accounts_of(statement: Statement) -> dict[str, int]:
    """
    Return the balance of every ledger account of one disbursement.
    """
    return balances(line for entry in statement.entries for line in entry.lines)
