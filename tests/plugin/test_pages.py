"""
Do the pages about testing say what is so, and does what they show pass?
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
HOWTO = ROOT / "docs" / "howto"
_FILE = re.compile(r"```python\n# ([\w]+\.py)\n(.*?)```", re.DOTALL)


def test_the_suite_of_the_page_passes(pytester: pytest.Pytester) -> None:
    """The files that the page shows are a suite, and all of it passes as it stands there."""
    page = (HOWTO / "test-your-integration.md").read_text()
    files = dict(_FILE.findall(page))
    for name, content in files.items():
        (pytester.path / name).write_text(content)

    done = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")

    assert page.count("```python") == len(files)
    done.assert_outcomes(passed=sum(one.count("def test_") for one in files.values()))


def test_the_page_of_scenarios_is_what_the_scenarios_say() -> None:
    """Every scenario has its row, with the figures that it ends with, and why Stripe cannot carry it."""
    done = subprocess.run(  # noqa: S603 - the interpreter of this test, and a tool of this repository
        [sys.executable, ROOT / "tools" / "scenario_page.py"],
        check=True,
        capture_output=True,
        text=True,
    )

    assert (HOWTO / "scenarios.md").read_text() == done.stdout


def test_the_page_names_every_fixture_and_argument_of_the_marker() -> None:
    """What a suite may ask for stands on the page."""
    from attrs import fields  # noqa: PLC0415 - beside its use

    from issuing_disburse.pytest_plugin import FIXTURES  # noqa: PLC0415 - measured when it is run
    from issuing_disburse.testing.playing.marks import Setting  # noqa: PLC0415 - likewise

    told = set(re.findall(r"\w+", (HOWTO / "test-your-integration.md").read_text()))

    assert set() == {*FIXTURES, "issuing_options"} - told
    assert set() == {one.name for one in fields(Setting)} - told
