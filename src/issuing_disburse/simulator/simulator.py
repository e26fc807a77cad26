"""
How does a test or a demo hold a whole simulated Stripe in its hand?
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from orjson import loads

from issuing_disburse.simulator import balance, cardholders
from issuing_disburse.simulator.accounts import CURRENCIES, Account
from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.simulator.catalogue import ACTIONS
from issuing_disburse.simulator.clock import SECOND, START, SimulatorClock, microseconds
from issuing_disburse.simulator.delivery import Postman, ReplyLike
from issuing_disburse.simulator.engine import Engine, Response
from issuing_disburse.simulator.errors import ApiError, SimulatorError
from issuing_disburse.simulator.faults import Faults
from issuing_disburse.simulator.form import decode, encode
from issuing_disburse.simulator.idempotency import Replies
from issuing_disburse.simulator.ids import Ids
from issuing_disburse.simulator.limits import RateLimiter
from issuing_disburse.simulator.objects import (
    AuthorizationObject,
    EventObject,
    TransactionObject,
)
from issuing_disburse.simulator.payouts import schedule as payouts_schedule
from issuing_disburse.simulator.recorded import RecordedRequest
from issuing_disburse.simulator.webhook_endpoints import REALTIME, register, rotate
from issuing_disburse.simulator.world import Call, Key, Resource, World

if TYPE_CHECKING:
    from issuing_disburse.simulator.transport import SimulatorClient

_HELPERS = "/v1/test_helpers/issuing"
_KINDS = {
    "account": "account",
    "authorization": "issuing authorization",
    "balance_transaction": "balance transaction",
    "balance_transfer": "balance transfer",
    "card": "issuing card",
    "cardholder": "issuing cardholder",
    "dispute": "issuing dispute",
    "event": "event",
    "payout": "payout",
    "topup": "topup",
    "transaction": "issuing transaction",
    "transfer": "transfer",
    "transfer_reversal": "transfer reversal",
    "webhook_endpoint": "webhook endpoint",
}


class IssuingSimulator:
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
        self.faults = Faults(ids.random)
        self.clock = SimulatorClock(self._now, self._advance)
        self._postman = Postman(world, self.faults, lambda: world.seconds)
        self._engine = Engine(
            world,
            self._postman,
            self.faults,
            Replies(behaviour.idempotency_seconds),
            RateLimiter(rate_limit),
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
            default_currency=CURRENCIES.get(country, "eur"),
            business_type="company",
            controller={"type": "account"},
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

    # The doors.

    def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """
        Answer one raw HTTP request; *path* includes the query. Never raises.
        """
        return self._engine.handle(method, path, headers, body)

    def http_client(self) -> "SimulatorClient":
        """
        Return an ``http_client`` for ``stripe.StripeClient``, synchronous and asynchronous.
        """
        from issuing_disburse.simulator.transport import (  # noqa: PLC0415 - stripe only when wanted
            SimulatorClient,
        )

        return SimulatorClient(self.handle)

    @property
    def platform_account(self) -> str:
        """
        Return the platform's own account id.
        """
        return self._platform.id

    @property
    def requests(self) -> list[RecordedRequest]:
        """
        Return the last ten thousand requests, oldest first.
        """
        return list(self._engine.requests)

    def restricted_key(self, allowed: Mapping[str, str]) -> str:
        """
        Return a new ``rk_test_`` key.

        Args:
            allowed: Path prefixes with ``"read"`` or ``"write"`` (which includes reading).
        """
        rights = {("GET", prefix) for prefix in allowed} | {
            (method, prefix)
            for prefix, right in allowed.items()
            if right == "write"
            for method in ("POST", "DELETE")
        }
        secret = "rk_test_" + self._world.ids.text(32)
        self._world.keys[secret] = Key(secret, self._platform.id, allowed=frozenset(rights))
        return secret

    def live_key(self) -> str:
        """
        Return an ``sk_live_`` key, which finds nothing here: there is test mode only.
        """
        secret = "sk_live_" + self._world.ids.text(32)
        self._world.keys[secret] = Key(secret, self._platform.id, livemode=True)
        return secret

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
                    return
                when, _, action, arguments = due
                world.now = max(world.now, when)
                call = Call.of_clock(world, self._owner(arguments))
                ACTIONS[action](call, *arguments)
            self._postman.deliver(call.outbox)

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
        """
        world = self._world
        with world.lock:
            account = Account(
                id=world.ids.account(),
                account=self._platform.id,
                created=world.seconds,
                country=country,
                default_currency=CURRENCIES.get(country, "eur"),
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

    def rotate_webhook_secret(self, *, overlap_seconds: int = 24 * 3600) -> str:
        """
        Roll the secret of every endpoint that `webhook_secret` signs for, and return the new one.
        """
        old, world = self.webhook_secret, self._world
        with world.lock:
            new = old
            for endpoint in world.endpoints:
                if endpoint.secret == old:
                    rolled = rotate(world, endpoint, overlap_seconds=overlap_seconds)
                    endpoint.secret = new = rolled if new == old else new
            self.webhook_secret = new
        return new

    # Money that moves without the API.

    def fund_platform(self, amount: int, currency: str = "usd") -> None:
        """
        Put *amount* minor units into the platform's payments balance.
        """
        self._move(self._platform.id, amount, currency, "payments", "adjustment", "Test funds")

    def fund_issuing(self, account: str, amount: int, currency: str = "usd") -> None:
        """
        Put *amount* minor units into an Issuing balance, as a bank transfer from outside does.
        """
        self._move(account, amount, currency, "issuing", "topup", "Bank transfer")

    def take_back_issuing(self, account: str, amount: int, currency: str = "usd") -> None:
        """
        Take *amount* minor units out of an Issuing balance, as someone at a Dashboard might.
        """
        self._move(account, -amount, currency, "issuing", "adjustment", "Manual movement")

    def _move(
        self,
        account: str,
        amount: int,
        currency: str,
        kind: balance.BalanceType,
        reason: str,
        text: str,
    ) -> None:
        call = self._call(account)
        with self._world.lock:
            balance.move(
                call, amount, currency.lower(), balance=kind, kind=reason, description=text
            )
            balance.announce(call)
        self._postman.deliver(call.outbox)

    def _call(self, account: str | None) -> Call:
        found = self._world.by_id.get(account or self._platform.id)
        if not isinstance(found, Account):
            message = f"There is no account {account!r} in this simulator."
            raise SimulatorError(message)
        return Call(world=self._world, account=found, ask=self._postman.ask)

    def issuing_balance(self, account: str | None = None, currency: str = "usd") -> int:
        """
        Return the available Issuing balance in minor units; the platform's own without *account*.
        """
        return self._call(account).account.funds.get(("issuing", currency), 0)

    def held(self, account: str | None = None, currency: str = "usd") -> int:
        """
        Return what open authorizations hold, in minor units.
        """
        return self._call(account).account.held.get(currency, 0)

    def payments_balance(self, account: str | None = None, currency: str = "usd") -> int:
        """
        Return the available payments balance in minor units.
        """
        return self._call(account).account.funds.get(("payments", currency), 0)

    # Cardholders and accounts, as Stripe's own staff changes them.

    def set_screening(self, cardholder_id: str, verdict: str | None) -> None:
        """
        Let the watchlist say ``under_review``, ``listed``, ``rejected.listed`` or nothing.
        """
        world = self._world
        with world.lock:
            holder = world.get(cardholders.Cardholder, cardholder_id)
            call = self._call(holder.account)
            cardholders.set_screening(call, holder, verdict)
        self._postman.deliver(call.outbox)

    def disable_issuing(self, account: str, reason: str | None = "rejected.other") -> None:
        """
        Turn an account's ``card_issuing`` capability off, or with ``None`` on again.
        """
        from issuing_disburse.simulator.accounts import announce  # noqa: PLC0415 - see below

        call = self._call(account)
        with self._world.lock:
            before = call.account.wire(self._world)
            rest = {k: v for k, v in call.account.disabled.items() if k != "card_issuing"}
            call.account.disabled = rest if reason is None else {**rest, "card_issuing": reason}
            call.account.changed()
            announce(call, call.account, before)
        self._postman.deliver(call.outbox)

    # Merchants.

    def _post(self, owner: str, path: str, params: Mapping[str, object]) -> Any:
        """
        Do what a test helper endpoint does, without being a request.
        """
        call = self._call(owner)
        try:
            endpoint, call.names = self._engine.router.find("POST", path)
            call.params = endpoint.params.read(decode(encode(params)), "") or {}
            body = self._engine.execute(endpoint, call)
        except ApiError as error:
            raise SimulatorError(error.message, code=error.code, param=error.param) from error
        finally:
            self._postman.deliver(call.outbox)
        return loads(body)

    def _owner_of(self, name: str) -> str:
        found = self._world.by_id.get(name)
        if found is None:
            message = f"There is no object {name!r} in this simulator."
            raise SimulatorError(message, code="resource_missing")
        return found.account

    def authorize(
        self,
        card_id: str,
        amount: int | None = None,
        *,
        currency: str | None = None,
        merchant_amount: int | None = None,
        merchant_currency: str | None = None,
        is_amount_controllable: bool = False,
        merchant: Mapping[str, object] | None = None,
        authorization_method: str = "online",
        wallet: str | None = None,
        verification: Mapping[str, object] | None = None,
        cashback_amount: int | None = None,
        atm_fee: int | None = None,
        risk: Mapping[str, object] | None = None,
    ) -> AuthorizationObject:
        """
        Let a merchant ask for *amount* minor units; the answer is approved or declined.

        Args:
            merchant_amount: Instead of *amount*: what the merchant asks in its own currency.
            is_amount_controllable: Whether less than asked may be approved.
            merchant: ``merchant_data`` fields: ``category``, ``country``, ``name``…
            verification: ``verification_data`` fields.

        Raises:
            SimulatorError: There is no such card, or a parameter is wrong.
        """
        details = {"cashback_amount": cashback_amount, "atm_fee": atm_fee}
        params: dict[str, object] = {
            "card": card_id,
            "amount": amount,
            "currency": currency,
            "merchant_amount": merchant_amount,
            "merchant_currency": merchant_currency,
            "is_amount_controllable": is_amount_controllable,
            "merchant_data": merchant,
            "authorization_method": authorization_method,
            "wallet": wallet,
            "verification_data": verification,
            "amount_details": details,
            "risk_assessment": risk,
        }
        found = self._post(self._owner_of(card_id), f"{_HELPERS}/authorizations", params)
        return cast("AuthorizationObject", found)

    def _on_authorization(
        self, authorization_id: str, verb: str, params: Mapping[str, object]
    ) -> AuthorizationObject:
        path = f"{_HELPERS}/authorizations/{authorization_id}/{verb}"
        found = self._post(self._owner_of(authorization_id), path, params)
        return cast("AuthorizationObject", found)

    def capture(
        self, authorization_id: str, amount: int | None = None, *, close: bool = True
    ) -> AuthorizationObject:
        """
        Let the merchant collect; more, less, late or repeatedly, as merchants do.

        Returns:
            The authorization; the capture is the last of its ``transactions``.
        """
        params = {"capture_amount": amount, "close_authorization": close}
        return self._on_authorization(authorization_id, "capture", params)

    def increment(
        self, authorization_id: str, amount: int, *, is_amount_controllable: bool = False
    ) -> AuthorizationObject:
        """
        Let the merchant ask for *amount* minor units more.
        """
        params = {
            "increment_amount": amount,
            "is_amount_controllable": is_amount_controllable,
        }
        return self._on_authorization(authorization_id, "increment", params)

    def reverse(self, authorization_id: str, amount: int | None = None) -> AuthorizationObject:
        """
        Let the merchant give all or part of a hold back.
        """
        return self._on_authorization(authorization_id, "reverse", {"reverse_amount": amount})

    def expire(self, authorization_id: str) -> AuthorizationObject:
        """
        Let an authorization lapse now.
        """
        return self._on_authorization(authorization_id, "expire", {})

    def finalize(self, authorization_id: str, amount: int) -> AuthorizationObject:
        """
        Let the merchant name the final sum before it collects, as fuel pumps do.
        """
        return self._on_authorization(authorization_id, "finalize_amount", {"final_amount": amount})

    def refund(self, transaction_id: str, amount: int | None = None) -> TransactionObject:
        """
        Let the merchant refund a capture, all or *amount* minor units of it.
        """
        path = f"{_HELPERS}/transactions/{transaction_id}/refund"
        found = self._post(self._owner_of(transaction_id), path, {"refund_amount": amount})
        return cast("TransactionObject", found)

    def force_capture(
        self, card_id: str, amount: int, *, merchant: Mapping[str, object] | None = None
    ) -> TransactionObject:
        """
        Let a merchant collect without having asked; nothing can refuse it.
        """
        return self._unprompted("create_force_capture", card_id, amount, merchant)

    def unlinked_refund(
        self, card_id: str, amount: int, *, merchant: Mapping[str, object] | None = None
    ) -> TransactionObject:
        """
        Let a merchant pay *amount* minor units to a card, with no purchase to go with it.
        """
        return self._unprompted("create_unlinked_refund", card_id, amount, merchant)

    def _unprompted(
        self, verb: str, card_id: str, amount: int, merchant: Mapping[str, object] | None
    ) -> TransactionObject:
        params = {"card": card_id, "amount": amount, "merchant_data": merchant}
        found = self._post(self._owner_of(card_id), f"{_HELPERS}/transactions/{verb}", params)
        return cast("TransactionObject", found)

    # Looking.

    def objects(self, kind: str, account: str | None = None) -> list[dict[str, Any]]:
        """
        Return copies of all objects of a *kind* such as ``"card"``, oldest first.

        Args:
            account: Only this account's; everybody's when left out.
        """
        noun = _KINDS.get(kind)
        if noun is None:
            message = f"Unknown kind {kind!r}; there are {', '.join(sorted(_KINDS))}."
            raise SimulatorError(message)
        world = self._world
        with world.lock:
            found: list[Resource] = [
                resource
                for key, items in world.lists.items()
                if len(key) == 2 and key[1] == noun and account in {None, key[0]}  # noqa: PLR2004 - full lists are keyed by owner and noun
                for resource in items
            ]
            found.sort(key=lambda resource: resource.position)
            return [loads(resource.bytes_shown(world)) for resource in found]

    def events(self, account: str | None = None) -> list[EventObject]:
        """
        Return all events, oldest first.
        """
        return [cast("EventObject", event) for event in self.objects("event", account)]

    def seconds(self) -> int:
        """
        Return the simulated time as Unix seconds.
        """
        return self._world.now // SECOND

    def advance(self, **units: float) -> None:
        """
        Move the clock: ``advance(days=31)``.
        """
        self.clock.advance(timedelta(**units))
