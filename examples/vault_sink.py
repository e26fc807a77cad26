"""
How do card numbers reach a vault of yours, and nothing else?

Runs on the simulator as it is: `Vault` stands for your vault. `VaultSink` is the part to keep. Importing
`issuing_disburse.pci` is the opt-in that an auditor searches for.
"""

from datetime import UTC, datetime, timedelta

from attrs import define, field

from issuing_disburse import (
    Address,
    CardReference,
    DisburseError,
    Disburser,
    Money,
    Order,
    Recipient,
    Terms,
    UserTerms,
)
from issuing_disburse.pci import CardSecrets, PCIScope
from issuing_disburse.simulator import IssuingSimulator


@define(repr=False)
class Vault:
    """
    Keeps numbers by card id. Yours would encrypt them, and forget the CVC after its use.
    """

    is_reachable: bool = True
    _entries: dict[str, tuple[str, str]] = field(factory=dict)

    def store(self, card_id: str, number: str, cvc: str) -> None:
        """
        Store one card, or fail.
        """
        if not self.is_reachable:
            raise ConnectionError("the vault does not answer")
        self._entries[card_id] = (number, cvc)

    def fetch(self, card_id: str) -> tuple[str, str] | None:
        """
        Return number and CVC, to those who may see them.
        """
        return self._entries.get(card_id)

    def __contains__(self, card_id: str) -> bool:
        return card_id in self._entries


@define
class VaultSink:
    """
    Stores each card once, however often it is delivered.
    """

    scope = PCIScope(owner="card-vault", environment="pci-production")
    vault: Vault

    def deliver(self, secrets: CardSecrets, *, card: CardReference, order_id: str) -> str:
        """
        Store, then return a receipt. What is raised here keeps the card inactive.
        """
        if card.id not in self.vault:
            with secrets.open() as opened:
                self.vault.store(card.id, opened.number, opened.cvc)
        return f"vault:{card.id}"


def main() -> None:
    """
    Pay an order while the vault is down, then again when it is back.
    """
    vault = Vault(is_reachable=False)
    with (
        IssuingSimulator(seed=7, platform_funds=1_000_000) as simulator,
        Disburser.connect(
            api_key=simulator.api_key,
            account=simulator.create_account(),
            webhook_secret=simulator.webhook_secret,
            store="sqlite://",
            sink=VaultSink(vault),
            http_client=simulator.http_client(),
            clock=simulator.clock.now,
            sleep=simulator.clock.sleep,
        ) as disburser,
    ):
        try:
            disburser.disburse(an_order())
        except DisburseError as problem:
            print(f"not yet: {problem}")
        vault.is_reachable = True
        (paid,) = disburser.resume_all()
        print(f"{paid.order_id} is {paid.status.value}: card ending in {paid.card.last4}")
        for entry in disburser.deliveries():
            what = entry.reference or entry.code
            print(f"card {entry.last4} to {entry.sink} ({entry.owner}): {entry.progress}, {what}")


def an_order() -> Order:
    """
    Make an order to pay.
    """
    return Order(
        id="claim-8841",
        recipient=Recipient.individual(
            reference="supplier-17",
            first_name="Jenny",
            last_name="Rosen",
            user_terms=UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7"),
            billing=Address(
                line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
            ),
        ),
        amount=Money.of("125.00", "usd"),
        terms=Terms(valid_for=timedelta(days=30)),
    )


if __name__ == "__main__":
    main()
