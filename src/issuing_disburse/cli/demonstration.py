"""
How is the whole story told on a screen?
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from issuing_disburse.cli.shell import AsJSON, leave, print_json, reported
from issuing_disburse.demo import ORDERS_MAX, play, starts_at
from issuing_disburse.demo_report import report_document
from issuing_disburse.demo_screen import make_console, progress_on, show_report
from issuing_disburse.orders_file import read_orders


def demo(
    *,
    seed: Annotated[int, typer.Option(help="The same seed tells the same story.")] = 7,
    orders: Annotated[
        int, typer.Option(min=1, max=ORDERS_MAX, help="How many orders to make up.")
    ] = 12,
    orders_file: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Pay this list instead.")
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """
    Tell the whole story on the embedded simulator: no account, no network, no real money.

    Exits with 1 if the books do not balance or an order was refused.
    """
    with reported(as_json=as_json):
        batch = None
        if orders_file is not None:
            batch = read_orders(orders_file, today=starts_at().date())
        console = make_console()
        if as_json:
            report = play(batch, count=orders, seed=seed)
            print_json(report_document(report))
        else:
            with progress_on(console) as progress:
                report = play(batch, count=orders, seed=seed, progress=progress)
            show_report(console, report)
        leave(is_clean=report.is_balanced and not report.refused)
