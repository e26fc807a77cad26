"""
Is this account set up to issue cards at all?
"""

from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.world import Call


def require_set_up(call: Call) -> None:
    """
    Refuse any Issuing call on an account that never asked for the capability, reads included.
    """
    if call.account.status("card_issuing") == "unrequested":
        raise ApiError(
            "Your account is not set up to use Issuing. Please visit"
            " https://dashboard.stripe.com/issuing/overview to get started."
        )


def require_issuing(call: Call) -> None:
    """
    Refuse an Issuing call on an account that never asked for it, or whose capability is inactive.
    """
    require_set_up(call)
    if call.account.can("card_issuing"):
        return
    raise ApiError(
        "The card_issuing capability of this account is inactive. Complete the account's"
        " requirements first.",
        status=call.world.behaviour.inactive_capability_status,
        code=call.world.behaviour.inactive_capability_code,
    )
