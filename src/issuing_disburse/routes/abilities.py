"""
What may a route be able to do beyond moving money?
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class CheckedRoute(Protocol):
    """
    A route that can tell before money moves that it will not work.
    """

    def check(self, account: str | None) -> None:
        """
        Raise `FundingRouteUnavailableError` if it will not work.
        """
        ...


@runtime_checkable
class BalanceCheckedRoute(Protocol):
    """
    A route that moves nothing, so that the promise must be covered by what is there already.
    """

    checks_balance: bool
