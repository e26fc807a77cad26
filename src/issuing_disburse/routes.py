"""
By which calls does money reach the Issuing balance, and leave it again?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Any, TypeAlias

from attrs import frozen

from .exceptions import (
    FundingRouteUnavailableError,
    InsufficientIssuingBalanceError,
    NotPermittedError,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
)
from .money import Money
from .ports import Clock, FundingReceipt, Journal, Outcome
from .records import Moved
from .stripe_api import Answer, StripeAPI

FUNDING_METADATA = "issuing_disburse_funding"

TRANSFER = "transfer"
REVERSAL = "transfer_reversal"
BALANCE_TRANSFER = "balance_transfer"

_LOOK_BACK = timedelta(minutes=5)


_OTHER_TYPES = ("issuing_", "topup", "payout")
_OTHER_SOURCES = (
    "iauth_",
    "ipi_",
    "idp_",
    "tu_",
    "po_",
    "tr_",
    "trr_",
    "py_",
    "pyr_",
    "ch_",
    "re_",
)


def is_balance_transfer(transaction: Answer) -> bool:
    """
    Tell whether a balance transaction may be a side of a balance transfer.

    Stripe states neither its type nor its source: it is what no other object is named for.
    """
    if str(transaction.get("type")).startswith(_OTHER_TYPES):
        return False
    name = _id(transaction.get("source"))
    return name is None or not str(name).startswith(_OTHER_SOURCES)


def issuing_available(balance: Answer, currency: str) -> Money:
    """
    Read what the Issuing balance has available, in minor units; an absent one is empty.

    Stripe: ``GET /v1/balance``
    """
    return _available(balance.get("issuing") or {}, currency)


def _available(part: Answer, currency: str) -> Money:
    minor = sum(one["amount"] for one in part.get("available") or () if one["currency"] == currency)
    return Money(minor, currency)


def next_business_day(now: datetime) -> datetime:
    """
    Return the end of the next day that is no Saturday or Sunday, UTC.
    """
    day = now.date() + timedelta(days=1)
    while day.weekday() >= 5:  # noqa: PLR2004  # Saturday
        day += timedelta(days=1)
    return datetime.combine(day, time(23, 59, 59), tzinfo=now.tzinfo)


@frozen(kw_only=True)
class Attributed:
    """
    Which movements of one account are accounted for already.

    Attributes:
        transactions: Balance transactions that belong to a funding of ours.
        under_way: How many movements of that amount and direction have no outcome yet.
    """

    transactions: frozenset[str]
    under_way: int


Attribution: TypeAlias = Callable[[str | None, Money], Attributed]
"""Tells it for an account and an amount to the Issuing balance; a negative one comes from it."""


@frozen(kw_only=True)
class BalanceTransfers:
    """
    Moves money between the payments and the Issuing balance of one account.

    A preview of Stripe's: whether an account may use it, only a try can show.
    """

    api: StripeAPI
    clock: Clock
    attribution: Attribution

    def move(
        self,
        account: str | None,
        amount: Money,
        *,
        source: str,
        destination: str,
        key: str,
        journal: Journal,
    ) -> Outcome:
        """
        Move *amount* from the *source* balance (``payments``, ``issuing``) to *destination*.

        Stripe: ``POST /v1/balance_transfers``
        """
        call = self.api.prepare(
            "/v1/balance_transfers",
            {
                "amount": amount.minor,
                "currency": amount.currency,
                "source_balance": {"type": source},
                "destination_balance": {"type": destination},
                "metadata": {FUNDING_METADATA: key},
            },
            account=account,
            keep=_balance_transfer_outcome,
            is_preview=True,
        )
        step = f"balance-transfer-to-{destination}"
        return journal.once(
            step, call, lambda: self._look(account, amount, source, journal.begun(step))
        )

    def _look(
        self, account: str | None, amount: Money, source: str, begun: datetime | None
    ) -> Outcome | None:
        """
        Look for a balance transfer of that amount among the movements nobody has claimed.

        The resource itself cannot be listed. If there are as many candidates as movements of that
        amount under way, each of them has happened and one is ours; if there are none, none has.
        Anything else is left to a person.
        """
        is_funding = source == "payments"
        known = self.attribution(account, amount if is_funding else -amount)
        since = (begun or self.clock()) - _LOOK_BACK
        pages = self.api.pages(
            "/v1/balance_transactions",
            {"created": {"gte": since}, "currency": amount.currency},
            account=account,
        )
        candidates = [
            one["id"]
            for one in pages
            if one["balance_type"] == source
            and one["net"] == -amount.minor
            and is_balance_transfer(one)
            and one["id"] not in known.transactions
        ]
        if not candidates:
            return None
        if len(candidates) == max(known.under_way, 1):
            return {
                "id": candidates[0],
                "minor": amount.minor,
                "source_transaction": candidates[0],
                "destination_transaction": None,
            }
        msg = (
            f"a balance transfer of {amount} may have been made ({', '.join(candidates[:5])}), and "
            f"Stripe does not say for whom; compare with the fundings of {account or 'the platform'}"
        )
        raise UnknownOutcomeError(msg, code="balance_transfer_ambiguous")


def _balance_transfer_outcome(answer: Answer) -> Outcome:
    arrived = answer["destination_balance"].get(answer["destination_balance"]["type"]) or {}
    left = answer["source_balance"].get(answer["source_balance"]["type"]) or {}
    return {
        "id": answer["id"],
        "minor": answer["amount"],
        "source_transaction": _id(left.get("balance_transaction")),
        "destination_transaction": _id(arrived.get("balance_transaction")),
    }


def _id(value: Any) -> str | None:  # an id or an expanded object
    return value.get("id") if isinstance(value, dict) else value


@frozen(kw_only=True)
class TransferRoute:
    """
    The platform transfers to the connected account, which moves exactly that on to its Issuing balance.

    The default with a connected account. It never moves more than its own transfer brought, because
    the account's earnings sit in the same payments balance.
    """

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
            onward = self._balance_transfers.move(
                account,
                amount,
                source="payments",
                destination="issuing",
                key=key,
                journal=journal,
            )
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
        return FundingReceipt(
            amount=amount,
            moved=(moved, _moved(onward, amount.minor, "destination_transaction")),
            available_at=_expected_at(onward, self.clock()),
        )

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
        available = _available(self.api.get("/v1/balance", account=None), amount.currency)
        return insufficient(
            available=available,
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

        Raises:
            RefusedError: A leg was refused; what was moved before it is in the journal.

        Stripe: ``POST /v1/balance_transfers``, ``POST /v1/transfers/:id/reversals``
        """
        back = self._balance_transfers.move(
            account, amount, source="issuing", destination="payments", key=key, journal=journal
        )
        # What an interrupted try has moved counts, not what this one would.
        amount = Money(back["minor"], amount.currency)
        moved = [_moved(back, amount.minor, "source_transaction")]
        for transfer_id, minor in _shares(receipts, amount.minor):
            reversal = self._reverse(
                transfer_id, Money(minor, amount.currency), key=key, journal=journal
            )
            moved.append(Moved(object=REVERSAL, id=reversal["id"], minor=minor))
        return FundingReceipt(amount=amount, moved=tuple(moved))


@frozen(kw_only=True)
class BalanceTransferRoute:
    """
    The account moves its own money from its payments to its Issuing balance.

    The default without a connected account.
    """

    api: StripeAPI
    clock: Clock
    attribution: Attribution

    @property
    def _balance_transfers(self) -> BalanceTransfers:
        return BalanceTransfers(api=self.api, clock=self.clock, attribution=self.attribution)

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Bring *amount* from the payments to the Issuing balance.

        Raises:
            InsufficientIssuingBalanceError: The payments balance is too low; nothing moved.
            FundingRouteUnavailableError: Stripe refused it for another reason; nothing moved.

        Stripe: ``POST /v1/balance_transfers``
        """
        try:
            onward = self._balance_transfers.move(
                account,
                amount,
                source="payments",
                destination="issuing",
                key=key,
                journal=journal,
            )
        except RefusedError as refusal:
            if refusal.code == "balance_insufficient":
                available = _available(
                    self.api.get("/v1/balance", account=account), amount.currency
                )
                raise insufficient(
                    available=available,
                    promised=Money.zero(amount.currency),
                    wanted=amount,
                    whose="the payments balance",
                    request_id=refusal.stripe_request_id,
                ) from refusal
            msg = (
                f"money may not be moved to the Issuing balance: {refusal}; ask Stripe to enable it"
            )
            raise FundingRouteUnavailableError(
                msg,
                code=refusal.code or "balance_transfer_refused",
                stripe_request_id=refusal.stripe_request_id,
            ) from refusal
        return FundingReceipt(
            amount=amount,
            moved=(_moved(onward, amount.minor, "destination_transaction"),),
            available_at=_expected_at(onward, self.clock()),
        )

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
        Take *amount* back to the payments balance.

        Stripe: ``POST /v1/balance_transfers``
        """
        back = self._balance_transfers.move(
            account, amount, source="issuing", destination="payments", key=key, journal=journal
        )
        taken = Money(back["minor"], amount.currency)
        return FundingReceipt(
            amount=taken, moved=(_moved(back, taken.minor, "source_transaction"),)
        )


def _moved(outcome: Outcome, minor: int, side: str) -> Moved:
    return Moved(
        object=BALANCE_TRANSFER,
        id=outcome["id"],
        minor=minor,
        balance_transaction=outcome[side],
        counterpart=outcome[
            "source_transaction" if side != "source_transaction" else "destination_transaction"
        ],
    )


def _expected_at(onward: Outcome, now: datetime) -> datetime | None:
    """
    Return when a balance transfer to the Issuing balance is due, ``None`` if it has arrived.
    """
    return None if onward["destination_transaction"] is not None else next_business_day(now)


def _shares(receipts: Sequence[FundingReceipt], wanted: int) -> Iterator[tuple[str, int]]:
    """
    Spread *wanted* minor units over the transfers that brought the money, oldest first.
    """
    for receipt in receipts:
        for moved in receipt.moved:
            share = min(wanted, moved.minor)
            if moved.object == TRANSFER and share > 0:
                wanted -= share
                yield moved.id, share


@frozen(kw_only=True)
class PrefundedRoute:
    """
    Moves nothing: the treasury fills the Issuing balance by hand, this only checks it.
    """

    checks_balance: bool = True

    def check(self, account: str | None) -> None:
        """
        Find nothing to check.
        """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Move nothing; the promise was checked against the balance before.
        """
        return FundingReceipt(amount=Money.zero(amount.currency))

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
        Move nothing; what is no longer promised stays on the Issuing balance.
        """
        return FundingReceipt(amount=Money.zero(amount.currency))


def insufficient(
    *, available: Money, promised: Money, wanted: Money, whose: str, request_id: str | None = None
) -> InsufficientIssuingBalanceError:
    """
    Build the error that says how much is missing.
    """
    missing = wanted + promised - available
    error = InsufficientIssuingBalanceError(
        f"{whose} has {available} available, {promised} of it promised; {wanted} is needed, "
        f"{missing} is missing. Add funds and disburse the same order again",
        code="balance_insufficient",
        stripe_request_id=request_id,
    )
    error.available, error.promised, error.missing = available, promised, missing
    return error
