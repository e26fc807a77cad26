"""
What do users hold in their hands?

Each method says what it promises and hands on to the worker that keeps the promise. What they share is
put together in `issuing_disburse.connecting`, who works with whom in `issuing_disburse.account_workers`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from .account_desk import AccountDesk
from .account_workers import AccountWorkers
from .arguments import check_account, check_count, check_kind, check_limit, check_period
from .connecting import AnswerBy, Connection
from .exceptions import InvalidInputError
from .hidden import Hidden
from .money import Money
from .policy import AuthorizationPolicy
from .ports import Clock, FundingRoute, Sleep, Store, Timer
from .stripe_api import PREVIEW_VERSION
from .terms import PROBE_MAX_MINOR
from .webhooks import Event, Others, Reply

if TYPE_CHECKING:
    import stripe
    from sqlalchemy import Engine

    from .account_statements import AccountStatement
    from .alerts import AuthorizationAlert, AuthorizationAlertKind, Misses
    from .announcer import Unsubscribe
    from .cardholders import CardholderManager
    from .cards import CardFactory
    from .deliveries import Delivery, Receipt
    from .disbursement import Disbursement
    from .domain_events import DomainEvent
    from .elements import ElementsKey
    from .encoding import Params
    from .funding import BalanceFunder
    from .funding_needs import FundingNeed
    from .order import Order
    from .outcome import Outcome
    from .outcomes import Outcomes
    from .pci import SecretSink
    from .preflight import Preflight
    from .rate_limits import RateLimits
    from .rebuild import Rebuild
    from .recipient import Recipient
    from .reclaim import Reclaimer
    from .reclaim_policy import ReclaimPolicy
    from .reclamation import Reclamation
    from .reconcile import IsExplained, Progress, Reconciliation, Repair
    from .recordings import Recordings
    from .settling import ClaimSettlement
    from .statements import Statement
    from .verification import LedgerProof

E = TypeVar("E", bound="DomainEvent")

LEASE_SECONDS = 120.0
WORKERS = 32
"""How many calls `Disburser.disburse_many` has under way at once."""

WORKERS_MAX = 256
WINDOW = 1_000
"""How many orders it reads ahead of what was taken out."""


def _system_clock() -> datetime:
    return datetime.now(UTC)


class Disburser:
    """
    Pays recipients by single-use virtual card, exactly once per order.

    Make one with `connect`; it is thread-safe and meant to live as long as the process. As a context
    manager it closes itself.

    Attributes:
        account: The connected account that holds the cards; ``None`` is the platform's own balance.
    """

    def __init__(self, connection: Connection, account: str | None) -> None:
        self.account = account
        self._connection = connection
        self._workers = AccountWorkers(connection, account)
        self._desk = AccountDesk(self._workers)

    @classmethod
    def connect(
        cls,
        *,
        api_key: str,
        account: str | None,
        webhook_secret: str | Iterable[str],
        store: str | Store | Engine | None = None,
        policy: AuthorizationPolicy | None = None,
        route: FundingRoute | None = None,
        reclaim_policy: ReclaimPolicy | None = None,
        others: Others | None = None,
        sink: SecretSink | None = None,
        keeps_orders: bool = True,
        record_requests: bool = True,
        http_client: stripe.HTTPClient | None = None,
        api_base: str | None = None,
        clock: Clock = _system_clock,
        sleep: Sleep = time.sleep,
        timer: Timer = time.monotonic,
        lease_seconds: float = LEASE_SECONDS,
        preview_version: str = PREVIEW_VERSION,
        accept_empty_store: bool = False,
        low_balance: Iterable[Money] = (),
        answer_by: AnswerBy = "webhook",
        probe_max_minor: int = PROBE_MAX_MINOR,
        rate_limits: RateLimits | Literal["by_mode"] | None = "by_mode",
    ) -> Self:
        """
        Make a disburser; nothing is sent until it is used.

        Args:
            api_key: ``sk_test_…``, ``sk_live_…`` or ``rk_…``; held by the transport alone.
            account: The connected account ``acct_…``, or ``None`` for the platform's own balance.
            webhook_secret: The signing secret of the endpoint; several during a rotation, or for
                several endpoints.
            store: A URL (``sqlite:///file``, ``postgresql://…``), an engine, or a `Store`. Must be
                given with a live key; with a test key it defaults to a file in this directory.
            policy: Decides on purchases; the terms of each order by default.
            route: Brings money to the Issuing balance and back; `TransferRoute` by default, or
                `BalanceTransferRoute` without an account. `PushRoute()`, `TopUpRoute()` and
                `PrefundedRoute()` are made without arguments.
            reclaim_policy: When a disbursement is over, what is waited for, and where rests go.
            others: Answers events about cards that are not ours.
            sink: A sink from `issuing_disburse.pci`: cards are created inactive, their numbers
                delivered to it, and only then activated. Without one, no number is ever asked for.
            keeps_orders: ``False`` stores only a fingerprint of each order, no personal data; what a
                crash left undone then needs the order again.
            record_requests: Keep what merchants asked, for `recordings` and backtests.
            http_client: The SDK's kind of HTTP client; a shared keep-alive pool by default.
            api_base: Another address of the API, such as a simulator's.
            clock: Returns the time now, aware and in UTC.
            sleep: Waits that many seconds between tries.
            timer: Monotonic seconds, for deadlines.
            lease_seconds: How long a crashed worker keeps an order from others.
            preview_version: ``Stripe-Version`` for the endpoints that only a preview has.
            accept_empty_store: Say that a store without orders is meant, although the account has
                cards of orders already; without it such a store refuses to disburse, see `rebuild`.
            low_balance: Tell `BalanceLow` when what is promised to nobody falls below one of these.
            answer_by: ``api`` also tells each answer by ``POST …/approve`` and ``…/decline``, which
                are deprecated, for accounts that still use them; the webhook is answered in any case.
            probe_max_minor: Up to how many minor units a request to a new card only tests it: 1 USD at
                Stripe; what other currencies do, Stripe does not say.
            rate_limits: How many requests Stripe takes in a second; they wait, by *sleep*, so that none
                is refused with 429. By default what Stripe names for the key's mode; ``None`` never
                waits. The answers to merchants need no request, and wait for none.

        Raises:
            InvalidInputError: Naming the argument and the remedy.
            StoreError: The store cannot be opened.
        """
        key, secrets = Hidden(api_key), Hidden.each(webhook_secret)
        kept = Hidden(store) if isinstance(store, str) else store  # a password may be in it
        del api_key, webhook_secret, store  # error reporters keep the variables of frames
        check_account(account)
        connection = Connection.opened(
            api_key=key,
            webhook_secrets=secrets,
            store=kept,
            policy=policy,
            route=route,
            reclaim_policy=reclaim_policy,
            others=others,
            sink=sink,
            keeps_orders=keeps_orders,
            record_requests=record_requests,
            http_client=http_client,
            api_base=api_base,
            clock=clock,
            sleep=sleep,
            timer=timer,
            lease_seconds=lease_seconds,
            preview_version=preview_version,
            accept_empty_store=accept_empty_store,
            low_balance=low_balance,
            answer_by=answer_by,
            probe_max_minor=probe_max_minor,
            rate_limits=rate_limits,
        )
        return cls(connection, account)

    @property
    def store(self) -> Store:
        """
        Where the truth about orders and money lives.
        """
        return self._connection.store

    @property
    def cardholders(self) -> CardholderManager:
        """
        What finds and creates cardholders.
        """
        return self._workers.cardholders

    @property
    def cards(self) -> CardFactory:
        """
        What issues and cancels cards.
        """
        return self._workers.cards

    @property
    def funding(self) -> BalanceFunder:
        """
        What promises and moves money.
        """
        return self._workers.funding

    @property
    def reclaimer(self) -> Reclaimer:
        """
        What takes back what was not spent.
        """
        return self._workers.reclaimer

    @property
    def policy(self) -> AuthorizationPolicy:
        """
        What decides on purchases.
        """
        return self._connection.policy

    @property
    def recordings(self) -> Recordings:
        """
        What was asked of this account's cards, to be asked again by `issuing_disburse.backtest`.
        """
        return self._desk.recordings

    def for_account(self, account: str | None) -> Self:
        """
        Bind another account; policy, store and connection are shared.

        Close the one that `connect` made, not this one.
        """
        check_account(account)
        return type(self)(self._connection.lent(), account)

    def disburse(self, order: Order) -> Disbursement:
        """
        Pay one order, exactly once per order id, whatever crashes.

        Cardholder, money, card: in this order. For a known id this returns what is there, after
        finishing what a crash left undone. What waits (screening, money on its way) is returned as
        ``PENDING`` with reason and date. The same order again after ``FAILED`` is a new attempt.

        Raises:
            InvalidInputError: A field is wrong; nothing was sent.
            StoreMismatchError: The store is another platform's, or is empty although the account has
                cards of ours; nothing was sent but questions.
            OrderConflictError: The id is known with other content; nothing was done.
            RefusedError: Stripe said no, or money is missing. It is stored as ``FAILED``, what was
                moved is given back, and ``.disbursement`` tells.
            UnknownOutcomeError: An effect may exist. Call again with the same order.
            UnavailableError: Stripe cannot be reached. Call again with the same order.

        Stripe: ``POST /v1/issuing/cardholders``, the funding route's calls, ``POST /v1/issuing/cards``
        """
        from .order import Order

        check_kind("order", order, Order)
        today = self._connection.clock().date()
        order.recipient.check_for(order.amount.currency, today=today)  # before any call
        self._workers.admission.admit()
        return self._workers.issuance.disburse(order)

    def disburse_many(
        self,
        orders: Iterable[Order],
        *,
        progress: Callable[[Outcome], object] | None = None,
        workers: int = WORKERS,
    ) -> Outcomes:
        """
        Pay many orders, as `disburse` pays each; yield what became of them as they finish.

        Begins at once, reads up to 1,000 orders ahead of what was taken out, and never raises for one
        order: the outcome has the error. Money is moved for many at once (up to 1,000), so that an order
        costs two calls, or one if its recipient is known. Where it does not suffice for all, those it
        does suffice for are paid, in order.

        Orders are read on the thread that asks for outcomes. What their iterator raises is raised
        when the outcomes of all before are told. What is begun is finished if the outcomes are closed or dropped;
        Ctrl-C leaves it ``PENDING``, and `resume_all` goes on.

        Args:
            progress: Is called with each outcome, before you get it and on your thread.
            workers: How many calls may be under way at once. The default suffices for Stripe's limit of
                100 calls a second while a call takes up to 300 ms.

        Raises:
            InvalidInputError: *orders* cannot be iterated over, or *workers* is no count up to 256.
            StoreMismatchError: The store is another platform's; nothing was sent but questions.

        Stripe: as `disburse`, and ``GET /v1/issuing/cardholders`` while some are screened
        """
        from .batch import Batch
        from .outcomes import Outcomes

        check_count("workers", workers, most=WORKERS_MAX)
        if not isinstance(orders, Iterable):
            kind = type(orders).__name__
            raise InvalidInputError("orders", f"{kind} cannot be iterated over", "pass a list")
        self._workers.admission.admit()
        steps = self._workers.batch_steps
        batch = Batch(steps=steps, workers=workers, window=WINDOW)
        self._connection.batches.add(batch)
        return Outcomes(orders, batch, let_go=steps.let_go, progress=progress)

    def resume(self, order_id: str) -> Disbursement:
        """
        Finish a pending order without its content; anything else is returned as it stands.

        Raises:
            OrderNotFoundError: The store knows no such order on this account.
            NeedsOrderError: Its content is needed; pass it to `disburse`.
            DisburseError: As `disburse`.
        """
        self._workers.admission.identify()
        return self._workers.issuance.resume(order_id)

    def resume_all(self) -> tuple[Disbursement, ...]:
        """
        Resume every pending order of this account; one that fails or still waits stops no other.

        Any number of workers may do this at once, in any number of processes: they share the
        orders, and each one is worked on by one of them. It also lowers the limits of cards from
        which a card that they replaced has taken money.

        Returns:
            Those that this worker worked on, as they stand now; ``reason`` says what still holds one up.

        Raises:
            StoreError: The store failed; what was resumed before stands, call again.

        Stripe: as `disburse`, for each order
        """
        self._workers.admission.identify()
        self._workers.settler.settle()
        from .intake import view

        done = list(self._workers.issuance.resume_all())
        done += [view(record) for record in self._workers.reissuer.lower_all()]
        return tuple(done)

    def get(self, order_id: str) -> Disbursement:
        """
        Return a disbursement as it is stored; nothing is sent.

        Raises:
            OrderNotFoundError: The store knows no such order on this account.
        """
        from .intake import view

        return view(self._workers.issuance.find(order_id))

    def statement(self, order_id: str) -> Statement:
        """
        Return where the money of an order went, from the ledger; nothing is sent.

        Raises:
            OrderNotFoundError: The store knows no such order on this account.
            ChainBrokenError: A ledger entry of it was changed or removed; see `verify_ledger`.
        """
        from .statements import statement_of

        record = self._workers.issuance.find(order_id)
        entries = self.store.read(lambda tx: tx.entries(record.key))
        return statement_of(order_id, record.status, record.amount.currency, entries, record.facts)

    def account_statement(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AccountStatement:
        """
        Return where the money of all orders of this account went in a period, by the time of booking.

        Reads our ledger once, as a stream; nothing is sent, and memory does not grow with it.

        Args:
            since: From then on (UTC); what was held and on cards before is the opening.
            until: Before then (UTC); up to now if left out.

        Raises:
            InvalidInputError: The period is none.
            ChainBrokenError: A ledger entry was changed or removed; see `verify_ledger`.
        """
        from .account_statements import account_statement

        check_period(since, until)
        return account_statement(self.store, self.account, since, until)

    def reissue(self, order_id: str) -> Disbursement:
        """
        Issue a fresh card for what is neither spent, held nor still capturable; at most three times.

        The old card is cancelled first. A use that was not certainly reversed keeps its amount for
        `Terms.reissue_after`, because it may still be captured.

        Raises:
            OrderNotFoundError: The store knows no such order on this account.
            RefusedError: Nothing can be reissued, or too many cards were; nothing was issued.
            UnavailableError: Another worker is at it, or Stripe cannot be reached; call again.

        Stripe: ``POST /v1/issuing/cards``
        """
        self._workers.admission.identify()
        return self._workers.reissuer.reissue(order_id)

    def reveal(self, order_id: str, sink: SecretSink) -> Receipt:
        """
        Hand number and CVC of an order's card to *sink*: the only way to them.

        Raises:
            InvalidInputError: *sink* is none from `issuing_disburse.pci`; nothing was asked for.
            OrderNotFoundError: The store knows no such order on this account.
            CardNotIssuedError: It has no card (yet).
            SinkError: The sink failed; the number went nowhere else.

        Stripe: ``GET /v1/issuing/cards/:id`` with ``expand=number`` and ``cvc``
        """
        from .deliveries import check_sink

        check_sink(sink)
        card = self.get(order_id).card
        self._workers.admission.identify()
        return self._workers.deliveries.deliver(sink, card=card, order_id=order_id)

    def issuing_elements_key(self, order_id: str, nonce: str) -> ElementsKey:
        """
        Make a key by which the recipient's browser shows the card; no number comes this way.

        Call it for the person who may see that card, and for nobody else: this is the access control.

        Args:
            nonce: What ``stripe.createEphemeralKeyNonce({issuingCard})`` gave the page; good for once.

        Raises:
            RefusedError: The nonce was used before, or Stripe refuses it.
            NotPermittedError: Issuing Elements are not switched on for this platform.
            CardNotIssuedError: The order has no card (yet).

        Stripe: ``POST /v1/ephemeral_keys``
        """
        card = self.get(order_id).card
        self._workers.admission.identify()
        return self._workers.elements.key(order_id, card, nonce)

    def deliveries(self, order_id: str | None = None) -> tuple[Delivery, ...]:
        """
        Return who got the number of which card, or a key to it; nothing is sent.

        Args:
            order_id: Of this account; all orders of the store if left out.
        """
        from .deliveries import Delivery

        found = (
            self._workers.deliveries.all()
            if order_id is None
            else self._workers.deliveries.of(self.account, order_id)
        )
        return tuple([Delivery.of(one) for one in found])

    def forget(self, recipient: Recipient) -> int:
        """
        Erase what the store holds about a recipient on this account.

        Orders of theirs that have no cardholder yet need to be handed in again. What remains is what
        the books need: order ids, amounts, card and cardholder ids. Stripe keeps its own records.

        Returns:
            How many records were erased or reduced.

        Raises:
            InvalidInputError: It is no recipient.
            StoreError: The store failed; call again.
        """
        from .recipient import Recipient

        check_kind("recipient", recipient, Recipient)
        return self._desk.forgetter.forget(recipient)

    def reclaim(self, order_id: str) -> Reclamation:
        """
        Cancel the card and take back what is left; waits for what merchants may still capture.

        An order whose card waits for a sink that will not work is given up: its card is cancelled,
        its money goes back, and it is ``FAILED``.

        Safe to call at any time, by anybody, again: it never raises for what Stripe answers, the
        outcome tells.

        Raises:
            OrderNotFoundError: The store knows no such order on this account.

        Stripe: ``POST /v1/issuing/cards/:id``, then the funding route's calls
        """
        self._workers.admission.identify()
        return self._workers.reclaimer.reclaim(order_id)

    def reclaim_expired(
        self, *, limit: int | None = None, progress: Callable[[Reclamation], None] | None = None
    ) -> tuple[Reclamation, ...]:
        """
        Reclaim every disbursement of this account that is over.

        A use that the merchant gave back is followed by a new card where `Terms.on_void` says so.

        Args:
            limit: Stop after that many.
            progress: Is called with each one.

        Raises:
            InvalidInputError: The limit is no count; nothing was reclaimed.

        Stripe: as `reclaim`, for each of them
        """
        check_limit(limit)
        self._workers.admission.identify()
        self._workers.settler.settle()
        return self._workers.finisher.finish_all(limit=limit, progress=progress)

    def reconcile(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        is_explained: IsExplained | None = None,
        progress: Progress | None = None,
    ) -> Reconciliation:
        """
        Hold our books against Stripe's, object by object; changes nothing on either side.

        Both sides are streamed, whatever their size: our ledger, Stripe's balance transactions and
        transfers to the account, its active cards and pending authorizations. Every hundred objects
        cost one read, and every difference one or two more.

        Args:
            since: Only what Stripe booked from here on (UTC); the balance is then not compared.
            until: Only what Stripe booked before this (UTC); likewise.
            is_explained: Tells of a Stripe object that no order of ours asked for (a transfer, a card,
                a balance transaction) whether it is other business of yours.
            progress: Is called with what is being read and how many so far.

        Raises:
            InvalidInputError: The period is none; nothing was read.
            UnavailableError: Stripe cannot be reached.

        Stripe: ``GET /v1/balance_transactions``, ``GET /v1/transfers``, ``GET /v1/issuing/cards``,
        ``GET /v1/issuing/authorizations``, ``GET /v1/balance``
        """
        check_period(since, until)
        self._workers.admission.identify()
        self._workers.settler.settle()
        return self._desk.reconcile(
            since, until, repair=self.repair, is_explained=is_explained, progress=progress
        )

    def rebuild(self) -> Rebuild:
        """
        Read the orders of this account back from Stripe into a store that has none.

        Cards' metadata and controls, transfers, authorizations, transactions, disputes and balance
        transactions give back every order whose card exists, with its amounts, state and statement.
        Webhooks, `reclaim` and `reconcile` go on from there. Handing an order in again brings back its
        full terms, or takes over the money that was moved for it before there was a card. After a
        crash, run it again.

        Raises:
            StoreMismatchError: The store has orders of this account, or belongs to another platform
                or mode; nothing was changed.
            UnavailableError: Stripe cannot be reached; run it again.

        Stripe: ``GET`` of cards, cardholders, transfers, authorizations, transactions, disputes and
        balance transactions
        """
        self._workers.admission.identify()
        return self._workers.rebuilder.rebuild()

    def verify_ledger(self) -> LedgerProof:
        """
        Verify the hash chain of every disbursement and funding of the whole store, and all totals.

        Nothing is sent, nothing is changed, and memory does not grow with the number of entries.
        Keep the proof's *head* somewhere else: as long as a later proof of the same entries gives
        it, nobody has rewritten them.

        Raises:
            ChainBrokenError: An entry was changed, removed or put in between: the message names it.
            LedgerError: The kept totals of an account are not the sum of its entries.
        """
        from .verification import verify_ledger

        return verify_ledger(self.store)

    def authorizations(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """
        Yield Stripe's authorizations of this account in a period, newest first, declined ones too.

        Raises:
            InvalidInputError: The period is none; nothing was read.
            UnavailableError: Stripe cannot be reached.

        Stripe: ``GET /v1/issuing/authorizations``
        """
        check_period(since, until)
        self._workers.admission.identify()
        filters: Params = {"created": {"gte": since, "lt": until}} if since or until else {}
        return self._connection.api.pages(
            "/v1/issuing/authorizations", filters, account=self.account
        )

    def repair(self, reconciliation: Reconciliation) -> tuple[Repair, ...]:
        """
        Book what Stripe has and we lack, for every difference whose action is ``book``.

        Reads the objects again and writes to our ledger alone: no money moves, nothing changes at
        Stripe, and doing it twice is harmless.

        Raises:
            InvalidInputError: It is another account's; nothing was done.

        Stripe: reads the objects that differ
        """
        if reconciliation.account != self.account:
            raise InvalidInputError(
                "reconciliation",
                f"is about {reconciliation.account or 'the platform'}",
                "repair it with that account's disburser: for_account(...)",
            )
        self._workers.admission.identify()
        return self._desk.repairer.repair(reconciliation)

    def funding_needed(self, currency: str) -> FundingNeed:
        """
        Tell how much has to come in so that every waiting order of this account is paid.

        With `PushRoute` it also names the bank account to send it to. Changes nothing here.

        Args:
            currency: ``eur``, ``gbp`` or ``usd``.

        Raises:
            RefusedError: Stripe gives no funding instructions for this account and currency.
            UnavailableError: Stripe cannot be reached.

        Stripe: ``GET /v1/balance``, ``POST /v1/issuing/funding_instructions``
        """
        self._workers.admission.identify()
        return self._workers.funding.treasurer.needed(self.account, Money.zero(currency).currency)

    def preflight(self, *, probe: bool = False) -> Preflight:
        """
        Look whether everything is in place before the first order; changes nothing at Stripe.

        Args:
            probe: Forget that the funding route was refused, so that the next order tries it again.

        What Stripe refuses or does not answer is the verdict of a check, not an error.

        Stripe: ``GET /v1/accounts/:id/capabilities/card_issuing``, ``GET /v1/webhook_endpoints``,
        ``GET /v1/balance_settings``, ``GET /v1/balance``
        """
        return self._desk.inspector.inspect(probe=probe)

    def on(self, event_type: type[E], handler: Callable[[E], object]) -> Unsubscribe:
        """
        Have *handler* told of what happens, from now on, on every account of this connection.

        It is called after the commit, on the thread that did the work, in order. What it raises is
        logged and harms nothing. A decision on a purchase never waits for it: `Approved` and
        `Declined` follow when Stripe says how it went. Keep it quick, or hand on to a queue: Stripe
        waits for the answer to the event that was booked. A crash between commit and call leaves an
        event untold; `statement` and `reconcile` tell the truth at any time.

        Args:
            event_type: One of `issuing_disburse.domain_events`; `DomainEvent` for all of them.

        Returns:
            A function that ends it.

        Raises:
            InvalidInputError: It is no such type, or cannot be called.
        """
        return self._connection.announcer.on(event_type, handler)

    def settle_claims(self) -> tuple[ClaimSettlement, ...]:
        """
        Ask Stripe about uses that were promised ten minutes ago or more and never confirmed.

        For all accounts that the store knows. Also forgets events that were parked for a card that
        never came. `resume_all`, `reclaim_expired` and `reconcile` do the same before their own work;
        a service that answers webhooks and calls none of them calls this every few minutes.

        Returns:
            What became of each; one that Stripe could not be asked about is ``stuck`` and stays.

        Stripe: ``GET /v1/issuing/authorizations/:id``
        """
        self._workers.admission.identify()
        return self._workers.settler.settle()

    def alerts(
        self, kind: AuthorizationAlertKind | None = None, *, since: datetime | None = None
    ) -> tuple[AuthorizationAlert, ...]:
        """
        List what about this account's authorizations a person should look at, oldest first.

        Decisions of the stand-in, late, contended and failed ones; what Stripe or the network decided
        instead of us; captures of an amount that the terms do not allow. Nothing is sent.

        Args:
            kind: Only these.
            since: Only what happened from here on (UTC).

        Raises:
            InvalidInputError: There is no such kind, or the time has no zone.
            StoreError: The store cannot be read. What waits in memory for it is kept.
        """
        from .alerts import KINDS, AlertRecord
        from .paging import every
        from .rows import account_key

        if kind is not None and kind not in KINDS:
            raise InvalidInputError("kind", "is unknown", f"pass one of {', '.join(sorted(KINDS))}")
        check_period(since, None)
        self._workers.decider.settle_unstored(whole=True)
        states = None if kind is None else (kind,)
        records = every(self.store, AlertRecord, group=account_key(self.account), states=states)
        alerts = [one.alert for one in records if since is None or one.alert.at >= since]
        return tuple(sorted(alerts, key=lambda one: (one.at, one.object_id, one.kind)))

    def misses(self, *, since: datetime | None = None) -> Misses:
        """
        Count and list what Stripe or the network decided without our answer, by Stripe's reason.

        ``webhook_timeout``: the answer came too late, or never; ``webhook_error``: it was no valid one;
        ``network_fallback``: Stripe itself could not be reached. Nothing is sent.

        Args:
            since: Only what was decided from here on (UTC).

        Raises:
            StoreError: The store cannot be read.
        """
        from .alerts import Misses

        return Misses(alerts=self.alerts("miss", since=since))

    def handle_webhook(self, payload: bytes, signature: str) -> Reply:
        """
        Answer one delivery: verify, decide or book. Never raises.

        Serves every account that the store knows. 200 for every decision and booking, 400 for what
        Stripe did not sign or nobody can read, 413 over 1 MiB, 503 when a booking could not be
        stored: Stripe then delivers again.

        Args:
            payload: The raw body.
            signature: The ``Stripe-Signature`` header.

        Stripe: ``issuing_authorization.request`` and all events of Issuing
        """
        return self._workers.responder.handle(payload, signature)

    def verify(self, payload: bytes, signature: str) -> Event:
        """
        Return the event of a delivery, or raise: the half of `handle_webhook` that checks.

        Raises:
            SignatureInvalidError: Not Stripe's, too old, too new, or altered.
            PayloadInvalidError: Signed, but no event.
        """
        return self._workers.responder.verify(payload, signature)

    def close(self) -> None:
        """
        Close connections and store; what `disburse_many` has begun is finished. Closing twice is fine.
        """
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close(is_interrupted=kind is not None and not issubclass(kind, Exception))

    def __repr__(self) -> str:
        mode = "live" if self._connection.is_livemode else "test"
        return f"<Disburser {mode} {self.account or 'platform'}>"
