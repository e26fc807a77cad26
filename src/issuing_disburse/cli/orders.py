"""
How are orders looked at, finished and ended from a shell?
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from issuing_disburse.cli.disbursing import pay_list
from issuing_disburse.cli.listing import ORDERS_MAX, list_orders, listing_document, show_listing
from issuing_disburse.cli.progress import counting, reading
from issuing_disburse.cli.shell import (
    Account,
    APIBase,
    AsJSON,
    StoreURL,
    connected,
    leave,
    print_json,
    reported,
)
from issuing_disburse.demo_report import (
    FIGURES,
    disbursement_document,
    reclamation_document,
    statement_document,
)
from issuing_disburse.demo_screen import Column, Row, make_console, show_table
from issuing_disburse.disbursement import Disbursement, Status
from issuing_disburse.disburser import Disburser
from issuing_disburse.orders_file import open_orders
from issuing_disburse.reclamation import Reclamation
from issuing_disburse.statements import Statement


def status(
    ctx: typer.Context,
    order_id: Annotated[
        str, typer.Argument(metavar="[ORDER_ID]", help="Yours; all orders by state if left out.")
    ] = "",
    *,
    state: Annotated[
        list[Status] | None,
        typer.Option("--state", help="List orders in this state only; may be given repeatedly."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=ORDERS_MAX, help="List that many at most.")
    ] = 50,
    account: Account = "",
    store: StoreURL = "",
    api_base: APIBase = "",
    as_json: AsJSON = False,
) -> None:
    """
    Show where one order stands and where its money went, or all orders by state; asks the store only.

    Exits with 1 if the order failed. A list exits with 0, whatever is in it.
    """
    if order_id and state:
        raise typer.BadParameter("give either ORDER_ID or --state")
    with reported(as_json=as_json), connected(ctx, account, store, api_base) as disburser:
        if order_id:
            _show_order(disburser, order_id, as_json=as_json)
            return
        with reading() as tell:
            listing = list_orders(
                disburser,
                states=state or (),
                limit=limit,
                at=disburser.reclaimer.clock(),
                progress=tell,
            )
        if as_json:
            print_json(listing_document(listing))
        else:
            show_listing(listing)


def _show_order(disburser: Disburser, order_id: str, *, as_json: bool) -> None:
    found = disburser.get(order_id)
    statement = disburser.statement(order_id)
    if as_json:
        money = statement_document(statement)
        print_json({**disbursement_document(found), "statement": money})
    else:
        _show_disbursements((found,))
        rows = [Row(cells=(name, str(getattr(statement, name)))) for name in FIGURES]
        columns = (Column(name="money"), Column(name="amount", is_money=True))
        show_table(make_console(), f"Statement of {order_id}", columns, rows)
    leave(is_clean=found.status is not Status.FAILED and statement.is_balanced)


def resume(
    ctx: typer.Context,
    order_id: Annotated[
        str, typer.Argument(metavar="[ORDER_ID]", help="Yours; every pending one if left out.")
    ] = "",
    *,
    orders_file: Annotated[
        Path | None,
        typer.Option("--orders", metavar="FILE", help="The list whose payment was stopped."),
    ] = None,
    account: Account = "",
    store: StoreURL = "",
    api_base: APIBase = "",
    as_json: AsJSON = False,
) -> None:
    """
    Finish what a crash, a wait or Ctrl-C has left pending; with --orders, go on with a payout list first.

    Exits with 1 if anything failed or still is pending.
    """
    if order_id and orders_file is not None:
        raise typer.BadParameter("give either ORDER_ID or --orders")
    with reported(as_json=as_json), ExitStack() as opened:
        listed = opened.enter_context(open_orders(orders_file)) if orders_file else None
        disburser = opened.enter_context(connected(ctx, account, store, api_base))
        if orders_file and listed:
            pay_list(disburser, orders_file, listed, as_json=as_json, resumes_others=True)
            return
        done = (disburser.resume(order_id),) if order_id else disburser.resume_all()
        if as_json:
            print_json({"disbursements": [disbursement_document(one) for one in done]})
        else:
            _show_disbursements(done)
        unfinished = {Status.FAILED, Status.PENDING}
        leave(is_clean=not any(one.status in unfinished for one in done))


def reclaim(
    ctx: typer.Context,
    order_id: Annotated[
        str, typer.Argument(metavar="[ORDER_ID]", help="Yours; its card is cancelled at once.")
    ] = "",
    *,
    expired: Annotated[bool, typer.Option("--expired", help="All whose time is up.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would come back; asks the store only.")
    ] = False,
    account: Account = "",
    store: StoreURL = "",
    api_base: APIBase = "",
    as_json: AsJSON = False,
) -> None:
    """
    Cancel the card of an order, or of all expired ones, and take back what was not spent.

    Exits with 1 if one is stuck; one that waits for a merchant is not. With --dry-run, with 1 if
    there is anything to take back.
    """
    if bool(order_id) == expired:
        raise typer.BadParameter("give either ORDER_ID or --expired")
    with reported(as_json=as_json), connected(ctx, account, store, api_base) as disburser:
        if dry_run:
            names = list(disburser.reclaimer.over()) if expired else [order_id]
            with counting("reading", len(names)) as tell:
                statements = []
                for name in names:
                    statements.append(disburser.statement(name))
                    tell()
            _show_dry_run(statements, as_json=as_json)
            return
        if expired:
            total = sum(1 for _ in disburser.reclaimer.over())
            with counting("reclaiming", total) as tell:
                done = disburser.reclaim_expired(progress=tell)
        else:
            done = (disburser.reclaim(order_id),)
        if as_json:
            print_json({"reclamations": [reclamation_document(one) for one in done]})
        else:
            _show_reclamations(done)
        leave(is_clean=not any(one.outcome == "stuck" for one in done))


def _show_dry_run(statements: list[Statement], *, as_json: bool) -> None:
    """
    Show what a reclaim would take back, and what it would have to wait for.
    """
    if as_json:
        print_json({"reclaimable": [statement_document(one) for one in statements]})
    else:
        rows = [
            Row(cells=(one.order_id, one.status.value, str(one.remaining), str(one.held)))
            for one in statements
        ]
        names = ("order", "status", "would come back", "merchants may take")
        columns = [Column(name=name, is_money=name not in {"order", "status"}) for name in names]
        show_table(make_console(), f"{len(rows)} orders are over", columns, rows)
    leave(is_clean=all(one.remaining.is_zero for one in statements))


def _show_disbursements(found: tuple[Disbursement, ...]) -> None:
    rows = []
    for one in found:
        card, reason = one.card_or_none, one.reason
        last4 = f"*{card.last4}" if card else "-"
        cells = (one.order_id, one.status.value, str(one.amount), last4)
        why = "; ".join(filter(None, (reason.message, reason.remedy))) if reason else ""
        rows.append(Row(cells=(*cells, why)))
    names = ("order", "status", "amount", "card", "reason")
    columns = [Column(name=name, is_money=name == "amount") for name in names]
    show_table(make_console(), f"{len(found)} disbursements", columns, rows)


def _show_reclamations(done: tuple[Reclamation, ...]) -> None:
    rows = [
        Row(cells=(one.order_id, one.outcome, str(one.reclaimed), str(one.held), one.message))
        for one in done
    ]
    names = ("order", "outcome", "reclaimed", "held", "note")
    columns = [Column(name=name, is_money=name in {"reclaimed", "held"}) for name in names]
    show_table(make_console(), f"{len(done)} reclamations", columns, rows)
