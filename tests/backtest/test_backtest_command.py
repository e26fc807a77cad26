"""
Does a shell tell what a policy would have changed, the same way each time?
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from typer.testing import CliRunner, Result

from issuing_disburse import AuthorizationPolicy, Disburser
from issuing_disburse.cli import make_app
from issuing_disburse.rules import AmountAtMost, CountryIn
from replaying import play
from world import World, open_world

PLAIN = {"COLUMNS": "120", "FORCE_COLOR": None, "TTY_COMPATIBLE": None}

stricter = AuthorizationPolicy.default().with_rules(CountryIn("US"), AmountAtMost(11_000))
number = 7


def make_default() -> AuthorizationPolicy:
    """
    Return what decided.
    """
    return AuthorizationPolicy.default()


@frozen
class Shell:
    """
    Runs the command where the requests were recorded.
    """

    world: World

    def run(self, *arguments: str) -> Result:
        def connect(**options: Any) -> Disburser:
            return self.world.connect(**{**options, "store": self.world.disburser.store})

        environment = {
            **PLAIN,
            "STRIPE_API_KEY": self.world.simulator.api_key,
            "STRIPE_ACCOUNT": self.world.account,
            "STRIPE_WEBHOOK_SECRET": self.world.simulator.webhook_secret,
        }
        return CliRunner().invoke(
            make_app(), ["backtest", *arguments], env=environment, obj=connect
        )


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    """
    A day of purchases, recorded.
    """
    with open_world() as world:
        play(world)
        yield Shell(world)


HERE = f"{__name__}:"


def test_a_table_shows_what_would_change(shell: Shell) -> None:
    """By answer before and after, with rule, count and money, and what it comes to in all."""
    result = shell.run("--policy", HERE + "stricter")

    assert 0 == result.exit_code, result.output
    assert "3 of 8 requests would be answered in another way" in result.stdout
    for words in ("amount_too_high", "AmountAtMost", "country_not_allowed", "245.00 usd"):
        assert words in result.stdout
    assert "8 requests: 7 approved over 429.50 usd, would be" in result.stdout
    assert "5 were decided without us" in result.stdout


def test_nothing_would_change_by_the_policy_that_decided(shell: Shell) -> None:
    """A function that makes a policy may be named, too."""
    result = shell.run("--policy", HERE + "make_default", "--json")

    assert 0 == result.exit_code, result.output
    assert (8, 0, []) == tuple(
        json.loads(result.stdout)[key] for key in ("requests", "changed", "groups")
    )


@pytest.mark.parametrize("source", ["store", "jsonl", "stripe"])
def test_the_same_requests_give_the_same_bytes(shell: Shell, tmp_path: Path, source: str) -> None:
    """From the store, from a file and from Stripe's list; each time it is asked."""
    file = tmp_path / "requests.jsonl"
    policy = ("--policy", HERE + "stricter", "--json")
    saved = shell.run(*policy, "--save", str(file))
    chosen = {"store": (), "jsonl": ("--jsonl", str(file)), "stripe": ("--from-stripe",)}[source]
    first, again = shell.run(*policy, *chosen), shell.run(*policy, *chosen)

    assert 0 == first.exit_code, first.output
    assert first.stdout_bytes == again.stdout_bytes == saved.stdout_bytes
    assert 3 == len(json.loads(first.stdout)["examples"])


def test_a_part_of_the_time_is_chosen(shell: Shell, tmp_path: Path) -> None:
    """From *since* on, to before *until*, in UTC, from the store and from a file alike."""
    file = tmp_path / "requests.jsonl"
    policy = ("--policy", HERE + "make_default", "--json")
    shell.run(*policy, "--save", str(file))
    times = ("--since", "2026-11-02T09:02", "--until", "2026-11-02T09:04")
    found = [
        json.loads(shell.run(*policy, *times, *chosen).stdout)
        for chosen in ((), ("--jsonl", str(file)))
    ]

    assert found[0] == found[1]
    assert 3 == found[0]["requests"]
    assert "2026-11-02T09:02:00+00:00" == found[0]["since"]
    assert datetime(2026, 11, 2, 9, 4, tzinfo=UTC) > datetime.fromisoformat(found[0]["until"])


def test_a_policy_in_a_file_is_taken(shell: Shell, tmp_path: Path) -> None:
    """A name that ends in .toml is a declaration."""
    file = tmp_path / "policy.toml"
    file.write_text('[[rules]]\nrule = "AmountAtMost"\namount_max_minor = 11000\n')
    result = shell.run("--policy", str(file), "--json")

    assert 2 == json.loads(result.stdout)["changed"], result.output


def test_nothing_to_compare_is_said(shell: Shell) -> None:
    """An empty time is no table of nothing."""
    result = shell.run("--policy", HERE + "stricter", "--since", "2030-01-01")

    assert "No requests were found: nothing to compare.\n" == result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--policy", "nowhere"), "write module:name"),
        (("--policy", "no_such_module:policy"), "there is no module 'no_such_module'"),
        (("--policy", HERE + "absent"), "has no absent"),
        (("--policy", HERE + "number"), "is no policy"),
        (("--policy", HERE + "Shell"), "is no policy"),
        (("--policy", "no/such.toml"), "cannot be read"),
        (("--policy", HERE + "stricter", "--since", "soon"), "since: 'soon' is no time"),
        (("--policy", HERE + "stricter", "--jsonl", "no/such"), "cannot be read"),
        (("--policy", HERE + "stricter", "--save", "no/such"), "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said(shell: Shell, arguments: tuple[str, ...], words: str) -> None:
    """In one line, with what to do, and exit code 2."""
    result = shell.run(*arguments)

    assert 2 == result.exit_code
    assert words in " ".join(result.stderr.split())


def test_two_sources_are_one_too_many(shell: Shell) -> None:
    """A file and Stripe's list cannot both be read."""
    result = shell.run("--policy", HERE + "stricter", "--jsonl", "-", "--from-stripe")

    assert 2 == result.exit_code


def test_a_store_is_read_without_a_key(tmp_path: Path) -> None:
    """What was recorded is asked again where no key is at hand; only Stripe's own list needs one."""
    url = f"sqlite:///{tmp_path / 'store.sqlite'}"
    with open_world(url) as world:
        play(world)
        with world.disburser as disburser:
            account = str(disburser.account)
    arguments = ("backtest", "--policy", HERE + "stricter", "--store", url, "--account", account)
    environment = {**PLAIN, "STRIPE_API_KEY": None, "STRIPE_ACCOUNT": None}

    found = CliRunner().invoke(make_app(), [*arguments, "--json"], env=environment)
    listed = CliRunner().invoke(make_app(), [*arguments, "--from-stripe"], env=environment)
    nowhere = CliRunner().invoke(make_app(), arguments[:3], env=environment)

    assert 0 == found.exit_code, found.output
    assert [8, 3] == [json.loads(found.stdout)[name] for name in ("requests", "changed")]
    assert (2, 2) == (listed.exit_code, nowhere.exit_code)
    assert "STRIPE_API_KEY: is not set" in listed.output
