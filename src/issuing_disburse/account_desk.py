"""
Who looks at an account's books, and puts them right, on somebody's wish?
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from .account_workers import AccountWorkers
    from .forgetting import Forgetter
    from .preflight import Inspector
    from .reconcile import IsExplained, Progress, Reconciliation, Repair, Repairer
    from .recordings import Recordings


@frozen
class AccountDesk:
    """
    Work that begins with a person: it is put together each time, from the account's workers.
    """

    workers: AccountWorkers

    @property
    def recordings(self) -> Recordings:
        from .recordings import Recordings

        return Recordings(
            account=self.workers.account,
            recorder=self.workers.recorder,
            authorizations=lambda filters: self.workers.connection.api.pages(
                "/v1/issuing/authorizations", filters, account=self.workers.account
            ),
            onlookers=getattr(self.workers.connection.deciding, "onlookers", None),
        )

    @property
    def forgetter(self) -> Forgetter:
        from .forgetting import Forgetter

        return Forgetter(account=self.workers.account, store=self.workers.connection.store)

    @property
    def inspector(self) -> Inspector:
        from .preflight import Inspector

        return Inspector(
            account=self.workers.account,
            api=self.workers.connection.api,
            funder=self.workers.funding,
            clock=self.workers.connection.clock,
        )

    @property
    def repairer(self) -> Repairer:
        from .reconcile import Repairer

        return Repairer(
            account=self.workers.account,
            api=self.workers.connection.api,
            store=self.workers.connection.store,
            bookkeeper=self.workers.bookkeeper,
        )

    def reconcile(
        self,
        since: datetime | None,
        until: datetime | None,
        *,
        repair: Callable[[Reconciliation], tuple[Repair, ...]],
        is_explained: IsExplained | None,
        progress: Progress | None,
    ) -> Reconciliation:
        """
        Hold the books against Stripe's, and tell who listens what differs.
        """
        from .domain_events import DifferenceFound
        from .reconcile import Reconciler

        self.workers.funding.catch_up(self.workers.account)
        found = Reconciler(
            account=self.workers.account,
            api=self.workers.connection.api,
            store=self.workers.connection.store,
            clock=self.workers.connection.clock,
            expects_others=self.workers.connection.others is not None,
            repairer=repair,
            deadline_of=self.workers.reclaimer.policy.may_be_captured_until,
            is_explained=is_explained,
            progress=progress,
        ).reconcile(since, until)
        if self.workers.connection.announcer.is_heard:
            at, account = found.at, self.workers.account
            differences = [
                DifferenceFound(at=at, account=account, difference=one)
                for one in found.discrepancies
            ]
            self.workers.connection.announcer.tell(differences)
        return found
