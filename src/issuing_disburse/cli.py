"""
What can be done from a shell?

``demo`` needs nothing. The other commands speak to Stripe about one account and one store, which come
from options or the environment; keys come from the environment alone, because every user of a
machine can read command lines. Exit codes: 0 clean, 1 differences or problems, 2 could not run.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeAlias

from .demo import ORDERS_MAX, play, starts_at
from .demo_report import (
    FIGURES,
    disbursement_document,
    reclamation_document,
    reconciliation_document,
    report_document,
    statement_document,
)
from .disbursement import Disbursement, Status
from .disburser import Disburser
from .exceptions import DisburseError, InvalidInputError
from .orders_file import OrdersFileError, read_orders
from .reclaim import Reclamation

_missing = ""
try:
    import typer

    from .demo_screen import Column, Row, make_console, progress_on, show_report, show_table
except ModuleNotFoundError as absent:  # `main` says what to install, instead of a traceback
    _missing = absent.name or ""
    if _missing.partition(".")[0] not in {"rich", "typer"}:
        raise
else:
    AsJSON: TypeAlias = Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ]
    Account: TypeAlias = Annotated[
        str,
        typer.Option(
            envvar="STRIPE_ACCOUNT",
            help="The connected account acct_..., or 'platform' for the platform's own balance.",
        ),
    ]
    StoreURL: TypeAlias = Annotated[
        str,
        typer.Option(
            envvar="ISSUING_DISBURSE_STORE",
            help="sqlite:///file or postgresql://...; needed with a live key.",
        ),
    ]

CLEAN, PROBLEMS, COULD_NOT_RUN = 0, 1, 2
_KEY, _SECRET = "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"

Connect: TypeAlias = Callable[..., Disburser]
"""What `issuing_disburse.Disburser.connect` is; another may be handed in as the context's ``obj``."""


def main() -> None:
    """
    Run the command, or say what is missing.
    """
    if _missing:
        sys.stderr.write(
            f"issuing-disburse: {_missing} is not installed; "
            "run: pip install 'issuing-disburse[cli]'\n"
        )
        sys.exit(COULD_NOT_RUN)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")  # a terminal without Unicode is no reason to fail
    make_app()(prog_name="issuing-disburse")


def make_app() -> typer.Typer:
    """
    Put the commands together; needs the extra ``cli``.
    """
    app = typer.Typer(
        help="Pay people by single-use virtual card.\n\nAll commands but demo read "
        f"{_KEY} from the environment; no command takes a key as an option.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # they may show variables
    )
    for command in (demo, status, resume, reclaim, reconcile, preflight):
        app.command()(command)
    return app


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
    with _reported(as_json=as_json):
        batch = None
        if orders_file is not None:
            batch = read_orders(orders_file, today=starts_at().date())
        console = make_console()
        if as_json:
            report = play(batch, count=orders, seed=seed)
            _print_json(report_document(report))
        else:
            with progress_on(console) as progress:
                report = play(batch, count=orders, seed=seed, progress=progress)
            show_report(console, report)
        _leave(is_clean=report.is_balanced and not report.refused)


def status(
    ctx: typer.Context,
    order_id: Annotated[str, typer.Argument(metavar="ORDER_ID", help="Yours.")],
    *,
    account: Account = "",
    store: StoreURL = "",
    as_json: AsJSON = False,
) -> None:
    """
    Show where one order stands and where its money went; asks the store only.

    Exits with 1 if it failed.
    """
    with _reported(as_json=as_json), _connected(ctx, account, store) as disburser:
        found = disburser.get(order_id)
        statement = disburser.statement(order_id)
        if as_json:
            money = statement_document(statement)
            _print_json({**disbursement_document(found), "statement": money})
        else:
            _show_disbursements((found,))
            rows = [Row(cells=(name, str(getattr(statement, name)))) for name in FIGURES]
            columns = (Column(name="money"), Column(name="amount", is_money=True))
            show_table(make_console(), f"Statement of {order_id}", columns, rows)
        _leave(is_clean=found.status is not Status.FAILED and statement.is_balanced)


def resume(
    ctx: typer.Context,
    order_id: Annotated[
        str, typer.Argument(metavar="[ORDER_ID]", help="Yours; every pending one if left out.")
    ] = "",
    *,
    account: Account = "",
    store: StoreURL = "",
    as_json: AsJSON = False,
) -> None:
    """
    Finish what a crash or a wait has left pending.

    Exits with 1 if anything failed or still is pending.
    """
    with _reported(as_json=as_json), _connected(ctx, account, store) as disburser:
        done = (disburser.resume(order_id),) if order_id else disburser.resume_all()
        if as_json:
            _print_json({"disbursements": [disbursement_document(one) for one in done]})
        else:
            _show_disbursements(done)
        unfinished = {Status.FAILED, Status.PENDING}
        _leave(is_clean=not any(one.status in unfinished for one in done))


def reclaim(
    ctx: typer.Context,
    order_id: Annotated[
        str, typer.Argument(metavar="[ORDER_ID]", help="Yours; its card is cancelled at once.")
    ] = "",
    *,
    expired: Annotated[bool, typer.Option("--expired", help="All whose time is up.")] = False,
    account: Account = "",
    store: StoreURL = "",
    as_json: AsJSON = False,
) -> None:
    """
    Cancel the card of an order, or of all expired ones, and take back what was not spent.

    Exits with 1 if one is stuck; one that waits for a merchant is not.
    """
    if bool(order_id) == expired:
        raise typer.BadParameter("give either ORDER_ID or --expired")
    with _reported(as_json=as_json), _connected(ctx, account, store) as disburser:
        done = disburser.reclaim_expired() if expired else (disburser.reclaim(order_id),)
        if as_json:
            _print_json({"reclamations": [reclamation_document(one) for one in done]})
        else:
            _show_reclamations(done)
        _leave(is_clean=not any(one.outcome == "stuck" for one in done))


def reconcile(
    ctx: typer.Context,
    *,
    account: Account = "",
    store: StoreURL = "",
    as_json: AsJSON = False,
) -> None:
    """
    Hold the books against Stripe's, object by object.

    Exits with 1 if there is a difference.
    """
    with _reported(as_json=as_json), _connected(ctx, account, store) as disburser:
        found = disburser.reconcile()
        if as_json:
            _print_json(reconciliation_document(found))
        else:
            count = len(found.discrepancies)
            console = make_console()
            console.print(f"{found.matched} objects match, {count} differences")
            for one in found.discrepancies:
                figures = f"{one.here} here, {one.there} there"
                console.print(f"{one.object_id}: {one.kind}, {figures}; {one.remedy}")
        _leave(is_clean=not found.discrepancies)


def preflight(
    ctx: typer.Context,
    *,
    probe: Annotated[
        bool, typer.Option("--probe", help="Let the next order try a refused route again.")
    ] = False,
    account: Account = "",
    store: StoreURL = "",
    as_json: AsJSON = False,
) -> None:
    """
    Look whether everything is in place before the first order; changes nothing at Stripe.

    Exits with 1 if something is wrong.
    """
    with _reported(as_json=as_json), _connected(ctx, account, store) as disburser:
        found = disburser.preflight(probe=probe)
        if as_json:
            checks = [
                {"name": one.name, "verdict": one.verdict, "detail": one.detail}
                for one in found.checks
            ]
            document = {"account": found.account, "is_ready": found.is_ready, "checks": checks}
            _print_json(document)
        else:
            console = make_console()
            for one in found.checks:
                verdict = one.verdict.replace("_", " ")
                console.print(f"{verdict:<8} {one.name}: {one.detail}")
        _leave(is_clean=found.is_ready)


@contextmanager
def _connected(ctx: typer.Context, account: str, store: str) -> Iterator[Disburser]:
    connect: Connect = ctx.obj or Disburser.connect
    key = os.environ.get(_KEY)
    if not key:
        raise InvalidInputError(_KEY, "is not set", "put the key into the environment")
    if not account:
        raise InvalidInputError(
            "STRIPE_ACCOUNT",
            "is not set",
            "pass --account acct_..., or 'platform' for the platform's own balance",
        )
    with connect(
        api_key=key,
        account=None if account == "platform" else account,
        # None of these commands is sent webhooks: a secret that nobody knows lets nobody in.
        webhook_secret=os.environ.get(_SECRET) or secrets.token_urlsafe(32),
        store=store or None,
    ) as disburser:
        yield disburser


@contextmanager
def _reported(*, as_json: bool) -> Iterator[None]:
    """
    Turn what the library raises into a message and exit code 2.
    """
    try:
        yield
    except DisburseError as problem:
        _give_up(problem, as_json=as_json)


def _give_up(problem: DisburseError, *, as_json: bool) -> NoReturn:
    lines = [str(problem)]
    if isinstance(problem, OrdersFileError):
        lines = [f"{problem.name}: nothing was paid", *map(str, problem.problems)]
    if as_json:
        _print_json({"error": {"code": problem.code, "message": lines[0], "details": lines[1:]}})
    else:
        for line in lines:
            typer.echo(line, err=True)
    raise typer.Exit(COULD_NOT_RUN)


def _leave(*, is_clean: bool) -> None:
    if not is_clean:
        raise typer.Exit(PROBLEMS)


def _print_json(document: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(document, indent=2))


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


if __name__ == "__main__":
    main()
