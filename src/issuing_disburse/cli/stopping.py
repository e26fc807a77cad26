"""
How does Ctrl-C end a run without tearing anything apart?
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from attrs import define


@define
class Stop:
    """
    Whether somebody wants a run to end, by Ctrl-C or SIGTERM.

    Attributes:
        number: Of the first signal; 0 as long as there was none.
        is_waiting: Whether the run waits for work to be done, and may be interrupted at once; else it looks here
            when it is done with what it tells.
    """

    number: int = 0
    is_waiting: bool = False

    def heard(self, number: int, _frame: FrameType | None) -> None:
        """
        Take a signal; the second one ends the process at once, which is a crash, and harms no order.
        """
        if self.number:
            os.write(2, b"ended at once: resume finishes what was under way, two minutes later\n")
            os._exit(self.exit_code)
        self.number = number
        if self.is_waiting:
            raise KeyboardInterrupt

    @property
    def exit_code(self) -> int:
        """
        What a shell expects of a process that a signal has ended: 130 for Ctrl-C.
        """
        return 128 + (self.number or signal.SIGINT)


@contextmanager
def stopping() -> Iterator[Stop]:
    """
    Yield what hears Ctrl-C and SIGTERM, and give the signals back afterwards.
    """
    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop.heard) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
