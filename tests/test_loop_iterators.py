"""
Do iterators cross between a loop and a thread step by step, and end when somebody stops?
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from issuing_disburse.loop_iterators import Taken, crossed


class Source:
    """
    Numbers on the loop; knows how many were asked for, and whether the loop was on its own thread.
    """

    def __init__(self, last: int, *, stalls_at: int = -1) -> None:
        self.last, self.stalls_at, self.given = last, stalls_at, 0
        self.stalled = asyncio.Event()
        self.threads: set[int] = set()

    def __aiter__(self) -> AsyncIterator[int]:
        return self

    async def __anext__(self) -> int:
        await asyncio.sleep(0)
        self.threads.add(threading.get_ident())
        if self.given == self.stalls_at:
            self.stalled.set()
            await asyncio.Event().wait()
        if self.given == self.last:
            raise StopAsyncIteration
        self.given += 1
        return self.given


def doubled(items: Iterator[int], ended: list[str]) -> Iterator[int]:
    try:
        for one in items:
            yield 2 * one
        ended.append("came to its end")
    finally:
        ended.append("closed")


@pytest.mark.parametrize("kind", [list, iter, Source])
def test_every_item_crosses_twice_when_nobody_stops(kind: Any) -> None:
    """What the loop gives to the thread comes back in order, whichever kind of iterable it is."""

    async def main() -> None:
        ended: list[str] = []
        items = Source(5) if kind is Source else kind([1, 2, 3, 4, 5])
        source = Taken(items)

        found = [one async for one in crossed(lambda: doubled(source, ended), source=source)]

        assert [2, 4, 6, 8, 10] == found
        assert ["came to its end", "closed"] == ended
        if isinstance(items, Source):
            assert {threading.get_ident()} == items.threads

    asyncio.run(main())


def test_nothing_is_taken_ahead_when_the_loop_is_slower() -> None:
    """A step of the loop takes one item from its own source: back-pressure reaches to the end."""

    async def main() -> None:
        items, ended = Source(1_000), list[str]()
        source = Taken(items)
        async with aclosing(crossed(lambda: doubled(source, ended), source=source)) as found:
            for number in range(1, 6):
                assert 2 * number == await anext(found)
                for _ in range(25):
                    await asyncio.sleep(0)
                assert number == items.given

    asyncio.run(main())


def test_the_iterator_is_closed_when_somebody_stops_early() -> None:
    """Leaving the loop closes what lives on the thread, and nothing more is taken."""

    async def main() -> None:
        items, ended = Source(1_000), list[str]()
        source = Taken(items)
        async with aclosing(crossed(lambda: doubled(source, ended), source=source)) as found:
            async for _ in found:
                break
        assert (["closed"], 1) == (ended, items.given)
        assert [] == list(source)

    asyncio.run(main())


def test_a_cancelled_task_goes_on_when_its_source_would_never_answer() -> None:
    """A source that waits for ever is let go, the iterator ends in order, and no thread stays behind."""

    async def main() -> None:
        items, ended = Source(10, stalls_at=3), list[str]()
        source = Taken(items)

        async def take() -> None:
            async for _ in crossed(lambda: doubled(source, ended), source=source):
                pass

        task = asyncio.create_task(take())
        await items.stalled.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert ["came to its end", "closed"] == ended

    asyncio.run(main())
    for thread in threading.enumerate():
        if thread.name.startswith("disburse-many"):
            thread.join(60)
            assert not thread.is_alive()


@pytest.mark.parametrize("is_async", [True, False])
def test_an_error_of_the_source_comes_through_when_it_fails(is_async: bool) -> None:
    """What the source raises is raised to whoever iterates; so is what making the iterator raises."""

    async def failing() -> AsyncIterator[int]:
        yield 1
        raise OSError("the list is gone")

    def failing_here() -> Iterator[int]:
        yield 1
        raise OSError("the list is gone")

    def never() -> Iterator[int]:
        raise OSError("not made")

    async def main() -> None:
        ended: list[str] = []
        source = Taken(failing() if is_async else failing_here())
        found = crossed(lambda: doubled(source, ended), source=source)
        assert 2 == await anext(found)
        with pytest.raises(OSError, match="the list is gone"):
            await anext(found)
        assert ["closed"] == ended
        with pytest.raises(OSError, match="not made"):
            await anext(crossed(never))

    asyncio.run(main())


def test_an_iterator_without_close_is_left_alone_when_somebody_stops() -> None:
    """A plain iterator needs no closing."""

    async def main() -> None:
        async with aclosing(crossed(lambda: iter([1, 2]))) as found:
            assert 1 == await anext(found)

    asyncio.run(main())
