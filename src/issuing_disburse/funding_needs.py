"""
How much has to be transferred to an Issuing balance, and where to?
"""

from __future__ import annotations

from attrs import frozen

from .exceptions import InsufficientIssuingBalanceError, WaitingError
from .money import Money
from .paging import every
from .ports import FundingRoute, Store
from .records import DisbursementRecord, PoolRecord, account_key
from .routes import DepositRoute, FundingInstructions, issuing_available
from .stripe_api import StripeAPI


@frozen(kw_only=True)
class FundingNeed:
    """
    What a treasurer has to send so that every waiting order is paid.

    Attributes:
        available: What the Issuing balance has, minor units.
        promised: What cards and orders may still take of it.
        waiting: What the orders without money need, together.
        orders: How many orders those are.
        instructions: Where to send it; ``None`` for a route that knows no bank transfers.
    """

    account: str | None
    available: Money
    promised: Money
    waiting: Money
    orders: int
    instructions: FundingInstructions | None = None

    @property
    def missing(self) -> Money:
        """
        What has to come in, zero if everything is covered.
        """
        short = self.waiting + self.promised - self.available
        return short if short.is_positive else Money.zero(short.currency)

    def __str__(self) -> str:
        if self.missing.is_zero:
            return f"nothing is missing: {self.available} available, {self.promised} promised"
        where = f" to {self.instructions}" if self.instructions is not None else ""
        return f"transfer {self.missing}{where}; {self.orders} orders wait for {self.waiting}"


@frozen(kw_only=True)
class Treasurer:
    """
    Adds up what is missing on one Issuing balance.
    """

    api: StripeAPI
    store: Store
    route: FundingRoute

    def needed(self, account: str | None, currency: str) -> FundingNeed:
        """
        Add up what waits, what is promised and what is there; see `Disburser.funding_needed`.

        Stripe: ``GET /v1/balance``, ``POST /v1/issuing/funding_instructions``
        """
        blank = PoolRecord(account=account, currency=currency)
        pool = self.store.read(lambda tx: tx.get(PoolRecord, blank.key)) or blank
        balance = self.api.get("/v1/balance", account=account)
        waiting, orders = Money.zero(currency), 0
        pending = every(
            self.store, DisbursementRecord, group=account_key(account), states=("pending",)
        )
        for record in pending:
            if record.promised is None and record.amount.currency == currency:
                waiting += record.terms.most(record.amount)
                orders += 1
        instructions = None
        if isinstance(self.route, DepositRoute):
            instructions = self.route.instructions(account, currency)
        return FundingNeed(
            account=account,
            available=issuing_available(balance, currency),
            promised=Money(pool.cards_minor + pool.promised_minor, currency),
            waiting=waiting,
            orders=orders,
            instructions=instructions,
        )

    def waits(
        self, record: DisbursementRecord, short: InsufficientIssuingBalanceError
    ) -> WaitingError | None:
        """
        Build the reason for an order to wait for a bank transfer: how much has to go where.

        ``None`` for a route that knows no bank transfers.

        Stripe: ``POST /v1/issuing/funding_instructions``
        """
        if not isinstance(self.route, DepositRoute):
            return None
        where = self.route.instructions(record.account, record.amount.currency)
        msg = (
            f"transfer at least {short.missing} to {where}: the Issuing balance has "
            f"{short.available} available, {short.promised} of it promised"
        )
        return WaitingError(msg, code="awaiting_bank_transfer")
