"""
Who listens, and who is told? Whatever a listener does harms nobody.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from .exceptions import InvalidInputError

if TYPE_CHECKING:
    from .domain_events import DomainEvent

E = TypeVar("E", bound="DomainEvent")

Unsubscribe: TypeAlias = Callable[[], None]
"""Stops telling; calling it twice is fine."""


class Announcer:
    """
    Tells events to those who asked for them. Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[tuple[type[DomainEvent], Callable[[Any], object]], ...] = ()

    @property
    def is_heard(self) -> bool:
        """
        Whether anybody listens.
        """
        return bool(self._listeners)

    def on(self, event_type: type[E], handler: Callable[[E], object]) -> Unsubscribe:
        """
        Tell *handler* of events of that type. See `issuing_disburse.Disburser.on`.
        """
        from .domain_events import DomainEvent  # noqa: PLC0415 - who listens has loaded it

        if not (isinstance(event_type, type) and issubclass(event_type, DomainEvent)):
            raise InvalidInputError(
                "event_type", "is no type of event", "pass one of issuing_disburse.domain_events"
            )
        if not callable(handler):
            raise InvalidInputError("handler", "cannot be called", "pass a function of one event")
        if inspect.iscoroutinefunction(handler):
            remedy = "pass a plain function, which may call asyncio.run_coroutine_threadsafe"
            raise InvalidInputError("handler", "is awaited, and nobody here awaits it", remedy)
        listener = (event_type, handler)
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return unsubscribe

    def tell(self, events: Sequence[DomainEvent]) -> None:
        """
        Tell *events* in order; a handler that raises is logged and does not keep others from hearing.
        """
        for event in events:
            for wanted, handler in self._listeners:
                if isinstance(event, wanted):
                    try:
                        handler(event)
                    except Exception as broken:  # noqa: BLE001  # whatever it is, it is not our business
                        _complain(event, broken)


def _complain(event: DomainEvent, broken: Exception) -> None:
    import logging  # noqa: PLC0415 - handlers seldom fail

    logging.getLogger("issuing_disburse").error(  # a traceback would show the handler's variables
        "a handler of %s failed with %s: what it was told is stored all the same",
        type(event).__name__,
        type(broken).__name__,
    )
