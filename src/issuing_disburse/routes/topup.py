"""
How is an Issuing balance in the US filled from the account's own bank?
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from attrs import evolve, field, frozen

from issuing_disburse.encoding import Params
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import Money
from issuing_disburse.ports import FundingReceipt, Journal, Outcome
from issuing_disburse.prepared import Answer
from issuing_disburse.records import Moved
from issuing_disburse.stripe_api import StripeAPI

from .abilities import Fate
from .balances import at_most_brought
from .objects import FUNDING_METADATA, PAYOUT, TOPUP, id_of
from .payouts import Payouts

_LOOK_BACK = timedelta(minutes=5)
_DESCRIPTOR_MAX = 15


def _check_descriptor(_: object, __: object, text: str | None) -> None:
    if text is not None and not (text.isascii() and 0 < len(text) <= _DESCRIPTOR_MAX):
        raise InvalidInputError(
            "statement_descriptor", "is no bank's text", "use 1 to 15 ASCII characters"
        )


@frozen(kw_only=True)
class TopUpRoute:
    """
    Debits the account's own bank for each order and waits until the money is there, days later.

    For accounts in the US, which need a verified bank account and its mandate. The way back is a
    payout to the account's bank, of no more than the top-ups of the order have brought.

    Attributes:
        source: Stripe's bank account or source to debit; the one from the Dashboard if left out.
        payment_method: A ``us_bank_account`` payment method instead of *source*.
        statement_descriptor: What the bank statement says, at most 15 ASCII characters.
    """

    source: str | None = None
    payment_method: str | None = None
    statement_descriptor: str | None = field(default=None, validator=_check_descriptor)
    api: StripeAPI | None = field(default=None, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if self.source is not None and self.payment_method is not None:
            raise InvalidInputError(
                "payment_method", "cannot be combined with source", "pass one of the two"
            )

    def connected(self, api: StripeAPI) -> TopUpRoute:
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
        Start a top-up of *amount*; it is under way until the bank has paid.

        Raises:
            RefusedError: Stripe refused it; nothing was begun.
            UnknownOutcomeError: It may have been begun; call again with the same *key*.

        Stripe: ``POST /v1/topups`` with ``destination_balance=issuing``
        """
        call = self._stripe.prepare(
            "/v1/topups",
            {
                "amount": amount.minor,
                "currency": amount.currency,
                "destination_balance": "issuing",
                "source": self.source,
                "payment_method": self.payment_method,
                "statement_descriptor": self.statement_descriptor,
                "transfer_group": key,
                "metadata": {FUNDING_METADATA: key},
            },
            account=account,
            keep=_outcome,
        )

        def look() -> Outcome | None:
            begun = journal.begun("topup")
            filters = {} if begun is None else {"created": {"gte": begun - _LOOK_BACK}}
            for one in self._stripe.pages("/v1/topups", filters, account=account):
                if (one.get("metadata") or {}).get(FUNDING_METADATA) == key:
                    return _outcome(one)
            return None

        made = journal.once("topup", call, look)
        return FundingReceipt(
            amount=amount,
            moved=(Moved(object=TOPUP, id=made["id"], minor=made["minor"]),),
            available_at=_expected_at(made) or datetime.fromtimestamp(made["created"], UTC),
        )

    def follow(self, account: str | None, moved: Moved) -> Fate | None:
        """
        Ask what became of a top-up, or of a payout that took one back.

        Stripe: ``GET /v1/topups/:id``, ``GET /v1/balance_transactions``, ``GET /v1/payouts/:id``
        """
        if moved.object == PAYOUT:
            return Payouts(api=self._stripe).follow(account, moved)
        if moved.object != TOPUP:
            return None
        topup = self._stripe.get(f"/v1/topups/{moved.id}", account=account)
        if topup["status"] == "pending":
            return Fate(outcome="under_way", expected_at=_expected_at(topup))
        if topup["status"] == "succeeded":
            return Fate(outcome="done", done_by=id_of(topup.get("balance_transaction")))
        return self._ended(topup, account)

    def _ended(self, topup: Answer, account: str | None) -> Fate:
        """
        Tell whether a top-up that came to nothing had brought its money before.
        """
        name, status = topup["id"], topup["status"]
        code = topup.get("failure_code") or status
        why = topup.get("failure_message") or f"it was {status}"
        message = f"top-up {name} of {Money(topup['amount'], topup['currency'])}: {why}"
        sides: dict[bool, str] = {}
        if status not in {"failed", "canceled"}:
            filters: Params = {"source": name}
            pages = self._stripe.pages("/v1/balance_transactions", filters, account=account)
            sides = {one["net"] > 0: one["id"] for one in pages}
        if True not in sides:
            return Fate(outcome="failed", code=code, message=message)
        return Fate(
            outcome="undone",
            done_by=sides[True],
            undone_by=sides.get(False),
            code=code,
            message=message,
        )

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
        Pay out what the top-ups brought; what the bank has taken back already stays away.

        Stripe: ``POST /v1/payouts`` with ``source_balance=issuing``
        """
        amount = at_most_brought(amount, receipts, TOPUP)
        if amount.is_zero:
            return FundingReceipt(amount=amount)
        return Payouts(api=self._stripe).pay_out(account, amount, key=key, journal=journal)


def _outcome(topup: Answer) -> Outcome:
    return {
        "id": topup["id"],
        "minor": topup["amount"],
        "created": topup["created"],
        "expected_availability_date": topup.get("expected_availability_date"),
    }


def _expected_at(topup: Answer) -> datetime | None:
    seconds = topup.get("expected_availability_date")
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
