"""
How does a test or a demo hold a whole simulated Stripe in its hand?
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from issuing_disburse.simulator import events, saving
from issuing_disburse.simulator.accounts import ISSUING_COUNTRIES, Account, currency_of
from issuing_disburse.simulator.arguments import check_amount, check_word
from issuing_disburse.simulator.backstage import Backstage
from issuing_disburse.simulator.balance_settings import INTERVAL
from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.simulator.catalogue import ACTIONS, ENDPOINTS
from issuing_disburse.simulator.clock import START, SimulatorClock, microseconds
from issuing_disburse.simulator.delivery import Postman, ReplyLike
from issuing_disburse.simulator.doors import Doors
from issuing_disburse.simulator.engine import Engine
from issuing_disburse.simulator.faults import Faults
from issuing_disburse.simulator.idempotency import Replies
from issuing_disburse.simulator.ids import Ids
from issuing_disburse.simulator.limits import RateLimiter
from issuing_disburse.simulator.lookout import Lookout
from issuing_disburse.simulator.merchant_verbs import MerchantVerbs
from issuing_disburse.simulator.payouts import schedule as payouts_schedule
from issuing_disburse.simulator.webhook_endpoints import REALTIME, register
from issuing_disburse.simulator.world import Call, Key, World

if TYPE_CHECKING:
    from issuing_disburse.simulator.server import Address


class IssuingSimulator(Doors, MerchantVerbs, Backstage, Lookout):
    """
    Be a Stripe platform with Issuing, in this process.

    Requests come in through `http_client` or `handle`; the other methods are what the world
    outside does: merchants, banks, time, and misfortune.

    Args:
        seed: Same seed, same ids, numbers and order.
        platform_funds: The platform's available payments balance, in minor units: ``1_000_000``
            is $10,000.00; a mapping names other currencies.
        country: The platform's country.
        behaviour: Answers where Stripe gives none.
        rate_limit: Requests per second of the simulated clock (25 in a sandbox); none by default.
        start: Where the clock starts, aware; 2026-11-02 09:00 UTC by default.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        platform_funds: int | Mapping[str, int] = 0,
        country: str = "US",
        behaviour: Behaviour = Behaviour(),  # noqa: B008 - frozen
        rate_limit: int | None = None,
        start: datetime | None = None,
    ) -> None:
        ids = Ids(seed)
        self._world = world = World(behaviour, ids, microseconds(start or START))
        self._platform = self._found_platform(country)
        self.api_key = "sk_test_" + ids.text(32)
        self.webhook_secret = "whsec_" + ids.text(32)
        world.keys[self.api_key] = Key(self.api_key, self._platform.id)
        self.faults = Faults(seed, frozenset(endpoint.name for endpoint in ENDPOINTS))
        self.clock = SimulatorClock(self._now, self._advance)
        self._postman = Postman(world, self.faults, lambda: world.seconds)
        self._engine = Engine(
            world,
            self._postman,
            self.faults,
            Replies(behaviour.idempotency_seconds),
            RateLimiter(rate_limit, lambda: world.seconds),
            self.clock.sleep,
        )
        self._receivers = 0
        funds = {"usd": platform_funds} if isinstance(platform_funds, int) else platform_funds
        for currency, amount in funds.items():
            if amount:
                self.fund_platform(amount, currency)

    def _found_platform(self, country: str) -> Account:
        world = self._world
        platform = Account(
            id=world.ids.account(),
            account="",
            created=world.seconds,
            country=country,
            default_currency=currency_of(country, world.behaviour),
            business_type="company",
            controller={"type": "account"},
            kind="standard",
        )
        world.platform = platform.id
        world.add(platform)
        self._make_ready(platform, ("card_issuing", "transfers"))
        return platform

    def _make_ready(self, account: Account, capabilities: tuple[str, ...]) -> None:
        terms = {"date": self._world.seconds, "ip": "203.0.113.1"}
        account.services_terms = dict(terms)
        account.issuing_terms = dict(terms)
        account.business_type = "company"
        account.requested = dict.fromkeys(capabilities, self._world.seconds)
        account.changed()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._postman.carriers.clear()

    @property
    def platform_account(self) -> str:
        """
        Return the platform's own account id.
        """
        return self._platform.id

    def serve(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        data: Path | None = None,
        remote: bool = False,
        running_clock: bool = False,
    ) -> "AbstractContextManager[Address]":
        """
        Serve over HTTP while a ``with`` block runs; see `issuing_disburse.simulator.server.serve`.
        """
        from issuing_disburse.simulator.server import (  # noqa: PLC0415 - sockets only when wanted
            serve,
        )

        return serve(
            self, host=host, port=port, data=data, remote=remote, running_clock=running_clock
        )

    def save(self, path: Path) -> None:
        """
        Write the whole state to a file.
        """
        names = {"api_key": self.api_key, "webhook_secret": self.webhook_secret}
        with self._world.lock:
            saving.save(self._world, self._engine.replies, names, path)

    @classmethod
    def load(cls, path: Path, *, behaviour: Behaviour = Behaviour()) -> Self:  # noqa: B008 - frozen
        """
        Return a simulator that goes on where `save` left off; faults and handlers start anew.

        Raises:
            SimulatorError: The file is none of ours.
        """
        made = cls(behaviour=behaviour)
        world = made._world
        for part in (world.by_id, world.lists, world.indexes, world.keys):
            part.clear()
        names = saving.load(world, made._engine.replies, path)
        made.api_key, made.webhook_secret = names["api_key"], names["webhook_secret"]
        made.faults.reseed(world.ids.seed)
        made._platform = world.get(Account, world.platform)
        return made

    # Time.

    def _now(self) -> int:
        return self._world.now

    def _advance(self, delta: int) -> None:
        world = self._world
        with world.lock:
            target = world.now + delta
        while True:
            with world.lock:
                due = world.agenda.pop(target)
                if due is None:
                    world.now = max(world.now, target)
                    if not world.keeps_events:
                        events.forget(world)
                    return
                when, _, action, arguments = due
                world.now = max(world.now, when)
                call = Call.of_clock(world, self._owner(arguments))
                ACTIONS[action](call, *arguments)
            if call.outbox:
                self._postman.deliver(call.outbox)
                self._postman.settle()  # what fails is due again from this moment on

    def _owner(self, arguments: tuple[str | int, ...]) -> Account:
        found = self._world.by_id.get(str(arguments[0])) if arguments else None
        if isinstance(found, Account):
            return found
        return self._platform if found is None else self._world.get(Account, found.account)

    # Set-up.

    def create_account(
        self,
        *,
        country: str = "US",
        issuing: bool = True,
        transfers: bool = True,
        balance_transfers: bool = True,
        payouts: str = "manual",
        issuing_funds: int = 0,
        issuing_elements: bool = True,
    ) -> str:
        """
        Connect an account that is ready to issue, unless told otherwise, and return its id.

        Args:
            balance_transfers: Whether the early-access ``/v1/balance_transfers`` works for it.
            payouts: Its payout schedule: ``manual``, ``daily``, ``weekly``, ``monthly``.
            issuing_funds: Its first Issuing balance, in minor units of its own currency.

        Raises:
            SimulatorError: There are no accounts in that country, or another argument makes no
                sense; nothing was made.
        """
        check_word(country, ISSUING_COUNTRIES, "country")
        check_word(payouts, INTERVAL.values, "payouts")
        if issuing_funds:
            check_amount(issuing_funds, "issuing_funds")
        world = self._world
        with world.lock:
            account = Account(
                id=world.ids.account(),
                account=self._platform.id,
                created=world.seconds,
                country=country,
                default_currency=currency_of(country, world.behaviour),
                payout_interval=payouts,
                balance_transfers=balance_transfers,
                issuing_elements=issuing_elements,
                external_account=world.ids.new("ba"),
                controller={
                    "type": "application",
                    "fees": {"payer": "application"},
                    "is_controller": True,
                    "losses": {"payments": "application"},
                    "requirement_collection": "application",
                    "stripe_dashboard": {"type": "none"},
                },
            )
            wanted = {"card_issuing": issuing, "transfers": transfers}
            self._make_ready(account, tuple(name for name, is_on in wanted.items() if is_on))
            world.add(account)
            payouts_schedule(self._call(account.id), account)
        if issuing_funds:
            self.fund_issuing(account.id, issuing_funds, account.default_currency)
        return account.id

    def deliver_webhooks_to(
        self,
        handler: Callable[[bytes, str], ReplyLike],
        *,
        realtime: bool = True,
        events: bool = True,
    ) -> None:
        """
        Deliver to *handler*, on the calling thread, whatever happens from now on.

        One endpoint for connected accounts and one for the platform are registered, both signed
        with `webhook_secret`.

        Args:
            handler: Gets the payload and the ``Stripe-Signature`` header.
            realtime: Whether it decides on authorizations.
            events: Whether it gets everything else.
        """
        self._receivers += 1

        def carry(payload: bytes, headers: Mapping[str, str], *, timeout: float) -> ReplyLike:
            return handler(payload, headers["Stripe-Signature"])

        wanted = [*(["*"] if events else []), *([REALTIME] if realtime else [])]
        with self._world.lock:
            for connect, name in ((True, "connect"), (False, "platform")):
                url = f"https://in-process.invalid/{name}/{self._receivers}"
                self._postman.carriers[url] = carry
                register(
                    self._world,
                    self._platform.id,
                    url=url,
                    enabled_events=wanted,
                    secret=self.webhook_secret,
                    connect=connect,
                )
