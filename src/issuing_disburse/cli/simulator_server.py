"""
How is the simulator run for other programs?
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Annotated, NoReturn

import typer

from issuing_disburse.cli.shell import COULD_NOT_RUN, AsJSON
from issuing_disburse.cli.simulator_switches import read_switches
from issuing_disburse.simulator import Behaviour, IssuingSimulator, SimulatorError
from issuing_disburse.simulator.server import is_loopback, main_simulator

PORT = 12111


def simulator(
    ctx: typer.Context,
    *,
    host: Annotated[
        str, typer.Option(help="Where to listen; others than loopback let other machines in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes any free one.")] = PORT,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="Keep the state here; go on from it."),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Same seed, same ids; the file's own if there is one.")
    ] = 0,
    webhook_url: Annotated[
        str, typer.Option(metavar="URL", help="Deliver all webhooks to this address.")
    ] = "",
    platform_funds: Annotated[
        int, typer.Option(min=0, help="The platform's first balance, in cents.")
    ] = 100_000_000,
    issuing_funds: Annotated[
        int, typer.Option(min=0, help="The ready account's first Issuing balance, in cents.")
    ] = 1_000_000,
    rate_limit: Annotated[
        int, typer.Option(min=0, help="Requests per second: 25 like a sandbox, 0 for no limit.")
    ] = 0,
    running_clock: Annotated[
        bool, typer.Option("--running-clock", help="Let the clock run; it stands still otherwise.")
    ] = False,
    start_now: Annotated[
        bool,
        typer.Option(
            "--start-now",
            help="Start the clock at the present time, for programs that use the system's.",
        ),
    ] = False,
    switch: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A switch of Behaviour; may be repeated."),
    ] = None,
    as_json: AsJSON = False,
) -> None:
    """
    Serve a Stripe Issuing that runs on this machine, until Ctrl-C; its commands drive a served one.

    Prints where it is, its keys, and an account that is ready to issue.
    """
    if ctx.invoked_subcommand is not None:
        return
    is_remote = not is_loopback(host)
    try:
        start = datetime.now(UTC) if start_now else None
        funds = (platform_funds, issuing_funds)
        made = _open(data, seed, read_switches(switch or []), funds, start)
        made.limit_requests(rate_limit or None)
        if is_remote:
            typer.echo(
                f"warning: {host} lets other machines in; the control API asks for no key", err=True
            )
        with _interruptible() as stop:
            main_simulator(
                made,
                host=host,
                port=port,
                data=data,
                webhook_url=webhook_url or None,
                remote=is_remote,
                running_clock=running_clock,
                say=_tell if as_json else _show,
                wait=stop.wait,
            )
    except SimulatorError as problem:
        _give_up(problem, as_json=as_json)


def _open(
    data: Path | None,
    seed: int,
    behaviour: Behaviour,
    funds: tuple[int, int],
    start: datetime | None,
) -> IssuingSimulator:
    if data is not None and data.exists():
        return IssuingSimulator.load(data, behaviour=behaviour)
    made = IssuingSimulator(seed=seed, platform_funds=funds[0], behaviour=behaviour, start=start)
    made.create_account(issuing_funds=funds[1])
    return made


@contextmanager
def _interruptible() -> Iterator[Event]:
    """
    Yield an event that Ctrl-C and SIGTERM set, and give the signals back afterwards.
    """
    stop = Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _show(facts: dict[str, str]) -> None:
    names = {
        "base_url": "base URL",
        "control_url": "control API",
        "api_key": "API key",
        "account": "account",
        "platform_account": "platform",
        "webhook_secret": "webhook secret",
    }
    for name, shown in names.items():
        typer.echo(f"{shown:<16}{facts[name]}")
    typer.echo("Ctrl-C stops it.")


def _tell(document: Mapping[str, object]) -> None:
    """
    Print one line, so that whoever reads it knows when it is whole.
    """
    typer.echo(json.dumps(document))


def _give_up(problem: SimulatorError, *, as_json: bool) -> NoReturn:
    if as_json:
        _tell({"error": {"code": problem.code, "message": str(problem)}})
    else:
        typer.echo(str(problem), err=True)
    raise typer.Exit(COULD_NOT_RUN)
