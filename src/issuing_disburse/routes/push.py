"""
How is an Issuing balance in the EU and the UK filled, by bank transfers that somebody sends?
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import evolve, field, frozen

from issuing_disburse.exceptions import FundingRouteUnavailableError, InvalidInputError
from issuing_disburse.money import Money
from issuing_disburse.ports import FundingReceipt, Journal
from issuing_disburse.records import Moved
from issuing_disburse.stripe_api import StripeAPI

from .abilities import Fate
from .instructions import TRANSFER_TYPES, Deposit, FundingInstructions
from .objects import PAYOUT
from .payouts import Payouts

_INSTRUCTIONS = "/v1/issuing/funding_instructions"
_OVERLAP = timedelta(days=7)


@frozen(kw_only=True)
class PushRoute:
    """
    Waits for bank transfers to the account's funding instructions; orders share what they bring.

    For accounts in the EU and the UK. An order that is not covered stays ``PENDING`` and says what
    to transfer where; `Disburser.funding_needed` tells the sum. The way back is a payout to the
    account's bank; with ``ReclaimPolicy(way_back="keep")`` unspent money pays the next order.

    Attributes:
        deposit_types: Stripe's types of the balance transactions that a bank transfer makes. No
            documentation names it; ``topup`` is what is expected.
    """

    deposit_types: tuple[str, ...] = ("topup",)
    checks_balance: bool = True
    members_max: int = 1_000
    api: StripeAPI | None = field(default=None, repr=False, eq=False)

    def connected(self, api: StripeAPI) -> PushRoute:
        """
        Return the route with a way to Stripe.
        """
        return evolve(self, api=api)

    @property
    def _stripe(self) -> StripeAPI:
        if self.api is None:
            raise InvalidInputError(
                "route", "is not connected", "pass it to Disburser.connect(route=...)"
            )
        return self.api

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Move nothing; the promise was checked against the balance before.
        """
        return FundingReceipt(amount=Money.zero(amount.currency))

    def instructions(self, account: str | None, currency: str) -> FundingInstructions:
        """
        Return where to send a bank transfer; Stripe makes the instructions when first asked.

        Stripe: ``POST /v1/issuing/funding_instructions``
        """
        kind = TRANSFER_TYPES.get(currency)
        if kind is None:
            msg = f"no bank transfer fills an Issuing balance in {currency}"
            raise FundingRouteUnavailableError(msg, code="currency_not_funded", param="currency")
        call = self._stripe.prepare(
            _INSTRUCTIONS,
            {
                "currency": currency,
                "funding_type": "bank_transfer",
                "bank_transfer": {"type": kind},
            },
            account=account,
            keep=lambda answer: answer,
        )
        # No key of ours: asking again gives the same ones, and a refusal must not be remembered.
        answer = self._stripe.send(call.request, key=None)
        return FundingInstructions.from_answer(answer, account)

    def known_instructions(self, account: str | None) -> list[FundingInstructions]:
        """
        Return those that are there already.

        Stripe: ``GET /v1/issuing/funding_instructions``
        """
        pages = self._stripe.get(_INSTRUCTIONS, account=account)
        return [FundingInstructions.from_answer(one, account) for one in pages["data"]]

    def deposits(self, account: str | None, currency: str, since: datetime | None) -> list[Deposit]:
        """
        Return what bank transfers brought to the Issuing balance, oldest first.

        Stripe: ``GET /v1/balance_transactions``
        """
        bounds = {} if since is None else {"created": {"gte": since - _OVERLAP}}
        found = [
            Deposit.from_answer(one)
            for kind in self.deposit_types
            for one in self._stripe.pages(
                "/v1/balance_transactions",
                {"type": kind, "currency": currency, **bounds},
                account=account,
            )
            if one.get("balance_type") == "issuing" and one["net"] > 0
        ]
        return sorted(found, key=lambda one: (one.arrived_at, one.balance_transaction))

    def follow(self, account: str | None, moved: Moved) -> Fate | None:
        """
        Ask what became of a payout.

        Stripe: ``GET /v1/payouts/:id``
        """
        is_payout = moved.object == PAYOUT
        return Payouts(api=self._stripe).follow(account, moved) if is_payout else None

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
        Pay *amount* out to the account's bank, of no more than the fundings were for.

        Stripe: ``POST /v1/payouts`` with ``source_balance=issuing``
        """
        most = sum(receipt.amount.minor for receipt in receipts)
        amount = Money(max(0, min(amount.minor, most)), amount.currency)
        if amount.is_zero:
            return FundingReceipt(amount=amount)
        return Payouts(api=self._stripe).pay_out(account, amount, key=key, journal=journal)
