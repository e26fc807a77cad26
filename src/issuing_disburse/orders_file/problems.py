"""
How is told what must be corrected in a payout list?
"""

from __future__ import annotations

from attrs import frozen

from issuing_disburse.exceptions import RefusedError

PROBLEMS_MAX = 1_000
"""After that many problems the reader stops: the file is another one than was meant."""

_SHOWN = 3


@frozen(kw_only=True)
class Problem:
    """
    What must be corrected before anything of the file is paid. Repeats no personal data.

    Attributes:
        row: The line of the file on which the row begins; the header is 1. 0 is the whole file.
        field: The column at fault; empty if the row as a whole is.
    """

    row: int
    field: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"row {self.row}" if self.row else "file"
        column = f", {self.field}" if self.field else ""
        return f"{where}{column}: {self.problem}; {self.remedy}"


def of_file(problem: str, remedy: str) -> Problem:
    """
    Blame the file as a whole.
    """
    return Problem(row=0, field="", problem=problem, remedy=remedy)


def of_row(row: int, problem: str, remedy: str) -> Problem:
    """
    Blame a row as a whole.
    """
    return Problem(row=row, field="", problem=problem, remedy=remedy)


class OrdersFileError(RefusedError):
    """
    A payout list has problems; nothing was paid.

    Attributes:
        problems: Each of them, in the order of the file.
    """

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        first = "; ".join(str(one) for one in problems[:_SHOWN])
        more = f" ... {len(problems)} in all" if len(problems) > _SHOWN else ""
        super().__init__(f"{name}: {first}{more}", code="orders_file")
        self.name = name
        self.problems = problems

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.name, self.problems)
