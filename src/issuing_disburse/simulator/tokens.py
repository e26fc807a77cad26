"""
Which wallets hold a card? None here: wallets are not imitated.
"""

from issuing_disburse.simulator.cards import Card
from issuing_disburse.simulator.errors import no_such
from issuing_disburse.simulator.listing import list_of
from issuing_disburse.simulator.schema import Choice, Text, list_params, params
from issuing_disburse.simulator.world import Call, Wire

STATUSES = frozenset({"active", "deleted", "requested", "suspended"})
LIST = list_params({"card": Text(required=True), "status": Choice(STATUSES)})
RETRIEVE = params()
UPDATE = params({"status": Choice({"active", "deleted", "suspended"}, required=True)})


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/issuing/tokens``; always empty.
    """
    call.world.find(Card, call.params["card"], call.account.id, param="card", status=400)
    return list_of([], "/v1/issuing/tokens")


def retrieve(call: Call) -> Wire:
    """
    Stripe: ``GET`` or ``POST /v1/issuing/tokens/:id``; there is none.
    """
    raise no_such("issuing token", call.names[0])
