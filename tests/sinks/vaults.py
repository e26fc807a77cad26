"""
Which sinks do the tests deliver to: honest ones, and every kind of bad one?
"""

import threading
from collections.abc import Callable
from typing import Any

from attrs import define, field

from issuing_disburse import CardReference
from issuing_disburse.pci import CardSecrets, PCIScope

SCOPE = PCIScope(owner="card-vault", environment="pci-test")


@define(eq=False)
class Vault:
    """
    Keeps one entry per card id, as a sink should; *breaks_at* makes it fail like a real one.
    """

    scope = SCOPE
    kept: dict[str, tuple[str, str]] = field(factory=dict, repr=False)
    calls: list[str] = field(factory=list)
    breaks: int = 0
    name: str = "Vault"

    def deliver(self, secrets: CardSecrets, *, card: CardReference, order_id: str) -> str:
        """
        Store the secrets, unless they are there.
        """
        self.calls.append(card.id)
        if len(self.calls) <= self.breaks:
            raise ConnectionError("the vault cannot be reached")
        if card.id not in self.kept:
            with secrets.open() as opened:
                self.kept[card.id] = (opened.number, opened.cvc)
        return f"vault:{card.id}"


@define(eq=False)
class Odd:
    """
    A sink that does whatever *behave* does.
    """

    behave: Callable[..., Any]
    scope = SCOPE

    def deliver(self, secrets: CardSecrets, *, card: CardReference, order_id: str) -> Any:
        """
        Behave.
        """
        return self.behave(secrets, card, order_id)


def read(secrets: CardSecrets) -> tuple[str, str]:
    """
    Read number and CVC.
    """
    with secrets.open() as opened:
        return opened.number, opened.cvc


def raising(make: Callable[[str, str], BaseException]) -> Odd:
    """
    Return a sink that reads the secrets and raises what *make* makes of them.
    """

    def behave(secrets: CardSecrets, card: CardReference, order_id: str) -> str:
        number, cvc = read(secrets)
        raise make(number, cvc) from ValueError(number, cvc)

    return Odd(behave)


def returning(make: Callable[[str, str], Any]) -> Odd:
    """
    Return a sink that reads the secrets and returns what *make* makes of them.
    """
    return Odd(lambda secrets, card, order_id: make(*read(secrets)))


def later(secrets: CardSecrets, card: CardReference, order_id: str) -> str:
    """
    Leave the storing to another thread, and return at once.
    """
    threading.Thread(target=threading.Event().wait, args=(0.01,)).start()
    return "queued"


def still_open(secrets: CardSecrets, card: CardReference, order_id: str) -> str:
    """
    Keep the secrets open.
    """
    secrets.open().__enter__()
    return "kept"


async def asynchronous(secrets: CardSecrets, card: CardReference, order_id: str) -> str:
    """
    Store nothing until somebody awaits it.
    """
    read(secrets)
    return "awaited"
