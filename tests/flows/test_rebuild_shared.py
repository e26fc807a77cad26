"""
Does money that one movement brought for many orders come back from Stripe, to the cent?
"""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from attrs import evolve

from crashing import Countdown, CrashingClient, CrashingStore, ProcessDiedError
from issuing_disburse import Disburser, Order, Status
from issuing_disburse.domain_events import Issued
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.paging import every
from issuing_disburse.records import AccountRecord, DisbursementRecord
from issuing_disburse.simulator.faults import Fault, LoseConnection, Refuse, ServerError
from world import World, make_order, make_recipient, open_world

AMOUNT = 12_500
FUNDS = 1_000_000
NAMES = ("unused", "held", "spent", "partly", "reclaimed", "refused")


def make_orders() -> list[Order]:
    """
    Make one order for every fate.
    """
    return [
        make_order(name, recipient=make_recipient(f"supplier-{name}", email=f"{name}@example.com"))
        for name in NAMES
    ]


def pay(disburser: Disburser) -> None:
    """
    Pay all of them by one movement, one call at a time.
    """
    list(disburser.disburse_many(make_orders(), workers=1))


def live_all_lives(world: World) -> None:
    """
    Let one order of every fate happen: the card of the last one is refused.
    """
    simulator, disburser = world.simulator, world.disburser
    simulator.faults.add(Fault(action=Refuse(), endpoint="POST /v1/issuing/cards", nth=len(NAMES)))
    pay(disburser)
    card = {name: disburser.get(name).card.id for name in NAMES[:-1]}
    simulator.authorize(card["held"], AMOUNT)
    simulator.capture(simulator.authorize(card["spent"], AMOUNT)["id"])
    simulator.capture(simulator.authorize(card["partly"], AMOUNT)["id"], 4_500)
    disburser.reclaim("partly")
    disburser.reclaim("reclaimed")


def lose_store(world: World) -> Disburser:
    """
    Connect to the same account with a store that knows nothing.
    """
    world.disburser = world.connect(store="memory://")
    return world.disburser


def lose_from_now_on(world: World, endpoint: str) -> None:
    """
    Let no request for one endpoint reach Stripe.
    """
    lost = LoseConnection(after_commit=False)
    world.simulator.faults.add(Fault(endpoint=endpoint, action=lost, times=0))


def lose_after(world: World, cards: int) -> None:
    """
    Let no card be issued once there are so many.
    """
    if len(world.simulator.objects("card", world.account)) == cards:
        lose_from_now_on(world, "POST /v1/issuing/cards")


def pictures(disburser: Disburser) -> dict[str, tuple[object, ...]]:
    """
    Return what callers see of each order that has a card.
    """
    found = (record.order_id for record in records(disburser) if record.cards)
    return {
        name: (
            disburser.get(name).status,
            disburser.get(name).card,
            disburser.statement(name).funded,
            disburser.statement(name).spent,
            disburser.statement(name).held,
            disburser.statement(name).reclaimed,
            disburser.statement(name).remaining,
        )
        for name in sorted(found)
    }


def records(disburser: Disburser) -> Iterator[DisbursementRecord]:
    """
    Yield every order of the store.
    """
    yield from every(disburser.store, DisbursementRecord)


def take_all_back(world: World) -> None:
    """
    Let what is held be given back, reclaim whatever is left, and hold the books against Stripe's.
    """
    for name in NAMES:
        with suppress(DisburseError):
            world.disburser.reclaim(name)
    known = [record.order_id for record in records(world.disburser)]
    world.check_books(*known)
    world.disburser.verify_ledger()


def test_shares_come_back_with_the_same_figures(world: World) -> None:
    """Each order has its share, what went back is whose it was, and life goes on from there."""
    live_all_lives(world)
    before = pictures(world.disburser)
    spent = sum(-one["amount"] for one in world.simulator.objects("transaction", world.account))

    rebuilt = lose_store(world).rebuild()

    assert tuple(sorted(NAMES[:-1])) == rebuilt.orders
    assert before == pictures(world.disburser)
    assert ((), (), ()) == (rebuilt.stray_transfers, rebuilt.doubtful, rebuilt.undecided)
    world.check_books(*rebuilt.orders)
    for one in world.simulator.objects("authorization", world.account):
        if one["status"] == "pending":
            world.simulator.reverse(one["id"])
    take_all_back(world)
    assert 0 == world.simulator.issuing_balance(world.account)
    assert FUNDS - spent == world.simulator.payments_balance(None)


def test_a_refused_order_is_paid_anew_after_a_rebuild(world: World) -> None:
    """Its share went home before; handed in again it gets money and a card of its own."""
    live_all_lives(world)
    lose_store(world).rebuild()

    outcomes = list(world.disburser.disburse_many(make_orders()))

    assert ["refused"] == [
        one.order_id for one in outcomes if one.disbursement.status is Status.ACTIVE
        and one.order_id not in {"unused", "held", "spent"}
    ]  # fmt: skip
    assert 2 == len(world.simulator.objects("transfer"))
    world.check_books(*NAMES)


@pytest.mark.parametrize("cards", [0, 2])
@pytest.mark.parametrize("leg", ["arrived", "half-way"])
def test_money_for_orders_without_a_card_is_listed_and_taken_over(
    world: World, cards: int, leg: str
) -> None:
    """Nothing is moved a second time for orders that are handed in again, in whatever groups."""
    if leg == "half-way":
        if cards:
            pytest.skip("no card is issued before its money has arrived")
        lose_from_now_on(world, "POST /v1/balance_transfers")
    elif cards == 0:
        lose_from_now_on(world, "POST /v1/issuing/cards")
    else:
        world.disburser.on(Issued, lambda event: lose_after(world, cards))
    pay(world.disburser)
    world.simulator.faults.clear()
    left = (len(NAMES) - cards) * AMOUNT
    with_card = len(world.simulator.objects("card", world.account))

    rebuilt = lose_store(world).rebuild()

    (stray,) = rebuilt.stray_transfers
    assert cards == with_card
    assert (left, leg == "arrived") == (stray.amount.minor, stray.has_arrived)
    assert Status.ACTIVE is world.disburser.disburse(make_orders()[-1]).status
    assert all(one.is_paid for one in world.disburser.disburse_many(make_orders()))
    assert 1 == len(world.simulator.objects("transfer"))
    assert len(NAMES) * AMOUNT == world.simulator.issuing_balance(world.account)
    account = world.disburser.store.read(lambda tx: tx.get(AccountRecord, world.account or ""))
    assert () == account.spare
    world.check_books(*NAMES)
    take_all_back(world)
    assert FUNDS == world.simulator.payments_balance(None)


def test_a_transfer_whose_second_leg_was_refused_is_not_taken_for_money(world: World) -> None:
    """It went back before the store was lost."""
    world.simulator.faults.add(Fault(action=Refuse(), endpoint="POST /v1/balance_transfers"))
    pay(world.disburser)

    rebuilt = lose_store(world).rebuild()

    assert () == rebuilt.stray_transfers
    pay(world.disburser)
    assert FUNDS - len(NAMES) * AMOUNT == world.simulator.payments_balance(None)
    world.check_books(*NAMES)


def test_shares_of_the_platforms_own_balance_come_back() -> None:
    """Without a transfer, the movement is found by what each card says of the whole."""
    with open_world("memory://") as world:
        world.account = None
        world.disburser = world.connect()
        pay(world.disburser)
        before = pictures(world.disburser)

        rebuilt = lose_store(world).rebuild()

        assert before == pictures(world.disburser)
        assert len(NAMES) == len(rebuilt.orders)
        take_all_back(world)
        assert FUNDS == world.simulator.payments_balance(None)


def test_changed_shares_are_doubted(world: World) -> None:
    """Anybody with a dashboard can write metadata: Stripe's own limits count, and a person is told."""
    pay(world.disburser)
    card = world.disburser.get("unused").card.id
    world.send(f"/v1/issuing/cards/{card}", metadata={"issuing_disburse_share": "1 of 2"})

    rebuilt = lose_store(world).rebuild()

    assert ("unused",) == rebuilt.doubtful
    assert AMOUNT == world.disburser.statement("unused").funded.minor
    world.check_books(*NAMES)


def test_dying_anywhere_in_a_rebuild_of_shares_needs_one_more_run() -> None:
    """At every store call and both sides of every Stripe call: run again, the figures are the same."""
    with open_world("memory://") as world:
        live_all_lives(world)
        before = pictures(world.disburser)

        def rebuilding(countdown: Countdown) -> Disburser:
            world.disburser = world.connect(store="memory://")
            return world.connect(
                store=CrashingStore(world.disburser.store, countdown),
                http_client=CrashingClient(world.client, countdown),
            )

        counted = Countdown()
        rebuilding(counted).rebuild()
        for point in range(
            1, counted.passed, 1 + counted.passed // 30
        ):  # behind the last one it is done
            with pytest.raises(ProcessDiedError):
                rebuilding(Countdown(dies_at=point)).rebuild()
            rebuilt = world.disburser.rebuild()

            assert before == pictures(world.disburser), point
            assert () == rebuilt.stray_transfers, point
            assert () == world.disburser.reconcile().discrepancies, point
            world.disburser.verify_ledger()
        assert counted.passed > 50


def test_found_money_for_some_pays_those_that_come_first_in_the_list() -> None:
    """Whatever they are called: what a rebuild found goes to the orders as they were handed in."""
    with open_world(platform_funds=3 * AMOUNT) as world:
        fault = Fault(action=ServerError(), endpoint="POST /v1/issuing/cards", times=0)
        world.simulator.faults.add(fault)
        list(world.disburser.disburse_many(make_orders()[:3]))
        world.simulator.faults.clear()
        lose_store(world).rebuild()
        orders = [evolve(one, id=name) for one, name in zip(make_orders(), "zyxwvu", strict=True)]

        outcomes = list(world.disburser.disburse_many(orders))

        assert {"z", "y", "x"} == {one.order_id for one in outcomes if one.is_paid}
        assert 3 * AMOUNT == world.simulator.issuing_balance(world.account)
        world.check_books("z", "y", "x")
