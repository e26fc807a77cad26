"""
Who is told what happened, and when? After the commit, and nobody can do harm by listening.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from attrs import frozen

from .announcer import Announcer
from .changes import changes
from .domain_events import BalanceLow, Declined, DomainEvent
from .ledger import Entry
from .money import Money
from .paging import bodies, entry_rows
from .ports import Clock, EntryRow, Store, Transaction
from .records import CardRecord, DisbursementRecord, PoolRecord
from .rows import Row

R = TypeVar("R", bound=Row)
T = TypeVar("T")


@frozen(kw_only=True)
class AnnouncingStore:
    """
    A store that tells what was written to it, once it is kept; silent while nobody listens.

    Attributes:
        thresholds: When what is promised to nobody falls below one, it is told.
    """

    inner: Store
    announcer: Announcer
    clock: Clock
    thresholds: tuple[Money, ...] = ()

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Run *work*, and tell what it changed after the commit.
        """
        if not self.announcer.is_heard:
            return self.inner.transact(work, timeout_seconds=timeout_seconds)
        seen: list[DomainEvent] = []

        def watched(tx: Transaction) -> T:
            watch = _Watch(tx, self.clock, self.thresholds)
            result = work(watch)
            seen[:] = watch.told()  # the work may be run more than once: the last run counts
            return result

        result = self.inner.transact(watched, timeout_seconds=timeout_seconds)
        self.announcer.tell(seen)
        return result

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Run *work* on one consistent state.
        """
        return self.inner.read(work, timeout_seconds=timeout_seconds)

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Yield all ledger entries.
        """
        return self.inner.stream_entries(after=after)

    def entry_rows(self) -> Iterator[Sequence[EntryRow]]:
        """
        Yield all ledger entries as they are kept.
        """
        return entry_rows(self.inner)

    def bodies(self, kind: type[Row], *, group: str) -> Iterator[Sequence[str | bytes]]:
        """
        Yield records as they are kept.
        """
        return bodies(self.inner, kind, group=group)

    def close(self) -> None:
        """
        Close the inner store.
        """
        self.inner.close()


class _Watch:
    """
    A transaction that remembers what it changed.
    """

    def __init__(self, inner: Transaction, clock: Clock, thresholds: tuple[Money, ...]) -> None:
        self._inner = inner
        self._clock = clock
        self._thresholds = thresholds
        self._last: dict[tuple[type[Row], str], Row] = {}
        self._pools: dict[str, tuple[PoolRecord, PoolRecord]] = {}
        self._events: list[DomainEvent] = []

    def told(self) -> list[DomainEvent]:
        """
        Return what the whole transaction changed; totals count only as it leaves them.
        """
        low = [one for pools in self._pools.values() for one in self._low(*pools)]
        return [*self._events, *low]

    def get(self, kind: type[R], key: str, *, lock: bool = False) -> R | None:
        found = self._inner.get(kind, key, lock=lock)
        if found is not None:
            self._last[kind, key] = found
        return found

    def find(
        self,
        kind: type[R],
        *,
        group: str | None = None,
        states: Sequence[str] | None = None,
        due_before: datetime | None = None,
        after: str = "",
        limit: int = 100,
        skip_locked: bool = False,
    ) -> tuple[R, ...]:
        found = self._inner.find(
            kind,
            group=group,
            states=states,
            due_before=due_before,
            after=after,
            limit=limit,
            skip_locked=skip_locked,
        )
        for one in found:
            self._last[kind, one.key] = one
        return found

    def put(self, record: R) -> R:
        kept = self._inner.put(record)
        place = (type(record), record.key)
        before = self._last.get(place)
        self._last[place] = kept
        if isinstance(kept, DisbursementRecord):
            is_known = before is not None or kept.version == 1
            if is_known and (before is None or isinstance(before, DisbursementRecord)):
                self._events.extend(changes(before, kept, self._clock()))
        elif isinstance(kept, PoolRecord) and isinstance(before, PoolRecord):
            first = self._pools.get(kept.key, (before, kept))[0]
            self._pools[kept.key] = (first, kept)
        return kept

    def _low(self, before: PoolRecord, after: PoolRecord) -> Iterator[BalanceLow]:
        old = before.available_minor - before.promised_minor
        new = after.available_minor - after.promised_minor
        for threshold in self._thresholds:
            if threshold.currency == after.currency and new < threshold.minor <= old:
                yield BalanceLow(
                    at=self._clock(),
                    account=after.account,
                    free=Money(new, after.currency),
                    threshold=threshold,
                )

    def delete(self, kind: type[Row], key: str) -> None:
        self._inner.delete(kind, key)

    def append(self, entry: Entry) -> None:
        self._inner.append(entry)

    def entries(self, scope: str) -> tuple[Entry, ...]:
        return self._inner.entries(scope)

    def now(self) -> datetime:
        return self._inner.now()


@frozen(kw_only=True)
class DeclineTeller:
    """
    Tells of declines, which book nothing.
    """

    store: Store
    announcer: Announcer
    clock: Clock

    def __call__(self, event: dict[str, Any]) -> None:
        """
        Tell of *event*, if it says that an authorization of ours was declined.

        Stripe: ``issuing_authorization.created``
        """
        if event["type"] != "issuing_authorization.created" or not self.announcer.is_heard:
            return
        body = event["data"]["object"]
        card = body.get("card")
        card_id = card.get("id") if isinstance(card, dict) else card
        if body.get("approved") is not False or not isinstance(card_id, str):
            return
        known = self.store.read(lambda tx: tx.get(CardRecord, card_id))
        if known is None:
            return
        asked = (body.get("request_history") or [{}])[-1]
        metadata = body.get("metadata") or {}
        amount = asked.get("amount") or body.get("amount") or 0
        told = Declined(
            at=self.clock(),
            account=known.account,
            order_id=known.order_id,
            card_id=card_id,
            authorization_id=str(body.get("id")),
            amount=Money(int(amount), known.amount.currency),
            reason=str(asked.get("reason") or "unknown"),
            code=str(metadata.get("issuing_disburse_decision") or ""),
            merchant=str((body.get("merchant_data") or {}).get("name") or ""),
        )
        self.announcer.tell((told,))
