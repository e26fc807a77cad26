"""
On which threads does work run that an event loop must not wait for?
"""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .exceptions import InvalidInputError, RefusedError

T = TypeVar("T")

ANSWERERS = 4


class LoopThreads:
    """
    Runs calls on threads of its own: payouts may take minutes, so answers never queue behind them.

    Args:
        workers: How many calls run at once at most; more wait, and cost nothing but memory.
    """

    def __init__(self, workers: int) -> None:
        if type(workers) is not int or workers < 1:
            raise InvalidInputError("workers", "must be a whole number from 1", "use 16")
        self.workers = workers
        self.is_closed = False
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._workers = ThreadPoolExecutor(self.workers, "disburse")
        self._answerers = ThreadPoolExecutor(ANSWERERS, "disburse-answer")

    async def work(self, call: Callable[[], T]) -> T:
        """
        Run *call* when a worker is free.
        """
        self._check()
        return await run_on(self._workers, call)

    async def answer(self, call: Callable[[], T]) -> T:
        """
        Run *call* although all workers may be busy: somebody waits for it.
        """
        self._check()
        return await run_on(self._answerers, call)

    async def close(self, then: Callable[[], object]) -> None:
        """
        Cancel what has not begun, let what runs come to its end, and call *then*.
        """
        self.is_closed = True

        def end() -> None:
            if self._process == os.getpid():
                for pool in (self._answerers, self._workers):
                    pool.shutdown(wait=True, cancel_futures=True)
            then()

        await run_alone(end)

    def _check(self) -> None:
        if self.is_closed:
            raise RefusedError("this disburser is closed; connect another one", code="closed")
        if self._process != os.getpid():  # after a fork the threads of the parent are not here
            self._start()


async def run_on(pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    """
    Run *call* on a thread of *pool*, in the context of whoever awaits it: traces and log fields go along.
    """
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(pool, context.run, call)


async def run_alone(call: Callable[[], T]) -> T:
    """
    Run *call* on a thread of its own; once begun it is not left half done, whoever is cancelled.
    """
    pool = ThreadPoolExecutor(1, "disburse-once")
    try:
        return await asyncio.shield(run_on(pool, call))
    finally:
        pool.shutdown(wait=False)
