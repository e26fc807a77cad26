"""
How is what must be in place before the first order checked from a shell?
"""

from __future__ import annotations

from typing import Annotated

import typer

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
from issuing_disburse.demo_screen import make_console


def preflight(
    ctx: typer.Context,
    *,
    probe: Annotated[
        bool, typer.Option("--probe", help="Let the next order try a refused route again.")
    ] = False,
    account: Account = "",
    store: StoreURL = "",
    api_base: APIBase = "",
    as_json: AsJSON = False,
) -> None:
    """
    Look whether everything is in place before the first order; changes nothing at Stripe.

    Exits with 1 if something is wrong.
    """
    with reported(as_json=as_json), connected(ctx, account, store, api_base) as disburser:
        found = disburser.preflight(probe=probe)
        if as_json:
            checks = [
                {"name": one.name, "verdict": one.verdict, "detail": one.detail}
                for one in found.checks
            ]
            document = {"account": found.account, "is_ready": found.is_ready, "checks": checks}
            print_json(document)
        else:
            console = make_console()
            for one in found.checks:
                verdict = one.verdict.replace("_", " ")
                console.print(f"{verdict:<8} {one.name}: {one.detail}")
        leave(is_clean=found.is_ready)
