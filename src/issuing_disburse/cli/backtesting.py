"""
What would another policy have answered, asked from a shell?
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from attrs import asdict
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from issuing_disburse.backtest import EXAMPLES_MAX, Backtest, backtest
from issuing_disburse.cli.shell import (
    KEY,
    Account,
    APIBase,
    AsJSON,
    StoreURL,
    connected,
    named_account,
    print_json,
    reported,
)
from issuing_disburse.demo_screen import Column, Row, make_console, show_table
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import Money
from issuing_disburse.policy import AuthorizationPolicy, Decides
from issuing_disburse.recordings import (
    Recorded,
    RecordedCard,
    Recorder,
    Recordings,
    read_lines,
    to_line,
)
from issuing_disburse.stores import open_store

DOCUMENT_VERSION = 1


def backtest_command(
    ctx: typer.Context,
    *,
    policy: Annotated[
        str,
        typer.Option(metavar="MODULE:NAME", help="A policy of yours, or a TOML file with one."),
    ],
    since: Annotated[str, typer.Option(help="From this date or time on, UTC.")] = "",
    until: Annotated[str, typer.Option(help="To before this date or time, UTC.")] = "",
    jsonl: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read requests from this file; - is stdin.")
    ] = None,
    from_stripe: Annotated[
        bool, typer.Option("--from-stripe", help="List them from Stripe's authorizations.")
    ] = False,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was read, to be read again.")
    ] = None,
    examples: Annotated[
        int, typer.Option(min=0, help="How many changed requests to list with --json.")
    ] = EXAMPLES_MAX,
    account: Account = "",
    store: StoreURL = "",
    api_base: APIBase = "",
    as_json: AsJSON = False,
) -> None:
    """
    Ask recorded requests again, of another policy, and show what would change.

    Without --jsonl and --from-stripe, what the store has recorded is asked; that needs no key. Changes
    nothing anywhere.
    """
    if jsonl is not None and from_stripe:
        raise typer.BadParameter("give either --jsonl or --from-stripe")
    with reported(as_json=as_json):
        chosen = load_policy(policy)
        start, end = _time("since", since), _time("until", until)
        if jsonl is not None:
            with _opened(jsonl) as lines:
                found = _run(chosen, _between(read_lines(lines), start, end), save, examples)
        else:
            source = _connected if from_stripe or os.environ.get(KEY) else _without_key
            with source(ctx, account, store, api_base) as recordings:
                recorded = recordings.at_stripe if from_stripe else recordings.recorded
                found = _run(chosen, recorded(since=start, until=end), save, examples)
        if as_json:
            print_json(document(found))
        else:
            _show(found)


@contextmanager
def _connected(ctx: typer.Context, account: str, store: str, api_base: str) -> Iterator[Recordings]:
    with connected(ctx, account, store, api_base) as disburser:
        yield disburser.recordings


@contextmanager
def _without_key(
    _ctx: typer.Context, account: str, store: str, _api_base: str
) -> Iterator[Recordings]:
    """
    Yield what a store has recorded; nobody is asked whose store it is.
    """
    owner = named_account(account)
    if not store:
        raise InvalidInputError(
            "ISSUING_DISBURSE_STORE",
            "is not set",
            "pass --store sqlite:///file or --store postgresql://...",
        )
    opened = open_store(store, clock=lambda: datetime.now(UTC))
    try:
        yield Recordings(
            account=owner, recorder=Recorder(store=opened), authorizations=lambda _: iter(())
        )
    finally:
        opened.close()


def load_policy(name: str) -> Decides:
    """
    Return the policy of that name: ``module:name``, or a path that ends in ``.toml``.

    Raises:
        InvalidInputError: There is none.
    """
    if name.endswith(".toml"):
        try:
            return AuthorizationPolicy.from_toml(Path(name))
        except OSError as missing:
            raise InvalidInputError(
                "policy", f"{name} cannot be read: {missing.strerror}", "name a TOML file"
            ) from None
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise InvalidInputError("policy", f"{name!r} names nothing", "write module:name")
    if "" not in sys.path:
        sys.path.insert(0, "")  # the module lies where the command is run, as with `python -m`
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as absent:
        raise InvalidInputError(
            "policy", f"there is no module {absent.name!r}", "run this where it can be imported"
        ) from None
    except AttributeError:
        raise InvalidInputError(
            "policy", f"{module} has no {attribute}", "name the variable that holds the policy"
        ) from None
    if not isinstance(found, type) and callable(found) and not hasattr(found, "decide"):
        found = found()  # a function that makes the policy
    if isinstance(found, type) or not callable(getattr(found, "decide", None)):
        raise InvalidInputError(
            "policy",
            f"{name} is no policy",
            "name an AuthorizationPolicy, or a function that makes one",
        )
    policy: Decides = found
    return policy


def _time(name: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(name, f"{text!r} is no time", "write 2026-10-01") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[bytes]]:
    if str(path) == "-":
        yield iter(sys.stdin.buffer)
        return
    try:
        file = path.open("rb")
    except OSError as missing:
        raise InvalidInputError(
            "jsonl",
            f"{path} cannot be read: {missing.strerror}",
            "name a file of recorded requests",
        ) from None
    with file:
        yield iter(file)


def _between(
    recorded: Iterator[Recorded], start: datetime | None, end: datetime | None
) -> Iterator[Recorded]:
    for one in recorded:
        if not isinstance(one, RecordedCard):
            if end is not None and one.at >= end:
                return
            if start is not None and one.at < start:
                continue
        yield one


def _saving(recorded: Iterator[Recorded], path: Path) -> Iterator[Recorded]:
    try:
        file = path.open("wb")
    except OSError as problem:
        raise InvalidInputError(
            "save", f"{path} cannot be written: {problem.strerror}", "name another file"
        ) from None
    with file:
        for one in recorded:
            file.write(to_line(one) + b"\n")
            yield one


def _run(
    policy: Decides, recorded: Iterator[Recorded], save: Path | None, examples: int
) -> Backtest:
    console = Console(stderr=True)  # apart from the result, which may go to a file
    bar = Progress(
        TextColumn("replaying"),
        BarColumn(),  # how many there are is known when the last one is read
        TextColumn("{task.completed:,} requests"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("requests", total=None)
    if save is not None:
        recorded = _saving(recorded, save)
    with bar:
        return backtest(
            policy,
            recorded,
            examples_max=examples,
            progress=lambda done: bar.update(task, completed=done),
        )


def document(found: Backtest) -> dict[str, Any]:
    """
    Return the result as JSON has it: amounts in minor units, times in UTC.
    """
    return {
        "version": DOCUMENT_VERSION,
        "policy": found.policy,
        "since": found.since.isoformat() if found.since else None,
        "until": found.until.isoformat() if found.until else None,
        "requests": found.requests,
        "changed": found.changed,
        "unknown": found.unknown,
        "decided_by_others": found.decided_by_others,
        "totals": [asdict(one) for one in found.totals],
        "groups": [asdict(one) for one in found.groups],
        "examples": [
            {
                "at": one.at.isoformat(),
                "authorization_id": one.authorization_id,
                "card_id": one.card_id,
                "order_id": one.order_id,
                "merchant": one.merchant,
                "currency": one.asked.currency,
                "asked_minor": one.asked.minor,
                "before": one.before,
                "after": one.after,
                "rule": one.rule,
                "approved_before_minor": one.approved_before.minor,
                "approved_after_minor": one.approved_after.minor,
            }
            for one in found.examples
        ],
    }


def _show(found: Backtest) -> None:
    console = make_console()
    if not found.requests:
        console.print("No requests were found: nothing to compare.")
        return
    rows = []
    for one in found.groups:
        amounts = (one.approved_before_minor, one.approved_after_minor)
        money = [str(Money(minor, one.currency)) for minor in amounts]
        rows.append(Row(cells=(one.before, one.after, one.rule, str(one.requests), *money)))
    names = ("before", "after", "rule", "requests", "approved", "would be")
    columns = [Column(name=name, is_money=index > 2) for index, name in enumerate(names)]  # noqa: PLR2004 - texts come first
    title = f"{found.changed} of {found.requests} requests would be answered in another way"
    if rows:
        show_table(console, title, columns, rows)
    else:
        console.print(title)
    console.print()
    for total in found.totals:
        before = Money(total.approved_before_minor, total.currency)
        after = Money(total.approved_after_minor, total.currency)
        console.print(
            f"{total.requests} requests: {total.approved_before} approved over {before}, "
            f"would be {total.approved_after} over {after} ({_signed(after - before)})"
        )
    if found.decided_by_others:
        console.print(f"{found.decided_by_others} were decided without us and are not counted.")
    if found.unknown:
        console.print(f"{found.unknown} are about cards that nobody knows, and were left out.")


def _signed(amount: Money) -> str:
    return str(amount) if amount.minor < 0 else f"+{amount}"
