"""
How does the demo's story look on a screen, wide or narrow, or in a file?

Nothing is cut off: a table that does not fit is told line by line instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from attrs import frozen
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from .demo import Progress as Teller
from .demo_report import COLUMNS, DemoReport, Event
from .money import Money

_BOUNDLESS = 100_000
_GOOD, _BAD, _LOUD = "green", "red", "bold"
_WHAT = {
    "authorize": "asks",
    "capture": "collects",
    "void": "voids",
    "lapse": "lapses",
    "refund": "refunds",
}
_WHO = {"policy": "policy", "stripe": "Stripe", "merchant": "merchant"}
_STRIPE_SAYS = {
    "card_canceled": "the card was good for one use, which it has had",
    "spending_controls": "more than the card was issued for",
}


@frozen(kw_only=True)
class Column:
    """
    One column; *is_money* puts it to the right.
    """

    name: str
    is_money: bool = False


@frozen(kw_only=True)
class Row:
    """
    One row of cells; *style* colours all of it.
    """

    cells: tuple[str, ...]
    style: str = ""


def make_console(*, width: int | None = None) -> Console:
    """
    Make a console that takes every text as it is: no markup, no colours of its own.

    Args:
        width: In characters; the terminal's when left out, 80 where there is none.
    """
    return Console(width=width, markup=False, emoji=False, highlight=False, soft_wrap=False)


def show_table(
    console: Console,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    footer: Row | None = None,
) -> None:
    """
    Print a table, or a list of the same cells where the table would not fit.
    """
    console.print()
    console.print(title, style=_LOUD)
    unbounded = console.options.update(max_width=_BOUNDLESS, width=_BOUNDLESS)
    for gap in (1, 0):
        table = _table(columns, rows, footer=footer, gap=gap)
        if console.measure(table, options=unbounded).maximum <= console.width:
            console.print(table)
            return
    for row in (*rows, *([footer] if footer else [])):
        console.print(row.cells[0], style=row.style or _LOUD)
        cells = zip(columns[1:], row.cells[1:], strict=True)
        text = ", ".join(f"{column.name} {cell}" for column, cell in cells if cell)
        console.print(Padding(Text(text), (0, 0, 0, 2)))


def _table(
    columns: Sequence[Column], rows: Sequence[Row], *, footer: Row | None, gap: int
) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, show_footer=footer is not None, padding=(0, gap, 0, 0), pad_edge=False
    )
    for number, column in enumerate(columns):
        table.add_column(
            column.name,
            footer=footer.cells[number] if footer else "",
            footer_style=footer.style if footer else "",
            justify="right" if column.is_money else "left",
            no_wrap=True,
        )
    for row in rows:
        table.add_row(*row.cells, style=row.style)
    return table


@contextmanager
def progress_on(console: Console) -> Iterator[Teller]:
    """
    Show how far the story is, on a terminal; nothing elsewhere.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    tasks: dict[str, TaskID] = {}

    def tell(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done)

    with bar:
        yield tell


def show_report(console: Console, report: DemoReport) -> None:
    """
    Tell the whole story, chapter by chapter.
    """
    console.print(
        f"issuing-disburse demo, seed {report.seed}: all simulated, no network, no real money."
    )
    _show_cards(console, report)
    _show_purchases(console, report.events)
    _show_time(console, report)
    _show_statement(console, report)
    _show_balance(console, report)


def plain(amount: Money) -> str:
    """
    Write an amount without its currency, which stands in the heading.
    """
    return str(amount).removesuffix(f" {amount.currency}")


def day(moment: datetime) -> str:
    """
    Write a day, UTC.
    """
    return moment.strftime("%Y-%m-%d")


def _show_cards(console: Console, report: DemoReport) -> None:
    rows = []
    for one in report.issued:
        card = one.card_or_none
        why = one.reason.message if one.reason else ""
        rows.append(
            Row(
                cells=(
                    one.order_id,
                    plain(one.amount),
                    f"*{card.last4}" if card else "-",
                    one.status.value,
                    day(one.expires_at),
                ),
                style="" if card else _BAD,
            )
        )
        if why and card is None:
            console.print(f"{one.order_id}: {why}", style=_BAD)
    stored = {one.order_id for one in report.issued}
    for refusal in report.refused:
        if refusal.order_id not in stored:
            console.print(f"{refusal.order_id} refused: {refusal.message}", style=_BAD)
    show_table(
        console,
        f"1. Funded and issued: one single-use card each ({report.currency})",
        (
            Column(name="order"),
            Column(name="amount", is_money=True),
            Column(name="card"),
            Column(name="status"),
            Column(name="valid until"),
        ),
        rows,
    )


def _show_purchases(console: Console, events: Sequence[Event]) -> None:
    styles = {"approved": _GOOD, "declined": _BAD, "done": ""}
    rows = [
        Row(
            cells=(
                one.at.strftime("%m-%d %H:%M"),
                one.order_id,
                one.merchant,
                _WHAT[one.action],
                plain(one.amount),
                one.outcome if one.action == "authorize" else "",
                _WHO[one.decided_by] if one.action == "authorize" else "",
            ),
            style=styles[one.outcome],
        )
        for one in events
    ]
    show_table(
        console,
        "2. Merchants use the cards",
        (
            Column(name="when (UTC)"),
            Column(name="order"),
            Column(name="merchant"),
            Column(name="what"),
            Column(name="amount", is_money=True),
            Column(name="answer"),
            Column(name="by"),
        ),
        rows,
    )
    reasons = [one for one in events if one.outcome == "declined"]
    if reasons:
        console.print("Declined, and why:", style=_LOUD)
    for one in reasons:
        words = _STRIPE_SAYS.get(one.reason)
        told = f"{one.reason}: {words}" if words else one.reason
        line = f"{one.order_id}, {plain(one.amount)}, {_WHO[one.decided_by]}: {told}"
        console.print(Padding(Text(line), (0, 0, 0, 2)))


def _show_time(console: Console, report: DemoReport) -> None:
    shown = [
        one for one in report.reclamations if not one.reclaimed.is_zero or one.outcome != "closed"
    ]
    columns = [
        Column(name="order"),
        Column(name="reclaimed", is_money=True),
        Column(name="outcome"),
        *([Column(name="note")] if any(one.message for one in shown) else []),
    ]
    width = len(columns)
    rows = [
        Row(cells=(one.order_id, plain(one.reclaimed), one.outcome, one.message)[:width])
        for one in shown
    ]
    total = ("total", plain(report.total("reclaimed")), "", "")
    back = Row(cells=total[:width], style=_LOUD)
    show_table(
        console,
        f"3. It is {day(report.ended_at)} (simulated): what was not spent is reclaimed "
        f"({report.currency})",
        columns,
        rows,
        footer=back,
    )


def _show_statement(console: Console, report: DemoReport) -> None:
    rows = [
        Row(
            cells=(
                statement.order_id,
                *(plain(getattr(statement, name)) for name in COLUMNS),
                statement.status.value,
            ),
            style="" if statement.is_balanced else _BAD,
        )
        for statement in report.statements
    ]
    total = Row(cells=("total", *(plain(report.total(name)) for name in COLUMNS), ""), style=_LOUD)
    show_table(
        console,
        f"4. Closing statement ({report.currency})\n"
        "   funded + refunded = spent + reclaimed + held + remaining",
        (
            Column(name="order"),
            *(Column(name=name, is_money=True) for name in COLUMNS),
            Column(name="status"),
        ),
        rows,
        footer=total,
    )
    for name in ("disputed", "covered"):
        if not report.total(name).is_zero:
            console.print(f"{name}: {report.total(name)}")


def _show_balance(console: Console, report: DemoReport) -> None:
    found = report.reconciliation
    count = len(found.discrepancies)
    console.print()
    console.print("5. Our books against Stripe's", style=_LOUD)
    console.print(
        f"{found.matched} objects match, {count} differences",
        style=_BAD if count else _GOOD,
    )
    for one in found.discrepancies:
        console.print(f"  {one.object_id}: {one.here} here, {one.there} there; {one.remedy}")
    gone = report.platform_before - report.platform_after - report.issuing_after
    console.print(f"Platform before: {report.platform_before}, after: {report.platform_after}")
    console.print(f"Left on the Issuing balance: {report.issuing_after}")
    console.print(
        f"Gone: {gone} = spent {report.total('spent')} - {report.total('refunded')} refunded"
    )
    console.print(
        "The books balance, to the cent."
        if report.is_balanced
        else f"THE BOOKS DO NOT BALANCE: {report.unexplained} unexplained.",
        style=_GOOD if report.is_balanced else _BAD,
    )
