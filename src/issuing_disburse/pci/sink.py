"""
What is a sink?
"""

from __future__ import annotations

from typing import Protocol

from issuing_disburse.disbursement import CardReference

from .scope import PCIScope
from .secrets import CardSecrets


class SecretSink(Protocol):
    """
    Takes card numbers to where they are safe. Anything of this shape is one.

    A crash may deliver the same card twice: a sink keeps one entry per card id, and returns the same
    receipt again. `issuing_disburse.testing.SinkContract` checks it.
    """

    @property
    def scope(self) -> PCIScope:
        """
        Who answers for what is delivered here.
        """
        ...

    def deliver(self, secrets: CardSecrets, *, card: CardReference, order_id: str) -> str:
        """
        Store number and CVC of *card*, and only then return.

        What it raises keeps a new card inactive. Neither what it raises nor its traceback is kept,
        because both may show the number; the name of the exception and the place are.

        Returns:
            A receipt: 1 to 512 printable characters, by which you find the entry again. Never a secret.
        """
        ...
