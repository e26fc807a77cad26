"""
What happens when a merchant collects?
"""

from issuing_disburse.simulator import events
from issuing_disburse.simulator.authorizations import (
    Authorization,
    card_of,
)
from issuing_disburse.simulator.cards import Card, set_status
from issuing_disburse.simulator.decisions import count_payment, hold, spend
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.merchants import convert
from issuing_disburse.simulator.purchase_details import PURCHASE_DETAILS
from issuing_disburse.simulator.schema import (
    Amount,
    Boolean,
    params,
)
from issuing_disburse.simulator.transactions import book
from issuing_disburse.simulator.world import Call

CAPTURE = params(
    {
        "capture_amount": Amount(),
        "close_authorization": Boolean(),
        "purchase_details": PURCHASE_DETAILS,
    }
)


def capture(call: Call) -> Authorization:
    """
    Stripe: ``POST /v1/test_helpers/issuing/authorizations/:id/capture``.

    Less, as much or more than authorized, once or often, whatever the card's state and balance,
    and also after expiry; only a declined authorization has nothing to capture.
    """
    authorization = call.world.find(Authorization, call.names[0], call.account.id)
    if not authorization.approved:
        raise ApiError(f"The authorization {authorization.id} was declined and cannot be captured.")
    amount = call.params.get("capture_amount") or authorization.held or authorization.amount
    if amount <= 0:
        raise ApiError(
            f"The authorization {authorization.id} has no amount to capture; specify"
            " `capture_amount`.",
            param="capture_amount",
        )
    close = call.params.get("close_authorization", True)
    before = authorization.wire(call.world)
    held = authorization.held
    card = card_of(call, authorization)
    released = held if close else min(amount, held)
    hold(call, authorization, -released)
    spend(call, authorization, amount - released)
    transaction = book(
        call,
        card,
        -amount,
        merchant=authorization.merchant_data,
        authorization=authorization,
        merchant_amount=-convert(
            call, amount, authorization.currency, authorization.merchant_currency
        ),
        merchant_currency=authorization.merchant_currency,
        purchase_details=call.params.get("purchase_details"),
    )
    authorization.transactions = (*authorization.transactions, transaction.id)
    authorization.captured += amount
    if close or authorization.status != "pending":
        authorization.status = "closed"
    exhausted = _count_capture(card, authorization)
    events.emit(call, "issuing_transaction.created", transaction)
    events.emit(call, "issuing_authorization.updated", authorization, before)
    if exhausted:
        set_status(call, card, "canceled", call.world.behaviour.used_up_cancellation_reason)
    return authorization


def _count_capture(card: Card, authorization: Authorization) -> bool:
    """
    Count a small authorization now that it is captured; say whether that used the card up.
    """
    if authorization.is_counted or card.payment_count is None:
        return False
    authorization.is_counted = True
    if authorization.is_probe:
        authorization.is_probe = False
        card.probes -= 1
    return count_payment(card)
