"""
How do merchants act, and are told what to do, while a cassette is recorded or played?
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define, field

from issuing_disburse.signatures import sign

if TYPE_CHECKING:
    from issuing_disburse.testing.cassettes import Recorded

_ASKED = frozenset(
    {"authorize", "capture", "increment", "reverse", "expire", "finalize", "refund"}
    | {"force_capture", "unlinked_refund", "take_back_refund", "decide_dispute"}
    | {"set_screening", "disable_issuing", "settle_topup", "settle_payout"}
    | {"fund_platform", "fund_issuing", "take_back_issuing"}
    | {"issuing_balance", "payments_balance", "held", "objects", "events"}
)


class NotOnACassetteError(AttributeError):
    """
    A verb that cannot be recorded was asked for.
    """


@define
class FaultsOutside:
    """
    Adds faults to what is recorded; while a cassette is played they have happened already.
    """

    _world: Any  # Any: a simulator, or nobody

    def add(self, fault: Any) -> None:
        """
        Add one line to the script.
        """
        if self._world is not None:
            self._world.faults.add(fault)

    def clear(self) -> None:
        """
        Let nothing go wrong any more.
        """
        if self._world is not None:
            self._world.faults.clear()


@define
class Outside:
    """
    Stands in for a simulator: what merchants do is recorded as an interaction of its own, and played.
    """

    _tape: Recorded = field(repr=False)
    _world: Any = (
        None  # Any: a simulator, or what speaks to Stripe; nobody while a cassette is played
    )

    @property
    def clock(self) -> Any:  # Any: the simulator's, or one that stands at recorded times
        """
        The time of the test.
        """
        return self._tape.clock

    @property
    def faults(self) -> FaultsOutside:
        """
        What goes wrong.
        """
        return FaultsOutside(self._world)

    def deliver_webhooks_to(self, handler: Callable[[bytes, str], Any], **_: Any) -> None:
        """
        Deliver what comes in, or what came in, to *handler*.

        While it is recorded, deliveries are signed by the test's own clock, as they are when they are played:
        a served simulator signs by the machine's.
        """
        tape = self._tape
        tape.deliver_to(handler)
        if self._world is not None:

            def receive(payload: bytes, _signature: str) -> Any:
                now = tape.clock.now()
                return tape.receive(payload, sign(payload, tape.webhook_secret, now))

            self._world.deliver_webhooks_to(receive)

    def __getattr__(self, name: str) -> Any:  # Any: the verb of that name
        if name not in _ASKED:
            raise NotOnACassetteError(f"{name!r} cannot be recorded on a cassette")
        act = None if self._world is None else getattr(self._world, name)

        def verb(*arguments: Any, **details: Any) -> Any:
            told = {"arguments": list(arguments), **details}
            return self._tape.outside(name, lambda: act(*arguments, **details), **told)  # type: ignore[misc]  # nobody acts while it is played

        return verb
