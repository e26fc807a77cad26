"""
What do we need from the outside, and from those who extend us?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, runtime_checkable

from attrs import frozen

from .money import Money
from .rows import Row

if TYPE_CHECKING:
    from .funding_records import Moved
    from .ledger import Entry

Clock: TypeAlias = Callable[[], datetime]
"""Returns the time now, as an aware UTC datetime."""

Timer: TypeAlias = Callable[[], float]
"""Returns monotonic seconds; only differences mean something."""

Sleep: TypeAlias = Callable[[float], None]
"""Waits that many seconds."""

R = TypeVar("R", bound=Row)
T = TypeVar("T")


class Transaction(Protocol):
    """
    What can be done inside one transaction of a `Store`. Valid only while its work runs.
    """

    def get(self, kind: type[R], key: str, *, lock: bool = False) -> R | None:
        """
        Return one record, or ``None``. *lock* keeps other writers of it out until the end.
        """
        ...

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
        """
        Return up to *limit* records in the order of their keys, from behind the key *after*.

        Args:
            due_before: Only records whose ``due_at`` is set and not later than this (UTC).
            skip_locked: Leave out what another transaction holds, where the database can tell.
        """
        ...

    def put(self, record: R) -> R:
        """
        Write *record* and return it with its new version.

        Version 0 inserts; any other version must be the stored one.

        Raises:
            StaleRecordError: Somebody else wrote first, or it exists already. The whole
                transaction is rolled back and its work run again.
        """
        ...

    def delete(self, kind: type[Row], key: str) -> None:
        """
        Remove one record; nothing happens if it is not there.
        """
        ...

    def append(self, entry: Entry) -> None:
        """
        Append one ledger entry to its chain; a second one with that scope and seq is stale.
        """
        ...

    def entries(self, scope: str) -> tuple[Entry, ...]:
        """
        Return one chain, in order.
        """
        ...

    def now(self) -> datetime:
        """
        Return the UTC time that all users of this store share, for leases.
        """
        ...


@runtime_checkable
class Store(Protocol):
    """
    Where the truth about orders, promises and the ledger lives.

    A store is given *work*: a function of a `Transaction` without any effect outside of it, because it
    may be run more than once. All that it wrote is kept together, or nothing is.
    """

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Run *work* and keep what it wrote; serialised against every other writer of the same records.

        Raises:
            StoreTimeoutError: Not done within *timeout_seconds*; nothing is kept.
            StoreError: The database failed; nothing is kept. What *work* raises passes through.
        """
        ...

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Run *work* on one consistent state; writing in it is refused.
        """
        ...

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Yield all ledger entries by scope and seq, with bounded memory.
        """
        ...

    def close(self) -> None:
        """
        Let go of connections and threads; closing twice is fine.
        """
        ...


EntryRow: TypeAlias = tuple[str, int, int, str, str, "str | bytes", str, str]
"""
A ledger entry as it is kept: scope, seq, microseconds since 1970 UTC, currency, cause, lines as JSON,
previous, digest.
"""


@runtime_checkable
class StreamsAsKept(Protocol):
    """
    A store that can hand out what it keeps without making values of it.

    It need not: `issuing_disburse.paging` does without. Who reads a whole ledger is several times
    faster with it.
    """

    def entry_rows(self) -> Iterator[Sequence[EntryRow]]:
        """
        Yield all ledger entries by scope and seq, many at a time.
        """
        ...

    def bodies(self, kind: type[Row], *, group: str) -> Iterator[Sequence[str | bytes]]:
        """
        Yield the records of one kind and group as JSON, by key, many at a time.
        """
        ...


@frozen(kw_only=True)
class FundingReceipt:
    """
    What a route moved.

    Attributes:
        amount: Minor units that reach, or left, the Issuing balance.
        moved: The Stripe objects (or yours) that moved it, in order.
        available_at: UTC; from when it can be spent; ``None`` means now.
    """

    amount: Money
    moved: tuple[Moved, ...] = ()
    available_at: datetime | None = None


Outcome: TypeAlias = dict[str, Any]
"""What a step keeps of an answer: small, JSON, no secrets, no personal data."""


@runtime_checkable
class Call(Protocol):
    """
    An effect that can be repeated under the same key.
    """

    def __call__(self, key: str, /) -> Outcome:
        """
        Have the effect, once per *key*, and return what should be remembered.
        """
        ...


class Journal(Protocol):
    """
    Makes each inner call of a larger effect once, whatever crashes in between.
    """

    def once(self, step: str, call: Call, look: Callable[[], Outcome | None]) -> Outcome:
        """
        Run *call* under a stored key, or *look* for what it did when the key is too old.

        Args:
            step: Names the call within its scope; the key is derived from it.
            call: Gets the key. Its outcome is stored and returned ever after.
            look: Returns the outcome of a call that may have happened, ``None`` if it did not;
                raises `UnknownOutcomeError` when that cannot be told.

        Raises:
            RefusedError: The call was refused and a look finds nothing.
            UnknownOutcomeError: It may have happened; call again later.
        """
        ...

    def begun(self, step: str) -> datetime | None:
        """
        Return when *step* was first sent, or may have been (UTC); ``None`` if it never was.
        """
        ...


class FundingRoute(Protocol):
    """
    Moves money to the Issuing balance, and back.
    """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Bring *amount* to the Issuing balance of *account*; once per *key*.

        Args:
            account: The connected account ``acct_…``; ``None`` is the platform's own balance.
            amount: Minor units: ``Money(12_500, "usd")`` is $125.00.
            key: Names this funding for ever; the same key must never bring money twice.
            journal: Makes each inner call once, across crashes.

        Raises:
            InsufficientIssuingBalanceError: The money is not there to be moved; nothing was moved.
            FundingRouteUnavailableError: This way is closed for the account; nothing stays moved.
            UnknownOutcomeError: It may have been moved; the funding is resumed with the same *key*.
        """
        ...

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
        Take *amount* back by what *receipts* say was moved; once per *key*.

        Args:
            amount: Minor units; no more than *receipts* brought.
            receipts: What `fund` returned for the order, oldest first.

        Raises:
            RefusedError: It cannot go back this way; it stays on the Issuing balance, and is tried again.
            UnknownOutcomeError: It may have gone; the same *key* is tried again.
        """
        ...
