"""
How does money go between the payments and the Issuing balance of one account?
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import frozen

from issuing_disburse.exceptions import UnknownOutcomeError
from issuing_disburse.money import Money
from issuing_disburse.ports import Clock, FundingReceipt, Journal, Outcome
from issuing_disburse.prepared import Answer
from issuing_disburse.records import Moved
from issuing_disburse.stripe_api import StripeAPI

from .business_days import next_business_day
from .objects import BALANCE_TRANSFER, FUNDING_METADATA, id_of, is_balance_transfer

_LOOK_BACK = timedelta(minutes=5)


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

    def to_issuing(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Move *amount* from the payments to the Issuing balance; the receipt says when it is due.

        Stripe: ``POST /v1/balance_transfers``
        """
        made = self._move(account, amount, "payments", "issuing", key=key, journal=journal)
        arrived, left = made["destination_transaction"], made["source_transaction"]
        return FundingReceipt(
            amount=amount,
            moved=(_moved(made["id"], amount.minor, arrived, counterpart=left),),
            available_at=None if arrived is not None else next_business_day(self.clock()),
        )

    def to_payments(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Move *amount* from the Issuing to the payments balance.

        Returns:
            What was moved in truth: an interrupted try may have moved another amount.

        Stripe: ``POST /v1/balance_transfers``
        """
        made = self._move(account, amount, "issuing", "payments", key=key, journal=journal)
        arrived, left = made["destination_transaction"], made["source_transaction"]
        return FundingReceipt(
            amount=Money(made["minor"], amount.currency),
            moved=(_moved(made["id"], made["minor"], left, counterpart=arrived),),
        )

    def _move(
        self,
        account: str | None,
        amount: Money,
        source: str,
        destination: str,
        *,
        key: str,
        journal: Journal,
    ) -> Outcome:
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
        "source_transaction": id_of(left.get("balance_transaction")),
        "destination_transaction": id_of(arrived.get("balance_transaction")),
    }


def _moved(id_: str, minor: int, transaction: str | None, *, counterpart: str | None) -> Moved:
    """
    Return what a balance transfer moved, by its *transaction* on the Issuing balance.
    """
    return Moved(
        object=BALANCE_TRANSFER,
        id=id_,
        minor=minor,
        balance_transaction=transaction,
        counterpart=counterpart,
    )
