"""
How does a report look in a spreadsheet, without letting a merchant's name run as a formula?
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

from issuing_disburse.disburser import Disburser
from issuing_disburse.figures import FIGURES

from .gathering import order_lines

COLUMNS = ("order_id", "status", "currency", *FIGURES, "first_at", "last_at", "last_object")

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001  # spreadsheets read the wide signs, too


def neutral(text: str) -> str:
    """
    Return *text* as a spreadsheet shows it, and never computes it.

    What begins like a formula, even behind blanks, gets an apostrophe in front; control characters
    become blanks.
    """
    clean = "".join(mark if mark.isprintable() else " " for mark in text)
    is_formula = text.startswith(_FORMULA) or clean.lstrip().startswith(_FORMULA)
    return f"'{clean}" if is_formula else clean


def write_csv(
    file: TextIO,
    disburser: Disburser,
    until: datetime | None = None,
    *,
    progress: Callable[[str, int], None] | None = None,
) -> int:
    """
    Write every order of the account, one a line, amounts in minor units; return how many.

    It is a stream: memory does not grow with the number of orders.
    """
    lines = csv.writer(file, lineterminator="\r\n")
    lines.writerow(COLUMNS)
    count = 0
    for one, _ in order_lines(disburser, until):
        count += 1
        if progress is not None:
            progress("orders", count)
        lines.writerow(
            [
                neutral(one.order_id),
                one.status,
                one.amounts["funded"].currency,
                *(one.amounts[name].minor for name in FIGURES),
                one.first_at.isoformat(),
                one.last_at.isoformat(),
                neutral(one.last_object),
            ]
        )
    return count
