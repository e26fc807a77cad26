"""
Does each extra work alone, and does the library say which one is missing?
"""

import tomllib
from collections.abc import Iterator

import pytest

from packaging_proofs.wheelhouse import ROOT, Wheelhouse, built

pytestmark = pytest.mark.long

A_COMMAND = """
import sys
sys.argv = ['issuing-disburse', '--help']
from issuing_disburse.cli import main
main()
"""
A_REPORT = """
from issuing_disburse.report import gather
from issuing_disburse.report.page import page
from issuing_disburse.testing import scenario
with scenario('exact_purchase') as told:
    print(page(gather(told.disburser))[:15])
"""
A_JWE = """
from issuing_disburse.pci import JWESink, PCIScope
key = {"kty": "OKP", "crv": "X25519", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}
print(JWESink(key, scope=PCIScope(owner='a', environment='b'), send=print).scope.owner)
"""
A_DATABASE = """
from datetime import datetime
from issuing_disburse.exceptions import InvalidInputError, StoreError
from issuing_disburse.stores import open_store
try:
    open_store('postgresql://nobody@127.0.0.1:1/none', clock=datetime.now)
except StoreError as nobody_there:
    print('asked')
"""
A_SERVER = """
from urllib.request import urlopen
from urllib.error import HTTPError
from issuing_disburse.simulator import IssuingSimulator
with IssuingSimulator() as simulator, simulator.serve() as stripe:
    try:
        urlopen(stripe.base_url + '/v1/balance')
    except HTTPError as refused:
        print(refused.code)
        refused.close()
"""
A_SUITE = """
import pathlib, pytest, sys
pathlib.Path('test_theirs.py').write_text('''
from issuing_disburse import AuthorizationPolicy
from issuing_disburse.testing import FundingRouteContract, PolicyContract, SinkContract, StoreContract, make_order
from issuing_disburse.testing.cassettes import vcr_config
class TestPolicy(PolicyContract):
    examples = 5
    def make_policy(self):
        return AuthorizationPolicy.default()
def test_paid(disburser):
    assert disburser.disburse(make_order()).card.last4
def test_scrubbed():
    assert vcr_config()
''')
sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', 'test_theirs.py']))
"""

ENABLES = {
    "cli": (A_COMMAND, "issuing-disburse"),
    "django": (
        "from issuing_disburse.contrib.django import webhook_view\nprint(webhook_view(print).__name__)",
        "",
    ),
    "flask": (
        "from issuing_disburse.contrib.flask import webhook_blueprint\nprint(webhook_blueprint('/hook', print).name)",
        "issuing",
    ),
    "jwe": (A_JWE, "a"),
    "opentelemetry": (
        "from issuing_disburse.contrib.telemetry import count_events\nprint(count_events.__name__)",
        "count_events",
    ),
    "postgres": (A_DATABASE, "asked"),
    "report": (A_REPORT, "<!doctype html>"),
    "simulator": (A_SERVER, "401"),
    "starlette": (
        "from issuing_disburse.contrib.starlette import webhook_route\nprint(webhook_route('/hook', print).path)",
        "/hook",
    ),
    "testing": (A_SUITE, "9 passed"),
}
"""A program that needs the extra, and what it prints."""

COMES_WITH_PYTEST = """
from issuing_disburse.testing import StoreContract
"""


@pytest.fixture(scope="module")
def wheelhouse() -> Iterator[Wheelhouse]:
    """
    Build, and fill an environment with the wheel alone.
    """
    with built("--wheel") as wheelhouse:
        wheelhouse.base()
        yield wheelhouse


def failing(program: str) -> str:
    """
    Return a program that runs *program* and prints how it fails.
    """
    return f"""
try:
    exec({program!r})
except (Exception, SystemExit) as problem:
    print(type(problem).__name__, problem)
"""


def test_every_extra_is_tried() -> None:
    """No extra is left out of what follows."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert set(declared["project"]["optional-dependencies"]) == set(ENABLES)


@pytest.mark.parametrize("extra", sorted(ENABLES))
def test_an_extra_works_alone(wheelhouse: Wheelhouse, extra: str) -> None:
    """Installed with one extra, the library does what that extra is for."""
    program, says = ENABLES[extra]
    environment = wheelhouse.fresh(extra)
    environment.install(wheelhouse.with_extra(extra))

    assert says in environment.tell(program)


@pytest.mark.parametrize("extra", sorted(ENABLES))
def test_a_missing_extra_is_named(wheelhouse: Wheelhouse, extra: str) -> None:
    """Without the extra, the same program fails with the command that installs it."""
    program = COMES_WITH_PYTEST if extra == "testing" else ENABLES[extra][0]
    said = wheelhouse.base().tell(failing(program))

    assert f"pip install 'issuing-disburse[{extra}]'" in said


def test_the_base_pays_without_any_extra(wheelhouse: Wheelhouse) -> None:
    """Every public name is there, and an order is paid on the simulator."""
    program = """
from issuing_disburse import *
from issuing_disburse.testing import scenario
told = scenario('exact_purchase')
print(told.statement.spent)
"""
    assert "125.00 usd" in wheelhouse.base().tell(program)
