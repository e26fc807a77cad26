"""
Can the tables be made, looked at and upgraded from a shell?
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from issuing_disburse.cli import make_app


def upgrade(*options: str) -> Result:
    """
    Run the command, without any key in the environment.
    """
    environment = dict.fromkeys(("STRIPE_API_KEY", "ISSUING_DISBURSE_STORE"))
    return CliRunner().invoke(make_app(), ["store", "upgrade", *options], env=environment)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """
    A file that is not there yet.
    """
    return f"sqlite:///{tmp_path}/store.sqlite3"


def test_tables_are_made_when_there_are_none(url: str) -> None:
    """The first run makes them, the second finds them; no key is needed."""
    first, second = upgrade("--store", url), upgrade("--store", url, "--json")

    assert 0 == first.exit_code, first.output
    assert "from no tables to version 1" in first.output
    assert {"version_before": 1, "version": 1} == json.loads(second.output)


def test_tables_stay_as_they_are_when_they_are_of_a_newer_version(url: str) -> None:
    """An older library does not touch them, and says what to install."""
    upgrade("--store", url)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as raw:
        raw.execute("UPDATE issuing_disburse_meta SET value = '2'")
        raw.commit()

    refused = upgrade("--store", url)

    assert 2 == refused.exit_code
    assert "install the newer version" in refused.output


def test_store_is_asked_for_when_none_was_named() -> None:
    """Nothing is guessed where tables would be changed."""
    refused = upgrade()

    assert 2 == refused.exit_code
    assert "--store sqlite:///file" in refused.output
