"""
Is this account set up to issue cards at all?
"""

from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.world import Call


def require_issuing(call: Call) -> None:
    """
    Refuse an Issuing call on an account that never asked for it, or whose capability is inactive.
    """
    status = call.account.status("card_issuing")
    if status == "active":
        return
    if status == "unrequested":
        raise ApiError(
            "Your account is not set up to use Issuing. Please visit"
            " https://dashboard.stripe.com/issuing/overview to get started."
        )
    raise ApiError(
        "The card_issuing capability of this account is inactive. Complete the account's"
        " requirements first.",
        code="capability_not_active",
    )
