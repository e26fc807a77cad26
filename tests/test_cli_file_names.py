"""
Does the name of a file, which anybody may have chosen, do anything but name it, and is what was paid told rightly?
"""

import re
from pathlib import Path

import pytest
import stripe
from typer.testing import CliRunner

from issuing_disburse.cli import make_app
from payout_lists import COMPANY, csv_of, written
from shells import Shell, shell

__all__ = ["shell"]
NAME = "\x1b]0;owned\x07\u202e.csv"
SHOWN = r"\x1b]0;owned\x07\u202e.csv"


@pytest.mark.parametrize("content", [csv_of(COMPANY), csv_of({**COMPANY, "amount": "x"}), "a;b"])
@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_name_is_shown_harmlessly_when_it_holds_what_a_terminal_obeys(
    shell: Shell, tmp_path: Path, content: str, options: tuple[str, ...]
) -> None:
    """Whatever becomes of the list, no byte of the name reaches the terminal as an order to it."""
    path = written(tmp_path, content).rename(tmp_path / NAME)
    result = shell.run("disburse", str(path), *options)
    told = result.stdout + result.stderr

    assert [] == [one for one in "\x1b\x07\u202e" if one in told]
    assert SHOWN in told or result.exit_code == 0


@pytest.mark.parametrize("name", [f"{NAME}.yaml", "broken-\udcff.yaml"])
def test_a_cassettes_name_is_shown_harmlessly_when_it_is_checked(name: str, tmp_path: Path) -> None:
    """Nor when a recording has it, not even one that is no text."""
    (tmp_path / name).write_text("a: [")
    result = CliRunner().invoke(make_app(), ["cassettes", "check", str(tmp_path)])

    assert 2 == result.exit_code
    assert [] == [one for one in name if not one.isprintable() and one in result.output]


class Changing(stripe.HTTPClient):
    """
    Changes a list at the first request.
    """

    name = "changing"

    def __init__(self, inner: stripe.HTTPClient, path: Path, text: str) -> None:
        super().__init__()
        self._inner, self._path, self._text = inner, path, text

    def request(self, *arguments: object, **options: object) -> object:  # type: ignore[override]
        """
        Change it, and pass the request on.
        """
        if self._text:
            text, self._text = self._text, ""
            self._path.write_text(text)
        return self._inner.request(*arguments, **options)  # type: ignore[arg-type]

    def close(self) -> None:
        """
        Close nothing: the simulator stays.
        """


def test_it_is_not_told_that_nothing_was_paid_when_some_was(shell: Shell, tmp_path: Path) -> None:
    """A list that is changed behind what was paid already ends the run, and the words say no more than that."""
    gap = "\n" * 300  # what lies close together is checked and handed out together
    last = csv_of({**COMPANY, "id": "p-last"}).partition("\n")[2]
    rows = [{**COMPANY, "id": f"p-{n}", "amount": "1.00"} for n in range(2)]
    text = csv_of(*rows) + gap + last
    path = written(tmp_path, text)
    other = text.replace("p-last", "p-late")
    shell.client = Changing(shell.simulator.http_client(), path, other)
    result = shell.run("disburse", str(path))

    assert 2 == result.exit_code
    assert re.search("3 orders: [1-9][0-9]* paid", result.stdout)
    assert "was changed while it was paid" in result.stderr
    assert "nothing was paid" not in result.stderr
