"""
What do all tests share?
"""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# No deadlines: a busy machine is not a failing test. The same examples on every run where a
# failure must mean a change of ours (`ci`); new ones each time where somebody is looking.
_ALL = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("dev", _ALL)
settings.register_profile("ci", _ALL, derandomize=True, database=None)
settings.register_profile("soak", _ALL, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))


# The transport raises this auditing event for each request with `expand` of number or CVC, in
# whichever thread it is sent. Written out, so that a renamed event is noticed.
_asked: list[str] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "issuing_disburse.asks_for_secrets":
        _asked.append(str(arguments[0]))


sys.addaudithook(_hear)


@pytest.fixture(autouse=True)
def _no_number_is_asked_for(request: pytest.FixtureRequest) -> Iterator[None]:
    """
    Fail a test that asked Stripe for a card number, unless it says that it hands them to a sink.
    """
    before = len(_asked)
    yield
    if request.node.get_closest_marker("pci") is None:
        assert [] == _asked[before:]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """
    Print what the proofs have counted: how often a process died, how many orders of events there were.
    """
    counts: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties if report.when == "call" else ():
            counts[name].append((int(value), _parameters(report.nodeid)))
    if counts:
        terminalreporter.section("what was proven, in figures")
    for name in sorted(counts):
        runs = counts[name]
        told = ", ".join(f"{value} {where}" for value, where in runs)
        if len(runs) > _RUNS_TOLD:
            told = f"{sum(value for value, _ in runs)} in {len(runs)} runs"
        terminalreporter.write_line(f"{name}: {told}")


_RUNS_TOLD = 8


def _parameters(nodeid: str) -> str:
    """
    Return what stands in the brackets of a test's name.
    """
    return nodeid.partition("[")[2].rstrip("]") or "once"
