"""
How does a shell script drive a simulator that is being served?
"""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException
from typing import Annotated, Any, NoReturn, TypeAlias
from urllib.parse import urlsplit

import typer

from issuing_disburse.cli.shell import COULD_NOT_RUN
from issuing_disburse.simulator.control import ACTIONS, PREFIX, VERBS

TIMEOUT_SECONDS = 60.0
URL: TypeAlias = Annotated[
    str,
    typer.Option(
        envvar="ISSUING_DISBURSE_SIMULATOR",
        help="Where the simulator is served.",
    ),
]
Field: TypeAlias = Annotated[
    str,
    typer.Option(metavar="NAME", help="Print this field of the answer alone: id, metadata.order."),
]
Amount: TypeAlias = Annotated[int, typer.Argument(help="In minor units: 1050 is $10.50.")]
PartOf: TypeAlias = Annotated[
    int | None, typer.Argument(help="In minor units; everything if left out.")
]
AuthorizationId: TypeAlias = Annotated[str, typer.Argument(metavar="AUTHORIZATION")]
HERE = "http://127.0.0.1:12111"


def add_control(app: typer.Typer) -> None:
    """
    Add everything that can be done to a simulator that is being served.
    """
    for command in (state, authorize, capture, reverse, increment, expire, refund, call, requests):
        app.command()(command)
    app.command("advance-clock")(advance_clock)
    app.command("webhooks")(webhooks)
    app.command("rate-limit")(rate_limit)
    scripts = typer.Typer(
        help="Let the simulator misbehave.", no_args_is_help=True, add_completion=False
    )
    for name, function in (("add", add_fault), ("list", list_faults), ("clear", clear_faults)):
        scripts.command(name)(function)
    app.add_typer(scripts, name="faults")


def state(*, url: URL = HERE, field: Field = "") -> None:
    """
    Show keys, accounts and the time.
    """
    _print(_send(url, "GET", ""), field)


def authorize(
    card: Annotated[str, typer.Argument(metavar="CARD", help="ic_...")],
    amount: Amount,
    *,
    category: Annotated[str, typer.Option(help="The merchant's, as Stripe names it.")] = "",
    country: Annotated[str, typer.Option(help="The merchant's.")] = "",
    merchant: Annotated[str, typer.Option(metavar="NAME", help="The merchant's name.")] = "",
    controllable: Annotated[
        bool, typer.Option("--controllable", help="Less than asked may be approved.")
    ] = False,
    url: URL = HERE,
    field: Field = "",
) -> None:
    """
    Let a merchant ask for money; your webhook decides, if there is one.

    Exits with 1 if it was declined.
    """
    given = {"category": category, "country": country, "name": merchant}
    answer = _verb(
        url,
        "authorize",
        card_id=card,
        amount=amount,
        is_amount_controllable=controllable,
        merchant={name: value for name, value in given.items() if value} or None,
    )
    _print(answer, field)
    if not answer["approved"]:
        raise typer.Exit(1)


def capture(
    authorization: AuthorizationId,
    amount: PartOf = None,
    *,
    keep_open: Annotated[
        bool, typer.Option("--keep-open", help="More captures are to come.")
    ] = False,
    url: URL = HERE,
    field: Field = "",
) -> None:
    """
    Let the merchant collect: more, less, late or repeatedly, as merchants do.
    """
    given = {"authorization_id": authorization, "amount": amount, "close": not keep_open}
    _print(_verb(url, "capture", **given), field)


def reverse(
    authorization: AuthorizationId, amount: PartOf = None, *, url: URL = HERE, field: Field = ""
) -> None:
    """
    Let the merchant give a hold back.
    """
    _print(_verb(url, "reverse", authorization_id=authorization, amount=amount), field)


def increment(
    authorization: AuthorizationId, amount: Amount, *, url: URL = HERE, field: Field = ""
) -> None:
    """
    Let the merchant ask for more.
    """
    _print(_verb(url, "increment", authorization_id=authorization, amount=amount), field)


def expire(authorization: AuthorizationId, *, url: URL = HERE, field: Field = "") -> None:
    """
    Let an authorization lapse now.
    """
    _print(_verb(url, "expire", authorization_id=authorization), field)


def refund(
    transaction: Annotated[str, typer.Argument(metavar="TRANSACTION", help="ipi_...")],
    amount: PartOf = None,
    *,
    url: URL = HERE,
    field: Field = "",
) -> None:
    """
    Let the merchant refund a capture.
    """
    _print(_verb(url, "refund", transaction_id=transaction, amount=amount), field)


def advance_clock(
    seconds: Annotated[float, typer.Argument(min=0, help="86400 is a day.")],
    *,
    url: URL = HERE,
    field: Field = "",
) -> None:
    """
    Move the clock; what is due on the way happens.
    """
    _print(_send(url, "POST", "advance_clock", {"seconds": seconds}), field)


def webhooks(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="http://127.0.0.1:3000/hook")],
    *,
    url: URL = HERE,
    field: Field = "",
) -> None:
    """
    Deliver all webhooks, questions included, to an address from now on.
    """
    _print(_send(url, "POST", "webhooks", {"url": address}), field)


def rate_limit(
    per_second: Annotated[int, typer.Argument(min=0, help="25 like a sandbox; 0 lifts it.")],
    *,
    url: URL = HERE,
) -> None:
    """
    Enforce a rate limit from now on.
    """
    _verb(url, "limit_requests", per_second=per_second or None)


def requests(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="So many, the last ones.")] = 100,
    url: URL = HERE,
    field: Field = "",
) -> None:
    """
    Show what the simulator was asked.
    """
    _print(_send(url, "GET", f"requests?limit={limit}"), field)


def call(
    verb: Annotated[str, typer.Argument(help=f"One of {', '.join(VERBS)}.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="Values are JSON, or bare words."),
    ] = None,
    *,
    url: URL = HERE,
    field: Field = "",
) -> None:
    """
    Call any other verb: call fund_issuing account=acct_... amount=5000.
    """
    _print(_verb(url, verb, **_pairs(arguments or [])), field)


def add_fault(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(sorted(ACTIONS))}.")],
    details: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]...", help="status=402 code=odd after_commit=true ..."),
    ] = None,
    *,
    endpoint: Annotated[
        str, typer.Option(help="'POST /v1/issuing/cards', with :id for an id; all if left out.")
    ] = "*",
    event: Annotated[str, typer.Option(help="For webhook faults: an event type.")] = "*",
    nth: Annotated[int | None, typer.Option(min=1, help="Only the nth matching call.")] = None,
    times: Annotated[int, typer.Option(min=0, help="So often; 0 is always.")] = 1,
    probability: Annotated[float, typer.Option(min=0, max=1, help="Under the seed.")] = 1.0,
    account: Annotated[str, typer.Option(help="Only this account's.")] = "",
    url: URL = HERE,
) -> None:
    """
    Add one line to the script of misbehaviour, and show the script.
    """
    given: dict[str, Any] = {
        "action": {"kind": kind, **_pairs(details or [])},
        "endpoint": endpoint,
        "event": event,
        "nth": nth,
        "times": times,
        "probability": probability,
        "account": account or None,
    }
    _print(_send(url, "POST", "faults", given), "")


def list_faults(*, url: URL = HERE, field: Field = "") -> None:
    """
    Show the script, and how often each line was met and struck.
    """
    _print(_send(url, "GET", "faults"), field)


def clear_faults(*, url: URL = HERE) -> None:
    """
    Let the simulator behave again.
    """
    _print(_send(url, "DELETE", "faults"), "")


def _pairs(arguments: list[str]) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for argument in arguments:
        name, is_given, text = argument.partition("=")
        if not is_given:
            raise typer.BadParameter(f"{argument!r} is no NAME=VALUE")
        try:
            pairs[name] = json.loads(text)
        except ValueError:
            pairs[name] = text
    return pairs


def _verb(url: str, verb: str, **given: Any) -> Any:
    return _send(url, "POST", verb, given)["result"]


def _send(url: str, method: str, verb: str, given: dict[str, Any] | None = None) -> Any:
    parts = urlsplit(url)
    try:
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        try:
            body = None if given is None else json.dumps(given).encode()
            headers = {"Content-Type": "application/json"}
            connection.request(method, f"{PREFIX}/{verb}", body, headers)
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
    except (OSError, ValueError, HTTPException) as problem:
        _give_up(f"no simulator answers at {url}: {problem}; is it running?")
    if answer.status != 200:  # noqa: PLR2004 - the only good one
        _give_up(content["error"]["message"])
    return content


def _give_up(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(COULD_NOT_RUN)


def _print(answer: Any, field: str) -> None:
    if not field:
        typer.echo(json.dumps(answer, indent=2))
        return
    found = answer
    for part in field.split("."):
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (IndexError, KeyError, TypeError, ValueError):
            _give_up(f"the answer has no field {field}")
    typer.echo(found if isinstance(found, str) else json.dumps(found))
