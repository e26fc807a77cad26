"""
How are the books held against Stripe's, and shown to finance, from a shell or from cron?
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console

from issuing_disburse.cli.progress import reading
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
from issuing_disburse.demo_report import reconciliation_document
from issuing_disburse.demo_screen import Column, Row, make_console, show_table
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.reconcile import Reconciliation
from issuing_disburse.report import Report, gather, report_document, write_csv
from issuing_disburse.report.charts import LABELS
from issuing_disburse.report.page import age, page, words

Since: TypeAlias = Annotated[
    str, typer.Option("--since", help="From then on: 2026-11-01, or with a time and a zone.")
]
Until: TypeAlias = Annotated[str, typer.Option("--until", help="Before then; likewise.")]
Explained: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--explained",
        metavar="FILE",
        help="Ids of Stripe objects that are other business of yours, one a line.",
    ),
]

_STYLES = {"critical": "red", "warning": "yellow", "notice": ""}


def reconcile(
    ctx: typer.Context,
    *,
    since: Since = "",
    until: Until = "",
    explained: Explained = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Book what Stripe has and we lack; moves no money.")
    ] = False,
    account: Account = "",
    store: StoreURL = "",
    api_base: APIBase = "",
    as_json: AsJSON = False,
) -> None:
    """
    Hold the books against Stripe's, object by object.

    Exits with 0 if they agree, 1 if there is a difference, 2 if they could not be compared.
    """
    with reported(as_json=as_json), connected(ctx, account, store, api_base) as disburser:
        period = moment("since", since), moment("until", until)
        known = explained_by(explained)
        with reading() as tell:
            found = disburser.reconcile(*period, is_explained=known, progress=tell)
            done = disburser.repair(found) if repair else ()
            if done:
                found = disburser.reconcile(*period, is_explained=known, progress=tell)
        if as_json:
            repairs = [{"object_id": one.object_id, "outcome": one.outcome} for one in done]
            document = reconciliation_document(found)
            print_json({**document, "repairs": repairs} if repair else document)
        else:
            show_reconciliation(make_console(), found)
            for one in done:
                make_console().print(f"{one.object_id}: {one.outcome} {one.message}".rstrip())
        leave(is_clean=found.is_clean)


def report(
    ctx: typer.Context,
    *,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page; loads nothing.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write every order, one a line.")
    ] = None,
    since: Since = "",
    until: Until = "",
    explained: Explained = None,
    account: Account = "",
    store: StoreURL = "",
    api_base: APIBase = "",
    as_json: AsJSON = False,
) -> None:
    """
    Show where the money of an account went in a period: on screen, as a page, as CSV, as JSON.

    Exits with 0 if the books agree with Stripe's, 1 if there is a difference, 2 if it could not run.
    """
    with reported(as_json=as_json), connected(ctx, account, store, api_base) as disburser:
        first, last = moment("since", since), moment("until", until)
        with reading() as tell:
            said = gather(
                disburser, first, last, is_explained=explained_by(explained), progress=tell
            )
            written = _written("html", html, lambda path: _write_page(path, said))
            written += _written(
                "csv",
                csv,
                lambda path: _write_csv(path, lambda file: write_csv(file, disburser, last)),
            )
        if as_json:
            print_json(report_document(said))
        else:
            show_report(make_console(), said)
            for path in written:
                make_console().print(f"written: {path}")
        leave(is_clean=said.is_clean)


def moment(name: str, text: str) -> datetime | None:
    """
    Read a day or a time from the command line; a day begins at midnight UTC.
    """
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(
            f"--{name}", f"{text!r} is no day or time", "write 2026-11-01 or 2026-11-01T12:00+01:00"
        ) from None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def explained_by(path: Path | None) -> Callable[[object], bool] | None:
    """
    Return what knows the ids that a file lists; ``#`` begins a comment.
    """
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidInputError("--explained", "cannot be read", f"check {path}") from problem
    known = {line.partition("#")[0].strip() for line in lines} - {""}
    return lambda one: isinstance(one, dict) and one.get("id") in known


def _written(name: str, path: Path | None, write: Callable[[Path], None]) -> list[Path]:
    if path is None:
        return []
    try:
        write(path)
    except OSError as problem:
        raise InvalidInputError(
            f"--{name}", f"{path} cannot be written", "name a file in a folder that exists"
        ) from problem
    return [path]


def _write_page(path: Path, said: Report) -> None:
    path.write_text(page(said), encoding="utf-8")


def _write_csv(path: Path, write: Callable[..., int]) -> None:
    # With a byte order mark, spreadsheets read names that are not English.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        write(file)


def show_reconciliation(console: Console, found: Reconciliation) -> None:
    """
    Print what agrees, and what differs, the gravest first.
    """
    count = len(found.discrepancies)
    console.print(f"{found.matched} objects match, {count} differences")
    if count:
        names = ("severity", "kind", "object", "here", "there", "age", "order", "what to do")
        columns = [Column(name=name, is_money=name in {"here", "there", "age"}) for name in names]
        rows = [
            Row(
                cells=(
                    one.severity,
                    words(one.kind),
                    one.object_id,
                    f"{one.here} {one.here_status}".strip(),
                    f"{one.there} {one.there_status}".strip(),
                    age(one.age_seconds),
                    one.order_id or "-",
                    one.remedy,
                ),
                style=_STYLES[one.severity],
            )
            for one in found.discrepancies
        ]
        show_table(console, "Differences", columns, rows)
    for note in found.notes:
        console.print(f"note: {note}")


def show_report(console: Console, said: Report) -> None:
    """
    Print the figures, what stands out, the ageing and the declines.
    """
    show_reconciliation(console, said.reconciliation)
    for one in said.figures:
        rows = [Row(cells=(label, str(getattr(one, name)))) for name, label in LABELS.items()]
        rows.append(Row(cells=("balanced", "yes" if one.is_balanced else "NO")))
        columns = (Column(name="figure"), Column(name=one.currency, is_money=True))
        show_table(console, "Flow of funds", columns, rows)
    if said.ageing:
        names = ("age", "held", "on cards", "orders")
        columns_of = [Column(name=name, is_money=name != "age") for name in names]
        show_table(
            console,
            "Ageing of open money",
            columns_of,
            [
                Row(cells=(one.band, str(one.held), str(one.remaining), str(one.orders)))
                for one in said.ageing
            ],
        )
    if said.declines:
        names = ("declined because", "by", "count", "asked")
        columns_of = [Column(name=name, is_money=name in {"count", "asked"}) for name in names]
        show_table(
            console,
            "Declines",
            columns_of,
            [
                Row(cells=(words(one.reason), one.decided_by, str(one.count), str(one.asked)))
                for one in said.declines
            ],
        )
