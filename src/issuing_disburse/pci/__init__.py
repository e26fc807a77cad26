"""
What may touch a card number? Importing this is the opt-in that an auditor can search for.

A sink from here is passed to `Disburser.connect`, or to `Disburser.reveal`; without one, the library
never asks Stripe for a number.
"""

from __future__ import annotations

from .callback import CallbackSink
from .jwe import JWESink
from .scope import PCIScope
from .secrets import CardSecrets, OpenedSecrets
from .sink import SecretSink

__all__ = [
    "CallbackSink",
    "CardSecrets",
    "JWESink",
    "OpenedSecrets",
    "PCIScope",
    "SecretSink",
]
