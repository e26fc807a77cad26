"""
How does an application of asyncio disburse without ever holding its loop up?

There is no second copy of any step: each verb is the verb of `issuing_disburse.Disburser`, run on a thread,
and its signature is taken from there.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Mapping,
)
from datetime import datetime
from functools import partial, wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from .arguments import check_kind
from .disburser import WORKERS as BATCH_WORKERS
from .disburser import Disburser
from .exceptions import InvalidInputError
from .hidden import Hidden
from .loop_iterators import Taken, crossed
from .loop_threads import LoopThreads, run_alone

if TYPE_CHECKING:
    from .announcer import Unsubscribe
    from .domain_events import DomainEvent
    from .order import Order
    from .outcome import Outcome
    from .policy import AuthorizationPolicy
    from .ports import Store

P = ParamSpec("P")
T = TypeVar("T")
E = TypeVar("E", bound="DomainEvent")

WORKERS = 16

_SECRETS = frozenset({"api_key", "webhook_secret", "store"})


def _worked(
    verb: Callable[Concatenate[Disburser, P], T],
) -> Callable[Concatenate[AsyncDisburser, P], Coroutine[Any, Any, T]]:
    """
    Return *verb* for a loop: it runs when a worker is free.
    """

    @wraps(verb)
    async def worked(self: AsyncDisburser, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._threads.work(partial(verb, self.disburser, *args, **kwargs))

    return worked


def _answered(
    verb: Callable[Concatenate[Disburser, P], T],
) -> Callable[Concatenate[AsyncDisburser, P], Coroutine[Any, Any, T]]:
    """
    Return *verb* for a loop: somebody waits for its answer, so it waits for no payout.
    """

    @wraps(verb)
    async def answered(self: AsyncDisburser, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._threads.answer(partial(verb, self.disburser, *args, **kwargs))

    return answered


def _opening(connect: Callable[P, Disburser]) -> Callable[P, Opening]:
    """
    Return *connect* for a loop: to be entered, or awaited.
    """

    @wraps(connect)
    def opening(*args: P.args, **kwargs: P.kwargs) -> Opening:
        held: dict[str, Any] = {
            name: Hidden.each(value) if name in _SECRETS and _is_text(value) else value
            for name, value in kwargs.items()
        }
        kwargs.clear()  # error reporters keep the variables of frames
        return Opening(connect, held)

    return opening


def _is_text(value: object) -> bool:
    return isinstance(value, str | list | tuple | set | frozenset)


def _shown(value: Any) -> Any:
    if isinstance(value, Hidden):
        return value.revealed()
    if isinstance(value, tuple):
        return tuple([_shown(one) for one in value])
    return value


class Opening:
    """
    A disburser that is about to be made: ``async with`` it, or await it and close it yourself.
    """

    def __init__(self, connect: Callable[..., Disburser], held: Mapping[str, Any]) -> None:
        self._connect = connect
        self._held = held
        self._made: AsyncDisburser | None = None

    def __await__(self) -> Generator[Any, None, AsyncDisburser]:
        return self._open().__await__()

    async def __aenter__(self) -> AsyncDisburser:
        self._made = await self._open()
        return self._made

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._made is not None:
            await self._made.close()

    if not TYPE_CHECKING:  # a checker of types sees by itself that nothing is there

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(
                f"{name}: it is not connected yet; write 'async with AsyncDisburser.connect(...) as disburser', "
                "or await it"
            )

    async def _open(self) -> AsyncDisburser:
        # Opening a store reads a disk or asks a server: that is no work for a loop, either.
        return AsyncDisburser(await run_alone(self._connected))

    def _connected(self) -> Disburser:
        return self._connect(**{name: _shown(value) for name, value in self._held.items()})


class AsyncDisburser:
    """
    What `issuing_disburse.Disburser` is, for asyncio: its verbs are awaited.

    A task that is cancelled while it awaits a verb gets its `asyncio.CancelledError` at once. What had not begun does
    not happen; what had begun goes on to its end on its thread, as if another process did it: ask with `get`, or
    hand in the same order again. `close` waits for it.

    Args:
        disburser: Does the work. It may be used by threads at the same time.
        workers: How many verbs run at once at most (webhooks are answered besides them), or the threads of
            another one to share.

    Raises:
        InvalidInputError: It is no disburser, or no count.

    Attributes:
        disburser: As passed in: what has no verb here is asked there, on a thread.
    """

    def __init__(self, disburser: Disburser, *, workers: int | LoopThreads = WORKERS) -> None:
        check_kind("disburser", disburser, Disburser)
        self.disburser = disburser
        self._is_lent = isinstance(workers, LoopThreads)
        self._threads = workers if isinstance(workers, LoopThreads) else LoopThreads(workers)

    connect = staticmethod(_opening(Disburser.connect))

    disburse = _worked(Disburser.disburse)
    resume = _worked(Disburser.resume)
    resume_all = _worked(Disburser.resume_all)
    get = _worked(Disburser.get)
    statement = _worked(Disburser.statement)
    account_statement = _worked(Disburser.account_statement)
    reissue = _worked(Disburser.reissue)
    reveal = _worked(Disburser.reveal)
    issuing_elements_key = _worked(Disburser.issuing_elements_key)
    deliveries = _worked(Disburser.deliveries)
    forget = _worked(Disburser.forget)
    reclaim = _worked(Disburser.reclaim)
    reclaim_expired = _worked(Disburser.reclaim_expired)
    reconcile = _worked(Disburser.reconcile)
    repair = _worked(Disburser.repair)
    rebuild = _worked(Disburser.rebuild)
    verify_ledger = _worked(Disburser.verify_ledger)
    funding_needed = _worked(Disburser.funding_needed)
    preflight = _worked(Disburser.preflight)
    settle_claims = _worked(Disburser.settle_claims)
    alerts = _worked(Disburser.alerts)
    misses = _worked(Disburser.misses)
    handle_webhook = _answered(Disburser.handle_webhook)
    verify = _answered(Disburser.verify)

    @property
    def account(self) -> str | None:
        """
        The connected account that holds the cards; ``None`` is the platform's own balance.
        """
        return self.disburser.account

    @property
    def policy(self) -> AuthorizationPolicy:
        """
        What decides on purchases.
        """
        return self.disburser.policy

    @property
    def store(self) -> Store:
        """
        Where the truth about orders and money lives. Its calls block.
        """
        return self.disburser.store

    def for_account(self, account: str | None) -> Self:
        """
        Bind another account; policy, store, connection and threads are shared.

        Close the one that `connect` made, not this one.
        """
        return type(self)(self.disburser.for_account(account), workers=self._threads)

    def disburse_many(
        self,
        orders: Iterable[Order] | AsyncIterable[Order],
        *,
        progress: Callable[[Outcome], object] | None = None,
        workers: int = BATCH_WORKERS,
    ) -> AsyncGenerator[Outcome, None]:
        """
        Pay many orders; see `issuing_disburse.Disburser.disburse_many`.

        It begins with the first outcome that is asked for. *orders* may be an asynchronous iterable; *progress* is
        called on the thread of the run.

        Raises:
            InvalidInputError: *orders* cannot be iterated over.
        """
        if not isinstance(orders, Iterable | AsyncIterable):
            kind = type(orders).__name__
            raise InvalidInputError("orders", f"{kind} cannot be iterated over", "pass a list")
        source = Taken(orders)
        return crossed(
            lambda: self.disburser.disburse_many(source, progress=progress, workers=workers),
            source=source,
        )

    def authorizations(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """
        Yield Stripe's authorizations of this account; see `issuing_disburse.Disburser.authorizations`.
        """
        return crossed(lambda: self.disburser.authorizations(since, until))

    def on(self, event_type: type[E], handler: Callable[[E], object]) -> Unsubscribe:
        """
        Have *handler* told of what happens; see `issuing_disburse.Disburser.on`.

        It is called on the thread that did the work: reach the loop with ``loop.call_soon_threadsafe``.
        """
        return self.disburser.on(event_type, handler)

    async def close(self) -> None:
        """
        Cancel what has not begun, wait for what runs, and close the disburser; twice is fine.
        """
        if not self._is_lent:
            await self._threads.close(then=self.disburser.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<Async{repr(self.disburser)[1:]}"
