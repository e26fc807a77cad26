"""
How does an issuer decide by a call of its own, while the question is still open?
"""

from issuing_disburse.simulator.authorizations import Authorization, retrieve
from issuing_disburse.simulator.decisions import conclude
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.schema import Amount, params
from issuing_disburse.simulator.world import Call

APPROVE = params({"amount": Amount(), "metadata": Metadata()})
DECLINE = params({"metadata": Metadata()})


def approve(call: Call) -> Authorization:
    """
    Stripe: ``POST /v1/issuing/authorizations/:id/approve``; deprecated, and only in the window.
    """
    return _decide(call, approved=True)


def decline(call: Call) -> Authorization:
    """
    Stripe: ``POST /v1/issuing/authorizations/:id/decline``; deprecated, and only in the window.
    """
    return _decide(call, approved=False)


def _decide(call: Call, *, approved: bool) -> Authorization:
    """
    Settle at once: whatever the webhook answers afterwards, this call has won.
    """
    authorization, asked = retrieve(call), call.params
    inquiry = authorization.pending
    if inquiry is None:
        raise ApiError(
            f"The authorization {authorization.id} is not waiting for a decision and can no longer"
            " be approved or declined.",
            code=call.world.behaviour.decided_authorization_code,
        )
    amount = asked.get("amount")
    if amount is not None and not inquiry.is_amount_controllable:
        raise ApiError(
            "You can only set `amount` when `pending_request[is_amount_controllable]` is true.",
            param="amount",
        )
    if amount is not None and not inquiry.least_part <= amount <= inquiry.amount:
        raise ApiError(
            f"The amount must be between {inquiry.least_part} and {inquiry.amount}.", param="amount"
        )
    if "metadata" in asked:
        authorization.metadata = merge_metadata(authorization.metadata, asked["metadata"])
    reason = "webhook_approved" if approved else "webhook_declined"
    conclude(call, authorization, inquiry, approved, reason, amount=amount)
    return authorization
