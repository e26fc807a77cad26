"""
Are a rule, a policy, a sink, a route and a store of somebody else's taken by their shape? Never run.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, assert_type

import pytest

from issuing_disburse import (
    Allotment,
    AuthorizationPolicy,
    AuthorizationRequest,
    BalanceTransferRoute,
    Decision,
    Disburser,
    FundingReceipt,
    FundingRoute,
    Journal,
    Limit,
    Money,
    Moved,
    Objection,
    PrefundedRoute,
    PushRoute,
    RateLimits,
    Rule,
    Store,
    TopUpRoute,
    TransferRoute,
    Use,
    rules,
)
from issuing_disburse.ledger import Entry
from issuing_disburse.pci import PCIScope, SecretSink
from issuing_disburse.ports import Outcome, Transaction
from issuing_disburse.routes import Attributed
from issuing_disburse.testing import (
    FundingRouteContract,
    PolicyContract,
    SinkContract,
    StoreContract,
)
from issuing_disburse.testing.funding_ground import FundingGround
from issuing_disburse.testing.policy_kit import make_allotment, make_request, make_use

T = TypeVar("T")


class CountingStore:
    """
    Counts what another store does.
    """

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.count = 0

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Count, and pass on.
        """
        self.count += 1
        return self.inner.transact(work, timeout_seconds=timeout_seconds)

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Pass on.
        """
        return self.inner.read(work, timeout_seconds=timeout_seconds)

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Pass on.
        """
        return self.inner.stream_entries(after=after)

    def close(self) -> None:
        """
        Close the other store.
        """
        self.inner.close()


class WireRoute:
    """
    Sends a wire, once per journal step.
    """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Send it, or look for it.
        """

        def wire(idempotency_key: str) -> Outcome:
            return {"id": idempotency_key}

        sent = journal.once("wire", wire, lambda: None)
        return FundingReceipt(
            amount=amount, moved=(Moved(object="wire", id=sent["id"], minor=amount.minor),)
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
        Say that all of it stays.
        """
        return FundingReceipt(amount=Money.zero(amount.currency))


def few_small_ones(request: AuthorizationRequest, allotment: Allotment) -> Objection | Limit | None:
    """
    Object from the second use on, and let the first have a part.
    """
    first: Use | None = next(iter(allotment.history), None)
    if first is not None:
        return Objection("again", f"was used at {first.at}")
    return Limit(min(request.amount, Money(5_000, request.amount.currency)), "small", "at most 50")


class TestWireRoute(FundingRouteContract):
    """
    A route's suite overrides a fixture.
    """

    @pytest.fixture
    def make_route(self, ground: FundingGround) -> Callable[[], FundingRoute]:
        return WireRoute


class TestCountingStore(StoreContract):
    """
    A store's suite likewise.
    """


class TestAnySink(SinkContract):
    """
    And a sink's.
    """

    @pytest.fixture
    def kept(self) -> Callable[[str], tuple[str, str] | None]:
        return {"ic_1": ("4000009990000010", "837")}.get


class TestOurPolicy(PolicyContract):
    """
    A policy's suite overrides a method.
    """

    def make_policy(self) -> AuthorizationPolicy:
        """
        Return rules in a row.
        """
        house: tuple[Rule, ...] = (
            few_small_ones,
            rules.AmountAtMost(5_000),
            rules.CountryIn("US"),
        )
        lenient = rules.unless(
            rules.CategoryIn("computer_software_stores"), rules.AmountAtMost(100)
        )
        return AuthorizationPolicy.default().with_rules(*house, lenient)


def connect(disburser: Disburser, sink: SecretSink) -> None:
    """
    Hand everything in, and look at it.
    """
    route: FundingRoute
    for route in (PushRoute(), PrefundedRoute(), TopUpRoute(source="btok_1"), WireRoute()):
        Disburser.connect(api_key="", account="acct_1", webhook_secret=("", ""), route=route)
    route = TransferRoute(
        api=disburser.funding.api, clock=disburser.funding.clock, attribution=_none
    )
    route = BalanceTransferRoute(
        api=disburser.funding.api, clock=disburser.funding.clock, attribution=_none
    )
    disburser.funding.route = route  # type: ignore[misc]  # frozen: that it is refused is what is checked
    store: Store = CountingStore(disburser.store)
    limits = RateLimits(per_account=50)
    Disburser.connect(api_key="", account=None, webhook_secret="", store=store, rate_limits=limits)
    assert_type(sink.scope, PCIScope)
    policy = disburser.policy.with_shadow(AuthorizationPolicy.default())
    assert_type(
        policy.decide(make_request(4_200), make_allotment(history=[make_use(100)])), Decision
    )
    rules.Velocity(count_max=2, per=disburser.funding.clock().resolution, scope="acount")  # type: ignore[arg-type]  # no such scope


def _none(account: str | None, amount: Money) -> Attributed:
    return Attributed(transactions=frozenset(), under_way=0)
