"""
What is answered about physical cards? That there are none here.
"""

from issuing_disburse.simulator.cards import Card
from issuing_disburse.simulator.errors import ApiError, no_such
from issuing_disburse.simulator.schema import Free, params
from issuing_disburse.simulator.world import Call, Wire

SHIP = params()
JUDGE = params()
REJECT = params({"rejection_reasons": Free(required=True)})
STEPS = ("deliver", "fail", "return", "ship", "submit")


def ship(call: Call) -> Wire:
    """
    Stripe: ``POST /v1/test_helpers/issuing/cards/:id/shipping/…``; only physical cards travel.
    """
    card = call.world.find(Card, call.names[0], call.account.id)
    raise ApiError(
        f"The card {card.id} is virtual and is not shipped; this simulator does not imitate"
        " physical cards."
    )


def judge(call: Call) -> Wire:
    """
    Stripe: ``POST /v1/test_helpers/issuing/personalization_designs/:id/…``; there is no design.
    """
    raise no_such("issuing personalization design", call.names[0])
