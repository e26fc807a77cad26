"""
Does a lost store come back from Stripe, to the cent?
"""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from attrs import evolve

from crashing import Countdown, CrashingClient, CrashingStore, ProcessDiedError
from issuing_disburse import (
    AmountRule,
    Disbursement,
    Disburser,
    PrefundedRoute,
    Statement,
    Status,
    Terms,
)
from issuing_disburse.exceptions import DisburseError, OrderConflictError, StoreMismatchError
from issuing_disburse.paging import every
from issuing_disburse.records import DisbursementRecord, StoreIdentity
from issuing_disburse.simulator.faults import Fault, LoseConnection, Refuse
from late_things import won_dispute
from world import World, make_order, make_recipient, open_world

OWN = 500
MANY = Terms(amount=AmountRule.up_to(), uses=3, allowed_countries=["US"])


def live_all_lives(world: World) -> None:
    """
    Let one order of every fate happen.
    """
    simulator, disburser = world.simulator, world.disburser
    simulator.fund_issuing(world.account or "", OWN)  # covers what merchants take too much

    def card(name: str, terms: Terms | None = None, amount: str = "125.00") -> str:
        order = make_order(name, amount, terms=terms, recipient=make_recipient(f"supplier-{name}"))
        return disburser.disburse(order).card.id

    card("unused")
    simulator.authorize(card("held"), 12_500)
    simulator.capture(simulator.authorize(card("spent"), 12_500)["id"])
    simulator.capture(simulator.authorize(card("over"), 12_500)["id"], 13_000)
    many = card("many", MANY)
    simulator.capture(simulator.authorize(many, 2_000)["id"])
    simulator.authorize(many, 3_000)
    card("tolerant", Terms(amount=AmountRule.exact().with_tolerance(over_basis_points=250)))
    simulator.reverse(simulator.authorize(card("voided"), 12_500)["id"])
    card("reclaimed")
    disburser.reclaim("reclaimed")
    partly = card("partly", MANY)
    simulator.capture(simulator.authorize(partly, 4_500)["id"])
    disburser.reclaim("partly")
    refunded = card("refunded")
    simulator.capture(simulator.authorize(refunded, 12_500)["id"])
    simulator.refund(last(world, "transaction")["id"], 2_500)
    disburser.reclaim("refunded")
    simulator.unlinked_refund(card("gift"), 2_000)
    simulator.force_capture(card("forced"), 1_000)
    first = card("reissued", evolve(MANY, on_void="reissue"))
    simulator.reverse(simulator.authorize(first, 12_500)["id"])
    disburser.reissue("reissued")


def last(world: World, kind: str) -> dict[str, str]:
    """
    Return the newest object of a kind.
    """
    return world.simulator.objects(kind, world.account)[-1]


def pictures(disburser: Disburser) -> dict[str, tuple[object, ...]]:
    """
    Return what callers can see of every order, without what the chain alone knows.
    """
    orders = sorted(record.order_id for record in records(disburser))
    return {one: picture(disburser.get(one), disburser.statement(one)) for one in orders}


def records(disburser: Disburser) -> Iterator[Disbursement]:
    """
    Yield every order of the store.
    """
    for record in every(disburser.store, DisbursementRecord):
        yield disburser.get(record.order_id)


def picture(one: Disbursement, said: Statement) -> tuple[object, ...]:
    """
    Return what has to come back.
    """
    cards = (*one.earlier_cards, *([one.card_or_none] if one.card_or_none else []))
    figures = evolve(said, entries=(), status=one.status)
    return one.status, one.amount, one.expires_at, one.cardholder_id, cards, figures


def lose_store(world: World) -> Disburser:
    """
    Connect to the same account with a store that knows nothing.
    """
    world.disburser = world.connect(store="memory://")
    return world.disburser


def test_every_order_comes_back_with_the_same_figures(world: World) -> None:
    """Amounts, states, cards, alerts and statements are what they were; the books reconcile."""
    live_all_lives(world)
    before = pictures(world.disburser)

    rebuilt = lose_store(world).rebuild()

    assert tuple(sorted(before)) == rebuilt.orders
    after = pictures(world.disburser)
    for name in before:
        assert before[name] == after[name], name
    assert ((), (), ()) == (rebuilt.stray_transfers, rebuilt.doubtful, rebuilt.undecided)
    assert len(before) == rebuilt.recipients
    assert all(rebuilt.not_carried)
    world.check_books(*rebuilt.orders)
    assert world.disburser.verify_ledger().chains > len(before)


def test_life_goes_on_after_a_rebuild(world: World) -> None:
    """Webhooks are answered and booked, money comes back, orders stay single."""
    live_all_lives(world)
    funds = 1_000_000 + OWN
    lose_store(world).rebuild()
    cards = len(world.simulator.objects("card", world.account))

    assert world.simulator.authorize(world.disburser.get("unused").card.id, 12_500)["approved"]
    assert not world.simulator.authorize(world.disburser.get("many").card.id, 7_501)["approved"]
    again = make_order("tolerant", recipient=make_recipient("supplier-tolerant"),
                       terms=Terms(amount=AmountRule.exact().with_tolerance(over_basis_points=250)))  # fmt: skip
    assert world.disburser.disburse(again).status is Status.ACTIVE
    with pytest.raises(OrderConflictError):
        world.disburser.disburse(make_order("tolerant", "99.00"))
    assert cards == len(world.simulator.objects("card", world.account))
    world.simulator.clock.advance(timedelta(days=40))
    world.disburser.reclaim_expired()
    world.disburser.reclaim_expired()

    statements = [world.disburser.statement(one.order_id) for one in records(world.disburser)]
    spent = sum(one.spent.minor - one.refunded.minor for one in statements)
    assert {Status.CLOSED} == {one.status for one in statements}
    assert 0 == sum(one.remaining.minor for one in statements)
    home = world.simulator.payments_balance(None) + world.simulator.payments_balance(world.account)
    assert funds - spent == home + world.simulator.issuing_balance(world.account)
    world.check_books(*(one.order_id for one in statements))


def test_a_dispute_comes_back(world: World) -> None:
    """What a dispute brought is among what is read."""
    won_dispute(world, world.disburser.disburse(make_order()).card.id)
    before = pictures(world.disburser)

    lose_store(world).rebuild()

    assert before == pictures(world.disburser)
    world.check_books("claim-8841")


def test_handing_an_order_in_again_brings_back_its_terms(world: World) -> None:
    """Until then the strictest reading of the controls stands."""
    order = make_order(terms=Terms(amount=AmountRule.up_to(), allowed_network_ids=["123"]))
    card = world.disburser.disburse(order).card.id
    lose_store(world).rebuild()
    merchant = {"network_id": "123"}
    assert not world.simulator.authorize(card, 5_000, merchant=merchant)["approved"]

    world.disburser.disburse(order)

    assert not world.simulator.authorize(card, 5_000)["approved"]


def test_empty_store_beside_existing_cards_refuses_to_disburse(world: World) -> None:
    """Nothing is sent but questions, until it was rebuilt or is said to be meant."""
    world.disburser.disburse(make_order())
    disburser = lose_store(world)

    with pytest.raises(StoreMismatchError, match=r"rebuild\(\)") as caught:
        disburser.disburse(make_order("other"))

    assert "store_empty" == caught.value.code
    assert 1 == world.sent("POST /v1/transfers")
    meant = world.connect(store="memory://", accept_empty_store=True)
    assert meant.disburse(make_order("other")).status is Status.ACTIVE
    disburser.rebuild()
    assert disburser.disburse(make_order("another")).status is Status.ACTIVE


def test_filled_store_is_never_rebuilt(world: World) -> None:
    """What is there outranks what Stripe tells."""
    world.disburser.disburse(make_order())

    with pytest.raises(StoreMismatchError) as caught:
        world.disburser.rebuild()

    assert "store_not_empty" == caught.value.code


def test_store_of_another_platform_is_not_rebuilt(world: World) -> None:
    """A store that keeps somebody else's books is refused."""
    stranger = lose_store(world)
    whose = StoreIdentity(
        platform_account="acct_other", is_livemode=False, recorded_at=world.simulator.clock.now()
    )
    stranger.store.transact(lambda tx: tx.put(whose))

    with pytest.raises(StoreMismatchError) as caught:
        stranger.rebuild()

    assert "store_mismatch" == caught.value.code


@pytest.mark.parametrize("endpoint", ["POST /v1/balance_transfers", "POST /v1/issuing/cards"])
@pytest.mark.parametrize("after_commit", [True, False])
def test_money_without_a_card_is_listed_and_taken_over(
    world: World, endpoint: str, *, after_commit: bool
) -> None:
    """A transfer whose order had no card yet is used when the order is handed in again."""
    action = LoseConnection(after_commit=after_commit)
    world.simulator.faults.add(Fault(endpoint=endpoint, action=action))
    lost = LoseConnection(after_commit=False)
    world.simulator.faults.add(Fault(endpoint=endpoint, action=lost, times=0))
    with pytest.raises(DisburseError):
        world.disburser.disburse(make_order())
    world.simulator.faults.clear()

    rebuilt = lose_store(world).rebuild()

    has_card = "cards" in endpoint and after_commit
    assert (("claim-8841",) if has_card else ()) == rebuilt.orders
    assert (not has_card) == bool(rebuilt.stray_transfers)
    paid = world.disburser.disburse(make_order())
    assert paid.status is Status.ACTIVE
    assert 1 == len(world.simulator.objects("card", world.account))
    assert 1 == len(world.simulator.objects("transfer"))
    assert 12_500 == world.simulator.issuing_balance(world.account)
    world.check_books("claim-8841")


def test_money_that_went_back_is_not_taken_for_funds(world: World) -> None:
    """An order that failed before is funded anew, however soon it is handed in again."""
    world.simulator.faults.add(Fault(endpoint="POST /v1/issuing/cards", action=Refuse()))
    with pytest.raises(DisburseError):
        world.disburser.disburse(make_order())
    assert 1_000_000 == world.simulator.payments_balance(None)

    rebuilt = lose_store(world).rebuild()
    world.disburser.disburse(make_order())

    assert () == rebuilt.stray_transfers
    assert 2 == len(world.simulator.objects("transfer"))
    assert 12_500 == world.simulator.issuing_balance(world.account)
    world.check_books("claim-8841")


def test_reclaim_that_was_interrupted_is_finished(world: World) -> None:
    """What has left the Issuing balance does not leave it twice."""
    world.disburser.disburse(make_order())
    world.disburser.disburse(make_order("other"))
    reversals = "POST /v1/transfers/:id/reversals"
    world.simulator.faults.add(Fault(endpoint=reversals, action=Refuse()))
    assert "stuck" == world.disburser.reclaim("claim-8841").outcome

    lose_store(world).rebuild()

    assert "closed" == world.disburser.reclaim("claim-8841").outcome
    assert 12_500 == world.simulator.issuing_balance(world.account)
    assert 987_500 == world.simulator.payments_balance(None)
    world.check_books("claim-8841", "other")


@pytest.mark.parametrize("route", ["prefunded", "own"])
def test_orders_without_transfers_come_back(route: str) -> None:
    """A treasury that funds by hand, and the platform's own balance, are no exception."""
    options = {"route": PrefundedRoute()} if route == "prefunded" else {}
    with open_world(options=options, issuing_funds=50_000) as world:
        if route == "own":
            world.account = None
            world.disburser = world.connect(store="memory://")
        for name in ("a", "b", "c"):
            world.disburser.disburse(make_order(name))
        card = world.disburser.get("a").card.id
        world.simulator.capture(world.simulator.authorize(card, 12_500)["id"])
        if route == "own":
            world.disburser.reclaim("b")
        before = pictures(world.disburser)

        rebuilt = lose_store(world).rebuild()
        if route == "own":
            assert "closed" == world.disburser.reclaim("b").outcome

        assert before == pictures(world.disburser)
        assert () == rebuilt.undecided
        world.check_books("a", "b", "c")


def test_changed_metadata_is_doubted_and_pays_nobody_twice(world: World) -> None:
    """Any dashboard user can write metadata: the order is kept, listed, and conflicts."""
    card = world.disburser.disburse(make_order()).card.id
    gone = {"issuing_disburse_amount": "", "issuing_disburse_fingerprint": ""}
    world.send(f"/v1/issuing/cards/{card}", metadata=gone)

    rebuilt = lose_store(world).rebuild()

    assert ("claim-8841",) == rebuilt.doubtful
    assert 12_500 == world.disburser.get("claim-8841").amount.minor
    with pytest.raises(OrderConflictError):
        world.disburser.disburse(make_order())
    world.check_books("claim-8841")


def test_dying_anywhere_in_a_rebuild_needs_one_more_run() -> None:
    """At every store call and both sides of every Stripe call: the second run ends the first."""
    with open_world() as world:
        live_all_lives(world)
        before = pictures(world.disburser)
        countdown = Countdown()
        count(world, countdown).rebuild()
        points = countdown.passed
        for point in range(1, points + 1, 1 + points // 40):
            store = world.connect(store="memory://").store
            dying = Countdown(dies_at=point)
            with pytest.raises(ProcessDiedError):
                count(world, dying, store=CrashingStore(store, dying)).rebuild()
            world.disburser = world.connect(store=store)
            with pytest.raises(StoreMismatchError):
                world.disburser.disburse(make_order("other"))

            world.disburser.rebuild()

            assert before == pictures(world.disburser), point
            world.check_books(*before)
    assert points > 60


def count(world: World, countdown: Countdown, **options: object) -> Disburser:
    """
    Connect a disburser that passes the points of *countdown*.
    """
    store = options.pop("store", None) or CrashingStore(
        world.connect(store="memory://").store, countdown
    )
    return world.connect(
        store=store, http_client=CrashingClient(world.client, countdown), **options
    )
