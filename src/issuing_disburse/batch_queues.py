"""
What waits for its turn in a run over many orders, and for whom?
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from attrs import define, field

from .batch_steps import Prepared, Settled
from .disbursement import Disbursement
from .order import Order


class Steps(Protocol):
    """
    What is done for the orders; see `issuing_disburse.batch_steps.BatchSteps`.
    """

    @property
    def members_max(self) -> int: ...
    def recipient_of(self, order: Order) -> str: ...
    def prepare(self, order: Order) -> Prepared | Disbursement: ...
    def review(self, screened: Sequence[Prepared]) -> Iterator[tuple[Prepared | Settled, int]]: ...
    def fund(self, ready: Sequence[Prepared]) -> Iterator[tuple[Prepared | Settled, int]]: ...
    def finish(self, one: Prepared) -> Disbursement: ...


@define(eq=False)
class Task:
    """
    One order on its way through a run.

    Attributes:
        position: Which of the orders it is.
        ready_at: Monotonic seconds; since when it waits for money.
    """

    position: int
    order: Order
    recipient: str
    prepared: Prepared | None = None
    ready_at: float = 0.0


@define(eq=False)
class Gate:
    """
    Lets one through at a time; the others queue up, by what they have in common.
    """

    _waiting: dict[str, deque[Task]] = field(factory=dict)

    def enter(self, name: str, task: Task) -> bool:
        """
        Let *task* through, or have it wait.
        """
        if name in self._waiting:
            self._waiting[name].append(task)
            return False
        self._waiting[name] = deque()
        return True

    def leave(self, name: str) -> Task | None:
        """
        Let the next one through, and return it.
        """
        if self._waiting[name]:
            return self._waiting[name].popleft()
        del self._waiting[name]
        return None
