"""
How does the platform fund the Issuing balance of a connected account?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen

from issuing_disburse.exceptions import (
    FundingRouteUnavailableError,
    InsufficientIssuingBalanceError,
    NotPermittedError,
    RefusedError,
    UnavailableError,
)
from issuing_disburse.money import Money
from issuing_disburse.ports import Clock, FundingReceipt, Journal, Outcome
from issuing_disburse.records import Moved
from issuing_disburse.stripe_api import StripeAPI

from .balance_transfers import Attribution, BalanceTransfers
from .balances import at_most_brought, available, insufficient
from .objects import FUNDING_METADATA, REVERSAL, TRANSFER


@frozen(kw_only=True)
class TransferRoute:
    """
    The platform transfers to the connected account, which moves exactly that on to its Issuing balance.

    The default with a connected account. It never moves more than its own transfer brought, because
    the account's earnings sit in the same payments balance.

    Attributes:
        members_max: How many orders one movement may pay for.
    """

    members_max: int = 1_000
    api: StripeAPI
    clock: Clock
    attribution: Attribution

    @property
    def _balance_transfers(self) -> BalanceTransfers:
        return BalanceTransfers(api=self.api, clock=self.clock, attribution=self.attribution)

    def check(self, account: str | None) -> None:
        """
        Check what Stripe's API can show before money moves.

        Raises:
            FundingRouteUnavailableError: Nothing was moved; the message names the remedy.

        Stripe: ``GET /v1/balance_settings``
        """
        if account is None:
            msg = "a transfer needs a connected account; use BalanceTransferRoute or PrefundedRoute"
            raise FundingRouteUnavailableError(msg, code="no_connected_account")
        settings = self.api.get("/v1/balance_settings", account=account)
        payouts = (settings.get("payments") or {}).get("payouts") or {}
        interval = (payouts.get("schedule") or {}).get("interval")
        if interval not in {None, "manual"} and payouts.get("status") != "disabled":
            msg = (
                f"{account} pays out {interval}: the money could leave before it reaches the "
                "Issuing balance; set the payout schedule to manual in its balance settings"
            )
            raise FundingRouteUnavailableError(msg, code="payout_schedule", param="interval")

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Bring *amount* to the Issuing balance: a transfer, then a balance transfer.

        Raises:
            InsufficientIssuingBalanceError: The platform's balance is too low; nothing moved.
            FundingRouteUnavailableError: The second leg was refused; the first was reversed.

        Stripe: ``POST /v1/transfers``, ``POST /v1/balance_transfers``
        """
        transfer = self._transfer(account, amount, key=key, journal=journal)
        moved = Moved(object=TRANSFER, id=transfer["id"], minor=amount.minor)
        if journal.begun(f"reverse-{moved.id}") is not None:
            # Once begun, the way back is the only way: the money may have left again already.
            self._undo_transfer(moved.id, amount, key=key, journal=journal)
            msg = f"the transfer {moved.id} was reversed, its second leg had been refused"
            raise FundingRouteUnavailableError(msg, code="balance_transfer_refused")
        try:
            onward = self._balance_transfers.to_issuing(account, amount, key=key, journal=journal)
        except RefusedError as refusal:
            if isinstance(refusal, NotPermittedError) and not refusal.is_definite:
                raise
            self._undo_transfer(moved.id, amount, key=key, journal=journal)
            msg = (
                f"{account} may not move money from its payments to its Issuing balance: {refusal}; "
                "the transfer was reversed. Ask Stripe to enable balance transfers, then run "
                "preflight(probe=True)"
            )
            raise FundingRouteUnavailableError(
                msg,
                code=refusal.code or "balance_transfer_refused",
                stripe_request_id=refusal.stripe_request_id,
            ) from refusal
        return evolve(onward, moved=(moved, *onward.moved))

    def _undo_transfer(
        self, transfer_id: str, amount: Money, *, key: str, journal: Journal
    ) -> None:
        """
        Reverse the first leg; while Stripe refuses that, the order keeps waiting for it.
        """
        try:
            self._reverse(transfer_id, amount, key=key, journal=journal)
        except RefusedError as refusal:
            msg = (
                f"transfer {transfer_id} of {amount} lies on the connected account's payments "
                f"balance and could not be reversed: {refusal}; resume the order to try again"
            )
            raise UnavailableError(
                msg, code="funds_stranded", stripe_request_id=refusal.stripe_request_id
            ) from refusal

    def _transfer(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> Outcome:
        call = self.api.prepare(
            "/v1/transfers",
            {
                "amount": amount.minor,
                "currency": amount.currency,
                "destination": account,
                "transfer_group": key,
                "metadata": {FUNDING_METADATA: key},
            },
            account=None,
            keep=lambda answer: {"id": answer["id"], "minor": answer["amount"]},
        )

        def look() -> Outcome | None:
            page = self.api.pages("/v1/transfers", {"transfer_group": key}, account=None)
            for one in page:
                if one["destination"] == account and one["amount"] == amount.minor:
                    return {"id": one["id"], "minor": one["amount"]}
            return None

        try:
            return journal.once("transfer", call, look)
        except RefusedError as refusal:
            if refusal.code == "balance_insufficient":
                raise self._insufficient(amount, refusal) from refusal
            raise

    def _insufficient(
        self, amount: Money, refusal: RefusedError
    ) -> InsufficientIssuingBalanceError:
        left = available(self.api.get("/v1/balance", account=None), amount.currency)
        return insufficient(
            available=left,
            promised=Money.zero(amount.currency),
            wanted=amount,
            whose="the platform's payments balance",
            request_id=refusal.stripe_request_id,
        )

    def _reverse(self, transfer_id: str, amount: Money, *, key: str, journal: Journal) -> Outcome:
        call = self.api.prepare(
            f"/v1/transfers/{transfer_id}/reversals",
            {"amount": amount.minor, "metadata": {FUNDING_METADATA: key}},
            account=None,
            keep=lambda answer: {"id": answer["id"], "minor": answer["amount"]},
        )

        def look() -> Outcome | None:
            page = self.api.pages(f"/v1/transfers/{transfer_id}/reversals", {}, account=None)
            for one in page:
                if (one.get("metadata") or {}).get(FUNDING_METADATA) == key:
                    return {"id": one["id"], "minor": one["amount"]}
            return None

        return journal.once(f"reverse-{transfer_id}", call, look)

    def give_back(
        self,
        account: str | None,
        amount: Money,
        *,
        key: str,
        receipts: Sequence[FundingReceipt],
        journal: Journal,
    ) -> FundingReceipt:
        """
        Take *amount* back the way it came: a balance transfer, then transfer reversals.

        Of no more than the transfers brought: the rest, a merchant's gift, stays where cards can spend it.

        Raises:
            RefusedError: A leg was refused; what was moved before it is in the journal.

        Stripe: ``POST /v1/balance_transfers``, ``GET /v1/transfers/:id``,
        ``POST /v1/transfers/:id/reversals``
        """
        amount = at_most_brought(amount, receipts, TRANSFER)
        if amount.is_zero:
            return FundingReceipt(amount=amount)
        back = self._balance_transfers.to_payments(account, amount, key=key, journal=journal)
        # What an interrupted try has moved counts, not what this one would.
        amount, moved = back.amount, list(back.moved)
        for transfer_id, minor, left in _shares(receipts, amount.minor):
            by_hand = self._reversed_by_hand(transfer_id, left, minor, journal=journal)
            moved += by_hand
            rest = minor - sum(one.minor for one in by_hand)
            if rest > 0:
                reversal = self._reverse(
                    transfer_id, Money(rest, amount.currency), key=key, journal=journal
                )
                moved.append(Moved(object=REVERSAL, id=reversal["id"], minor=reversal["minor"]))
        return FundingReceipt(amount=amount, moved=tuple(moved))

    def _reversed_by_hand(
        self, transfer_id: str, left: int, wanted: int, *, journal: Journal
    ) -> list[Moved]:
        """
        Return what somebody else has taken back of a transfer that has *left* minor units by our books;
        of one reversal no more than is *wanted*, the rest counts for whoever comes next.

        Looked at once and remembered, before the first reversal of ours under this key: what went
        home by another hand need not go home again.

        Stripe: ``GET /v1/transfers/:id``, and its reversals where they are unknown
        """

        def look(key: str = "") -> Outcome:  # a read needs none
            transfer = self.api.get(f"/v1/transfers/{transfer_id}", account=None)
            unknown = transfer["amount_reversed"] - (transfer["amount"] - left)
            missing, found = wanted, list[list[str | int]]()
            path = f"/v1/transfers/{transfer_id}/reversals"
            for one in self.api.pages(path, {}, account=None) if unknown > 0 else ():
                is_ours = FUNDING_METADATA in (one.get("metadata") or {})
                counted = 0 if is_ours else min(one["amount"], unknown, missing)
                if counted > 0:
                    unknown, missing = unknown - counted, missing - counted
                    found.append([one["id"], counted])
            return {"found": found}

        is_begun = journal.begun(f"reverse-{transfer_id}") is not None
        if is_begun and journal.begun(f"look-{transfer_id}") is None:
            return []  # begun by a version that did not look
        seen = journal.once(f"look-{transfer_id}", look, look)
        return [Moved(object=REVERSAL, id=name, minor=minor) for name, minor in seen["found"]]


def _shares(receipts: Sequence[FundingReceipt], wanted: int) -> Iterator[tuple[str, int, int]]:
    """
    Spread *wanted* minor units over the transfers that brought the money, oldest first.

    Yields each transfer with its share and with what the whole of it still had: a receipt may be about
    one order's part of it.
    """
    for receipt in receipts:
        for moved in receipt.moved:
            share = min(wanted, moved.minor)
            if moved.object == TRANSFER and share > 0:
                wanted -= share
                yield moved.id, share, max(moved.minor, receipt.amount.minor)
