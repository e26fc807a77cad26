"""
Does the desk's sink keep what every sink must, and does a card wait for it?
"""

from collections.abc import Callable

import pytest
from claims_desk.testing import MemoryVault
from claims_desk.vault import VaultSink

from issuing_disburse import Disburser, Status
from issuing_disburse.exceptions import SinkError
from issuing_disburse.testing import CapturingSink, SinkContract, make_order


class TestVaultSink(SinkContract):
    """
    The sink's contract.
    """

    @pytest.fixture
    def sink(self, vault: MemoryVault) -> VaultSink:
        """
        Return it, on an empty vault.
        """
        return VaultSink(vault)

    @pytest.fixture
    def kept(self, vault: MemoryVault) -> Callable[[str], tuple[str, str] | None]:
        """
        Read the vault.
        """
        return vault.entries.get

    @pytest.fixture
    def broken_sink(self) -> VaultSink:
        """
        Return one whose vault does not answer.
        """
        return VaultSink(MemoryVault(is_reachable=False))


def test_a_card_waits_for_its_sink(disburser: Disburser, capturing_sink: CapturingSink) -> None:
    """A card is active when its number is safe, not before."""
    capturing_sink.failures = 1
    with pytest.raises(SinkError):
        disburser.disburse(make_order("claim-1"))
    assert Status.PENDING is disburser.get("claim-1").status

    (paid,) = disburser.resume_all()

    (handed,) = capturing_sink.of("claim-1")
    assert (Status.ACTIVE, paid.card.last4) == (paid.status, handed.number_ends)
