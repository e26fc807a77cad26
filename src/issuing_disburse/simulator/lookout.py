"""
What is there, for a test that wants to look?
"""

from typing import TYPE_CHECKING, Any, cast

from orjson import loads

from issuing_disburse.simulator.errors import SimulatorError
from issuing_disburse.simulator.objects import (
    EventObject,
)
from issuing_disburse.simulator.world import Resource

if TYPE_CHECKING:
    pass

from issuing_disburse.simulator.room import Room

_KINDS = {
    "account": "account",
    "authorization": "issuing authorization",
    "balance_transaction": "balance transaction",
    "balance_transfer": "balance transfer",
    "card": "issuing card",
    "cardholder": "issuing cardholder",
    "dispute": "issuing dispute",
    "event": "event",
    "payout": "payout",
    "topup": "topup",
    "transaction": "issuing transaction",
    "transfer": "transfer",
    "transfer_reversal": "transfer reversal",
    "webhook_endpoint": "webhook endpoint",
}


class Lookout(Room):
    """
    Show copies of what the simulator holds.
    """

    def objects(self, kind: str, account: str | None = None) -> list[dict[str, Any]]:
        """
        Return copies of all objects of a *kind* such as ``"card"``, oldest first.

        Args:
            account: Only this account's; everybody's when left out.
        """
        noun = _KINDS.get(kind)
        if noun is None:
            message = f"Unknown kind {kind!r}; there are {', '.join(sorted(_KINDS))}."
            raise SimulatorError(message)
        world = self._world
        with world.lock:
            found: list[Resource] = [
                resource
                for key, items in world.lists.items()
                if len(key) == 2 and key[1] == noun and account in {None, key[0]}  # noqa: PLR2004 - full lists are keyed by owner and noun
                for resource in items
            ]
            found.sort(key=lambda resource: resource.position)
            return [loads(resource.bytes_shown(world)) for resource in found]

    def events(self, account: str | None = None) -> list[EventObject]:
        """
        Return all events, oldest first.
        """
        return [cast("EventObject", event) for event in self.objects("event", account)]
