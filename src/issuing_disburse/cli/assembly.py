"""
Which commands are there?
"""

from importlib.metadata import version as version_of
from typing import Annotated

import typer

from issuing_disburse.cli.backtesting import backtest_command
from issuing_disburse.cli.books import reconcile, report
from issuing_disburse.cli.cassettes import cassettes_app
from issuing_disburse.cli.checks import preflight
from issuing_disburse.cli.demonstration import demo
from issuing_disburse.cli.disbursing import disburse
from issuing_disburse.cli.orders import reclaim, resume, status
from issuing_disburse.cli.shell import KEY
from issuing_disburse.cli.simulator_control import add_control
from issuing_disburse.cli.simulator_server import simulator
from issuing_disburse.cli.stores import store_app


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"issuing-disburse {version_of('issuing-disburse')}")
        raise typer.Exit


def about(
    version: Annotated[  # answered before any command runs
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """
    Take the options that come before a command.
    """


def make_app() -> typer.Typer:
    """
    Put the commands together; needs the extra ``cli``.
    """
    app = typer.Typer(
        help="Pay people by single-use virtual card.\n\nAll commands but cassettes, demo, simulator and store read "
        f"{KEY} from the environment; no command takes a key as an option.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # they may show variables
    )
    app.callback()(about)
    for command in (demo, disburse, status, resume, reclaim, reconcile, report, preflight):
        app.command()(command)
    served = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    served.callback(invoke_without_command=True)(simulator)
    add_control(served)
    app.add_typer(served, name="simulator")
    app.command("backtest")(backtest_command)
    app.add_typer(store_app, name="store")
    app.add_typer(cassettes_app, name="cassettes")
    return app
