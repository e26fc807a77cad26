"""
What is there, for a test that wants to look?
"""

from typing import Any, Literal, overload

from orjson import loads

from issuing_disburse.simulator.errors import SimulatorError
from issuing_disburse.simulator.money_objects import (
    AccountObject,
    BalanceTransactionObject,
    BalanceTransferObject,
    DisputeObject,
    EventObject,
    PayoutObject,
    TopupObject,
    TransferObject,
    TransferReversalObject,
    WebhookEndpointObject,
)
from issuing_disburse.simulator.objects import (
    AuthorizationObject,
    CardholderObject,
    CardObject,
    TransactionObject,
)
from issuing_disburse.simulator.room import Room
from issuing_disburse.simulator.world import Resource

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

    @overload
    def objects(
        self, kind: Literal["account"], account: str | None = ...
    ) -> list[AccountObject]: ...
    @overload
    def objects(
        self, kind: Literal["authorization"], account: str | None = ...
    ) -> list[AuthorizationObject]: ...
    @overload
    def objects(
        self, kind: Literal["balance_transaction"], account: str | None = ...
    ) -> list[BalanceTransactionObject]: ...
    @overload
    def objects(
        self, kind: Literal["balance_transfer"], account: str | None = ...
    ) -> list[BalanceTransferObject]: ...
    @overload
    def objects(self, kind: Literal["card"], account: str | None = ...) -> list[CardObject]: ...
    @overload
    def objects(
        self, kind: Literal["cardholder"], account: str | None = ...
    ) -> list[CardholderObject]: ...
    @overload
    def objects(
        self, kind: Literal["dispute"], account: str | None = ...
    ) -> list[DisputeObject]: ...
    @overload
    def objects(self, kind: Literal["event"], account: str | None = ...) -> list[EventObject]: ...
    @overload
    def objects(self, kind: Literal["payout"], account: str | None = ...) -> list[PayoutObject]: ...
    @overload
    def objects(self, kind: Literal["topup"], account: str | None = ...) -> list[TopupObject]: ...
    @overload
    def objects(
        self, kind: Literal["transaction"], account: str | None = ...
    ) -> list[TransactionObject]: ...
    @overload
    def objects(
        self, kind: Literal["transfer"], account: str | None = ...
    ) -> list[TransferObject]: ...
    @overload
    def objects(
        self, kind: Literal["transfer_reversal"], account: str | None = ...
    ) -> list[TransferReversalObject]: ...
    @overload
    def objects(
        self, kind: Literal["webhook_endpoint"], account: str | None = ...
    ) -> list[WebhookEndpointObject]: ...
    def objects(self, kind: str, account: str | None = None) -> Any:
        """
        Return copies of all objects of a *kind* such as ``"card"``, oldest first.

        Args:
            account: Only this account's; everybody's when left out.

        Raises:
            SimulatorError: There is no such kind.
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
        return self.objects("event", account)
