"""
How does money that was paid out come back from the bank?
"""

from issuing_disburse.simulator import events
from issuing_disburse.simulator.balance import announce, move
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.payouts import Payout, expect_settlement, retrieve
from issuing_disburse.simulator.schema import params
from issuing_disburse.simulator.world import Call, changing

COUNTRIES = frozenset({"CA", "US"})
REVERSE = params({"metadata": Metadata()})


def reverse(call: Call) -> Payout:
    """
    Stripe: ``POST /v1/payouts/:id/reverse``; a second payout, with a negative amount.

    Only a paid one, once, and only to banks in the US and Canada.
    """
    world, original = call.world, retrieve(call)
    if original.status != "paid" or original.amount < 0:
        raise ApiError(f"The payout {original.id} cannot be reversed: it was not paid.")
    if original.reversed_by is not None:
        raise ApiError(f"The payout {original.id} has already been reversed.")
    if call.account.country not in COUNTRIES:
        raise ApiError("Only payouts to bank accounts in the US and Canada can be reversed.")
    name = world.ids.new("po")
    movement = move(
        call,
        original.amount,
        original.currency,
        balance=original.balance,
        kind="payout",
        source=name,
    )
    reversal = Payout(
        id=name,
        account=call.account.id,
        created=world.seconds,
        amount=-original.amount,
        currency=original.currency,
        balance=original.balance,
        destination=original.destination,
        balance_transaction=movement.id,
        original_payout=original.id,
        metadata=merge_metadata({}, call.params.get("metadata") or {}),
    )
    world.add(reversal)
    with changing(original, world) as before:
        original.reversed_by = name
    expect_settlement(call, reversal)
    events.emit(call, "payout.created", reversal)
    events.emit(call, "payout.updated", original, before)
    announce(call)
    return reversal
