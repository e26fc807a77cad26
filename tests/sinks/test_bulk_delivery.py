"""
Does each card of a list reach its sink once, and does one that cannot be delivered stop no other?
"""

import pytest

from issuing_disburse import CardReference, Order, Status
from issuing_disburse.exceptions import SinkError
from issuing_disburse.pci import CardSecrets
from sinks.vaults import Odd, Vault
from world import make_order, make_recipient, open_world

AMOUNT = 12_500
FUNDS = 1_000_000

pytestmark = pytest.mark.pci


def make_orders(how_many: int) -> list[Order]:
    """
    Make orders, each for a person of its own.
    """
    return [
        make_order(
            f"order-{number}",
            recipient=make_recipient(f"supplier-{number}", email=f"jenny{number}@example.com"),
        )
        for number in range(how_many)
    ]


def test_two_cards_of_a_list_whose_sink_fails_wait_and_the_others_are_paid() -> None:
    """One is given up, and its share alone goes home; the other is resumed; each number is kept once."""
    vault, failing = Vault(), {"order-2", "order-3"}

    def deliver(secrets: CardSecrets, card: CardReference, order_id: str) -> str:
        if order_id in failing:
            raise ConnectionError("the vault cannot be reached")
        return vault.deliver(secrets, card=card, order_id=order_id)

    with open_world() as world:
        disburser = world.disburser = world.connect(store=world.disburser.store, sink=Odd(deliver))
        orders = make_orders(6)

        outcomes = list(disburser.disburse_many(orders))

        left = {one.order_id: one for one in outcomes if not one.is_paid}
        assert failing == set(left)
        assert all(isinstance(one.error, SinkError) and one.is_pending for one in left.values())
        assert "closed" == disburser.reclaim("order-3").outcome
        assert 5 * AMOUNT == world.simulator.issuing_balance(world.account)
        assert FUNDS - 5 * AMOUNT == world.simulator.payments_balance(None)
        failing.clear()
        assert Status.ACTIVE is disburser.resume("order-2").status
        assert all(one.is_paid for one in disburser.disburse_many(orders))
        assert 6 == len(vault.kept) == len(vault.calls)
        assert ["closed"] * 6 == [disburser.reclaim(one.id).outcome for one in orders]
        assert FUNDS == world.simulator.payments_balance(None)
        world.check_books(*(one.id for one in orders))
        disburser.verify_ledger()
