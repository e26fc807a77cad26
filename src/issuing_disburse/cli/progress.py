"""
How does somebody who waits see that work goes on?

On the error stream, and only where it is a terminal: a log or a pipe gets nothing of it, but for a line now and
then from a run that may take hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from issuing_disburse.cli.run import Tally
from issuing_disburse.report.page import words

PLAIN_EVERY = 1_000


@contextmanager
def reading() -> Iterator[Callable[[str, int], None]]:
    """
    Yield what shows how much of what has been read; nobody knows the end.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with _shown(*columns) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda what, count: bar.update(task, description=f"{words(what)}: {count:,}")


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[..., None]]:
    """
    Yield what counts one of *total* things as done, whatever it is called with.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with _shown(*columns, TimeElapsedColumn()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda *_: bar.advance(task)


@contextmanager
def paying(total: int, *, is_plain: bool) -> Iterator[Callable[[Tally], None]]:
    """
    Yield what shows how far a payout run has got.

    Args:
        is_plain: Where there is no terminal, write a line for every thousand orders.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with _shown(*columns, TimeElapsedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("paying", total=total)

        def tell(tally: Tally) -> None:
            unpaid = tally.pending + tally.refused
            said = f"paying ({unpaid:,} not paid)" if unpaid else "paying"
            bar.update(task, completed=tally.done, description=said)
            if bar.disable and is_plain and tally.done % PLAIN_EVERY == 0:
                typer.echo(f"{tally.done:,} of {total:,} orders, {unpaid:,} not paid", err=True)

        yield tell


def _shown(*columns: ProgressColumn) -> Progress:
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
