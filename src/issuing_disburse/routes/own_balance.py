"""
How does an account fund its Issuing balance from its own payments balance?
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from issuing_disburse.exceptions import FundingRouteUnavailableError, RefusedError
from issuing_disburse.money import Money
from issuing_disburse.ports import Clock, FundingReceipt, Journal
from issuing_disburse.stripe_api import StripeAPI

from .balance_transfers import Attribution, BalanceTransfers
from .balances import at_most_brought, available, insufficient
from .objects import BALANCE_TRANSFER


@frozen(kw_only=True)
class BalanceTransferRoute:
    """
    The account moves its own money from its payments to its Issuing balance.

    The default without a connected account.

    Attributes:
        members_max: How many orders one movement may pay for.
    """

    members_max: int = 1_000
    api: StripeAPI
    clock: Clock
    attribution: Attribution

    @property
    def _balance_transfers(self) -> BalanceTransfers:
        return BalanceTransfers(api=self.api, clock=self.clock, attribution=self.attribution)

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Bring *amount* from the payments to the Issuing balance.

        Raises:
            InsufficientIssuingBalanceError: The payments balance is too low; nothing moved.
            FundingRouteUnavailableError: Stripe refused it for another reason; nothing moved.

        Stripe: ``POST /v1/balance_transfers``
        """
        try:
            return self._balance_transfers.to_issuing(account, amount, key=key, journal=journal)
        except RefusedError as refusal:
            if refusal.code == "balance_insufficient":
                left = available(self.api.get("/v1/balance", account=account), amount.currency)
                raise insufficient(
                    available=left,
                    promised=Money.zero(amount.currency),
                    wanted=amount,
                    whose="the payments balance",
                    request_id=refusal.stripe_request_id,
                ) from refusal
            msg = (
                f"money may not be moved to the Issuing balance: {refusal}; ask Stripe to enable it"
            )
            raise FundingRouteUnavailableError(
                msg,
                code=refusal.code or "balance_transfer_refused",
                stripe_request_id=refusal.stripe_request_id,
            ) from refusal

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
        Take *amount* back to the payments balance, of no more than came from there.

        Raises:
            RefusedError: Stripe refused it; nothing moved.
            UnknownOutcomeError: It may have moved; call again with the same *key*.

        Stripe: ``POST /v1/balance_transfers``
        """
        amount = at_most_brought(amount, receipts, BALANCE_TRANSFER)
        if amount.is_zero:
            return FundingReceipt(amount=amount)
        return self._balance_transfers.to_payments(account, amount, key=key, journal=journal)
