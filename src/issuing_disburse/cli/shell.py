"""
What do all commands share: their options, their way to Stripe, how they print and how they leave?
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn, TypeAlias

import typer
from attrs import asdict

from issuing_disburse.disburser import Disburser
from issuing_disburse.exceptions import DisburseError, InvalidInputError
from issuing_disburse.orders_file import OrdersFileError

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

APIBase: TypeAlias = Annotated[
    str,
    typer.Option(
        "--api-base",
        envvar="STRIPE_API_BASE",
        help="Another address of the API, such as a served simulator's.",
    ),
]

CLEAN, PROBLEMS, COULD_NOT_RUN = 0, 1, 2
INTERRUPTED = 130
KEY, SECRET = "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"

Connect: TypeAlias = Callable[..., Disburser]
"""What `issuing_disburse.Disburser.connect` is; another may be handed in as the context's ``obj``."""


@contextmanager
def connected(ctx: typer.Context, account: str, store: str, api_base: str) -> Iterator[Disburser]:
    """
    Yield the library, as options and environment say.
    """
    connect: Connect = ctx.obj or Disburser.connect
    key = os.environ.get(KEY)
    if not key:
        raise InvalidInputError(KEY, "is not set", "put the key into the environment")
    with connect(
        api_key=key,
        account=named_account(account),
        # None of these commands is sent webhooks: a secret that nobody knows lets nobody in.
        webhook_secret=os.environ.get(SECRET) or secrets.token_urlsafe(32),
        store=store or None,
        api_base=api_base or None,
    ) as disburser:
        yield disburser


def named_account(account: str) -> str | None:
    """
    Return the account that an option names, ``None`` for the platform's own balance.

    Raises:
        InvalidInputError: It names none.
    """
    if not account:
        raise InvalidInputError(
            "STRIPE_ACCOUNT",
            "is not set",
            "pass --account acct_..., or 'platform' for the platform's own balance",
        )
    return None if account == "platform" else account


@contextmanager
def reported(*, as_json: bool) -> Iterator[None]:
    """
    Turn what the library raises into a message and exit code 2, and Ctrl-C into 130.
    """
    try:
        yield
    except DisburseError as problem:
        _give_up(problem, as_json=as_json)
    except KeyboardInterrupt:
        message = "interrupted; run it again: what is done is not done twice"
        if as_json:
            print_json({"error": {"code": "interrupted", "message": message, "details": []}})
        else:
            typer.echo(message, err=True)
        raise typer.Exit(INTERRUPTED) from None


def _give_up(problem: DisburseError, *, as_json: bool) -> NoReturn:
    lines = [str(problem)]
    told: dict[str, object] = {}
    if isinstance(problem, OrdersFileError):
        lines = [f"{problem.name}: nothing was paid", *map(str, problem.problems)]
        told = {"problems": [asdict(one) for one in problem.problems]}
    if as_json:
        error = {"code": problem.code, "message": lines[0], "details": lines[1:], **told}
        print_json({"error": error})
    else:
        for line in lines:
            typer.echo(printable(line), err=True)
    raise typer.Exit(COULD_NOT_RUN)


def printable(text: str) -> str:
    """
    Return *text* as any terminal may show it: the name of a file may hold what a terminal obeys.

    >>> printable("\\x1b[2J é.csv")
    '\\\\x1b[2J é.csv'
    """
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )


def leave(*, is_clean: bool) -> None:
    """
    End with exit code 1 unless all is well.
    """
    if not is_clean:
        raise typer.Exit(PROBLEMS)


def print_json(document: Mapping[str, Any]) -> None:
    """
    Print one document, for another program to read.
    """
    typer.echo(json.dumps(document, indent=2))
