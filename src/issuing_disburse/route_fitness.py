"""
Can this account be funded by this route, as far as anybody has found out?
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import evolve, frozen

from .disbursement import Reason
from .exceptions import FundingRouteUnavailableError
from .ports import Clock, FundingRoute, Store, Transaction
from .records import AccountRecord
from .routes import CheckedRoute

_CHECK_AGAIN_AFTER = timedelta(hours=24)


@frozen(kw_only=True)
class RouteFitness:
    """
    Remembers per account whether a route may be used.
    """

    store: Store
    clock: Clock
    route: FundingRoute

    def check(self, account: str | None) -> None:
        """
        Refuse before any effect when the account is known not to be fundable by this route.

        Raises:
            FundingRouteUnavailableError: Nothing was sent; the message names the remedy.
        """
        blank = AccountRecord(account=account)
        known = self.store.read(lambda tx: tx.get(AccountRecord, blank.key)) or blank
        if known.funding_refused is not None:
            refused = known.funding_refused
            raise FundingRouteUnavailableError(
                refused.message, code=refused.code, stripe_request_id=refused.stripe_request_id
            )
        if not isinstance(self.route, CheckedRoute):
            return
        checked = known.funding_checked_at
        if checked is not None and self.clock() - checked < _CHECK_AGAIN_AFTER:
            return
        self.route.check(account)
        self._mark(account, refused=None, checked_at=self.clock())

    def clear(self, account: str | None) -> None:
        """
        Forget that a route was refused for *account*: the next order tries again.
        """
        self._mark(account, refused=None, checked_at=None)

    def refuse(self, account: str | None, why: FundingRouteUnavailableError) -> None:
        """
        Remember that *account* cannot be funded by this route.
        """
        reason = Reason(
            code=why.code or "funding_refused",
            message=str(why),
            stripe_request_id=why.stripe_request_id,
        )
        self._mark(account, refused=reason, checked_at=None)

    def _mark(
        self, account: str | None, *, refused: Reason | None, checked_at: datetime | None
    ) -> None:
        def work(tx: Transaction) -> None:
            blank = AccountRecord(account=account)
            known = tx.get(AccountRecord, blank.key) or blank
            tx.put(evolve(known, funding_refused=refused, funding_checked_at=checked_at))

        self.store.transact(work)
