"""
What may a route be able to do beyond moving money?
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from attrs import frozen

from issuing_disburse.ports import FundingRoute
from issuing_disburse.records import Moved
from issuing_disburse.stripe_api import StripeAPI

from .instructions import Deposit, FundingInstructions


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


@runtime_checkable
class SharedRoute(Protocol):
    """
    A route whose one movement may pay for many orders: it is then asked to give back one order's share
    at a time, by receipts that say what is left of that share.
    """

    members_max: int


@frozen(kw_only=True)
class Fate:
    """
    What became of one movement, as far as Stripe knows.

    Attributes:
        outcome: ``under_way``; ``done``; ``failed``: it never moved anything; ``undone``: what had
            moved came back.
        done_by: The balance transaction on the Issuing balance that made the movement.
        undone_by: The one that took it back.
        expected_at: UTC; when it is expected, while it is under way.
        code: Stripe's or the bank's word for why it failed or came back.
        message: The same for a person.
    """

    outcome: Literal["under_way", "done", "failed", "undone"]
    done_by: str | None = None
    undone_by: str | None = None
    expected_at: datetime | None = None
    code: str = ""
    message: str = ""


@runtime_checkable
class ConnectedRoute(Protocol):
    """
    A route that is described first and gets its way to Stripe from `Disburser.connect`.
    """

    def connected(self, api: StripeAPI) -> FundingRoute:
        """
        Return the route with a way to Stripe.
        """
        ...


@runtime_checkable
class FollowedRoute(Protocol):
    """
    A route whose movements take days and may fail: each can be asked about.
    """

    def follow(self, account: str | None, moved: Moved) -> Fate | None:
        """
        Return what became of *moved*, ``None`` if that kind of movement is made at once.
        """
        ...


@runtime_checkable
class DepositRoute(Protocol):
    """
    A route that waits for bank transfers, which name no order.
    """

    def deposits(self, account: str | None, currency: str, since: datetime | None) -> list[Deposit]:
        """
        Return what bank transfers brought, oldest first; all of them without *since*.
        """
        ...

    def instructions(self, account: str | None, currency: str) -> FundingInstructions:
        """
        Return where to send a bank transfer.
        """
        ...

    def known_instructions(self, account: str | None) -> list[FundingInstructions]:
        """
        Return those that are there already; creates none.
        """
        ...
