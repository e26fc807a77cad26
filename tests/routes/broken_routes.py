"""
Which mistakes can a funding route make? One class for each.
"""

from collections.abc import Sequence
from itertools import count

from attrs import evolve, frozen
from treasury_route import TreasuryRoute

from issuing_disburse import (
    FundingReceipt,
    FundingRouteUnavailableError,
    Journal,
    Money,
    Moved,
    RefusedError,
    TopUpRoute,
    TransferRoute,
    UnknownOutcomeError,
)
from issuing_disburse.ports import Outcome
from issuing_disburse.routes import Fate

NUMBERS = count(1)


@frozen
class Optimist(TreasuryRoute):
    """
    Has less sent, and taken, than it says.
    """

    def _ask(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        less = amount - Money(1, amount.currency)
        receipt = super()._ask(account, less, key=key, journal=journal)
        return evolve(receipt, amount=Money(abs(amount.minor), amount.currency))


@frozen
class Namer(TreasuryRoute):
    """
    Names a movement that nobody made.
    """

    def _ask(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        receipt = super()._ask(account, amount, key=key, journal=journal)
        return evolve(receipt, moved=(evolve(receipt.moved[0], balance_transaction="txn_none"),))


@frozen
class Silent(TreasuryRoute):
    """
    Leaves the bringing to others, and does not say so.
    """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        return FundingReceipt(amount=Money.zero(amount.currency))


@frozen
class Direct(TreasuryRoute):
    """
    Calls the treasury itself, with a fine key, but past the journal.
    """

    def _ask(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        paid = self.treasury.pay(key, reference=key, account=account, amount=amount)
        return _receipt(paid, amount)


@frozen
class Keyless(TreasuryRoute):
    """
    Makes a key of its own for every call.
    """

    def _ask(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        def pay(_: str) -> Outcome:
            return self.treasury.pay(
                f"own-{next(NUMBERS)}", reference=key, account=account, amount=amount
            )

        return _receipt(journal.once("pay", pay, lambda: self.treasury.find(key)), amount)


@frozen
class Blind(TreasuryRoute):
    """
    Looks for nothing when a key is forgotten, and calls again.
    """

    def _ask(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        def pay(name: str) -> Outcome:
            return self.treasury.pay(name, reference=key, account=account, amount=amount)

        return _receipt(journal.once("pay", pay, lambda: None), amount)


@frozen
class Grabbing(TreasuryRoute):
    """
    Takes any payment of that amount for its own when it looks.
    """

    def _ask(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        def pay(name: str) -> Outcome:
            return self.treasury.pay(name, reference=key, account=account, amount=amount)

        def look() -> Outcome | None:
            paid = reversed(self.treasury._payments.values())  # noqa: SLF001 - a bad route
            return next((one for one in paid if one["minor"] == amount.minor), None)

        return _receipt(journal.once("pay", pay, look), amount)


@frozen
class Hasty(TreasuryRoute):
    """
    Takes an answer that was lost for a refusal.
    """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        try:
            return super().fund(account, amount, key=key, journal=journal)
        except UnknownOutcomeError as lost:
            raise FundingRouteUnavailableError("it failed", code="failed") from lost


@frozen
class Undoing(TreasuryRoute):
    """
    Undoes at once what it may not have done.
    """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        try:
            return super().fund(account, amount, key=key, journal=journal)
        except UnknownOutcomeError:

            def undo(name: str) -> Outcome:
                return self.treasury.pay(
                    name, reference=f"{key}-undo", account=account, amount=-amount
                )

            journal.once("undo", undo, lambda: None)
            raise


@frozen
class Forgetful(TreasuryRoute):
    """
    Gives its movement another name each time it is asked.
    """

    def _ask(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        receipt = super()._ask(account, amount, key=key, journal=journal)
        return evolve(receipt, moved=(evolve(receipt.moved[0], id=f"pay-{next(NUMBERS)}"),))


@frozen
class Partial(TreasuryRoute):
    """
    Sends what the budget has when it is short.
    """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        most = Money(min(amount.minor, self.treasury.budget_minor), amount.currency)
        return super().fund(account, most, key=key, journal=journal)


@frozen
class Foreign(TreasuryRoute):
    """
    Lets errors of others through.
    """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        if account is None or amount.minor > self.treasury.budget_minor:
            raise ValueError("this will not do")
        return super().fund(account, amount, key=key, journal=journal)


@frozen
class Greedy(TreasuryRoute):
    """
    Takes back whatever it is asked for.
    """

    def give_back(
        self,
        account: str | None,
        amount: Money,
        *,
        key: str,
        receipts: Sequence[FundingReceipt],
        journal: Journal,
    ) -> FundingReceipt:
        return self._ask(account, -amount, key=key, journal=journal)


@frozen
class Shortsighted(TreasuryRoute):
    """
    Sees the first receipt alone.
    """

    def give_back(
        self,
        account: str | None,
        amount: Money,
        *,
        key: str,
        receipts: Sequence[FundingReceipt],
        journal: Journal,
    ) -> FundingReceipt:
        return super().give_back(account, amount, key=key, receipts=receipts[:1], journal=journal)


@frozen
class Repeating(TreasuryRoute):
    """
    Takes a new step in the journal each time it is asked.
    """

    def give_back(
        self,
        account: str | None,
        amount: Money,
        *,
        key: str,
        receipts: Sequence[FundingReceipt],
        journal: Journal,
    ) -> FundingReceipt:
        name = f"{key}-{next(NUMBERS)}"

        def pay(step_key: str) -> Outcome:
            return self.treasury.pay(step_key, reference=name, account=account, amount=-amount)

        paid = journal.once(name, pay, lambda: self.treasury.find(name))
        return _receipt(paid, amount)


@frozen
class Swallowing(TreasuryRoute):
    """
    Says that money went when it was refused.
    """

    def give_back(
        self,
        account: str | None,
        amount: Money,
        *,
        key: str,
        receipts: Sequence[FundingReceipt],
        journal: Journal,
    ) -> FundingReceipt:
        try:
            return super().give_back(account, amount, key=key, receipts=receipts, journal=journal)
        except RefusedError:
            return FundingReceipt(amount=amount, moved=receipts[0].moved)


@frozen(kw_only=True)
class Stranding(TransferRoute):
    """
    Leaves its first leg where it is when the second is refused.
    """

    def _undo_transfer(
        self, transfer_id: str, amount: Money, *, key: str, journal: Journal
    ) -> None:
        pass


@frozen(kw_only=True)
class Dateless(TopUpRoute):
    """
    Says that money is there which is under way.
    """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        return evolve(super().fund(account, amount, key=key, journal=journal), available_at=None)


@frozen(kw_only=True)
class Waiting(TopUpRoute):
    """
    Says for ever that money is under way.
    """

    def follow(self, account: str | None, moved: Moved) -> Fate | None:
        return Fate(outcome="under_way")


def _receipt(paid: Outcome, amount: Money) -> FundingReceipt:
    moved = Moved(object="treasury_payment", id=paid["id"], minor=paid["minor"])
    return FundingReceipt(amount=Money(paid["minor"], amount.currency), moved=(moved,))
