"""
What did the platform transfer to the account, and take back?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from issuing_disburse.encoding import Params
from issuing_disburse.prepared import Answer
from issuing_disburse.routes import REVERSAL, TRANSFER

from .period import Period
from .reading import CountedReads
from .tally import THERE, Movement, movement


def transfers_to(account: str, reads: CountedReads, period: Period) -> Iterator[Sequence[Answer]]:
    """
    Yield the platform's transfers to *account*, newest first, a page at a time.

    Stripe: ``GET /v1/transfers``
    """
    filters: Params = {"destination": account, **period.filters}
    return reads.whole_pages("/v1/transfers", filters, as_platform=True)


def transfer_movements(transfer: Answer, reads: CountedReads) -> Iterator[Movement]:
    """
    Yield what one transfer moved, and what its reversals took back.

    Stripe: ``GET /v1/transfers/:id/reversals``, where the transfer does not name them all
    """
    name, currency = transfer["id"], transfer["currency"]
    yield movement(name, currency, THERE, transfer["amount"], transfer["created"], TRANSFER)
    if not transfer.get("amount_reversed"):
        return
    known = transfer.get("reversals") or {}
    reversals = known.get("data") or ()
    if known.get("has_more") or not reversals:
        reversals = reads.pages(f"/v1/transfers/{name}/reversals", as_platform=True)
    for one in reversals:
        yield movement(
            one["id"], currency, THERE, -one["amount"], one["created"], REVERSAL, f"of {name}"
        )


def transfers_now(account: str | None, reads: CountedReads, period: Period) -> dict[str, int]:
    """
    Return what each transfer and reversal moves, as Stripe lists them at this moment.
    """
    if account is None:
        return {}
    return {
        moved[4]: -moved[1]
        for page in transfers_to(account, reads, period)
        for one in page
        for moved in transfer_movements(one, reads)
    }
