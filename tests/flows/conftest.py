"""
Which world does a flow test get?
"""

from collections.abc import Iterator

import pytest

from postgres import postgres_server, postgres_url
from world import World, open_world

__all__ = ["postgres_server", "postgres_url", "world"]


@pytest.fixture(params=["memory://", "sqlite://"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """
    A world in the US, on each store that needs no server.
    """
    with open_world(request.param) as opened:
        yield opened
