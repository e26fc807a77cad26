"""
What do the desk's tests share?
"""

from typing import Any

import pytest
from claims_desk.policy import house_policy
from claims_desk.testing import MemoryVault
from claims_desk.vault import VaultSink


@pytest.fixture
def vault() -> MemoryVault:
    """
    Return an empty vault.
    """
    return MemoryVault()


@pytest.fixture
def sink(vault: MemoryVault) -> VaultSink:
    """
    Return the desk's sink, on that vault.
    """
    return VaultSink(vault)


@pytest.fixture
def issuing_options() -> dict[str, Any]:
    """
    Have the plugin's disburser decide as the desk does.
    """
    return {"policy": house_policy()}
