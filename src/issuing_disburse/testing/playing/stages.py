"""
How is each stage set up, and taken down?
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from string import ascii_lowercase
from typing import Any, Literal, TypeAlias

import stripe

from issuing_disburse.connections import PooledClient
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.routes import PrefundedRoute
from issuing_disburse.simulator import Behaviour, IssuingSimulator
from issuing_disburse.testing.cassettes import Recorded, recorded
from issuing_disburse.testing.cassettes.clocks import SteppingClock, SystemClock
from issuing_disburse.testing.stage import Stage

from .at_stripe import AtStripe, NotAtStripeError
from .marks import Setting
from .outside import Outside
from .stepping import SteppingClient

Source: TypeAlias = Literal["simulator", "stripe"]

KEY, ACCOUNT, BASE = "STRIPE_TEST_KEY", "STRIPE_TEST_ACCOUNT", "ISSUING_TEST_API_BASE"
RECORDED_FUNDS = 1_000_000
REPLAYED_KEY = "sk_test_replayed"
OPTIONS = {"accept_empty_store": True}
"""
An account that several runs share has cards of orders that this run's store does not know.
"""


def key_problem(environment: Mapping[str, str]) -> str:
    """
    Return what is wrong with the key and the account for Stripe's test mode; ``""`` if nothing is. Quotes no key.
    """
    key = environment.get(KEY, "")
    if not key:
        return f"set {KEY} to a secret or restricted key of Stripe's test mode (sk_test_… or rk_test_…)"
    if "_live_" in key:
        return f"{KEY} is a live key: tests move no real money. Use one of Stripe's test mode"
    if not key.startswith(("sk_test_", "rk_test_")):
        return f"{KEY} is no secret key of Stripe's test mode: it begins with sk_test_ or rk_test_"
    account = environment.get(ACCOUNT, "")
    if account and not account.startswith("acct_"):
        return f"{ACCOUNT} is no account id (acct_…); leave it out for the platform's own balance"
    return ""


@contextmanager
def on_simulator(setting: Setting) -> Iterator[Stage]:
    """
    Play on a simulator in this process.
    """
    with _simulator(setting) as simulator:
        account = _account(simulator, setting, setting.issuing_funds)
        for fault in setting.faults:
            simulator.faults.add(fault)
        yield Stage.of_simulator(simulator, account)


@contextmanager
def on_cassette(path: Path) -> Iterator[Stage]:
    """
    Play what was recorded; nothing is sent anywhere.

    Raises:
        CassetteError: There is no such cassette, or it is not what the test does.
    """
    with recorded(path) as tape:
        found = tape.outside("stage", lambda: None)
        yield _shared(tape, Outside(tape), found, api_key=REPLAYED_KEY)


@contextmanager
def recording_simulator(path: Path, setting: Setting) -> Iterator[Stage]:
    """
    Record a cassette against a simulator that is served over HTTP.
    """
    with ExitStack() as stack:
        simulator = stack.enter_context(_simulator(setting))
        address = stack.enter_context(simulator.serve())
        client = PooledClient()
        stack.callback(client.close)
        tape = stack.enter_context(
            recorded(
                path,
                mode="record",
                http_client=client,
                clock=simulator.clock,
                against="the simulator, over HTTP",
            )
        )
        funds = setting.issuing_funds or RECORDED_FUNDS
        account = _account(simulator, setting, funds)
        found = tape.outside("stage", lambda: _found(account, tape.clock.now()))
        for fault in setting.faults:
            simulator.faults.add(fault)
        outside = Outside(tape, simulator)
        key, base = simulator.api_key, address.base_url
        yield _shared(tape, outside, found, api_key=key, api_base=base)


@contextmanager
def at_stripe(setting: Setting) -> Iterator[Stage]:
    """
    Play at Stripe's test mode itself.
    """
    _check_plain(setting)
    environment = os.environ
    secret = f"whsec_{secrets.token_hex(16)}"
    clock = SystemClock()
    client = PooledClient()
    try:
        yield Stage(
            simulator=_merchants(client, secret, clock.now),
            account=environment.get(ACCOUNT) or None,
            api_key=environment[KEY],
            webhook_secret=secret,
            http_client=client,
            api_base=environment.get(BASE) or None,
            clock=clock,
            route=PrefundedRoute(),
            options=OPTIONS,
            suffix=_suffix(clock.now()),
            is_shared=True,
        )
    finally:
        client.close()


@contextmanager
def recording_stripe(path: Path, setting: Setting) -> Iterator[Stage]:
    """
    Record a cassette at Stripe's test mode.
    """
    _check_plain(setting)
    environment = os.environ
    base = environment.get(BASE) or None
    against = "Stripe's test mode" if base is None else f"what stands in for Stripe at {base}"
    clock = SteppingClock()
    client = SteppingClient(PooledClient(), clock)
    try:
        with recorded(
            path, mode="record", http_client=client, clock=clock, against=against
        ) as tape:
            account = environment.get(ACCOUNT) or None
            found = tape.outside("stage", lambda: _found(account, clock.now()))
            merchants = _merchants(client, tape.webhook_secret, clock.now)
            outside = Outside(tape, merchants)
            yield _shared(tape, outside, found, api_key=environment[KEY], api_base=base)
    finally:
        client.close()


def _not_at_all(_seconds: float) -> None:
    """
    Do not wait: what is played next brings its recorded time along, whatever the library had waited for.
    """


def _found(account: str | None, now: datetime) -> dict[str, str | None]:
    return {"account": account, "suffix": _suffix(now)}


def _shared(
    tape: Recorded,
    outside: Outside,
    found: Mapping[str, Any],
    *,
    api_key: str,
    api_base: str | None = None,
) -> Stage:
    return Stage(
        simulator=outside,
        account=found["account"],
        api_key=api_key,
        webhook_secret=tape.webhook_secret,
        http_client=tape.http_client,
        api_base=api_base,
        clock=tape.clock,
        sleep=_not_at_all if tape.is_replaying else None,
        route=PrefundedRoute(),
        options=OPTIONS,
        suffix=found["suffix"],
        is_shared=True,
    )


@contextmanager
def _simulator(setting: Setting) -> Iterator[IssuingSimulator]:
    with IssuingSimulator(
        seed=setting.seed,
        start=setting.start,
        country=setting.country,
        platform_funds={setting.currency: setting.platform_funds},
        behaviour=Behaviour(**setting.switches),
    ) as simulator:
        yield simulator


def _account(simulator: IssuingSimulator, setting: Setting, issuing_funds: int) -> str:
    return simulator.create_account(
        country=setting.country,
        issuing_funds=issuing_funds,
        payouts=setting.payouts,
        balance_transfers=setting.balance_transfers,
        issuing=setting.issuing,
    )


def _check_plain(setting: Setting) -> None:
    if setting.is_special:
        raise NotAtStripeError("the test's marker asks for what only a simulator can be told")


def _suffix(now: datetime) -> str:
    """
    Return what makes ids fresh in each run, and the same each time that the run is played.

    In letters, which no search takes for a card number.

    >>> from datetime import UTC
    >>> _suffix(datetime(2026, 11, 2, 9, 0, 0, 17, tzinfo=UTC))
    '-msizhrvkbgr'
    """
    count, letters = int(now.timestamp()) * 1_000_000 + now.microsecond, ""
    while count:
        count, digit = divmod(count, len(ascii_lowercase))
        letters = ascii_lowercase[digit] + letters
    return f"-{letters}"


def _merchants(client: stripe.HTTPClient, secret: str, now: Callable[[], datetime]) -> AtStripe:
    environment = os.environ
    account = environment.get(ACCOUNT) or None
    base = environment.get(BASE)
    addresses: Any = {"api": base} if base else {}
    caller = stripe.StripeClient(environment[KEY], http_client=client, base_addresses=addresses)

    def ask(method: str, path: str, params: Mapping[str, Any]) -> Any:
        options: Any = {} if account is None else {"stripe_account": account}
        answer = caller.raw_request(method, path, **params, **options)
        return answer.data

    return AtStripe(ask, account, secret, now(), now)


def check_options(mode: str, record: str | None) -> None:
    """
    Refuse options that contradict each other, or a key that is none for tests.

    Raises:
        InvalidInputError: Naming the option and the remedy.
    """
    if record is not None and mode != "cassette":
        raise InvalidInputError(
            "--issuing-record", "records cassettes", "pass --issuing=cassette with it"
        )
    if record == "simulator" and not (find_spec("uvicorn") and find_spec("httptools")):
        raise InvalidInputError(
            "--issuing-record=simulator",
            "serves a simulator, which needs uvicorn and httptools",
            "run: pip install 'issuing-disburse[simulator]'",
        )
    if "stripe" in (mode, record):
        problem = key_problem(os.environ)
        if problem:
            option = "--issuing" if mode == "stripe" else "--issuing-record"
            raise InvalidInputError(f"{option}=stripe", "needs Stripe's test mode", problem)
