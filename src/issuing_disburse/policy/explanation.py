"""
Why was this purchase approved, or not?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from attrs import frozen

from issuing_disburse.decision import (
    Allotment,
    AuthorizationRequest,
    Decision,
    Limit,
    Objection,
    Rule,
    Use,
)
from issuing_disburse.money import Money
from issuing_disburse.terms import AmountRule, Terms

from .judging import rule_name

_SEEN_MAX = 4
_TEXT_LENGTH_MAX = 40


@frozen
class Row:
    """
    What one rule looked at, said, and how long it took.

    Attributes:
        saw: The fields it read, with their values.
        verdict: ``ok``, an objection's or limit's code, or what went wrong.
        microseconds: Real time; differs from run to run, so two explanations do not compare it.
    """

    rule: str
    saw: tuple[str, ...]
    verdict: str
    message: str
    microseconds: float


@frozen
class Explanation:
    """
    Every rule's view on one request, and what came of it. Printing it draws a table.
    """

    decision: Decision
    rows: tuple[Row, ...]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __str__(self) -> str:
        table = [("rule", "verdict", "µs", "saw")]
        for row in self.rows:
            seen = ", ".join(row.saw[:_SEEN_MAX]) + (", …" if len(row.saw) > _SEEN_MAX else "")
            verdict = f"{row.verdict}: {row.message}" if row.message else row.verdict
            table.append((row.rule, verdict, f"{row.microseconds:.1f}", seen))
        widths = [max(len(line[column]) for line in table) for column in range(3)]
        lines = [
            f"{name:<{widths[0]}}  {verdict:<{widths[1]}}  {time:>{widths[2]}}  {seen}".rstrip()
            for name, verdict, time, seen in table
        ]
        lines.insert(1, "  ".join("─" * width for width in (*widths, len("saw"))))
        return "\n".join([*lines, "", self._outcome()])

    def _outcome(self) -> str:
        decision = self.decision
        if decision.approved and decision.amount is None:
            return "approved: every rule was asked, none objected"
        word = f"approved for {decision.amount}" if decision.approved else "declined"
        reason = f"{decision.code}: {decision.message}" if decision.message else decision.code
        return f"{word} by {decision.rule or decision.source} ({reason})"


def explain(
    rules: tuple[Rule, ...],
    request: AuthorizationRequest,
    allotment: Allotment,
    decision: Decision,
    *,
    timer: Callable[[], float],
) -> Explanation:
    """
    Ask all *rules*, also those behind the one that decided.
    """
    rows = tuple(_row(rule, request, allotment, timer) for rule in rules)
    return Explanation(decision, rows)


def _row(
    rule: Rule, request: AuthorizationRequest, allotment: Allotment, timer: Callable[[], float]
) -> Row:
    started = timer()
    said = _ask(rule, request, allotment)
    microseconds = (timer() - started) * 1e6
    seen: dict[str, str] = {}
    # Once more, through glass that notes where the rule looks. Rules are pure: it says the same.
    _ask(rule, _Watched(request, "", seen), _Watched(allotment, "allotment.", seen))
    verdict, message = _said(said)
    saw = tuple(f"{path}={value}" for path, value in seen.items())
    return Row(rule_name(rule), saw, verdict, message, microseconds)


def _ask(rule: Rule, request: Any, allotment: Any) -> object:
    try:
        return rule(request, allotment)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - explained, not raised
        return error


def _said(said: object) -> tuple[str, str]:
    if said is None:
        return "ok", ""
    if isinstance(said, Objection):
        return said.code, said.message
    if isinstance(said, Limit):
        return f"{said.code} to {said.amount}", said.message
    if isinstance(said, BaseException):
        return f"raised {type(said).__name__}", ""
    return f"answered with {type(said).__name__}", ""


class _Watched:
    """
    Looks like a request, an allotment or terms, and notes which fields are read.
    """

    __slots__ = ("_path", "_seen", "_value")

    def __init__(self, value: object, path: str, seen: dict[str, str]) -> None:
        self._value = value
        self._path = path
        self._seen = seen

    @property  # type: ignore[misc]  # read only, and believed by `isinstance`
    def __class__(self) -> type:
        return type(self._value)

    def __getattr__(self, name: str) -> object:
        value = getattr(self._value, name)
        path = f"{self._path}{name}"
        if isinstance(value, Terms):
            return _Watched(value, f"{path}.", self._seen)
        if not callable(value) and not name.startswith("__"):
            self._seen[path] = _shown(value)
        return value


def _shown(value: object) -> str:
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, AmountRule):
        return value.kind
    if isinstance(value, Use):
        return value.authorization_id
    if isinstance(value, tuple) and len(value) > 1:
        return f"{len(value)} entries"
    text = repr(value)
    return text if len(text) <= _TEXT_LENGTH_MAX else f"{text[:_TEXT_LENGTH_MAX]}…"
