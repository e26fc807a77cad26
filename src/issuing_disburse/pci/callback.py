"""
How is a plain function a sink?
"""

from __future__ import annotations

from typing import Protocol

from attrs import field, frozen

from issuing_disburse.disbursement import CardReference
from issuing_disburse.exceptions import InvalidInputError

from .scope import PCIScope
from .secrets import CardSecrets


class SinkCallback(Protocol):
    """
    A function with the signature of `SecretSink.deliver`.
    """

    def __call__(self, secrets: CardSecrets, *, card: CardReference, order_id: str) -> str:
        """
        Store, then return a receipt.
        """
        ...


@frozen
class CallbackSink:
    """
    Hands the secrets of each card to your function, once.

    Attributes:
        scope: Who answers for what the function does with them.
        name: Stored with each delivery.
    """

    callback: SinkCallback = field(repr=False)
    scope: PCIScope = field(kw_only=True)
    name: str = field(kw_only=True, default="CallbackSink")

    def __attrs_post_init__(self) -> None:
        if not callable(self.callback):
            raise InvalidInputError(
                "sink.callback", "cannot be called", "pass a function (secrets, *, card, order_id)"
            )
        if not isinstance(self.scope, PCIScope):
            raise InvalidInputError(
                "sink.scope", "is no PCIScope", "pass PCIScope(owner='…', environment='…')"
            )

    def deliver(self, secrets: CardSecrets, *, card: CardReference, order_id: str) -> str:
        """
        Call the function.
        """
        return self.callback(secrets, card=card, order_id=order_id)
