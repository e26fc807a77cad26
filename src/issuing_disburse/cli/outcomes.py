"""
How is told what became of each order of a list, as text or as one JSON document that is never held whole?
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Protocol

import typer

from issuing_disburse.cli.run import Tally
from issuing_disburse.cli.shell import printable
from issuing_disburse.demo_report import disbursement_document, money
from issuing_disburse.demo_screen import Column, Row, make_console, show_table
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.orders_file import OrdersFileError
from issuing_disburse.outcome import Outcome


class Teller(Protocol):
    """
    Tells outcomes as they come, and what they come to.
    """

    def tell(self, outcome: Outcome) -> None: ...
    def end(self, tally: Tally, path: Path, *, is_stopped: bool) -> None: ...


def outcome_document(outcome: Outcome) -> dict[str, object]:
    """
    Write one outcome for JSON.
    """
    found, error = outcome.disbursement, outcome.error
    document = disbursement_document(found) if found else {"order_id": outcome.order_id}
    problem = None
    if error is not None:
        code = error.code if isinstance(error, DisburseError) else None
        problem = {"code": code or type(error).__name__, "message": str(error)}
    return {**document, "is_paid": outcome.is_paid, "error": problem}


def tally_document(tally: Tally, *, go_on: str | None) -> dict[str, object]:
    """
    Write what a run came to for JSON.
    """
    return {
        "orders": tally.totals.orders,
        "paid": tally.paid,
        "pending": tally.pending,
        "refused": tally.refused,
        "not_begun": tally.totals.orders - tally.done,
        "amounts": [money(one) for one in tally.totals.amounts],
        "paid_amounts": [money(one) for one in tally.amounts],
        "go_on": go_on,
    }


def way_on(path: Path) -> str:
    """
    Return the command that goes on with a list.
    """
    return f"issuing-disburse resume --orders {shlex.quote(str(path))}"


class JSONTeller:
    """
    Prints one document, outcome by outcome.
    """

    def __init__(self) -> None:
        self._before = '{\n  "outcomes": ['

    def tell(self, outcome: Outcome) -> None:
        """
        Print one outcome, on a line of its own.
        """
        typer.echo(f"{self._before}\n    {json.dumps(outcome_document(outcome))}", nl=False)
        self._before = ","

    def end(self, tally: Tally, path: Path, *, is_stopped: bool) -> None:
        """
        Print what comes behind the outcomes.
        """
        go_on = None if tally.is_clean else way_on(path)
        rest = json.dumps(tally_document(tally, go_on=go_on), indent=2)
        problems = json.dumps(_problems(tally.ended_by))
        resumed = json.dumps([disbursement_document(one) for one in tally.resumed])
        told = f'"resumed": {resumed},\n  "is_stopped": {json.dumps(is_stopped)},\n  "problems": {problems},'
        before = self._before.removesuffix(",")
        typer.echo(f"{before}\n  ],\n  {told}{rest.removeprefix('{')}")


class ScreenTeller:
    """
    Tells at the end, first of those who were not paid.
    """

    def tell(self, outcome: Outcome) -> None:
        """
        Say nothing yet.
        """

    def end(self, tally: Tally, path: Path, *, is_stopped: bool) -> None:
        """
        Show who was not paid and why, what it comes to, and how to go on.
        """
        console = make_console()
        unpaid = tally.pending + tally.refused
        if tally.unpaid:
            more = f" (the first {len(tally.unpaid)})" if unpaid > len(tally.unpaid) else ""
            names = ("order", "status", "reason")
            columns = [Column(name=name) for name in names]
            rows = [_row(one) for one in tally.unpaid]
            show_table(console, f"{unpaid:,} orders without a card{more}", columns, rows)
        orders = tally.totals.orders
        counts = f"{tally.paid:,} paid, {tally.pending:,} pending, {tally.refused:,} refused"
        console.print(f"{orders:,} orders: {counts}, {orders - tally.done:,} not begun")
        if tally.resumed:
            console.print(f"{len(tally.resumed):,} other pending orders were worked on")
        for amount in tally.amounts:
            console.print(f"  paid: {amount}")
        if is_stopped:
            console.print("stopped; what was begun is kept, and nobody is paid twice")
        if not tally.is_clean:
            console.print(f"go on: {printable(way_on(path))}", soft_wrap=True)


def _problems(error: DisburseError | None) -> list[str]:
    if isinstance(error, OrdersFileError):
        return [str(one) for one in error.problems]
    return [] if error is None else [str(error)]


def _row(outcome: Outcome) -> Row:
    found, error = outcome.disbursement, outcome.error
    reason = found.reason if found else None
    why = "; ".join(filter(None, (reason.message, reason.remedy))) if reason else str(error or "")
    status = found.status.value if found else "refused"
    return Row(cells=(outcome.order_id or f"order {outcome.position + 1}", status, why))
