"""
What do the disbursers of all accounts of one connection share, and is it fit to be used?
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from attrs import evolve, field, frozen

from .announcer import Announcer
from .arguments import (
    check_address,
    check_answering,
    check_limits,
    check_parts,
    check_secrets,
    check_time,
    mode_of,
    thresholds,
)
from .exceptions import InvalidInputError
from .hidden import Hidden
from .money import Money
from .policy import AuthorizationPolicy
from .ports import Clock, FundingRoute, Sleep, Store, Timer
from .signatures import Verifier
from .stores import open_store
from .stripe_api import StripeAPI
from .unstored import Unstored
from .webhooks import Others

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from .batch import Batch
    from .pacing import Share
    from .pci import SecretSink
    from .rate_limits import RateLimits
    from .reclaim_policy import ReclaimPolicy

AnswerBy: TypeAlias = Literal["webhook", "api"]

DEFAULT_TEST_STORE = "sqlite:///issuing_disburse.test.sqlite3"


@frozen(kw_only=True, repr=False)
class Connection:
    """
    What the disbursers of all accounts of one connection have in common.

    Attributes:
        policy: As it was passed in.
        deciding: The policy with the lookups and the onlookers that it needs.
        owner: Under which name this process holds leases.
        owns_store: Whether closing the connection closes the store, too.
        batches: What works on many orders just now.
    """

    api: StripeAPI
    store: Store
    clock: Clock
    timer: Timer
    sleep: Sleep
    policy: AuthorizationPolicy
    deciding: AuthorizationPolicy
    verifier: Verifier
    others: Others | None
    record_requests: bool
    is_livemode: bool
    owner: str
    lease_seconds: float
    owns_store: bool
    route: FundingRoute | None
    reclaim_policy: ReclaimPolicy | None
    sink: SecretSink | None
    keeps_orders: bool
    accept_empty_store: bool
    announcer: Announcer
    low_balance: tuple[Money, ...]
    answer_by: AnswerBy
    probe_max_minor: int
    unstored: Unstored
    batches: weakref.WeakSet[Batch] = field(factory=weakref.WeakSet)

    @classmethod
    def opened(
        cls,
        *,
        api_key: Hidden,
        webhook_secrets: Hidden | tuple[Hidden, ...],
        store: Hidden | Store | Engine | None,
        policy: AuthorizationPolicy | None,
        low_balance: Iterable[Money],
        answer_by: AnswerBy,
        probe_max_minor: int,
        sink: SecretSink | None,
        route: FundingRoute | None,
        others: Others | None,
        clock: Clock,
        sleep: Sleep,
        timer: Timer,
        lease_seconds: float,
        http_client: Any,
        api_base: str | None,
        preview_version: str,
        rate_limits: RateLimits | Literal["by_mode"] | None,
        **settings: Any,
    ) -> Self:
        """
        Check what `issuing_disburse.Disburser.connect` was given, and open the store.

        Raises:
            InvalidInputError: Naming the argument and the remedy.
            StoreError: The store cannot be opened.
        """
        is_livemode = mode_of(api_key)
        check_secrets(webhook_secrets)
        check_answering(answer_by, probe_max_minor)
        check_parts(
            policy=policy,
            route=route,
            reclaim_policy=settings["reclaim_policy"],
            others=others,
            http_client=http_client,
        )
        check_time(clock=clock, sleep=sleep, timer=timer, lease_seconds=lease_seconds)
        check_address(api_base, preview_version=preview_version, is_livemode=is_livemode)
        low = thresholds(low_balance)
        check_limits(rate_limits)
        if sink is not None:
            from .deliveries import check_sink  # noqa: PLC0415 - few pass one

            check_sink(sink)
        if store is None:
            if is_livemode:
                raise InvalidInputError(
                    "store",
                    "is missing with a live key",
                    "name a database that is kept and backed up",
                )
            store = Hidden(DEFAULT_TEST_STORE)
        verifier = Verifier(webhook_secrets)
        kept = open_store(store, clock=clock)
        policy = policy or AuthorizationPolicy.default()
        api = StripeAPI(
            api_key=api_key,
            sleep=sleep,
            http_client=http_client,
            api_base=api_base,
            preview_version=preview_version,
            rate_limits=rate_limits,
            is_livemode=is_livemode,
            clock=clock,
            share=_shared_line(rate_limits, kept),
        )
        if answer_by == "api":
            api.get_ready()
        return cls(
            api=api,
            store=kept,
            clock=clock,
            sleep=sleep,
            timer=timer,
            lease_seconds=lease_seconds,
            route=route,
            others=others,
            policy=policy,
            deciding=_surrounded(policy, kept),
            verifier=verifier,
            is_livemode=is_livemode,
            owner=f"{os.getpid()}-{os.urandom(6).hex()}",
            owns_store=kept is not store,
            sink=sink,
            announcer=Announcer(),
            low_balance=low,
            answer_by=answer_by,
            probe_max_minor=probe_max_minor,
            unstored=Unstored(),
            **settings,
        )

    def lent(self) -> Self:
        """
        Return the same connection for another account, whose disburser does not close the store.
        """
        return evolve(self, owns_store=False)

    def close(self, *, is_interrupted: bool = False) -> None:
        """
        Close connections to Stripe, and the store if it was opened here; what is begun is finished.

        Args:
            is_interrupted: Only the calls that are under way are; orders stay pending.
        """
        for batch in tuple(self.batches):
            batch.end()
            if is_interrupted:
                batch.stop()
            else:
                batch.wait()
        self.api.close()
        if self.owns_store:
            self.store.close()


def _shared_line(limits: RateLimits | str | None, store: Store) -> Share | None:
    if limits is None or isinstance(limits, str) or not limits.shared:
        return None
    from .shared_line import SharedLine  # noqa: PLC0415 - few share

    return SharedLine(store=store)


def _surrounded(policy: AuthorizationPolicy, store: Store) -> AuthorizationPolicy:
    if not policy.shadows and policy.history_needed.keys() <= {"card"}:
        return policy
    from .surroundings import surrounded  # noqa: PLC0415 - few policies need more than the card

    return surrounded(policy, store)
