"""
What do tests of code that uses this library need?
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .policy_kit import PolicyContract
    from .route_contract import FundingRouteContract
    from .sink_contract import SinkContract
    from .store_contract import StoreContract

__all__ = ["FundingRouteContract", "PolicyContract", "SinkContract", "StoreContract"]

# Contracts need pytest, which is not there in production; their asserts explain themselves in it.
_CONTRACTS = {
    "FundingRouteContract": ("route_contract", "route_promises", "route_returns", "route_troubles"),
    "PolicyContract": ("policy_kit",),
    "SinkContract": ("sink_contract",),
    "StoreContract": ("store_contract", "store_promises"),
}


def __getattr__(name: str) -> Any:  # Any: whatever the module of that name holds
    if name not in _CONTRACTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pytest  # noqa: PLC0415 - only tests have it

    modules = [f"{__name__}.{module}" for module in _CONTRACTS[name]]
    pytest.register_assert_rewrite(*modules)
    return getattr(import_module(modules[0]), name)
