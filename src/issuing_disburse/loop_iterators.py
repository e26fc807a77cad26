"""
How does an iterator that blocks come to an event loop, and an asynchronous one to a thread?

One step at a time in both directions, so that neither side runs ahead of the other.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
)
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any, Final, Generic, Self, TypeVar

from .loop_threads import run_on

T = TypeVar("T")


class _End:
    """
    What a step returns when there is nothing more: StopIteration cannot pass through a future.
    """


_END: Final = _End()


class Taken(Generic[T]):
    """
    Gives to a thread, one by one, what an iterable of either kind has; made and stopped on the loop.
    """

    def __init__(self, items: Iterable[T] | AsyncIterable[T]) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_stopped = False
        self._lock = Lock()
        self._waiting: concurrent.futures.Future[T | _End] | None = None
        self._from_loop: AsyncIterator[T] | None = None
        self._here: Iterator[T] = iter(())
        if isinstance(items, AsyncIterable):
            self._from_loop = aiter(items)
        else:
            self._here = iter(items)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._from_loop is None:
            if self._is_stopped:
                raise StopIteration
            return next(self._here)
        with self._lock:
            if self._is_stopped:
                raise StopIteration
            step = _step(self._from_loop)
            self._waiting = asyncio.run_coroutine_threadsafe(step, self._loop)
        try:
            item = self._waiting.result()
        except concurrent.futures.CancelledError:
            raise StopIteration from None
        if isinstance(item, _End):
            raise StopIteration
        return item

    def stop(self) -> None:
        """
        Give out nothing more, even if somebody waits for the next one.
        """
        with self._lock:
            self._is_stopped = True
            if self._waiting is not None:
                self._waiting.cancel()


async def _step(items: AsyncIterator[T]) -> T | _End:
    return await anext(items, _END)


async def crossed(
    make: Callable[[], Iterator[T]], *, source: Taken[Any] | None = None
) -> AsyncGenerator[T, None]:
    """
    Yield to the loop what the iterator yields that *make* makes; both live on a thread of their own.

    Whoever stops early, or is cancelled, has the iterator closed before that goes on: what is in flight is
    finished. *source* then gives out nothing more.
    """
    pool = ThreadPoolExecutor(1, "disburse-many")
    made: list[Iterator[T]] = []

    def close() -> None:
        for iterator in made:
            end = getattr(iterator, "close", None)
            if end is not None:
                end()

    try:
        await run_on(pool, lambda: made.append(make()))
        step = partial(next, made[0], _END)
        while not isinstance(item := await run_on(pool, step), _End):
            yield item
    finally:
        if source is not None:
            source.stop()
        closing = asyncio.ensure_future(run_on(pool, close))
        try:
            await asyncio.shield(closing)
        finally:
            pool.shutdown(wait=False)
