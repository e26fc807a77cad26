"""
What does the caller ask for?
"""

from __future__ import annotations

import re

from attrs import field, frozen

from .exceptions import InvalidInputError
from .money import Money
from .recipient import Recipient
from .terms import Terms
from .vocabulary import CARD_CURRENCIES

_ORDER_ID = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?", re.ASCII)


@frozen
class Order:
    """
    Pay *recipient* the *amount* under *terms*, exactly once per *id*.

    Attributes:
        id: Yours; 1 to 200 printable ASCII characters. The same id is the same disbursement for
            ever; the same id with other content is refused. No personal data: it goes to Stripe.
        recipient: Who gets the card.
        amount: Positive minor units of usd, eur or gbp; at most 1,000,000 (10,000.00) for one purchase.
        terms: What the card may be used for.

    Raises:
        InvalidInputError: Naming the field and the remedy. Nothing was sent.
    """

    id: str = field()
    recipient: Recipient = field()
    amount: Money = field()
    terms: Terms = field(factory=Terms)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.id, str) or not _ORDER_ID.fullmatch(self.id):
            raise InvalidInputError(
                "order.id",
                "must be 1 to 200 printable ASCII characters, no space at the ends",
                "use your own stable id, such as 'claim-8841'",
            )
        if not isinstance(self.recipient, Recipient):
            raise InvalidInputError("order.recipient", "is missing", "pass a Recipient")
        if not isinstance(self.amount, Money):
            raise InvalidInputError(
                "order.amount",
                f"{type(self.amount).__name__} is no Money",
                "pass Money.of('125.00', 'usd')",
            )
        if self.amount.currency not in CARD_CURRENCIES:
            raise InvalidInputError(
                "order.amount.currency",
                f"Issuing cards are never in {self.amount.currency}",
                "use usd, eur or gbp",
            )
        if not self.amount.is_positive:
            raise InvalidInputError(
                "order.amount", f"{self.amount} is not positive", "pay more than nothing"
            )
        if not isinstance(self.terms, Terms):
            raise InvalidInputError("order.terms", "is no Terms", "pass Terms(...)")
        self.terms.check_for(self.amount)
