"""
How do tests that know nothing of asyncio run against the disburser of asyncio?

Each verb is awaited on a loop that runs in a thread of its own; whoever called waits for it.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator
from threading import Thread
from typing import Any, Self, TypeVar

from attrs import define, field

from issuing_disburse import AsyncDisburser

T = TypeVar("T")


@define
class Loop:
    """
    An event loop in a thread of its own.
    """

    loop: asyncio.AbstractEventLoop = field(factory=asyncio.new_event_loop)
    thread: Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.thread = Thread(target=self.loop.run_forever, name="loop", daemon=True)
        self.thread.start()

    def run(self, awaited: Coroutine[Any, Any, T]) -> T:
        """
        Wait for what is awaited on the loop.
        """
        return asyncio.run_coroutine_threadsafe(awaited, self.loop).result()

    def end(self) -> None:
        """
        Stop and close the loop; twice is fine.
        """
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()


class Looped:
    """
    Looks like a `Disburser`, and has every verb awaited by `AsyncDisburser`.
    """

    def __init__(self, made: AsyncDisburser, loop: Loop) -> None:
        self._made = made
        self._loop = loop

    @classmethod
    def connect(cls, **options: Any) -> Self:
        """
        Start a loop, and connect on it.
        """
        loop = Loop()

        async def opened() -> AsyncDisburser:
            return await AsyncDisburser.connect(**options)

        try:
            return cls(loop.run(opened()), loop)
        except BaseException:
            loop.end()
            raise

    def __getattr__(self, name: str) -> Any:
        verb = getattr(AsyncDisburser, name, None)
        if inspect.iscoroutinefunction(verb):
            return self._called(getattr(self._made, name))
        if name in {"authorizations", "disburse_many"}:
            return self._iterated(getattr(self._made, name))
        return getattr(self._made.disburser, name)  # what has no verb: its parts

    def for_account(self, account: str | None) -> "Looped":
        """
        Bind another account on the same loop.
        """
        return Looped(self._made.for_account(account), self._loop)

    def close(self) -> None:
        """
        Close the disburser, and end the loop.
        """
        if not self._loop.loop.is_closed():
            self._loop.run(self._made.close())
            self._loop.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _called(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            return self._loop.run(verb(*args, **kwargs))

        return called

    def _iterated(self, verb: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
        async def step(items: Any) -> Any:
            return await anext(items, self)

        def iterated(*args: Any, **kwargs: Any) -> Iterator[Any]:
            items = verb(*args, **kwargs)
            try:
                while (item := self._called(step)(items)) is not self:
                    yield item
            finally:
                self._called(items.aclose)()

        return iterated
