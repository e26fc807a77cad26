"""
Does the disburser of asyncio keep the promises of the other one, without ever holding a loop up?
"""

import asyncio
import inspect
import subprocess
import sys
import traceback
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from threading import Event
from typing import Any

import pytest

from gated import BEATS, PATIENCE_SECONDS, open_scene, options_of, simulator
from issuing_disburse import (
    AsyncDisburser,
    Disburser,
    InvalidInputError,
    RefusedError,
    Status,
    Store,
    StoreError,
)
from issuing_disburse.domain_events import DomainEvent
from issuing_disburse.simulator import IssuingSimulator
from world import make_order

VERBS = {
    name
    for name, verb in vars(Disburser).items()
    if inspect.isfunction(verb) and not name.startswith("_")
}
__all__ = ["simulator"]

NOT_AWAITED = {"authorizations", "disburse_many", "for_account", "on"}


def test_every_verb_is_there_when_the_other_has_it() -> None:
    """What is awaited has the very signature of the verb that blocks, and its words."""
    for name in sorted(VERBS - NOT_AWAITED):
        awaited, blocking = getattr(AsyncDisburser, name), getattr(Disburser, name)
        assert inspect.iscoroutinefunction(awaited), name
        if name != "close":
            assert inspect.signature(blocking) == inspect.signature(awaited)
            assert inspect.getdoc(blocking) == inspect.getdoc(awaited)
    assert inspect.signature(Disburser.connect) == inspect.signature(AsyncDisburser.connect)
    for name in sorted(VERBS & NOT_AWAITED):
        ours, theirs = (
            inspect.signature(getattr(kind, name)) for kind in (AsyncDisburser, Disburser)
        )
        assert [(one.name, one.kind, one.default) for one in ours.parameters.values()] == [
            (one.name, one.kind, one.default) for one in theirs.parameters.values()
        ]


async def _all_authorizations(disburser: AsyncDisburser) -> list[Mapping[str, Any]]:
    return [one async for one in disburser.authorizations()]


@pytest.mark.parametrize(
    "call",
    [
        lambda disburser: disburser.disburse(make_order("claim-2")),
        lambda disburser: disburser.reclaim("claim-1"),
        lambda disburser: disburser.reconcile(),
        lambda disburser: disburser.preflight(),
        _all_authorizations,
    ],
    ids=["disburse", "reclaim", "reconcile", "preflight", "authorizations"],
)
def test_the_loop_goes_on_when_stripe_is_slow(
    simulator: IssuingSimulator, call: Callable[[AsyncDisburser], Coroutine[Any, Any, Any]]
) -> None:
    """Stripe answers only after other tasks of the loop have run: a loop held up would wait for ever."""

    async def main() -> None:
        async with open_scene(simulator) as scene:
            await scene.disburser.disburse(make_order("claim-1"))
            scene.gate.reached.clear()

            await scene.until_beaten(call(scene.disburser))

            assert scene.gate.requests

    asyncio.run(main())


class SlowStore:
    """
    A store that is read, written and closed only after others have had their turn.
    """

    def __init__(self, inner: Store, gate: Event) -> None:
        self._inner = inner
        self._gate = gate

    def transact(self, work: Any, *, timeout_seconds: float | None = None) -> Any:
        return self._opened().transact(work, timeout_seconds=timeout_seconds)

    def read(self, work: Any, *, timeout_seconds: float | None = None) -> Any:
        return self._opened().read(work, timeout_seconds=timeout_seconds)

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Any:
        return self._opened().stream_entries(after=after)

    def close(self) -> None:
        self._opened().close()

    def _opened(self) -> Store:
        assert self._gate.wait(PATIENCE_SECONDS), "nobody has opened the gate"
        return self._inner


def test_the_loop_goes_on_when_the_store_is_slow(simulator: IssuingSimulator) -> None:
    """A webhook, a look and the closing wait for the store on a thread, not on the loop."""
    inner = Disburser.connect(**options_of(simulator)).store

    async def main() -> None:
        gate = Event()
        options = options_of(simulator, store=SlowStore(inner, gate))
        gate.set()
        connected = Disburser.connect(**options)
        disburser = AsyncDisburser(connected)
        signed = ("{}", "t=1,v1=0")
        for verb in (
            disburser.resume_all(),
            disburser.handle_webhook(signed[0].encode(), signed[1]),
            disburser.close(),
        ):
            gate.clear()
            waiting = asyncio.ensure_future(verb)
            for _ in range(BEATS):
                await asyncio.sleep(0)
            gate.set()
            await waiting

    asyncio.run(main())


def test_the_loop_goes_on_when_a_store_is_opened(simulator: IssuingSimulator) -> None:
    """Connecting asks a disk or a server, so it happens on a thread, too."""
    gate = Event()

    def clock() -> Any:
        assert gate.wait(PATIENCE_SECONDS), "nobody has opened the gate"
        return simulator.clock.now()

    async def main() -> None:
        opening = asyncio.ensure_future(
            AsyncDisburser.connect(**options_of(simulator, clock=clock)).__aenter__()
        )
        for _ in range(BEATS):
            await asyncio.sleep(0)
        gate.set()
        disburser = await opening
        assert Status.ACTIVE is (await disburser.disburse(make_order())).status
        await disburser.close()

    asyncio.run(main())


def test_a_merchant_is_answered_when_all_workers_are_busy(simulator: IssuingSimulator) -> None:
    """Payouts that wait for Stripe take nothing from the two seconds that a merchant waits."""

    async def main() -> None:
        async with open_scene(simulator, workers=1) as scene:
            paid = await scene.disburser.disburse(make_order("claim-1"))
            scene.gate.open.clear()
            busy = [
                asyncio.create_task(scene.disburser.disburse(make_order(f"claim-{n}")))
                for n in (2, 3)
            ]
            loop = asyncio.get_running_loop()
            scene.simulator.deliver_webhooks_to(
                lambda payload, signature: asyncio.run_coroutine_threadsafe(
                    scene.disburser.handle_webhook(payload, signature), loop
                ).result(PATIENCE_SECONDS)
            )

            asked = await asyncio.to_thread(scene.simulator.authorize, paid.card.id, amount=12_500)

            assert asked["approved"]
            assert [False, False] == [one.done() for one in busy]
            scene.gate.open.set()
            await asyncio.gather(*busy)

    asyncio.run(main())


def test_a_closed_one_says_so_when_it_is_asked(simulator: IssuingSimulator) -> None:
    """Closing twice is fine; one that was lent for another account closes nothing."""

    async def main() -> None:
        async with AsyncDisburser.connect(**options_of(simulator)) as disburser:
            other = disburser.for_account(simulator.create_account())
            async with other:
                assert Status.ACTIVE is (await other.disburse(make_order())).status
            assert "<AsyncDisburser test" in repr(disburser)
            assert (disburser.disburser.store, disburser.disburser.policy) == (
                disburser.store,
                disburser.policy,
            )
            await disburser.disburse(make_order())
        await disburser.close()
        for closed in (disburser, other):
            with pytest.raises(RefusedError, match="connect another one"):
                await closed.get("claim-8841")

    asyncio.run(main())


def test_a_wrong_argument_is_named_when_one_is_made(simulator: IssuingSimulator) -> None:
    """What is wrong is told as by the other one, and nothing is left open."""

    async def main() -> None:
        with pytest.raises(InvalidInputError, match="is no account id"):
            await AsyncDisburser.connect(**options_of(simulator, account="claim-1"))
        with pytest.raises(InvalidInputError, match="is no account id"):
            async with AsyncDisburser.connect(**options_of(simulator, account="claim-1")):
                pass

    asyncio.run(main())
    with Disburser.connect(**options_of(simulator)) as connected:
        for workers in (0, True, 1.5):
            with pytest.raises(InvalidInputError, match="workers"):
                AsyncDisburser(connected, workers=workers)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="disburser"):
        AsyncDisburser("sk_test_x")  # type: ignore[arg-type]


def test_no_frame_shows_a_secret_when_connecting_fails(simulator: IssuingSimulator) -> None:
    """Error reporters find neither key nor signing secret nor password in the variables of any frame."""
    opening = AsyncDisburser.connect(
        **options_of(
            simulator,
            api_key="sk_test_PLAINKEY",
            webhook_secret=["whsec_PLAINKEY", "whsec_PLAINKEYTOO"],
            store="postgresql://me:PLAINKEY@127.0.0.1:1/none",
        )
    )

    async def main() -> None:
        await opening

    with pytest.raises(StoreError) as caught:
        asyncio.run(main())

    frames = traceback.StackSummary.extract(
        traceback.walk_tb(caught.value.__traceback__), capture_locals=True
    )
    assert "_connected" in {frame.name for frame in frames}
    assert "PLAINKEY" not in f"{[frame.locals for frame in frames]} {vars(opening)}"


FIELD: ContextVar[str] = ContextVar("FIELD")


def test_the_context_goes_along_when_a_verb_is_awaited(simulator: IssuingSimulator) -> None:
    """Whoever traces or logs sees on the thread what was set around the await."""
    seen: list[str] = []

    async def main() -> None:
        def clock() -> Any:
            seen.append(FIELD.get("unset"))
            return simulator.clock.now()

        async with AsyncDisburser.connect(**options_of(simulator, clock=clock)) as disburser:
            seen.clear()
            FIELD.set("request-5")
            await disburser.disburse(make_order())

    asyncio.run(main())
    assert {"request-5"} == set(seen)


FORKING = """
import asyncio, os, warnings
warnings.simplefilter("ignore")
from issuing_disburse import AsyncDisburser, Disburser
disburser = AsyncDisburser(Disburser.connect(
    api_key="sk_test_x", account="acct_1", webhook_secret="whsec_x", store="memory://"))
print(asyncio.run(disburser.handle_webhook(b"{}", "t=1")).status, flush=True)
if not os.fork():
    print(asyncio.run(disburser.handle_webhook(b"{}", "t=1")).status, flush=True)
    asyncio.run(disburser.close())
    os._exit(0)
os.wait()
"""


def test_a_child_gets_threads_of_its_own_when_a_server_forks() -> None:
    """An application that was loaded before the fork answers in every worker."""
    answer = subprocess.run(  # noqa: S603 - the interpreter of this test, and text from this file
        [sys.executable, "-c", FORKING], capture_output=True, text=True, timeout=60, check=True
    )

    assert ["400", "400"] == answer.stdout.split()


def test_what_to_write_is_told_when_it_is_not_awaited(simulator: IssuingSimulator) -> None:
    """Who forgets `async with`, hands in one order, or a handler that nobody awaits, is told so at once."""

    async def told(_: object) -> None:
        """
        Would never run.
        """

    async def tried() -> None:
        opening: Any = AsyncDisburser.connect(**options_of(simulator))
        with pytest.raises(AttributeError, match="async with"):
            opening.disburse(make_order())
        async with opening as disburser:
            with pytest.raises(InvalidInputError, match="pass a list"):
                disburser.disburse_many(make_order())
            with pytest.raises(InvalidInputError, match="run_coroutine_threadsafe"):
                disburser.on(DomainEvent, told)

    asyncio.run(tried())
