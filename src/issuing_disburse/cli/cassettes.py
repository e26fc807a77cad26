"""
How is a recording checked from a shell, before it is committed?
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from issuing_disburse.cli.shell import CLEAN, COULD_NOT_RUN, PROBLEMS, AsJSON, print_json, printable
from issuing_disburse.testing.cassettes.checking import Checked, check
from issuing_disburse.testing.cassettes.searching import leaks_in_path

cassettes_app = typer.Typer(help="Look after recordings of tests.", no_args_is_help=True)


@cassettes_app.callback()
def about() -> None:
    """
    Look after recordings of tests.
    """


@cassettes_app.command("check")
def check_command(
    paths: Annotated[
        list[Path], typer.Argument(help="Cassettes, other files, or folders of them.")
    ],
    *,
    as_json: AsJSON = False,
) -> None:
    """
    Search recordings for card numbers, live keys and signing secrets; needs no key and no network.

    Exits with 0 if there is nothing, with 1 if something was found, and with 2 if a file could not be
    searched. What was found is never printed, only its kind and its place.
    """
    found = list(check(paths))
    if as_json:
        print_json({"files": [_entry(one) for one in found], "exit_code": _code(found)})
    else:
        for one in found:
            for leak in one.leaks:
                typer.echo(f"{_shown(one)}: {leak}")
            if one.problem:
                typer.echo(f"{_shown(one)}: {one.problem}", err=True)
    raise typer.Exit(_code(found))


def _entry(one: Checked) -> dict[str, object]:
    leaks = [{"what": leak.what, "where": leak.where} for leak in one.leaks]
    return {"path": _shown(one), "leaks": leaks, "problem": one.problem}


def _shown(one: Checked) -> str:
    if any(leaks_in_path(one.path)):  # the name itself is a leak
        return (
            f"a file in {printable(str(one.path.parent))}"
            if not any(leaks_in_path(one.path.parent))
            else "…"
        )
    return printable(str(one.path))


def _code(found: list[Checked]) -> int:
    if any(one.leaks for one in found):
        return PROBLEMS
    return COULD_NOT_RUN if any(one.problem for one in found) else CLEAN
