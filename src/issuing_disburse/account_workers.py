"""
Who does the work for one account, and when are they needed?

What answers merchants is made at once: they wait for it. Everybody else is loaded and made when first
asked for, because a process that only answers webhooks needs none of them. None of them keeps anything
that another one like it would have to know, so making one twice does no harm.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from .deciding import Decider
from .ports import FundingRoute, Store
from .stripe_api import API_VERSION
from .webhooks import Event, Responder

if TYPE_CHECKING:
    from .admission import Admission
    from .batch_steps import BatchSteps
    from .bookkeeper import Bookkeeper
    from .cardholders import CardholderManager
    from .cards import CardFactory
    from .closing import CardCloser
    from .connecting import Connection
    from .deliveries import Deliveries
    from .elements import Elements
    from .finishing import Finisher
    from .funding import BalanceFunder
    from .issuance import Issuance
    from .leases import Leases
    from .parking import Booked
    from .rebuild import Rebuilder
    from .reclaim import Reclaimer
    from .recordings import Recorder
    from .reissue import Reissuer
    from .settling import ClaimSettler
    from .telling import Teller


class AccountWorkers:
    """
    The workers of one account, put together: who works with whom is decided here and nowhere else.
    """

    def __init__(self, connection: Connection, account: str | None) -> None:
        self.connection = connection
        self.account = account
        self._api, self._clock, self._kept = connection.api, connection.clock, connection.store
        self.decider = Decider(
            store=connection.store,
            policy=connection.deciding,
            timer=connection.timer,
            is_livemode=connection.is_livemode,
            unstored=connection.unstored,
        )
        self.responder = Responder(
            decider=self.decider,
            verifier=connection.verifier,
            book=self._book,
            clock=connection.clock,
            timer=connection.timer,
            version=API_VERSION,
            is_livemode=connection.is_livemode,
            others=connection.others,
            record=self._record,
            booked=self._tell_declines,
            teller=self._teller(),
        )
        if connection.route is not None:
            _ = self.funding  # what does not fit is refused at once

    def _teller(self) -> Teller | None:
        if self.connection.answer_by != "api":
            return None
        from .telling import Teller

        return Teller(post=self._api.post_once, timer=self.connection.timer, account=self.account)

    def _book(self, event: Event) -> Booked:
        return self.bookkeeper.book(event)

    def _record(self, event: Event) -> None:
        if self.connection.record_requests:
            self.recorder.record(event)
        if self.connection.deciding is not self.connection.policy:
            from .surroundings import Surroundings

            if isinstance(self.connection.deciding, Surroundings):
                self.connection.deciding.look_at(event)

    def _tell_declines(self, event: Event) -> None:
        if self.connection.announcer.is_heard:
            from .announcing import DeclineTeller

            DeclineTeller(
                store=self._kept,
                announcer=self.connection.announcer,
                clock=self._clock,
            )(event)

    @cached_property
    def store(self) -> Store:
        """
        The store that tells what was written to it.
        """
        from .announcing import AnnouncingStore

        return AnnouncingStore(
            inner=self._kept,
            announcer=self.connection.announcer,
            clock=self._clock,
            thresholds=self.connection.low_balance,
        )

    @cached_property
    def leases(self) -> Leases:
        from .leases import Leases

        return Leases(
            store=self._kept,
            owner=self.connection.owner,
            seconds=self.connection.lease_seconds,
        )

    @cached_property
    def admission(self) -> Admission:
        from .admission import Admission

        return Admission(
            api=self._api,
            store=self._kept,
            clock=self._clock,
            is_livemode=self.connection.is_livemode,
            admit_orders=lambda: self.rebuilder.admit(is_meant=self.connection.accept_empty_store),
        )

    @cached_property
    def cardholders(self) -> CardholderManager:
        from .cardholders import CardholderManager

        return CardholderManager(
            api=self._api,
            store=self.store,
            clock=self._clock,
            sleep=self.connection.sleep,
            keeps_orders=self.connection.keeps_orders,
        )

    @cached_property
    def cards(self) -> CardFactory:
        from .cards import CardFactory

        return CardFactory(api=self._api)

    @cached_property
    def funding(self) -> BalanceFunder:
        from .funding import BalanceFunder

        return BalanceFunder(
            api=self._api,
            store=self.store,
            clock=self._clock,
            sleep=self.connection.sleep,
            route=self._route(),
            leases=self.leases,
        )

    def _route(self) -> FundingRoute:
        from .routes import BalanceTransferRoute, ConnectedRoute, TransferRoute

        given = self.connection.route
        if given is not None:
            return given.connected(self._api) if isinstance(given, ConnectedRoute) else given
        from .attribution import attribution_from

        route = BalanceTransferRoute if self.account is None else TransferRoute
        return route(
            api=self._api,
            clock=self._clock,
            attribution=attribution_from(self._kept),
        )

    @cached_property
    def bookkeeper(self) -> Bookkeeper:
        from .bookkeeper import Bookkeeper

        api = self._api
        return Bookkeeper(
            store=self.store,
            clock=self._clock,
            fetch=lambda path, owner: api.get(path, account=owner),
            follow=self.funding.follower.follow,
        )

    @cached_property
    def recorder(self) -> Recorder:
        from .recordings import Recorder

        return Recorder(store=self._kept)

    @cached_property
    def deliveries(self) -> Deliveries:
        from .deliveries import Deliveries

        return Deliveries(api=self._api, store=self.store, clock=self._clock)

    @cached_property
    def elements(self) -> Elements:
        from .elements import Elements

        return Elements(api=self._api, store=self.store, clock=self._clock)

    @cached_property
    def issuance(self) -> Issuance:
        from .card_steps import CardSteps
        from .issuance import Issuance

        return Issuance(
            account=self.account,
            store=self.store,
            clock=self._clock,
            leases=self.leases,
            cardholders=self.cardholders,
            funder=self.funding,
            card_steps=CardSteps(
                store=self.store,
                clock=self._clock,
                cards=self.cards,
                bookkeeper=self.bookkeeper,
                deliveries=self.deliveries,
                sink=self.connection.sink,
                probe_max_minor=self.connection.probe_max_minor,
            ),
            keeps_orders=self.connection.keeps_orders,
        )

    @cached_property
    def batch_steps(self) -> BatchSteps:
        from .batch_steps import BatchSteps

        return BatchSteps(
            account=self.account,
            issuance=self.issuance,
            cardholders=self.cardholders,
            funder=self.funding,
        )

    @cached_property
    def closer(self) -> CardCloser:
        from .closing import CardCloser

        return CardCloser(
            api=self._api,
            store=self.store,
            clock=self._clock,
            cards=self.cards,
            bookkeeper=self.bookkeeper,
        )

    @cached_property
    def reclaimer(self) -> Reclaimer:
        from .reclaim import Reclaimer
        from .reclaim_policy import ReclaimPolicy

        return Reclaimer(
            account=self.account,
            store=self.store,
            clock=self._clock,
            leases=self.leases,
            closer=self.closer,
            funder=self.funding,
            issuance=self.issuance,
            policy=self.connection.reclaim_policy or ReclaimPolicy(),
        )

    @cached_property
    def reissuer(self) -> Reissuer:
        from .reissue import Reissuer

        return Reissuer(
            store=self.store,
            clock=self._clock,
            leases=self.leases,
            issuance=self.issuance,
            closer=self.closer,
        )

    @cached_property
    def finisher(self) -> Finisher:
        from .finishing import Finisher

        return Finisher(
            clock=self._clock,
            issuance=self.issuance,
            reclaimer=self.reclaimer,
            reissuer=self.reissuer,
        )

    @cached_property
    def settler(self) -> ClaimSettler:
        from .settling import ClaimSettler

        return ClaimSettler(bookkeeper=self.bookkeeper, store=self.store, clock=self._clock)

    @cached_property
    def rebuilder(self) -> Rebuilder:
        from .rebuild import Rebuilder

        return Rebuilder(
            account=self.account,
            api=self._api,
            store=self.store,
            clock=self._clock,
            funder=self.funding,
            bookkeeper=self.bookkeeper,
        )
