"""
Where does a funding route move money in a test, and who counts the cents?

A simulated Stripe counts them: what a route says that it moved is believed only when it shows there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeAlias

from attrs import define, evolve, field, frozen

from issuing_disburse.attribution import attribution_from
from issuing_disburse.encoding import Value
from issuing_disburse.money import Money
from issuing_disburse.ports import Clock, FundingReceipt, FundingRoute, Store
from issuing_disburse.records import FundingRecord
from issuing_disburse.routes import Attribution, CheckedRoute
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.stores.memory import MemoryStore
from issuing_disburse.stripe_api import StripeAPI
from issuing_disburse.ways_back import funding_journal, receipt_left

from .watched_journal import Watch, WatchedJournal

Standing: TypeAlias = dict[str, int]
"""Where how many minor units lie, by the name of the place."""

FOREIGN_ISSUING_MINOR = 70_000
"""What lies on the Issuing balance from the start, and is nobody's to send away."""

FOREIGN_PAYMENTS_MINOR = 2_000_000
"""The same for the payments balance: the account's earnings."""


@frozen(kw_only=True, eq=False)
class FundingGround:
    """
    A simulated Stripe, one account on it, and what our own routes are made of.

    Attributes:
        account: Whose Issuing balance is filled; ``None`` is the platform's own.
        currency: In which everything is counted.
        attribution: Tells which balance transfers belong to fundings, as the library would.
    """

    simulator: IssuingSimulator
    account: str | None
    currency: str
    store: Store
    api: StripeAPI

    @classmethod
    @contextmanager
    def opened(
        cls, simulator: IssuingSimulator, account: str | None, currency: str
    ) -> Iterator[FundingGround]:
        """
        Put foreign money on every balance of *account*, and let go of everything at the end.
        """
        api = StripeAPI(
            api_key=simulator.api_key,
            sleep=simulator.clock.sleep,
            http_client=simulator.http_client(),
        )
        store = MemoryStore(clock=simulator.clock.now)
        ground = cls(simulator=simulator, account=account, currency=currency, store=store, api=api)
        try:
            simulator.fund_issuing(ground.owner, FOREIGN_ISSUING_MINOR, currency)
            if account is not None:
                earnings: dict[str, Value] = {
                    "amount": FOREIGN_PAYMENTS_MINOR,
                    "currency": currency,
                    "destination": account,
                }
                api.prepare("/v1/transfers", earnings, account=None, keep=dict)("earnings")
            yield ground
        finally:
            api.close()
            store.close()

    @property
    def owner(self) -> str:
        """
        The id of the account that is filled.
        """
        return self.account or self.simulator.platform_account

    @property
    def clock(self) -> Clock:
        """
        The simulator's time.
        """
        return self.simulator.clock.now

    @property
    def attribution(self) -> Attribution:
        """
        What `issuing_disburse.routes.BalanceTransfers` asks for.
        """
        return attribution_from(self.store)

    def money(self, minor: int) -> Money:
        """
        Count *minor* units of the ground's currency.
        """
        return Money(minor, self.currency)

    def standing(self) -> Standing:
        """
        Read what every balance has available.
        """
        there = {
            "issuing": self.simulator.issuing_balance(self.owner, self.currency),
            "payments": self.simulator.payments_balance(self.owner, self.currency),
        }
        if self.account is not None:
            there["platform"] = self.simulator.payments_balance(None, self.currency)
        return there

    def under_way(self) -> frozenset[str]:
        """
        List the top-ups and payouts: they move money that no balance shows yet.
        """
        return frozenset(
            one["id"]
            for kind in ("topups", "payouts")
            for one in self.api.pages(f"/v1/{kind}", {}, account=self.account)
        )

    def movement(self, name: str) -> int | None:
        """
        Return by how much one balance transaction changed the Issuing balance, ``None`` if none did.
        """
        pages = self.api.pages("/v1/balance_transactions", {}, account=self.account)
        found = [
            one["net"] for one in pages if one["id"] == name and one["balance_type"] == "issuing"
        ]
        return found[0] if found else None


@define(eq=False)
class RouteBench:
    """
    Uses a route as the library does: written down first, moved through a journal, counted after.

    Attributes:
        make_route: Makes the route of a new process, which remembers nothing.
        elsewhere: Counts money that lies outside of Stripe, by the name of the place.
        arrives_within: After so long everything that is under way has arrived.
    """

    ground: FundingGround
    make_route: Callable[[], FundingRoute]
    elsewhere: Callable[[], Mapping[str, int]] = dict
    arrives_within: timedelta = timedelta(days=7)
    route: FundingRoute = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.route = self.make_route()

    def restart(self) -> None:
        """
        Forget the process that had the route: only what is stored stays.
        """
        self.route = self.make_route()

    def forget_keys(self) -> None:
        """
        Let so much time pass that nobody remembers an idempotency key.
        """
        self.ground.simulator.clock.advance(timedelta(hours=25))

    def standing(self) -> Standing:
        """
        Count the money that lies anywhere, now.
        """
        return {**self.ground.standing(), **self.elsewhere()}

    def settled(self) -> Standing:
        """
        Count it when everything has arrived.
        """
        self.ground.simulator.clock.advance(self.arrives_within)
        return self.standing()

    def trace(self) -> object:
        """
        Return something that changes whenever money moves, or is told to.
        """
        return self.standing(), self.ground.under_way()

    def fund(self, amount: Money, *, key: str, watch: Watch | None = None) -> FundingReceipt:
        """
        Have the route bring *amount*, as a funding of that *key*.
        """
        if isinstance(self.route, CheckedRoute):
            self.route.check(self.ground.account)
        self._begin(key, amount, "in")
        watch = watch or Watch()
        with self._journal(key, watch) as journal:
            receipt = self.route.fund(self.ground.account, amount, key=key, journal=journal)
        self._change(key, progress="moved", moved=receipt.moved, brought_minor=receipt.amount.minor)
        return receipt

    def give_back(
        self,
        amount: Money,
        *,
        key: str,
        of: tuple[str, ...],
        watch: Watch | None = None,
        share: Money | None = None,
    ) -> FundingReceipt:
        """
        Have the route take back *amount* of what the fundings *of* brought.

        Args:
            share: What of them belongs to the one order whose rest this is, if others have theirs.
        """
        self._begin(key, amount, "out")
        fundings = [self._record(name) for name in of]
        with self._journal(key, watch or Watch()) as journal:
            receipt = self.route.give_back(
                self.ground.account,
                amount,
                key=key,
                receipts=[_shared(receipt_left(one), share) for one in fundings],
                journal=journal,
            )
        if self._record(key).progress == "moving":
            self._change(key, progress="given_back", returned=receipt.moved)
            rest = receipt.amount.minor
            for one in fundings:
                part = min(rest, receipt_left(one).amount.minor)
                rest -= part
                self._change(one.key, given_back_minor=one.given_back_minor + part)
        return receipt

    def fill_by_hand(self, receipt: FundingReceipt, amount: Money) -> None:
        """
        Do what the treasury does for a route that brings nothing.
        """
        if receipt.amount.is_zero:
            simulator = self.ground.simulator
            simulator.fund_issuing(self.ground.owner, amount.minor, amount.currency)

    @contextmanager
    def _journal(self, key: str, watch: Watch) -> Iterator[WatchedJournal]:
        ground = self.ground
        kept = funding_journal(ground.store, ground.clock, key, lambda tx: None)
        journal = WatchedJournal(inner=kept, watch=watch, trace=self.trace)
        yield journal
        journal.compare("after its last step")

    def _record(self, key: str) -> FundingRecord:
        record = self.ground.store.read(lambda tx: tx.get(FundingRecord, key))
        if record is None:
            raise LookupError(f"nothing was funded under {key}")
        return record

    def _begin(self, key: str, amount: Money, direction: str) -> None:
        new = FundingRecord(
            id=key,
            account=self.ground.account,
            amount=amount,
            route=type(self.route).__name__,
            members=(),
            created_at=self.ground.clock(),
            direction="in" if direction == "in" else "out",
        )
        self.ground.store.transact(
            lambda tx: tx.get(FundingRecord, key) or tx.put(new),
        )

    def _change(self, key: str, **changes: Any) -> None:
        changed = evolve(self._record(key), **changes)
        self.ground.store.transact(lambda tx: tx.put(changed))


def _shared(receipt: FundingReceipt, share: Money | None) -> FundingReceipt:
    """
    Return a receipt that is about one order's *share*, as those who ask a route for it do.
    """
    if share is None:
        return receipt
    return evolve(receipt, moved=tuple(evolve(one, minor=share.minor) for one in receipt.moved))
