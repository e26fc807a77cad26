"""
What did a funding of ours move?

Fundings are as many as orders, so they are read as they are kept; only one that is under way becomes a
record.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from issuing_disburse.convert import decode
from issuing_disburse.exceptions import StoreError
from issuing_disburse.records import FundingRecord
from issuing_disburse.routes import BALANCE_TRANSFER, REVERSAL, TRANSFER

from .chains import Books
from .tally import HERE, Movement, movement

_SCOPE = "funding"


def funding_movements(body: str | bytes, books: Books) -> list[Movement]:
    """
    Return what one funding moved, there and back, and note in *books* what else it tells.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        funding = orjson.loads(body)
        created_at = datetime.fromisoformat(funding["created_at"])
        books.opens_by(created_at)
        if funding["progress"] == "moving":
            books.moving.append(decode(FundingRecord, body))
        at, currency = int(created_at.timestamp()), funding["amount"]["currency"]
        return list(_movements(funding, at, currency, books))
    except (KeyError, TypeError, ValueError):
        problem = "a stored FundingRecord cannot be read; restore it from a backup"
    raise StoreError(problem, code="unreadable")


def _movements(funding: dict[str, Any], at: int, currency: str, books: Books) -> Iterator[Movement]:
    for name, sign in (("moved", 1), ("returned", -1)):
        for one in funding.get(name) or ():
            minor, kind, known = sign * one["minor"], one["object"], one.get("balance_transaction")
            if kind in {TRANSFER, REVERSAL}:
                yield movement(one["id"], currency, HERE, minor, at, kind, _SCOPE)
            elif known is not None:
                yield movement(known, currency, HERE, minor, at, "balance_transaction", _SCOPE)
            elif kind == BALANCE_TRANSFER:
                books.unnamed.append((currency, minor))
