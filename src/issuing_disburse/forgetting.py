"""
What does the store know about a person, and how is it made to forget?
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from attrs import evolve, frozen

from .cardholders import reference_key
from .disbursement import Status
from .order import Order
from .paging import every_in
from .ports import Store, Transaction
from .recipient import Recipient
from .records import DisbursementRecord, RecipientRecord, StepRecord, account_key

_WITH_CONTENT = (Status.PENDING.value,)  # any other has a cardholder, or has failed


@runtime_checkable
class Scrubbing(Protocol):
    """
    A store that can remove what its database keeps of overwritten rows.
    """

    def scrub(self) -> None:
        """
        Make sure that nothing which was deleted or overwritten can be read from the files.
        """
        ...


@frozen(kw_only=True)
class Forgetter:
    """
    Erases what the store holds about one recipient on one account.
    """

    account: str | None
    store: Store

    def forget(self, recipient: Recipient) -> int:
        """
        Erase, and return how many records changed. See `issuing_disburse.Disburser.forget`.
        """
        account = account_key(self.account)
        identity = recipient.identity(account)
        scope = f"recipient/{account}/{identity}"

        def erase(tx: Transaction) -> int:
            names = [identity, reference_key(recipient, self.account)]
            found = [tx.get(RecipientRecord, f"{account}/{name}", lock=True) for name in names]
            known = [one for one in found if one is not None]
            steps = list(every_in(tx, StepRecord, group=scope))
            for record in [*steps, *known]:
                tx.delete(type(record), record.key)
            return len(steps) + bool(known)

        def is_theirs(order: Order | None) -> bool:
            return order is not None and (
                order.recipient.identity(account) == identity
                or (
                    recipient.reference is not None
                    and order.recipient.reference == recipient.reference
                )
            )

        def reduce(tx: Transaction) -> int:
            theirs = [
                record
                for record in every_in(tx, DisbursementRecord, group=account, states=_WITH_CONTENT)
                if is_theirs(record.order)
            ]
            for record in theirs:
                current = tx.get(DisbursementRecord, record.key, lock=True) or record
                tx.put(evolve(current, order=None))
            return len(theirs)

        count = self.store.transact(reduce) + self.store.transact(erase)
        if isinstance(self.store, Scrubbing):
            self.store.scrub()
        return count
