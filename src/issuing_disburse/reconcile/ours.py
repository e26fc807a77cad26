"""
What do our books say about the order that an object of Stripe's belongs to?
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from issuing_disburse.exceptions import ChainBrokenError
from issuing_disburse.ledger import Entry, verify_chain
from issuing_disburse.prepared import Answer
from issuing_disburse.records import DisbursementRecord, account_key

from .chains import on_balance
from .tally import Sum

PATHS: dict[str, str] = {
    "authorization": "/v1/issuing/authorizations",
    "transaction": "/v1/issuing/transactions",
    "dispute": "/v1/issuing/disputes",
    "card": "/v1/issuing/cards",
}

EFFECTS = {
    "authorization": frozenset({"hold"}),
    "transaction": frozenset({"capture", "refund"}),
    "dispute": frozenset({"dispute"}),
}


@frozen(kw_only=True)
class Ours:
    """
    What we have about the order that an object belongs to.
    """

    record: DisbursementRecord
    entries: tuple[Entry, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the chain is as long as the order says, and unbroken."""
        try:
            return verify_chain(self.entries) == self.record.digest
        except ChainBrokenError:
            return False

    def moved(self, object_id: str, family: str) -> int | None:
        """Return what that object did to the Issuing balance, ``None`` if it is not in our books."""
        effects = EFFECTS[family]
        lines = [
            line
            for entry in self.entries
            for line in entry.lines
            if line.object_id == object_id and line.effect in effects
        ]
        if not lines:
            return None
        return sum(on_balance(line.source, line.destination, line.minor) for line in lines)


def moved_there(body: Answer, one: Sum) -> int:
    """
    Return what an object did to the balance by its own account, which is as new as can be.
    """
    if one.type == "transaction":
        return int(body["amount"])
    movements: Iterable[Answer] = body.get("balance_transactions") or ()
    known = [item for item in movements if isinstance(item, dict)]
    return sum(int(item["net"]) for item in known) if known else one.there


def order_of(scope: str, account: str | None) -> str | None:
    prefix = f"{account_key(account)}/"
    return scope.removeprefix(prefix) if scope.startswith(prefix) else None
