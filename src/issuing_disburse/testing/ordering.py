"""
Which ids do orders get that have to be fresh at Stripe and the same on a cassette?
"""

from __future__ import annotations

from typing import Any

from attrs import define

from issuing_disburse.money import Money
from issuing_disburse.order import Order

from .builders import make_order, make_recipient


@define
class OrderMaker:
    """
    Makes orders like `make_order`; where ids have to be fresh, recipients are, too.

    >>> make = OrderMaker()
    >>> make().id, make("80.00").id
    ('order-1', 'order-2')
    """

    _suffix: str = ""
    _currency: str = "usd"
    _made: int = 0

    def __call__(self, amount: str | Money = "125.00", **details: Any) -> Order:
        """
        Make the next order; *details* are arguments of `make_order`.
        """
        self._made += 1
        details.setdefault("id", f"order-{self._made}")
        details.setdefault("currency", self._currency)
        if self._suffix:
            details["id"] += self._suffix
            if "recipient" not in details:
                currency = amount.currency if isinstance(amount, Money) else details["currency"]
                details["recipient"] = make_recipient(
                    f"supplier-17{self._suffix}", currency=currency
                )
        return make_order(amount=amount, **details)
