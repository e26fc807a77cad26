"""
Do the store, the sink, the route and the policy of the examples keep the promises of their kind?
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from custom_policy import BrakePolicy, make_policy
from custom_store import PausableStore
from treasury_route import Treasury, TreasuryRoute
from vault_sink import Vault, VaultSink

from issuing_disburse import FundingRoute, Store
from issuing_disburse.exceptions import StoreTimeoutError
from issuing_disburse.pci import SecretSink
from issuing_disburse.records import StepRecord
from issuing_disburse.stores import open_store
from issuing_disburse.testing import (
    FundingRouteContract,
    PolicyContract,
    SinkContract,
    StoreContract,
)
from issuing_disburse.testing.funding_ground import FundingGround
from issuing_disburse.testing.policy_kit import make_allotment, make_request
from issuing_disburse.testing.store_builders import NOW, make_step, names, putting

BUDGET_MINOR = 50_000_000


class TestTreasuryRoute(FundingRouteContract):
    """
    A service that alone may move money.
    """

    @pytest.fixture
    def treasury(self, ground: FundingGround) -> Treasury:
        """
        Return what outlives a process.
        """
        return Treasury(ground.simulator, budget_minor=BUDGET_MINOR)

    @pytest.fixture
    def make_route(self, treasury: Treasury) -> Callable[[], FundingRoute]:
        return lambda: TreasuryRoute(treasury)

    @pytest.fixture
    def elsewhere(self, treasury: Treasury) -> Callable[[], Mapping[str, int]]:
        return lambda: {"budget": treasury.budget_minor}


class TestPausableStore(StoreContract):
    """
    A store around another one.
    """

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        inner = open_store(f"sqlite:///{tmp_path}/store.sqlite3", clock=lambda: NOW)
        store = PausableStore(inner)
        yield store
        store.close()

    def test_writers_wait_while_it_is_paused(self, store: PausableStore) -> None:
        """Nothing is written in a pause, readers go on, and who waited writes afterwards."""
        late = threading.Thread(target=store.transact, args=(putting(make_step("late")),))
        with store.paused():
            with pytest.raises(StoreTimeoutError):
                store.transact(putting(make_step("hasty")), timeout_seconds=0.0)
            late.start()
            assert () == store.read(lambda tx: tx.find(StepRecord))
        late.join()

        assert ["late"] == names(store.read(lambda tx: tx.find(StepRecord)))


class TestVaultSink(SinkContract):
    """
    A vault of one's own.
    """

    @pytest.fixture
    def vault(self) -> Vault:
        """
        Return an empty vault.
        """
        return Vault()

    @pytest.fixture
    def sink(self, vault: Vault) -> SecretSink:
        return VaultSink(vault)

    @pytest.fixture
    def kept(self, vault: Vault) -> Callable[[str], tuple[str, str] | None]:
        return vault.fetch

    @pytest.fixture
    def broken_sink(self) -> SecretSink:
        return VaultSink(Vault(is_reachable=False))


class TestBrakePolicy(PolicyContract):
    """
    A policy of one's own.
    """

    examples = 60

    def make_policy(self) -> BrakePolicy:
        """
        Return it as the example does.
        """
        return make_policy()

    def test_nothing_is_approved_while_the_brake_is_on(self) -> None:
        """The brake declines what the rules would approve."""
        policy = self.make_policy()
        request, allotment = make_request(4_000, category="supermarkets"), make_allotment(4_000)
        assert policy.decide(request, allotment).approved

        policy.brake.set()

        assert "brake" == policy.decide(request, allotment).code
