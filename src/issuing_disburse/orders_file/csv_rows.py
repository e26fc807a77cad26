"""
Which cells does each row of a CSV file have, and under which column?
"""

from __future__ import annotations

import csv
from collections.abc import Iterator

from attrs import define

from .columns import COLUMNS, NEEDED, WHOLE_OR_WRONG, normal, shown
from .lines import Lines, not_decoded
from .problems import Problem, of_row
from .row import Row

_OTHER_SEPARATORS = (";", "\t", "|")


@define(kw_only=True)
class CSVRows:
    """
    Takes a CSV file apart; a sound header comes first, or nothing is judged below it.
    """

    lines: Lines
    header: tuple[str, ...] = ()

    def read(self, lines: Iterator[str]) -> Iterator[Row | Problem]:
        """
        Yield each row of *lines*, or what is wrong with it.
        """
        begins = 1
        raw = ""

        def kept() -> Iterator[str]:
            nonlocal raw
            for text in lines:
                raw = text
                yield text

        self.header = ()
        self.lines.is_decoded = True
        try:
            for cells in csv.reader(kept(), strict=True):
                if any(cell.strip() for cell in cells):  # else it is empty, or of commas only
                    yield from self._read(begins, cells, raw)
                    if not self.header:
                        return  # nothing can be told about the rows below
                self.lines.is_decoded = True
                begins = self.lines.number + 1
        except csv.Error:
            remedy = 'close each "quoted cell", and end each line in the usual way'
            yield of_row(begins, "is no sound CSV", remedy)

    def _read(self, begins: int, cells: list[str], raw: str) -> Iterator[Row | Problem]:
        if not self.lines.is_decoded:
            yield not_decoded(begins)
        elif self.header:
            yield self._row(begins, cells, raw)
        else:
            problems = tuple(self._header_problems(cells, raw))
            yield from problems
            if not problems:
                self.header = tuple(normal(cell) for cell in cells)

    def _header_problems(self, cells: list[str], raw: str) -> Iterator[Problem]:
        row = self.lines.number
        names = tuple(normal(cell) for cell in cells)
        if len(names) == 1 and any(one in names[0] for one in _OTHER_SEPARATORS):
            if raw.lstrip().startswith("{"):
                yield of_row(row, "is JSON", "name the file .jsonl")
                return
            remedy = "save the file with commas between the cells"
            yield of_row(row, "is not separated by commas", remedy)
            return
        if raw.lstrip().startswith(("{", "[")):
            yield of_row(row, "is JSON", "write one object a line, and name the file .jsonl")
            return
        for name in sorted(set(NEEDED) - set(names)):
            remedy = f"add a column named {name}"
            yield Problem(row=row, field=name, problem="column is missing", remedy=remedy)
        for place, name in enumerate(dict.fromkeys(names), 1):
            if not name:
                remedy = "name it, or remove it and the cells below it"
                yield of_row(row, f"column {place} has no name", remedy)
            elif name not in COLUMNS:
                remedy = "correct its name or remove it"
                yield Problem(
                    row=row, field=shown(name), problem="column is unknown", remedy=remedy
                )
            elif names.count(name) > 1:
                yield Problem(
                    row=row, field=name, problem="column is there twice", remedy="keep one"
                )

    def _row(self, begins: int, cells: list[str], raw: str) -> Row | Problem:
        if len(cells) != len(self.header):
            problem = f"has {len(cells)} cells, the header has {len(self.header)}"
            return of_row(begins, problem, "quote cells that hold a comma, and fill up the row")
        if not raw.endswith(("\n", "\r")) and self._may_be_cut(cells, raw):
            remedy = "get the whole file; if it is whole, end its last line with a line break"
            return of_row(begins, "ends without a line end and may be cut off", remedy)
        named = dict(zip(self.header, map(str.strip, cells), strict=True))
        return Row(number=begins, cells=named)

    def _may_be_cut(self, cells: list[str], raw: str) -> bool:
        """
        Tell whether the last cell could go on: 12 may be the beginning of 125.00.
        """
        is_whole = self.header[-1] in WHOLE_OR_WRONG and bool(cells[-1].strip())
        return not (is_whole or raw.endswith('"'))
