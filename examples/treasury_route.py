"""
How does money come from a treasury of yours, which alone may move it?

In many companies no application holds the key that moves money: it asks the treasury's service. Runs on
the simulator as it is: `Treasury` stands for that service. `TreasuryRoute` is the part to keep, and
passes `issuing_disburse.testing.FundingRouteContract`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from attrs import define, field, frozen

from issuing_disburse import (
    Address,
    Disburser,
    FundingReceipt,
    InsufficientIssuingBalanceError,
    Journal,
    Money,
    Moved,
    Order,
    Recipient,
    Terms,
    UnknownOutcomeError,
    UserTerms,
)
from issuing_disburse.ports import Outcome
from issuing_disburse.simulator import IssuingSimulator


class BudgetExceededError(Exception):
    """
    The treasury says no, and has moved nothing.
    """


@define(eq=False)
class Treasury:
    """
    The treasury's service: one budget, and one payment per idempotency key for 24 hours, as at Stripe.

    Attributes:
        budget_minor: What may still be sent.
        is_reachable: Whether its answers arrive; what it was asked for is done all the same.
    """

    simulator: IssuingSimulator
    budget_minor: int
    is_reachable: bool = True
    _payments: dict[str, Outcome] = field(factory=dict)
    _keys: dict[str, tuple[datetime, str]] = field(factory=dict)

    def pay(self, key: str, *, reference: str, account: str | None, amount: Money) -> Outcome:
        """
        Send *amount* to an Issuing balance, or take it back from there if it is negative.
        """
        now = self.simulator.clock.now()
        at, known = self._keys.get(key, (datetime.min.replace(tzinfo=UTC), ""))
        if now - at >= timedelta(hours=24):
            if amount.minor > self.budget_minor:
                raise BudgetExceededError(f"{self.budget_minor} minor units are left")
            self._keys[key] = now, reference
            self._payments[reference] = self._move(reference, account, amount)
            self.budget_minor -= amount.minor
            known = reference
        if not self.is_reachable:
            raise ConnectionError("the treasury does not answer")
        return self._payments[known]

    def find(self, reference: str) -> Outcome | None:
        """
        Find a payment by its reference.
        """
        return self._payments.get(reference)

    def _move(self, reference: str, account: str | None, amount: Money) -> Outcome:
        owner = account or self.simulator.platform_account
        if amount.is_positive:
            self.simulator.fund_issuing(owner, amount.minor, amount.currency)
        else:
            self.simulator.take_back_issuing(owner, -amount.minor, amount.currency)
        made = self.simulator.objects("balance_transaction", owner)[-1]
        return {
            "id": f"pay-{reference}",
            "minor": abs(amount.minor),
            "balance_transaction": made["id"],
        }


@frozen
class TreasuryRoute:
    """
    Asks the treasury for each funding, under the key of the journal, with the funding as reference.

    Attributes:
        members_max: How many orders one payment may be for, when a whole list is paid.
    """

    treasury: Treasury
    members_max: int = 1_000

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Have *amount* sent to the Issuing balance.

        Raises:
            InsufficientIssuingBalanceError: The budget does not allow it; nothing moved.
        """
        return self._ask(account, amount, key=key, journal=journal)

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
        Have *amount* taken back, of no more than the treasury has sent.
        """
        brought = sum(one.minor for receipt in receipts for one in receipt.moved)
        amount = Money(min(amount.minor, brought), amount.currency)
        if amount.is_zero:
            return FundingReceipt(amount=amount)
        return self._ask(account, -amount, key=key, journal=journal)

    def _ask(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        def pay(idempotency_key: str) -> Outcome:
            try:
                return self.treasury.pay(
                    idempotency_key, reference=key, account=account, amount=amount
                )
            except BudgetExceededError as no:
                raise InsufficientIssuingBalanceError(
                    f"the treasury sends no {amount}: {no}", code="budget_exceeded"
                ) from no
            except ConnectionError as lost:
                # It may have been sent: never a refusal, or it would be sent again.
                raise UnknownOutcomeError(f"no answer: {lost}", code="treasury_silent") from lost

        paid = journal.once("pay", pay, lambda: self.treasury.find(key))
        moved = Moved(
            object="treasury_payment",
            id=paid["id"],
            minor=paid["minor"],
            balance_transaction=paid["balance_transaction"],
        )
        return FundingReceipt(amount=Money(paid["minor"], amount.currency), moved=(moved,))


def main() -> None:
    """
    Pay an order while the treasury's answer is lost, finish it, and give the rest back.
    """
    with IssuingSimulator(seed=7) as simulator:
        treasury = Treasury(simulator, budget_minor=20_000, is_reachable=False)
        with Disburser.connect(
            api_key=simulator.api_key,
            account=simulator.create_account(),
            webhook_secret=simulator.webhook_secret,
            store="sqlite://",
            route=TreasuryRoute(treasury),
            http_client=simulator.http_client(),
            clock=simulator.clock.now,
            sleep=simulator.clock.sleep,
        ) as disburser:
            try:
                disburser.disburse(an_order("claim-8841"))
            except UnknownOutcomeError as lost:
                print(f"claim-8841: {lost}; the treasury has {treasury.budget_minor} left")
            treasury.is_reachable = True
            (paid,) = disburser.resume_all()
            print(
                f"{paid.order_id} is {paid.status}; the treasury has {treasury.budget_minor} left"
            )
            try:
                disburser.disburse(an_order("claim-8842"))
            except InsufficientIssuingBalanceError as short:
                print(f"claim-8842: {short}")
            back = disburser.reclaim("claim-8841")
            print(f"{back.reclaimed} went back; the treasury has {treasury.budget_minor} left")
            print(f"{len(disburser.reconcile().discrepancies)} differences")


def an_order(order_id: str) -> Order:
    """
    Make an order to pay.
    """
    return Order(
        id=order_id,
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
