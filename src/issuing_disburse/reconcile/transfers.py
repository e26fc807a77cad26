"""
What did the platform transfer to the account, and take back?
"""

from __future__ import annotations

from collections.abc import Iterator

from issuing_disburse.encoding import Params
from issuing_disburse.routes import REVERSAL, TRANSFER
from issuing_disburse.stripe_api import Answer

from .period import Period
from .reading import CountedReads
from .tally import Movement


def transfers_to(account: str, reads: CountedReads, period: Period) -> Iterator[Answer]:
    """
    Yield the platform's transfers to *account*, newest first.

    Stripe: ``GET /v1/transfers``
    """
    filters: Params = {"destination": account, **period.filters}
    return reads.pages("/v1/transfers", filters, as_platform=True)


def transfer_movements(transfer: Answer, reads: CountedReads) -> Iterator[Movement]:
    """
    Yield what one transfer moved, and what its reversals took back.

    Stripe: ``GET /v1/transfers/:id/reversals``, where the transfer does not name them all
    """
    name, currency = transfer["id"], transfer["currency"]
    yield (name, currency, 1, transfer["amount"], transfer["created"], TRANSFER, "")
    if not transfer.get("amount_reversed"):
        return
    known = transfer.get("reversals") or {}
    reversals = known.get("data") or ()
    if known.get("has_more") or not reversals:
        reversals = reads.pages(f"/v1/transfers/{name}/reversals", as_platform=True)
    for one in reversals:
        yield (one["id"], currency, 1, -one["amount"], one["created"], REVERSAL, f"of {name}")


def transfers_now(account: str | None, reads: CountedReads, period: Period) -> dict[str, int]:
    """
    Return what each transfer and reversal moves, as Stripe lists them at this moment.
    """
    if account is None:
        return {}
    return {
        movement[0]: movement[3]
        for one in transfers_to(account, reads, period)
        for movement in transfer_movements(one, reads)
    }
