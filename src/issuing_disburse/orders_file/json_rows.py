"""
Which cells does each line of a JSON Lines file have, and under which column?
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from attrs import define

from .columns import COLUMNS, normal, shown
from .lines import Lines, not_decoded
from .problems import Problem, of_row
from .row import Row

_ONE_A_LINE = 'write one object a line: {"id": "payout-1", ...}'


class _Number(str):
    """
    A number, as it is written: 0.1 stays 0.1.
    """

    __slots__ = ()


@define
class _Pairs:
    """
    An object with every pair that it has, even two of one key.
    """

    pairs: list[tuple[str, Any]]


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_float=_Number, parse_int=_Number, parse_constant=_Number
)


@define(kw_only=True)
class JSONRows:
    """
    Takes a JSON Lines file apart; each line is judged by itself.
    """

    lines: Lines

    def read(self, lines: Iterator[str]) -> Iterator[Row | Problem]:
        """
        Yield each line's row, or what is wrong with it.
        """
        for text in lines:
            number = self.lines.number
            if not self.lines.is_decoded:
                yield not_decoded(number)
                self.lines.is_decoded = True
            elif text.strip():
                if number == 1 and text.lstrip().startswith("["):
                    yield of_row(number, "is one JSON array", _ONE_A_LINE)
                    return
                yield from self._read(number, text)

    def _read(self, number: int, text: str) -> Iterator[Row | Problem]:
        try:
            value = _DECODER.decode(text)
        except (ValueError, RecursionError):
            yield of_row(number, "is no JSON, or was cut off", _ONE_A_LINE)
            return
        if not isinstance(value, _Pairs):
            yield of_row(number, "is no JSON object", _ONE_A_LINE)
            return
        cells: dict[str, str] = {}
        problems: list[Problem] = []
        for key, given in value.pairs:
            name = normal(key)
            wrong = _wrong_with(name, given, is_known=name in cells)
            if wrong is None:
                cells[name] = given.strip() if isinstance(given, str) else ""
            else:
                problem, remedy = wrong
                problems.append(
                    Problem(row=number, field=shown(name), problem=problem, remedy=remedy)
                )
        if problems:
            yield from problems
        else:
            yield Row(number=number, cells=cells)


def _wrong_with(name: str, given: Any, *, is_known: bool) -> tuple[str, str] | None:
    if name not in COLUMNS:
        return "key is unknown", "correct its name or remove it"
    if is_known:
        return "key is there twice", "keep one"
    if name == "amount" and isinstance(given, _Number):
        return "is a number, which may not be exact", 'write it in quotes, in major units: "125.00"'
    if isinstance(given, _Number) and name == "valid_days":
        return None
    if isinstance(given, _Number) or not (given is None or isinstance(given, str)):
        return "is no text", "put it in quotes"
    return None
