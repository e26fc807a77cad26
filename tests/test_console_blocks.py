"""
Can every command that the documents show be typed as it stands there?
"""

import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from issuing_disburse.cli import make_app
from world import World, make_order, open_world

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_PROMPT = re.compile(r"^\$ (.+)$", re.MULTILINE)

RUN = {"backtest", "preflight", "reclaim", "reconcile", "report", "resume", "status", "store"}
"""Commands that are run; of the others, such as those that serve until they are stopped, words and options are checked."""

PROGRAMS = {"celery", "export", "git", "make", "pip", "pytest", "python", "python3"}
"""What else may stand behind a prompt: a word that is not here is likely a mistake."""

POLICY = """\
from issuing_disburse import AuthorizationPolicy
from issuing_disburse.rules import AmountAtMost

stricter = AuthorizationPolicy.default().with_rules(AmountAtMost(10_000))
"""


def shown() -> Iterator[tuple[str, str]]:
    """
    Yield each command that stands behind a prompt, with the name of its page.
    """
    for page in PAGES:
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in _PROMPT.findall(block.replace("\\\n", " ")):
                yield page.name, line


OURS = [(page, line) for page, line in shown() if line.startswith("issuing-disburse ")]
OTHERS = [(page, line) for page, line in shown() if not line.startswith("issuing-disburse ")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """
    Open a world with one card out, in a file that a command can open, too.
    """
    with open_world(f"sqlite:///{tmp_path}/books.sqlite3") as opened:
        opened.disburser.disburse(make_order("claim-8841"))
        yield opened


@pytest.mark.parametrize(("page", "line"), OURS)
def test_a_command_of_ours_runs_as_it_is_shown(
    page: str, line: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command, option and argument on a page exists, and what needs no server and no file of yours runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copy(ROOT / "examples" / "payouts.csv", tmp_path)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "rules.py").write_text(POLICY)
    arguments = [
        word.replace("ORDER_ID", "claim-8841") for word in shlex.split(line, comments=True)
    ][1:]
    if arguments[0] not in RUN:
        arguments.append("--help")
    environment = {
        "STRIPE_API_KEY": world.simulator.api_key,
        "STRIPE_ACCOUNT": str(world.account),
        "ISSUING_DISBURSE_STORE": world.store,
        "TERM": "dumb",
    }

    done = CliRunner().invoke(make_app(), arguments, env=environment, obj=world.connect)
    for name in ("shop.rules", "shop"):
        sys.modules.pop(name, None)

    assert done.exit_code in {0, 1}, (page, line, done.output)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception


@pytest.mark.parametrize(("page", "line"), OTHERS)
def test_another_command_names_what_is_there(page: str, line: str) -> None:
    """What is installed has the extras that are asked for; a target is one of the Makefile's, a script is in the tree."""
    typed = shlex.split(line, comments=True)
    program, *arguments = [
        word for word in typed if not re.match(r"[A-Z_]+=", word) or typed[0] == "export"
    ]
    extras = set(re.findall(r"[\w-]+", " ".join(re.findall(r"\[([\w,-]+)\]", line))))
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    scripts = [Path(word).name for word in arguments if word.endswith((".py", ".csv"))]

    assert Path(program).name in PROGRAMS, (page, line)
    assert set() == extras - set(known)
    if program == "make":
        assert arguments[0] in targets
    assert [] == [one for one in scripts if not any((ROOT / "examples").rglob(one))]
