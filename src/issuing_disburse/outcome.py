"""
What became of one order among many?
"""

from __future__ import annotations

from attrs import frozen

from .disbursement import Disbursement, Status


@frozen(kw_only=True)
class Outcome:
    """
    What `Disburser.disburse_many` has to say about one order.

    Attributes:
        position: Which of the orders it was, 0 for the first.
        order_id: Its id; ``None`` for what was no `Order`.
        disbursement: How it stands in the store; ``None`` if nothing of it is there.
        error: What `Disburser.disburse` would have raised; ``None`` if it would have returned.
    """

    position: int
    order_id: str | None = None
    disbursement: Disbursement | None = None
    error: Exception | None = None

    @property
    def is_paid(self) -> bool:
        """
        Whether the order has its card, from this run or from an earlier one.
        """
        return (
            self.error is None
            and self.disbursement is not None
            and self.disbursement.card_or_none is not None
        )

    @property
    def is_pending(self) -> bool:
        """
        Whether the order waits, and `Disburser.resume_all` goes on with it.
        """
        return self.disbursement is not None and self.disbursement.status is Status.PENDING
