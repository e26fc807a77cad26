"""
How are the tables of a store brought to this version of the library from a shell?
"""

from __future__ import annotations

from typing import Annotated

import typer

from issuing_disburse.cli.shell import AsJSON, StoreURL, print_json, reported
from issuing_disburse.demo_screen import make_console
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.stores import upgrade_store

PREFIX = "issuing_disburse_"

store_app = typer.Typer(help="Look after the database.", no_args_is_help=True)


@store_app.command()
def upgrade(
    *,
    store: StoreURL = "",
    prefix: Annotated[str, typer.Option(help="What the names of the tables begin with.")] = PREFIX,
    as_json: AsJSON = False,
) -> None:
    """
    Bring the tables to this version, or make them. Make a backup first, and stop all workers.

    Needs no key: nothing is asked of Stripe.
    """
    with reported(as_json=as_json):
        if not store:
            raise InvalidInputError(
                "ISSUING_DISBURSE_STORE",
                "is not set",
                "pass --store sqlite:///file or --store postgresql://...",
            )
        before, now = upgrade_store(store, prefix=prefix)
        if as_json:
            print_json({"version_before": before, "version": now})
        elif before == now:
            make_console().print(f"the tables are of version {now} already")
        else:
            start = f"version {before}" if before else "no tables"
            make_console().print(f"from {start} to version {now}")
