"""
Is each order paid once when several work through the same list, and Stripe stumbles at any call?
"""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from issuing_disburse import Disburser, Order, Outcome
from issuing_disburse.simulator.faults import Fault, LoseConnection, Refuse, ServerError
from world import World, make_order, make_recipient, open_world

AMOUNT = 12_500
FUNDS = 1_000_000
ORDERS = 30


def make_orders(how_many: int = ORDERS) -> list[Order]:
    """
    Make orders, three in a row for one person.
    """
    return [
        make_order(
            f"order-{number}",
            recipient=make_recipient(
                f"supplier-{number // 3}", email=f"jenny{number // 3}@example.com"
            ),
        )
        for number in range(how_many)
    ]


def check(world: World, how_many: int = ORDERS) -> None:
    """
    Fail unless each order has one card, each person one cardholder, and every cent a name.
    """
    cards = world.simulator.objects("card", world.account)
    live = [one for one in cards if one["status"] != "canceled"]
    brought = sum(
        one["amount"] - one["amount_reversed"] for one in world.simulator.objects("transfer")
    )
    assert how_many == len(live) == len({one["metadata"]["issuing_disburse_order"] for one in live})
    assert how_many // 3 == len(world.simulator.objects("cardholder", world.account))
    assert how_many * AMOUNT == world.simulator.issuing_balance(world.account) == brought
    assert FUNDS - brought == world.simulator.payments_balance(None)
    world.check_books(*(one.id for one in make_orders(how_many)))
    world.disburser.verify_ledger()


@pytest.mark.parametrize("store", ["memory://", "sqlite"])
def test_a_list_that_several_work_on_is_paid_once(store: str, tmp_path: object) -> None:
    """Three processes' worth of workers, each with the whole list in an order of its own."""
    url = f"sqlite:///{tmp_path}/books.sqlite3" if store == "sqlite" else store
    with open_world(url) as world:
        workers = [world.connect(store=world.disburser.store) for _ in range(3)]

        def work(number: int) -> None:
            orders = make_orders()
            Random(number).shuffle(orders)  # noqa: S311 - repeatable on purpose
            list(workers[number].disburse_many(orders, workers=4))

        with ThreadPoolExecutor(3) as threads:
            list(threads.map(work, range(3)))
        world.disburser.resume_all()

        assert all(one.is_paid for one in world.disburser.disburse_many(make_orders()))
        check(world)


def pay_until_paid(disburser: Disburser, orders: list[Order]) -> None:
    """
    Pay a list again until all of it is paid, as somebody does who is told what went wrong.
    """
    outcomes: list[Outcome] = []
    for _ in range(8):
        disburser.funding.clear(disburser.account)
        outcomes = list(disburser.disburse_many(orders, workers=1))
        assert len(orders) == len(outcomes)
        if all(one.is_paid for one in outcomes):
            return
    pytest.fail(f"never paid: {outcomes}")


ENDPOINTS = [
    "GET /v1/balance",
    "GET /v1/balance_settings",
    "POST /v1/issuing/cardholders",
    "POST /v1/transfers",
    "POST /v1/balance_transfers",
    "POST /v1/issuing/cards",
]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    "action",
    [
        LoseConnection(after_commit=True),
        LoseConnection(after_commit=False),
        ServerError(after_commit=True),
        ServerError(),
        Refuse(),
    ],
    ids=["lost after", "lost before", "failed after", "failed before", "refused"],
)
def test_a_fault_at_any_call_loses_and_doubles_nothing(endpoint: str, action: object) -> None:
    """Each call fails once, then for longer than one worker tries: the list is paid in the end."""
    for times in (1, 6):
        with open_world("memory://") as world:
            world.simulator.faults.add(Fault(endpoint=endpoint, action=action, times=times))

            pay_until_paid(world.disburser, make_orders(6))

            check(world, 6)
