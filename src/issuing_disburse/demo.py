"""
What does the library do, from the first order to the last cent, if everything happens in one run?

A batch of orders is paid on the embedded simulator; merchants charge the cards, rightly and wrongly;
time passes; the rest is reclaimed; the books are closed and held against Stripe's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import cycle
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from attrs import define, field, frozen

from .decision import Decision
from .demo_cast import MERCHANTS, Fate, Merchant, fates, made_up_orders
from .demo_report import Action, Decider, DemoReport, Event, Outcome, Refusal
from .disbursement import Disbursement, Status
from .disburser import Disburser
from .exceptions import DisburseError, InvalidInputError, OrderNotFoundError
from .money import Money
from .order import Order
from .reclamation import Reclamation
from .terms import PROBE_MAX_MINOR
from .webhooks import Reply

if TYPE_CHECKING:
    from .simulator import IssuingSimulator
    from .simulator.objects import AuthorizationObject

Progress: TypeAlias = Callable[[str, int, int], None]
"""Is called with what is being done, how many are done, and of how many."""

ORDERS_MAX = 500
STARTS_AT = "2026-11-02T09:00:00+00:00"
_COUNTRIES = {"usd": "US", "gbp": "GB", "eur": "DE"}
_FLOAT_MINOR = 1_000_000
_ROUNDS_MAX = 12
_SHOPPING = timedelta(hours=6)
_REFUNDS_AFTER = timedelta(days=2)
_HOLDS_LAPSE_AFTER = timedelta(days=8)


def _quiet(what: str, done: int, total: int) -> None:
    """
    Show nothing.
    """


def starts_at() -> datetime:
    """
    Return when the story begins, by the simulated clock (UTC).
    """
    return datetime.fromisoformat(STARTS_AT)


def play(
    orders: Iterable[Order] | None = None,
    *,
    count: int = 12,
    seed: int = 7,
    progress: Progress = _quiet,
) -> DemoReport:
    """
    Play the whole story and return it; the same input is the same story, to the cent.

    Args:
        orders: Real ones, say from a payout file; made-up ones when left out.
        count: How many to make up, 1 to 500.
        seed: For everything that looks like chance.
        progress: Is told how far the story is.

    Raises:
        InvalidInputError: Too many orders or none, or several currencies; nothing was played.
    """
    chance = Random(seed)  # noqa: S311  # a story, not a secret; it must repeat
    if orders is None:
        if not 1 <= count <= ORDERS_MAX:
            raise InvalidInputError("orders", f"{count} is not 1 to {ORDERS_MAX}", "choose fewer")
        orders = made_up_orders(count, random=chance, now=starts_at())
    batch = tuple(orders)
    if not 1 <= len(batch) <= ORDERS_MAX:
        raise InvalidInputError(
            "orders", f"there are {len(batch)}", f"play 1 to {ORDERS_MAX} of them"
        )
    currencies = {order.amount.currency for order in batch}
    if len(currencies) > 1:
        raise InvalidInputError(
            "orders",
            f"are in {', '.join(sorted(currencies))}",
            "play one currency at a time: an account has cards of one",
        )
    with _open(batch, seed=seed, chance=chance, progress=progress) as stage:
        return stage.play(batch)


@contextmanager
def _open(
    batch: tuple[Order, ...], *, seed: int, chance: Random, progress: Progress
) -> Iterator[_Stage]:
    from .simulator import IssuingSimulator  # noqa: PLC0415  # only who plays pays for it

    currency = batch[0].amount.currency
    needed = sum(order.terms.most(order.amount).minor for order in batch)
    funds = -(-needed // _FLOAT_MINOR) * _FLOAT_MINOR + _FLOAT_MINOR
    country = _COUNTRIES[currency]
    with IssuingSimulator(
        seed=seed, country=country, platform_funds={currency: funds}, start=starts_at()
    ) as simulator:
        account = simulator.create_account(country=country)
        with Disburser.connect(
            api_key=simulator.api_key,
            account=account,
            webhook_secret=simulator.webhook_secret,
            store="memory://",
            http_client=simulator.http_client(),
            clock=simulator.clock.now,
            sleep=simulator.clock.sleep,
            timer=lambda: simulator.clock.now().timestamp(),  # a slow machine tells no other story
        ) as disburser:
            stage = _Stage(
                simulator=simulator,
                disburser=disburser,
                account=account,
                currency=currency,
                seed=seed,
                chance=chance,
                progress=progress,
            )
            simulator.deliver_webhooks_to(stage.answer)
            yield stage


@frozen(kw_only=True)
class _Shopper:
    """
    A card in somebody's hand, and where it is used.
    """

    order: Order
    paid: Disbursement
    merchant: Merchant
    fate: Fate


@define(kw_only=True)
class _Stage:
    """
    The simulator, the library, and what has happened so far.
    """

    simulator: IssuingSimulator
    disburser: Disburser
    account: str
    currency: str
    seed: int
    chance: Random
    progress: Progress
    events: list[Event] = field(factory=list)
    refused: list[Refusal] = field(factory=list)
    uncollected: dict[str, _Shopper] = field(factory=dict)
    refundable: list[tuple[str, _Shopper]] = field(factory=list)
    decision: Decision | None = None

    def answer(self, payload: bytes, signature: str) -> Reply:
        """
        Hand a delivery to the library, and remember what was decided.
        """
        reply = self.disburser.handle_webhook(payload, signature)
        self.decision = reply.decision or self.decision
        return reply

    def play(self, batch: tuple[Order, ...]) -> DemoReport:
        """
        Tell the story, one chapter after the other.
        """
        started_at = self.simulator.clock.now()
        platform_before = self._platform()
        self._pay(batch)
        issued = tuple(self._stored(batch))
        self._shop(batch, {one.order_id: one for one in issued})
        self.simulator.clock.advance(_REFUNDS_AFTER)
        self._refund()
        self.simulator.clock.advance(_HOLDS_LAPSE_AFTER - _REFUNDS_AFTER)
        self._see_holds_lapse()
        reclamations = self._reclaim(issued)
        closed = tuple(self._stored(batch))
        return DemoReport(
            seed=self.seed,
            account=self.account,
            currency=self.currency,
            started_at=started_at,
            ended_at=self.simulator.clock.now(),
            issued=issued,
            refused=tuple(self.refused),
            events=tuple(self.events),
            reclamations=reclamations,
            closed=closed,
            statements=tuple(self.disburser.statement(one.order_id) for one in closed),
            reconciliation=self.disburser.reconcile(),
            platform_before=platform_before,
            platform_after=self._platform(),
            issuing_after=Money(
                self.simulator.issuing_balance(self.account, self.currency), self.currency
            ),
        )

    def _platform(self) -> Money:
        return Money(self.simulator.payments_balance(None, self.currency), self.currency)

    def _stored(self, batch: tuple[Order, ...]) -> Iterator[Disbursement]:
        for order in batch:
            try:
                yield self.disburser.get(order.id)
            except OrderNotFoundError:  # refused before anything was stored
                continue

    def _pay(self, batch: tuple[Order, ...]) -> None:
        for number, order in enumerate(batch, start=1):
            try:
                self.disburser.disburse(order)
            except DisburseError as refusal:
                self.refused.append(Refusal(order_id=order.id, message=str(refusal)))
            self.progress("paying", number, len(batch))
        for _ in range(_ROUNDS_MAX):  # outside the US money takes until the next business day
            waiting = [one for one in self._stored(batch) if one.status is Status.PENDING]
            if not waiting:
                return
            self.simulator.clock.advance(timedelta(days=1))
            self.disburser.resume_all()

    def _shop(self, batch: tuple[Order, ...], issued: dict[str, Disbursement]) -> None:
        pause = min(timedelta(minutes=37), _SHOPPING / len(batch))
        places = cycle(MERCHANTS)
        for number, (order, fate) in enumerate(zip(batch, fates(self.chance), strict=False), 1):
            paid = issued.get(order.id)
            if paid is not None and paid.status is Status.ACTIVE:
                merchant = next(places)
                self._use(_Shopper(order=order, paid=paid, merchant=merchant, fate=fate))
            self.simulator.clock.advance(pause)
            self.progress("shopping", number, len(batch))

    def _use(self, shopper: _Shopper) -> None:
        fate, minor = shopper.fate, shopper.order.amount.minor
        if fate == "unused":
            return
        if fate in {"everything", "wrong_amount"}:
            self._authorize(shopper, self._wrong(shopper.order, is_lower=fate == "everything"))
        authorization = self._authorize(shopper, minor)
        if not authorization["approved"]:
            return
        if fate == "voided":
            self.simulator.reverse(authorization["id"])
            self._note(shopper, "void", minor)
        elif fate == "never_collected":
            self.uncollected[authorization["id"]] = shopper
        else:
            captured = self.simulator.capture(authorization["id"])["transactions"][-1]
            self._note(shopper, "capture", -captured["amount"])
            if fate in {"everything", "used_twice"}:
                self._authorize(shopper, minor)
            if fate in {"everything", "refunded"}:
                self.refundable.append((captured["id"], shopper))

    def _wrong(self, order: Order, *, is_lower: bool) -> int:
        """
        Choose an amount that the order does not allow: lower is for our rule, higher for Stripe's.
        """
        low, high = order.terms.amount.bounds(order.amount)
        away = self.chance.randint(PROBE_MAX_MINOR + 1, 10 * PROBE_MAX_MINOR)
        if is_lower and low - away > PROBE_MAX_MINOR:  # less would be a probe, which may pass
            return low - away
        return high + away

    def _authorize(self, shopper: _Shopper, minor: int) -> AuthorizationObject:
        self.decision = None
        authorization = self.simulator.authorize(
            shopper.paid.card.id, minor, merchant=shopper.merchant.as_data()
        )
        verdict = authorization["request_history"][-1]["reason"]
        reason = verdict
        decided_by: Decider = "stripe"
        decision = self.decision
        if decision is not None and verdict.startswith("webhook_"):
            words = f": {decision.message}" if decision.message else ""
            reason, decided_by = f"{decision.code}{words}", "policy"
        self._note(
            shopper,
            "authorize",
            minor,
            outcome="approved" if authorization["approved"] else "declined",
            decided_by=decided_by,
            reason=reason,
        )
        return authorization

    def _note(
        self,
        shopper: _Shopper,
        action: Action,
        minor: int,
        *,
        outcome: Outcome = "done",
        decided_by: Decider = "merchant",
        reason: str = "",
    ) -> None:
        self.events.append(
            Event(
                at=self.simulator.clock.now(),
                order_id=shopper.order.id,
                last4=shopper.paid.card.last4,
                merchant=shopper.merchant.name,
                action=action,
                amount=Money(minor, self.currency),
                outcome=outcome,
                decided_by=decided_by,
                reason=reason,
            )
        )

    def _refund(self) -> None:
        for transaction_id, shopper in self.refundable:
            minor = self.chance.randint(1, shopper.order.amount.minor)
            self.simulator.refund(transaction_id, minor)
            self._note(shopper, "refund", minor)

    def _see_holds_lapse(self) -> None:
        for one in self.simulator.objects("authorization", self.account):
            if one["status"] == "expired" and one["id"] in self.uncollected:
                shopper = self.uncollected[one["id"]]
                self._note(shopper, "lapse", shopper.order.amount.minor, decided_by="stripe")

    def _reclaim(self, issued: tuple[Disbursement, ...]) -> tuple[Reclamation, ...]:
        """
        Let the last card run out, and take back the rest; again while a merchant may still capture.
        """
        ends = [one.expires_at for one in issued]
        done: dict[str, Reclamation] = {}

        def note(one: Reclamation) -> None:
            done[one.order_id] = one
            self.progress("reclaiming", len(done), len(issued))

        for _ in range(_ROUNDS_MAX):
            left = max(ends, default=self.simulator.clock.now()) - self.simulator.clock.now()
            self.simulator.clock.advance(max(left, timedelta(0)) + timedelta(hours=1))
            self.disburser.reclaim_expired(progress=note)
            ends = [one.look_again_at for one in done.values() if one.look_again_at is not None]
            if not ends:
                break
        return tuple(done[one.order_id] for one in issued if one.order_id in done)
