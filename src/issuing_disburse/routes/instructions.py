"""
Where does a bank transfer have to be sent, and what has it brought?
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import field, frozen

from issuing_disburse.money import Money
from issuing_disburse.prepared import Answer

TRANSFER_TYPES = {
    "eur": "eu_bank_transfer",
    "gbp": "gb_bank_transfer",
    "usd": "us_bank_transfer",
}
"""The kind of bank transfer that fills a balance of each currency."""

_SPOKEN = ("account_holder_name", "iban", "bic", "sort_code", "account_number", "routing_number")


@frozen(kw_only=True)
class FundingInstructions:
    """
    The bank account that fills one Issuing balance: for the treasurer, no secret.

    Attributes:
        type: Stripe's kind of bank transfer: ``eu_bank_transfer``, ``gb_bank_transfer``, …
        details: What a bank asks for, by Stripe's names: ``iban`` and ``bic``, ``sort_code`` and
            ``account_number``, with ``account_holder_name``.
        networks: The rails it can be reached by: ``sepa``, ``fps``, ``bacs``, ``ach``, …
    """

    account: str | None
    currency: str
    type: str
    details: dict[str, str] = field(factory=dict)
    networks: tuple[str, ...] = ()

    @classmethod
    def from_answer(cls, answer: Answer, account: str | None) -> FundingInstructions:
        """
        Read Stripe's object; the first address is taken.
        """
        transfer: dict[str, Any] = answer.get("bank_transfer") or {}
        addresses: Any = transfer.get("financial_addresses") or ({},)
        first: dict[str, Any] = addresses[0]
        details = first.get(str(first.get("type"))) or {}
        return cls(
            account=account,
            currency=answer["currency"],
            type=str(transfer.get("type")),
            details={name: str(value) for name, value in details.items() if value is not None},
            networks=tuple(first.get("supported_networks") or ()),
        )

    def __str__(self) -> str:
        known = [self.details[name] for name in _SPOKEN if name in self.details]
        return " ".join(known) or self.type


@frozen(kw_only=True)
class Deposit:
    """
    One bank transfer that arrived.
    """

    balance_transaction: str
    amount: Money
    arrived_at: datetime

    @classmethod
    def from_answer(cls, transaction: Answer) -> Deposit:
        """
        Read the balance transaction that it made.
        """
        return cls(
            balance_transaction=transaction["id"],
            amount=Money(transaction["net"], transaction["currency"]),
            arrived_at=datetime.fromtimestamp(transaction["created"], UTC),
        )
