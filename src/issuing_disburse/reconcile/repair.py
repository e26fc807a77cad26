"""
How do our books catch up with Stripe's, without touching money?
"""

from __future__ import annotations

from attrs import frozen

from issuing_disburse.bookkeeper import Bookkeeper
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.ports import Store, Transaction
from issuing_disburse.prepared import Answer
from issuing_disburse.records import CardRecord, DisbursementRecord
from issuing_disburse.snapshots import authorization_facts, transaction_facts
from issuing_disburse.stripe_api import StripeAPI

from .ours import PATHS
from .values import Discrepancy, Reconciliation, Repair

_CAUSE = "repair"


@frozen(kw_only=True)
class Repairer:
    """
    Books what Stripe has and we lack. It reads from Stripe, and writes to our ledger alone.
    """

    account: str | None
    api: StripeAPI
    store: Store
    bookkeeper: Bookkeeper

    def repair(self, reconciliation: Reconciliation) -> tuple[Repair, ...]:
        """
        Repair what is safe to repair; everything else is left as it is.
        """
        return tuple(
            [self._repaired(one) for one in reconciliation.discrepancies if one.is_repairable]
        )

    def _repaired(self, one: Discrepancy) -> Repair:
        try:
            before = self._stand(one)
            self._book(one)
            is_booked = self._stand(one) != before
        except DisburseError as problem:
            return Repair(
                object_id=one.object_id, kind=one.kind, outcome="failed", message=str(problem)
            )
        return Repair(
            object_id=one.object_id, kind=one.kind, outcome="booked" if is_booked else "unchanged"
        )

    def _book(self, one: Discrepancy) -> None:
        body = self.api.get(f"{PATHS[one.object_type]}/{one.object_id}", account=self.account)
        if one.object_type == "card":
            self.bookkeeper.book_card(str(body["id"]), str(body["status"]))
        elif one.object_type == "authorization":
            self.bookkeeper.book_fact(authorization_facts(body), cause=_CAUSE, account=self.account)
        elif one.object_type == "transaction":
            self.bookkeeper.book_fact(transaction_facts(body), cause=_CAUSE, account=self.account)
        else:
            self.bookkeeper.book(_as_event(body, self.account))

    def _stand(self, one: Discrepancy) -> tuple[str, str, str]:
        """
        Return where card and books stand: what a repair must change.
        """

        def work(tx: Transaction) -> tuple[str, str, str]:
            card = tx.get(CardRecord, one.object_id) if one.object_type == "card" else None
            key = card.group if card else f"{self.account or 'platform'}/{one.order_id}"
            record = tx.get(DisbursementRecord, key)
            if record is None:
                return "", "", ""
            return record.digest, record.status.value, card.card_status if card else ""

        return self.store.read(work)


def _as_event(body: Answer, account: str | None) -> Answer:
    return {
        "id": _CAUSE,
        "type": "issuing_dispute.updated",
        "account": account,
        "data": {"object": body},
    }
