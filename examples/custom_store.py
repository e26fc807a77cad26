"""
How does a team put something of its own between the library and its database?

`PausableStore` wraps any store: while it is paused, readers go on and writers wait, so that a file can be
copied or a database failed over. Runs on the simulator as it is, and passes
`issuing_disburse.testing.StoreContract`.
"""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from attrs import define, field

from issuing_disburse import (
    Address,
    Disbursement,
    Disburser,
    Money,
    Order,
    Recipient,
    Store,
    Terms,
    UserTerms,
)
from issuing_disburse.exceptions import StoreTimeoutError
from issuing_disburse.ledger import Entry
from issuing_disburse.ports import Transaction
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.stores import open_store

T = TypeVar("T")


@define(eq=False)
class PausableStore:
    """
    A store whose writers wait while it is paused.

    Attributes:
        patience_seconds: How long a writer without a time-out of its own waits.
    """

    inner: Store
    patience_seconds: float = 30.0
    _changed: threading.Condition = field(factory=threading.Condition, init=False)
    _inside: threading.local = field(factory=threading.local, init=False)
    _writers: int = field(default=0, init=False)
    _is_paused: bool = field(default=False, init=False)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """
        Let the writers of this process end, and the next ones wait until the block is over.
        """
        with self._changed:
            if self._is_paused:
                raise RuntimeError("it is paused already")
            self._is_paused = True
            self._changed.wait_for(lambda: self._writers == 0)
        try:
            yield
        finally:
            with self._changed:
                self._is_paused = False
                self._changed.notify_all()

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Run *work* when writing is allowed; what was waited for comes off its time.
        """
        if getattr(self._inside, "depth", 0):  # a work that opens another: the store refuses it
            return self.inner.transact(work, timeout_seconds=timeout_seconds)
        began = time.monotonic()
        self._enter(self.patience_seconds if timeout_seconds is None else timeout_seconds)
        try:
            if timeout_seconds is not None:
                timeout_seconds = max(0.0, timeout_seconds - (time.monotonic() - began))
            return self.inner.transact(work, timeout_seconds=timeout_seconds)
        finally:
            self._leave()

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Read as ever.
        """
        return self.inner.read(work, timeout_seconds=timeout_seconds)

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Stream as ever.
        """
        return self.inner.stream_entries(after=after)

    def close(self) -> None:
        """
        Close the store inside.
        """
        self.inner.close()

    def _enter(self, patience_seconds: float) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: not self._is_paused, patience_seconds):
                raise StoreTimeoutError("writing is paused", code="paused")
            self._writers += 1
        self._inside.depth = 1

    def _leave(self) -> None:
        self._inside.depth = 0
        with self._changed:
            self._writers -= 1
            self._changed.notify_all()


def main() -> None:
    """
    Pay two orders, copy the books in between while a payment waits, and read the copy.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        IssuingSimulator(seed=7, platform_funds=1_000_000) as simulator,
    ):
        books, copy = Path(folder) / "books", Path(folder) / "copy"
        books.mkdir()
        url = f"sqlite:///{books}/disbursements.sqlite3"
        store = PausableStore(open_store(url, clock=simulator.clock.now))
        account = simulator.create_account()
        try:
            with connected(simulator, account, store) as disburser:
                disburser.disburse(an_order("claim-1"))
                second = threading.Thread(target=disburser.disburse, args=(an_order("claim-2"),))
                with store.paused():
                    second.start()
                    shutil.copytree(books, copy)
                second.join()
                print(f"here: {[one.order_id for one in paid(disburser, 'claim-1', 'claim-2')]}")
        finally:
            store.close()
        kept = open_store(f"sqlite:///{copy}/disbursements.sqlite3", clock=simulator.clock.now)
        try:
            with connected(simulator, account, kept) as disburser:
                print(f"in the copy: {[one.order_id for one in paid(disburser, 'claim-1')]}")
                print(f"its ledger is whole: {disburser.verify_ledger().entries} entries")
        finally:
            kept.close()


def connected(simulator: IssuingSimulator, account: str, store: Store) -> Disburser:
    """
    Connect with a store of our own, which stays ours to close.
    """
    return Disburser.connect(
        api_key=simulator.api_key,
        account=account,
        webhook_secret=simulator.webhook_secret,
        store=store,
        http_client=simulator.http_client(),
        clock=simulator.clock.now,
        sleep=simulator.clock.sleep,
    )


def paid(disburser: Disburser, *order_ids: str) -> list[Disbursement]:
    """
    Read those orders.
    """
    return [disburser.get(name) for name in order_ids]


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
