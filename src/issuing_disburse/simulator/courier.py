"""
Who brings webhooks to other processes, while the request that caused them is answered?
"""

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread
from time import monotonic
from typing import TypeAlias

from attrs import define, field

Parcel: TypeAlias = tuple[str, str, int]
"""
An event's id, an endpoint's id, and which attempt it is.
"""


@define(eq=False)
class Courier:
    """
    Deliver one parcel after the other, in order, on a thread of its own.

    A receiver may call the API while it is being told something, and may have one thread only:
    the caller of the API must not wait for it, as it does not wait for Stripe's webhooks.
    """

    deliver: Callable[[list[Parcel]], None]
    _parcels: deque[Parcel] = field(factory=deque)
    _turn: Condition = field(factory=Condition)
    _is_busy: bool = False
    _is_closed: bool = False
    _thread: Thread = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._thread = Thread(target=self._work, name="simulator-courier", daemon=True)
        self._thread.start()

    def hand_over(self, parcels: list[Parcel]) -> None:
        """
        Take *parcels* along.
        """
        with self._turn:
            self._parcels.extend(parcels)
            self._turn.notify_all()

    def settle(self, timeout_seconds: float) -> bool:
        """
        Wait until everything has been brought, for at most *timeout_seconds*; say whether it has.
        """
        ends = monotonic() + timeout_seconds
        with self._turn:
            return self._turn.wait_for(
                lambda: not self._parcels and not self._is_busy, ends - monotonic()
            )

    def close(self, timeout_seconds: float) -> list[Parcel]:
        """
        Stop, and return what could not be brought within *timeout_seconds*.
        """
        self.settle(timeout_seconds)
        with self._turn:
            self._is_closed = True
            left = list(self._parcels)
            self._parcels.clear()
            self._turn.notify_all()
        return left

    def _work(self) -> None:
        while True:
            with self._turn:
                self._is_busy = False
                self._turn.notify_all()
                self._turn.wait_for(lambda: self._parcels or self._is_closed)
                if self._is_closed:
                    return
                self._is_busy = True
                parcel = self._parcels.popleft()
            self.deliver([parcel])
