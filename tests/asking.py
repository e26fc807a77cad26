"""
How does a test ask a disburser about one purchase, without a merchant and without Stripe's pipeline?
"""

from typing import Any

import orjson

from issuing_disburse import Reply
from issuing_disburse.signatures import sign
from world import World


def request_event(world: World, card_id: str, number: int, amount: int = 12_500) -> dict[str, Any]:
    """
    Write an authorization request as thin as Stripe would never send it.
    """
    return {
        "id": f"evt_{number}",
        "object": "event",
        "type": "issuing_authorization.request",
        "account": world.account,
        "created": int(world.simulator.clock.now().timestamp()),
        "livemode": False,
        "data": {
            "object": {
                "id": f"iauth_{number}",
                "card": {"id": card_id},
                "amount": 0,
                "currency": "USD",
                "pending_request": {"amount": amount},
            }
        },
    }


def outcome_event(
    world: World, card_id: str, number: int, *, approved: bool, amount: int = 12_500, **changes: Any
) -> dict[str, Any]:
    """
    Write the ``.created`` event that follows the request of that *number*.
    """
    now = int(world.simulator.clock.now().timestamp())
    reason = changes.pop("reason", "webhook_approved" if approved else "webhook_declined")
    return {
        "id": f"evt_{number}_created",
        "object": "event",
        "type": "issuing_authorization.created",
        "account": world.account,
        "created": now,
        "livemode": False,
        "data": {
            "object": {
                "id": f"iauth_{number}",
                "card": {"id": card_id},
                "created": now,
                "amount": amount if approved else 0,
                "approved": approved,
                "currency": "usd",
                "status": "pending" if approved else "closed",
                "request_history": [
                    {"created": now, "amount": amount, "approved": approved, "reason": reason}
                ],
                **changes,
            }
        },
    }


def deliver(world: World, event: dict[str, Any] | bytes) -> Reply:
    """
    Deliver one event, signed as Stripe would, and return the answer.
    """
    payload = event if isinstance(event, bytes) else orjson.dumps(event)
    signature = sign(payload, world.simulator.webhook_secret, world.simulator.clock.now())
    return world.disburser.handle_webhook(payload, signature)


def is_approved(reply: Reply) -> bool:
    """
    Read the verdict out of the answer's own bytes.
    """
    assert reply.status == 200
    return orjson.loads(reply.body)["approved"] is True
