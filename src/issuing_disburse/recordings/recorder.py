"""
Where are requests kept until somebody wants to ask them again?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from attrs import frozen

from issuing_disburse.exceptions import PayloadInvalidError
from issuing_disburse.ports import Store, Transaction
from issuing_disburse.recording_records import Recording, ShadowRecord, UsedCard, moment_key
from issuing_disburse.records import CardRecord, DisbursementRecord
from issuing_disburse.rows import Row, account_key

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
R = TypeVar("R", bound=Row)
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
        for row in self._rows(Recording, account, since, until):
            one = from_line(row.line.encode())
            if not isinstance(one, RecordedCard):
                yield one

    def shadows(
        self, account: str | None, *, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[ShadowRecord]:
        """
        Yield what shadows said on *account* from *since* to before *until* (UTC), oldest first.
        """
        return self._rows(ShadowRecord, account, since, until)

    def _rows(
        self, kind: type[R], account: str | None, since: datetime | None, until: datetime | None
    ) -> Iterator[R]:
        group = account_key(account)
        after = moment_key(group, since) if since else f"{group}/"
        end = moment_key(group, until) if until else None
        while True:
            start = after
            rows = self.store.read(
                lambda tx: tx.find(kind, group=group, after=start, limit=_PAGE)  # noqa: B023 - called at once
            )
            for row in rows:
                if end is not None and row.key >= end:
                    return
                yield row
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
        group, count = account_key(account), 0

        def old(tx: Transaction, after: str) -> tuple[list[Row], str]:
            rows: list[Row] = []
            end = moment_key(group, before)
            for kind in (Recording, ShadowRecord):
                rows += [one for one in tx.find(kind, group=group, limit=_PAGE) if one.key < end]
            used = tx.find(UsedCard, after=after, limit=_PAGE)
            for one in used:
                card = tx.get(CardRecord, one.card_id) if one.at < before else None
                if card is not None and card.account == account:
                    rows.append(one)
            return rows, used[-1].key if used else after

        def work(tx: Transaction) -> tuple[int, str]:
            rows, last = old(tx, after)
            for row in rows:
                tx.delete(type(row), row.key)
            return len(rows), last

        after = ""
        while True:
            removed, last = self.store.transact(work)
            count += removed
            if not removed and last == after:
                return count
            after = last
