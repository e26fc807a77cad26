"""
How do card numbers reach the vault, from which garages fetch them, and nothing else?
"""

from typing import Protocol

from attrs import frozen

from issuing_disburse import CardReference
from issuing_disburse.pci import CardSecrets, PCIScope


class Vault(Protocol):
    """
    What we need of a vault: its service keeps one entry under each name.
    """

    def put(self, name: str, number: str, cvc: str) -> str:
        """
        Keep a card, if there is none of that name, and return the entry's token.
        """
        ...


@frozen
class VaultSink:
    """
    Hands each card to the vault, under the card's id: twice is once.
    """

    vault: Vault
    scope = PCIScope(owner="vault-team", environment="vault")

    def deliver(self, secrets: CardSecrets, *, card: CardReference, order_id: str) -> str:
        """
        Store, then return the token. What is raised here keeps the card inactive.
        """
        with secrets.open() as opened:
            return self.vault.put(card.id, opened.number, opened.cvc)
