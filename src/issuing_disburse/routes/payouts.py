"""
How does money leave the Issuing balance for the account's own bank?
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import frozen

from issuing_disburse.money import Money
from issuing_disburse.ports import FundingReceipt, Journal, Outcome
from issuing_disburse.prepared import Answer
from issuing_disburse.records import Moved
from issuing_disburse.stripe_api import StripeAPI

from .abilities import Fate
from .objects import FUNDING_METADATA, PAYOUT, id_of

_LOOK_BACK = timedelta(minutes=5)


@frozen(kw_only=True)
class Payouts:
    """
    Pays out of the Issuing balance, and follows what the bank does with it.
    """

    api: StripeAPI

    def pay_out(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Send *amount* to the bank account of *account*.

        Stripe: ``POST /v1/payouts`` with ``source_balance=issuing``
        """
        call = self.api.prepare(
            "/v1/payouts",
            {
                "amount": amount.minor,
                "currency": amount.currency,
                "source_balance": "issuing",
                "metadata": {FUNDING_METADATA: key},
            },
            account=account,
            keep=_outcome,
        )

        def look() -> Outcome | None:
            begun = journal.begun("payout")
            filters = {} if begun is None else {"created": {"gte": begun - _LOOK_BACK}}
            for one in self.api.pages("/v1/payouts", filters, account=account):
                if (one.get("metadata") or {}).get(FUNDING_METADATA) == key:
                    return _outcome(one)
            return None

        made = journal.once("payout", call, look)
        moved = Moved(
            object=PAYOUT,
            id=made["id"],
            minor=made["minor"],
            balance_transaction=made["transaction"],
        )
        return FundingReceipt(
            amount=Money(made["minor"], amount.currency),
            moved=(moved,),
            available_at=datetime.fromtimestamp(made["arrival"], UTC),
        )

    def follow(self, account: str | None, moved: Moved) -> Fate:
        """
        Ask what became of a payout.

        Stripe: ``GET /v1/payouts/:id``
        """
        payout = self.api.get(f"/v1/payouts/{moved.id}", account=account)
        status, done_by = payout["status"], id_of(payout.get("balance_transaction"))
        if status in {"failed", "canceled"}:
            code = payout.get("failure_code") or status
            why = payout.get("failure_message") or f"the payout was {status}"
            return Fate(
                outcome="undone",
                done_by=done_by,
                undone_by=id_of(payout.get("failure_balance_transaction")),
                code=code,
                message=f"payout {moved.id} came back: {why}",
            )
        expected_at = datetime.fromtimestamp(payout["arrival_date"], UTC)
        if status == "paid":
            return Fate(outcome="done", done_by=done_by)
        return Fate(outcome="under_way", done_by=done_by, expected_at=expected_at)


def _outcome(payout: Answer) -> Outcome:
    return {
        "id": payout["id"],
        "minor": payout["amount"],
        "transaction": id_of(payout.get("balance_transaction")),
        "arrival": payout["arrival_date"],
    }
