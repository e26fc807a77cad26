"""
How is a payout list checked and paid from a shell, stopped, and gone on with?
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from issuing_disburse.cli.outcomes import JSONTeller, ScreenTeller, Teller
from issuing_disburse.cli.progress import paying, reading
from issuing_disburse.cli.run import Tally, pay, resume_others
from issuing_disburse.cli.shell import (
    COULD_NOT_RUN,
    Account,
    APIBase,
    AsJSON,
    StoreURL,
    connected,
    leave,
    print_json,
    printable,
    reported,
)
from issuing_disburse.cli.stopping import stopping
from issuing_disburse.demo_report import money
from issuing_disburse.demo_screen import make_console
from issuing_disburse.disburser import Disburser
from issuing_disburse.orders_file import OrdersList, Totals, open_orders
from issuing_disburse.outcome import Outcome

OrdersFile: TypeAlias = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="A payout list: CSV, or .jsonl with an object a line."),
]


def disburse(
    ctx: typer.Context,
    orders_file: OrdersFile,
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only check the list and add it up; needs no key."),
    ] = False,
    account: Account = "",
    store: StoreURL = "",
    api_base: APIBase = "",
    as_json: AsJSON = False,
) -> None:
    """
    Check a payout list whole, then pay each of its orders exactly once.

    Nothing is paid while anything of the list is wrong. Ctrl-C stops: no further order is begun, and "resume --orders
    FILE" goes on. Paying the same list again pays nobody twice.

    Exits with 0 if every order has its card, 1 if one was refused or waits, 2 if it could not run, 130 if stopped.
    """
    with reported(as_json=as_json), open_orders(orders_file) as listed:
        if dry_run:
            show_totals(listed.name, checked(listed), as_json=as_json)
            return
        with connected(ctx, account, store, api_base) as disburser:
            pay_list(disburser, orders_file, listed, as_json=as_json)


def checked(listed: OrdersList) -> Totals:
    """
    Check a list, and show on a terminal how far that has got.
    """
    with reading() as tell:
        return listed.check(lambda rows: tell("rows checked", rows))


def show_totals(name: str, totals: Totals, *, as_json: bool) -> None:
    """
    Show what a sound list asks for.
    """
    if as_json:
        amounts = [money(one) for one in totals.amounts]
        print_json({"file": name, "orders": totals.orders, "amounts": amounts, "problems": []})
        return
    console = make_console()
    console.print(f"{printable(name)}: {totals.orders:,} orders, no problems; nothing was sent")
    for amount in totals.amounts:
        console.print(f"  {amount}")


def pay_list(
    disburser: Disburser,
    path: Path,
    listed: OrdersList,
    *,
    as_json: bool,
    resumes_others: bool = False,
) -> None:
    """
    Check and pay a list, tell what became of it, and leave with the exit code that says so.

    Args:
        resumes_others: Whether what is pending of other lists is finished afterwards.
    """
    totals = listed.totals or checked(listed)
    tally = Tally(totals=totals)
    teller: Teller = JSONTeller() if as_json else ScreenTeller()
    with stopping() as stop:
        with paying(totals.orders, is_plain=not as_json) as progress:

            def tell(outcome: Outcome) -> None:
                teller.tell(outcome)
                progress(tally)

            pay(disburser, listed, tally, stop, tell)
        if resumes_others:
            resume_others(disburser, tally, stop)
        teller.end(tally, path, is_stopped=bool(stop.number))
        if stop.number:
            raise typer.Exit(stop.exit_code)
    if tally.ended_by is not None and not as_json and not tally.done:
        raise tally.ended_by
    if tally.ended_by is not None:
        if not as_json:  # the document tells it already
            typer.echo(printable(str(tally.ended_by)), err=True)
        raise typer.Exit(COULD_NOT_RUN)
    leave(is_clean=tally.is_clean)
