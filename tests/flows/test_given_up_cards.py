"""
What becomes of a card that was never usable: given up by an earlier attempt, or waiting for its sink?
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crashing import Countdown, CrashingClient, CrashingStore, ProcessDiedError
from issuing_disburse import Disburser, Status, Terms
from issuing_disburse.exceptions import DisburseError, RefusedError, SinkError
from issuing_disburse.simulator.faults import Fault, LoseConnection, Refuse
from sinks.vaults import Vault
from world import World, make_order, open_world

ORDER = "claim-8841"
VOIDED = Terms(on_void="reissue")
CARDS = "POST /v1/issuing/cards"
KEY_FORGOTTEN = timedelta(hours=25)
ACTIVATION = "POST /v1/issuing/cards/:id"

pytestmark = pytest.mark.pci


def refuse(world: World, endpoint: str, *, times: int = 1) -> None:
    """
    Have Stripe refuse the next calls for one endpoint.
    """
    world.simulator.faults.add(Fault(endpoint=endpoint, action=Refuse(), times=times))


def give_up(world: World) -> Disburser:
    """
    Let an order fail when its card is to be activated: the card is cancelled, the money went back.
    """
    disburser = world.connect(store=world.disburser.store, sink=Vault())
    refuse(world, ACTIVATION)
    with pytest.raises(RefusedError):
        disburser.disburse(make_order())
    assert ["canceled"] == statuses(world)
    return disburser


def wait_for_sink(world: World, order_id: str = ORDER) -> None:
    """
    Let an order wait, because its sink is broken.
    """
    disburser = world.connect(store=world.disburser.store, sink=Vault(breaks=1))
    with pytest.raises(SinkError):
        disburser.disburse(make_order(order_id))


def lose_store(world: World, **options: Any) -> Disburser:
    """
    Connect to the same account with a store that knows nothing.
    """
    world.disburser = world.connect(store="memory://", **options)
    return world.disburser


def statuses(world: World) -> list[str]:
    """
    Return how the cards stand at Stripe, oldest first.
    """
    return [card["status"] for card in world.simulator.objects("card", world.account)]


@pytest.mark.parametrize("action", [Refuse(), LoseConnection(after_commit=False)])
def test_a_card_that_was_given_up_is_not_taken_for_the_next_one(
    world: World, action: Refuse | LoseConnection
) -> None:
    """The look for a card finds that of this attempt only, and no order becomes active on a dead one."""
    disburser = give_up(world)
    world.simulator.faults.add(Fault(endpoint=CARDS, action=action, times=0))
    with pytest.raises(DisburseError):
        disburser.disburse(make_order())
    assert disburser.get(ORDER).status is not Status.ACTIVE
    world.simulator.faults.clear()
    world.simulator.clock.advance(KEY_FORGOTTEN)

    paid = disburser.disburse(make_order())

    assert Status.ACTIVE is paid.status
    assert ["canceled", "active"] == statuses(world)
    assert 12_500 == world.simulator.issuing_balance(world.account)
    world.check_books(ORDER)


def test_an_order_that_failed_with_its_card_comes_back_as_failed(world: World) -> None:
    """Its money is home already: nothing is reclaimed twice, and it can be paid anew."""
    give_up(world)
    world.simulator.fund_issuing(world.account or "", 12_500)  # somebody else's

    rebuilt = lose_store(world).rebuild()

    assert (ORDER,) == rebuilt.orders
    assert Status.FAILED is world.disburser.get(ORDER).status
    assert "not_over" == world.disburser.reclaim(ORDER).outcome
    world.check_books(ORDER)
    assert Status.ACTIVE is world.disburser.disburse(make_order()).status
    assert ["canceled", "active"] == statuses(world)
    assert 25_000 == world.simulator.issuing_balance(world.account)
    world.check_books(ORDER)


def test_an_order_that_was_paid_at_the_second_attempt_comes_back_as_active(world: World) -> None:
    """The card of the first attempt is none of its cards."""
    disburser = give_up(world)
    paid = disburser.disburse(make_order())

    lose_store(world).rebuild()

    again = world.disburser.get(ORDER)
    assert (Status.ACTIVE, paid.card, (), 2) == (
        again.status,
        again.card,
        again.earlier_cards,
        again.attempt,
    )
    assert world.simulator.authorize(paid.card.id, 12_500)["approved"]
    world.check_books(ORDER)


@pytest.mark.parametrize("again", ["resume", "disburse"])
def test_an_order_whose_card_waits_for_its_sink_comes_back_as_pending(
    world: World, again: str
) -> None:
    """With the sink it was begun with, the same card is delivered and activated; never without."""
    wait_for_sink(world)
    (card,) = world.simulator.objects("card", world.account)
    vault = Vault()

    lose_store(world).rebuild()

    assert Status.PENDING is world.disburser.get(ORDER).status
    with pytest.raises(SinkError):
        world.disburser.resume(ORDER)
    world.disburser = world.connect(store=world.disburser.store, sink=vault)
    if again == "resume":
        paid = world.disburser.resume(ORDER)
    else:
        paid = world.disburser.disburse(make_order())
    assert (Status.ACTIVE, card["id"]) == (paid.status, paid.card.id)
    assert {card["id"]} == set(vault.kept)
    assert ["active"] == statuses(world)
    assert 12_500 == world.simulator.issuing_balance(world.account)
    world.check_books(ORDER)
    assert "closed" == world.disburser.reclaim(ORDER).outcome
    assert 1_000_000 == world.simulator.payments_balance(None)


@pytest.mark.parametrize("end", ["reissue", "reclaim"])
def test_a_next_card_that_waits_for_its_sink_comes_back(world: World, end: str) -> None:
    """The reissue goes on with that card, or a reclaim cancels it; no third card is made."""
    first = world.disburser.disburse(make_order(terms=VOIDED)).card.id
    world.simulator.reverse(world.simulator.authorize(first, 12_500)["id"])
    world.disburser = world.connect(store=world.disburser.store, sink=Vault(breaks=1))
    with pytest.raises(SinkError):
        world.disburser.reissue(ORDER)
    assert ["canceled", "inactive"] == statuses(world)

    lose_store(world, sink=Vault()).rebuild()

    assert Status.CLOSING is world.disburser.get(ORDER).status
    if end == "reissue":
        assert Status.ACTIVE is world.disburser.reissue(ORDER).status
        assert ["canceled", "active"] == statuses(world)
    else:
        assert "closed" == world.disburser.reclaim(ORDER).outcome
        assert ["canceled", "canceled"] == statuses(world)
        assert 1_000_000 == world.simulator.payments_balance(None)
    world.check_books(ORDER)


def test_a_card_that_somebody_froze_is_not_taken_for_one_that_waits(world: World) -> None:
    """What was usable once is never activated by a rebuild: the order is closed."""
    disburser = world.connect(store=world.disburser.store, sink=Vault())
    card = disburser.disburse(make_order()).card.id
    world.send(f"/v1/issuing/cards/{card}", status="inactive")

    lose_store(world, sink=Vault()).rebuild()
    world.disburser.resume_all()

    assert Status.CLOSING is world.disburser.get(ORDER).status
    assert ["inactive"] == statuses(world)
    world.check_books(ORDER)


@pytest.mark.parametrize("every", [6, pytest.param(1, marks=pytest.mark.long)])
def test_dying_anywhere_in_a_rebuild_into_a_file_needs_one_more_run(
    tmp_path: Path, every: int
) -> None:
    """Orders that failed, wait, were paid at the second attempt, or live: all come back the same."""
    with open_world() as world:
        give_up(world)
        wait_for_sink(world, "waits")
        refuse(world, ACTIVATION)
        sunk = world.connect(store=world.disburser.store, sink=Vault())
        with pytest.raises(RefusedError):
            sunk.disburse(make_order("second"))
        sunk.disburse(make_order("second"))
        world.disburser.disburse(make_order("lives"))
        countdown = Countdown()
        expected = rebuilt(world, f"sqlite:///{tmp_path}/whole.sqlite3", countdown)
        for point in range(1, countdown.passed, every):  # behind the last one it is done
            url = f"sqlite:///{tmp_path}/{point}.sqlite3"
            with pytest.raises(ProcessDiedError):
                rebuilt(world, url, Countdown(dies_at=point))

            assert expected == rebuilt(world, url, Countdown()), point
    assert countdown.passed > 30


def rebuilt(world: World, url: str, countdown: Countdown) -> dict[str, tuple[Status, int, int]]:
    """
    Rebuild into the store at *url*, in a process that dies when *countdown* says so.

    Returns:
        How every order stands after it, when its books were checked.
    """
    with world.connect(store=url) as world.disburser:
        dying = world.connect(
            store=CrashingStore(world.disburser.store, countdown),
            http_client=CrashingClient(world.client, countdown),
        )
        names = dying.rebuild().orders
        world.check_books(*names)
        orders = [(world.disburser.get(name), world.disburser.statement(name)) for name in names]
        return {
            one.order_id: (one.status, one.attempt, said.remaining.minor) for one, said in orders
        }


@pytest.mark.parametrize("how", ["reissue", "reclaim"])
def test_a_next_card_that_is_refused_does_not_keep_the_rest(world: World, how: str) -> None:
    """The order can be closed, and its money comes home, however often Stripe refuses the card."""
    first = world.disburser.disburse(make_order(terms=VOIDED)).card.id
    world.simulator.reverse(world.simulator.authorize(first, 12_500)["id"])
    if how == "reclaim":  # the first answer is lost; only the look then shows that there is no card
        lost = LoseConnection(after_commit=False)
        world.simulator.faults.add(Fault(endpoint=CARDS, action=lost, times=9))
        with pytest.raises(DisburseError):
            world.disburser.reissue(ORDER)
        world.simulator.faults.clear()
    refuse(world, CARDS, times=0)
    if how == "reissue":
        with pytest.raises(RefusedError):
            world.disburser.reissue(ORDER)

    assert "closed" == world.disburser.reclaim(ORDER).outcome
    assert ["canceled"] == statuses(world)
    assert 1_000_000 == world.simulator.payments_balance(None)
    world.check_books(ORDER)


def test_a_next_card_that_was_refused_once_can_be_issued_later(world: World) -> None:
    """A refusal is not for good: the next reissue begins anew."""
    first = world.disburser.disburse(make_order(terms=VOIDED)).card.id
    world.simulator.reverse(world.simulator.authorize(first, 12_500)["id"])
    refuse(world, CARDS)
    with pytest.raises(RefusedError):
        world.disburser.reissue(ORDER)

    assert Status.ACTIVE is world.disburser.reissue(ORDER).status
    assert ["canceled", "active"] == statuses(world)
    world.check_books(ORDER)
