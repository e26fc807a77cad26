"""
What if the treasury funds the Issuing balance by hand?
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from issuing_disburse.money import Money
from issuing_disburse.ports import FundingReceipt, Journal


@frozen(kw_only=True)
class PrefundedRoute:
    """
    Moves nothing: the treasury fills the Issuing balance by hand, this only checks it.
    """

    checks_balance: bool = True
    members_max: int = 1_000

    def check(self, account: str | None) -> None:
        """
        Find nothing to check.
        """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Move nothing; the promise was checked against the balance before.
        """
        return FundingReceipt(amount=Money.zero(amount.currency))

    def give_back(
        self,
        account: str | None,
        amount: Money,
        *,
        key: str,
        receipts: Sequence[FundingReceipt],
        journal: Journal,
    ) -> FundingReceipt:
        """
        Move nothing; what is no longer promised stays on the Issuing balance.
        """
        return FundingReceipt(amount=Money.zero(amount.currency))
