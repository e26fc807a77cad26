"""
Which world does a flow test get?
"""

from collections.abc import Iterator

import pytest

from issuing_disburse import Disburser
from looped import Looped
from postgres import postgres_server, postgres_url
from world import World, open_world

__all__ = ["postgres_server", "postgres_url", "world"]

_STORES = ("memory://", "sqlite://")
_AWAITED = frozenset(
    {
        "test_amount_rules",
        "test_authorize",
        "test_disburse",
        "test_domain_events",
        "test_reclaim",
        "test_reconcile",
        "test_recipients",
    }
)
"""The flows that are run once more, with every verb awaited on a loop."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """
    Run each flow on each store that needs no server, and some of them through asyncio, too.
    """
    if "world_kind" in metafunc.fixturenames:
        is_awaited = metafunc.module.__name__.rpartition(".")[2] in _AWAITED
        kinds = [*_STORES, *(["awaited"] if is_awaited else [])]
        metafunc.parametrize("world_kind", kinds, indirect=True)


@pytest.fixture
def world_kind(request: pytest.FixtureRequest) -> str:
    """
    The URL of a store, or ``awaited``.
    """
    kind: str = request.param
    return kind


@pytest.fixture
def world(world_kind: str) -> Iterator[World]:
    """
    A world in the US.
    """
    is_awaited = world_kind == "awaited"
    store = "sqlite://" if is_awaited else world_kind
    connector = Looped.connect if is_awaited else Disburser.connect
    with open_world(store, connector=connector) as opened:
        yield opened
