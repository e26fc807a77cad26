"""
Does a project of somebody else's work with the wheel, in an environment that knows nothing of this checkout?
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from packaging_proofs.wheelhouse import ROOT, Environment, Wheelhouse, built, run

pytestmark = pytest.mark.long

APP = ROOT / "examples" / "downstream_app"


@pytest.fixture(scope="module")
def wheelhouse() -> Iterator[Wheelhouse]:
    """
    Build.
    """
    with built("--wheel") as wheelhouse:
        yield wheelhouse


@pytest.fixture(scope="module")
def app(wheelhouse: Wheelhouse) -> Path:
    """
    Copy the project to where nothing of this checkout is near.
    """
    copy = wheelhouse.folder / "claims-desk"
    shutil.copytree(APP, copy, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return copy


@pytest.fixture(scope="module")
def environment(wheelhouse: Wheelhouse, app: Path) -> Environment:
    """
    Install the wheel, the project, and what its tests need.
    """
    environment = wheelhouse.fresh("downstream")
    environment.install(
        wheelhouse.with_extra("starlette", "testing"), app, "--group", f"{app}/pyproject.toml:test"
    )
    return environment


def test_its_tests_pass(environment: Environment, app: Path) -> None:
    """Policy, sink, webhook, scenarios and flows, with fixtures that came with the wheel."""
    said = run(environment.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=app)

    assert " passed" in said.splitlines()[-1]
    assert "skipped" not in said


def test_its_recorded_tests_pass(environment: Environment, app: Path) -> None:
    """The same flows play from the cassettes that lie beside them."""
    command = (environment.python, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    said = run(*command, "--issuing=cassette", "tests/test_flows.py", cwd=app)

    assert "2 passed" in said.splitlines()[-1]


def test_it_uses_the_wheel(environment: Environment) -> None:
    """What is imported lies in the environment, not in this checkout."""
    program = "import issuing_disburse, claims_desk\nprint(issuing_disburse.__file__, claims_desk.__file__)"

    assert 2 == environment.tell(program).count(str(environment.folder.parent))
