"""
What do tests of code that uses this library need?
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from issuing_disburse.extras import NeedsExtra
from issuing_disburse.on_demand import names_of as _names_of

if TYPE_CHECKING:
    from .builders import make_address, make_order, make_recipient
    from .capturing_sink import CapturedDelivery, CapturingSink
    from .manual_clock import ManualClock
    from .policy_kit import PolicyContract
    from .route_contract import FundingRouteContract
    from .scenarios import SCENARIOS, Asked, Happened, Scenario, scenario
    from .sink_contract import SinkContract
    from .store_contract import StoreContract

__all__ = [
    "SCENARIOS",
    "Asked",
    "CapturedDelivery",
    "CapturingSink",
    "FundingRouteContract",
    "Happened",
    "ManualClock",
    "PolicyContract",
    "Scenario",
    "SinkContract",
    "StoreContract",
    "make_address",
    "make_order",
    "make_recipient",
    "scenario",
]

# Contracts need pytest, which is not there in production; their asserts explain themselves in it.
_CONTRACTS = {
    "FundingRouteContract": ("route_contract", "route_promises", "route_returns", "route_troubles"),
    "PolicyContract": ("policy_kit",),
    "SinkContract": ("sink_contract",),
    "StoreContract": ("store_contract", "store_promises"),
}

_found = _names_of(
    globals(),
    {
        "builders": "make_address make_order make_recipient",
        "capturing_sink": "CapturedDelivery CapturingSink",
        "manual_clock": "ManualClock",
        "scenarios": "SCENARIOS Asked Happened Scenario scenario",
        **{modules[0]: name for name, modules in _CONTRACTS.items()},
    },
)


def __getattr__(name: str) -> Any:  # Any: whatever the module of that name holds
    if name in _CONTRACTS:
        with NeedsExtra("testing", "pytest"):
            import pytest  # noqa: PLC0415 - only tests have it

        modules = [f"{__name__}.{module}" for module in _CONTRACTS[name]]
        pytest.register_assert_rewrite(*(one for one in modules if one not in sys.modules))
    return _found(name)
