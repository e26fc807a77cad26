"""
Which troubles does a route get into in a test, and by what is it judged?
"""
# ruff: noqa: S101 - tests assert, expected == actual

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from issuing_disburse.money import Money
from issuing_disburse.ports import FundingReceipt

from .funding_ground import RouteBench, Standing
from .watched_journal import Watch

AMOUNT_MINOR = 12_500
TOO_MUCH_MINOR = 99_999_999
_POINTS_MAX = 60

Trouble: TypeAlias = Literal["the process ends", "the answer is lost"]
Later: TypeAlias = Literal["at once", "when its keys are forgotten"]

TROUBLES = ("the process ends", "the answer is lost")
LATER = ("at once", "when its keys are forgotten")


def change(before: Standing, after: Standing) -> Standing:
    """
    Return by how much each place has more than *before*.
    """
    return {place: after[place] - before[place] for place in after}


def troubles(trouble: Trouble) -> Iterator[tuple[str, Watch]]:
    """
    Yield a name and a watch for every point at which something goes wrong.
    """
    for number in range(1, _POINTS_MAX):
        is_end = trouble == "the process ends"
        yield str(number), Watch(ends_at=number) if is_end else Watch(loses=number)


def check_receipt(bench: RouteBench, receipt: FundingReceipt, sign: int) -> None:
    """
    Hold a receipt to the movements on the Issuing balance that it names.
    """
    assert bench.ground.currency == receipt.amount.currency
    assert receipt.amount.minor >= 0
    names = [(one.object, one.id) for one in receipt.moved]
    assert len(set(names)) == len(names)
    assert all(name and kind for kind, name in names)
    assert all(one.minor > 0 for one in receipt.moved)
    assert bool(receipt.moved) == receipt.amount.is_positive, "money is moved by something"
    named = [one for one in receipt.moved if one.balance_transaction is not None]
    for one in named:
        assert one.balance_transaction is not None
        assert sign * one.minor == bench.ground.movement(one.balance_transaction)


def fund(bench: RouteBench, key: str) -> Money:
    """
    Have one funding brought under *key*, let it arrive, and return its amount.
    """
    amount = bench.ground.money(AMOUNT_MINOR)
    receipt = bench.fund(amount, key=key)
    bench.fill_by_hand(receipt, amount)
    bench.settled()
    return amount
