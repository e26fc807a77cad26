"""
Does the contract of funding routes notice a route that breaks it?
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from issuing_disburse.testing import FundingRouteContract
from routes.broken_suite import BREAKS

NAMES = [f"Test{kind.__name__}::{name}" for kind, name in BREAKS]
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def printed() -> str:
    """
    Run each broken route through the one test that is there for it, all in one process.
    """
    suite = HERE / "broken_suite.py"
    answer = subprocess.run(  # noqa: S603 - the interpreter of this test, and a file beside it
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"),
            *("--tb=line", "-rfE", "-c", os.devnull, f"--rootdir={HERE}"),
            *(f"{suite}::{name}" for name in NAMES),
        ],
        check=False,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE.parents[1] / "examples")]),
        },
    )
    return answer.stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_fails_for_a_route_that_breaks_it(name: str, printed: str) -> None:
    """Each promise has a broken route that its test catches."""
    assert any(line.startswith("FAILED") and name in line for line in printed.splitlines()), printed


def test_each_promise_has_a_route_that_breaks_it() -> None:
    """No promise is there that nothing could break."""
    promised = {name for name in dir(FundingRouteContract) if name.startswith("test_")}

    assert promised == {name.partition("[")[0] for _, name in BREAKS}
