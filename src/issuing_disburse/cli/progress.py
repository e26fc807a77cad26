"""
How does somebody who waits see that work goes on?

On the error stream, and only where it is a terminal: a log or a pipe gets nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from issuing_disburse.report.page import words


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


def _shown(*columns: ProgressColumn) -> Progress:
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
