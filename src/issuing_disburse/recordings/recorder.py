"""
Where are requests kept until somebody wants to ask them again?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from issuing_disburse.exceptions import PayloadInvalidError
from issuing_disburse.ports import Store, Transaction
from issuing_disburse.records import CardRecord, DisbursementRecord, Recording, account_key

from .happened import (
    Happened,
    Recorded,
    RecordedCard,
    RecordedRequest,
    card_of,
    happened,
)
from .lines import from_line, to_line

_PAGE = 500
_KINDS = frozenset({"issuing_authorization.created", "issuing_authorization.updated"})


@frozen(kw_only=True)
class Recorder:
    """
    Keeps the requests that events tell of, and gives them back in the order of time.

    It works on what Stripe says after each decision, so recording takes no time from an answer.
    """

    store: Store

    def record(self, event: Mapping[str, Any]) -> None:
        """
        Keep what *event* tells; again, late or out of order changes nothing.

        Raises:
            StoreError: Nothing was kept; Stripe should deliver again.
        """
        if event.get("type") not in _KINDS:
            return
        account = event.get("account")
        try:
            found = happened(event["data"]["object"], account=account)
        except PayloadInvalidError:
            return  # too thin to be asked again; it is booked all the same
        lines = [(one.key, to_line(one).decode()) for one in found]

        def work(tx: Transaction) -> None:
            for place, line in lines:
                new = Recording(account=account, place=place, line=line)
                if tx.get(Recording, new.key) is None:
                    tx.put(new)

        self.store.transact(work)

    def recorded(
        self, account: str | None, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Recorded]:
        """
        Yield what happened on *account* from *since* to before *until* (UTC), oldest first.
        """
        cards: set[str] = set()
        for one in self._happened(account, since, until):
            card_id = one.request.card_id if isinstance(one, RecordedRequest) else one.card_id
            if card_id not in cards:
                cards.add(card_id)
                card = self.card(card_id)
                if card is not None:
                    yield card
            yield one

    def _happened(
        self, account: str | None, since: datetime | None, until: datetime | None
    ) -> Iterator[Happened]:
        group = account_key(account)
        after = f"{group}/{_text(since)}" if since else f"{group}/"
        end = f"{group}/{_text(until)}" if until else None
        while True:
            start = after
            rows = self.store.read(
                lambda tx: tx.find(Recording, group=group, after=start, limit=_PAGE)  # noqa: B023 - called at once
            )
            for row in rows:
                if end is not None and row.key >= end:
                    return
                one = from_line(row.line.encode())
                if not isinstance(one, RecordedCard):
                    yield one
            if len(rows) < _PAGE:
                return
            after = rows[-1].key

    def card(self, card_id: str) -> RecordedCard | None:
        """
        Return what the store knows of a card.
        """

        def work(tx: Transaction) -> RecordedCard | None:
            card = tx.get(CardRecord, card_id)
            if card is None:
                return None
            order = tx.get(DisbursementRecord, card.group)
            return card_of(card, (order.cardholder_id if order else None) or "")

        return self.store.read(work)

    def forget(self, account: str | None, *, before: datetime) -> int:
        """
        Remove what happened on *account* before that time (UTC), and return how much that was.
        """
        group, end, count = account_key(account), f"{account_key(account)}/{_text(before)}", 0

        def work(tx: Transaction) -> int:
            rows = tx.find(Recording, group=group, limit=_PAGE)
            old = [row for row in rows if row.key < end]
            for row in old:
                tx.delete(Recording, row.key)
            return len(old)

        while removed := self.store.transact(work):
            count += removed
        return count


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
