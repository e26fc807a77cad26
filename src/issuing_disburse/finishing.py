"""
What is done with a disbursement that is over: the rest taken back, or a fresh card?
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from .disbursement import Status
from .exceptions import DisburseError
from .issuance import Issuance
from .ports import Clock
from .reclaim import Reclaimer
from .reclamation import ReclaimOutcome, Reclamation, reclamation
from .reissue import Reissuer


@frozen(kw_only=True)
class Finisher:
    """
    Goes through the disbursements of one account that are over.
    """

    clock: Clock
    issuance: Issuance
    reclaimer: Reclaimer
    reissuer: Reissuer

    def finish_all(
        self, *, limit: int | None, progress: Callable[[Reclamation], None] | None
    ) -> tuple[Reclamation, ...]:
        """
        Finish each; see `issuing_disburse.Disburser.reclaim_expired`.
        """
        done: list[Reclamation] = []
        for order_id in list(self.reclaimer.over()):
            if limit is not None and len(done) >= limit:
                break
            done.append(self._finished(order_id))
            if progress is not None:
                progress(done[-1])
        return tuple(done)

    def _finished(self, order_id: str) -> Reclamation:
        """
        Issue the next card where the terms want one, else take the rest back.
        """
        try:
            record = self.issuance.find(order_id)
            if record.is_to_lower:
                record = self.reissuer.lower(order_id)
                if record.status is Status.ACTIVE and self.clock() < record.expires_at:
                    return reclamation(record, "not_over", message="a replaced card took from it")
            if not self.reissuer.is_wanted(record):
                return self.reclaimer.reclaim(order_id)
            self.reissuer.reissue(order_id)
        except DisburseError as stuck:
            outcome: ReclaimOutcome = "stuck"
            message = str(stuck)
        else:
            outcome, message = "reissued", "the merchant gave the use back"
        return reclamation(self.issuance.find(order_id), outcome, message=message)
