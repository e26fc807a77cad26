"""
Is in the wheel what belongs there, and nothing else?
"""

import sys
import tarfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

import pytest

from packaging_proofs.wheelhouse import ROOT, Wheelhouse, built, run

pytestmark = pytest.mark.long

DATA = {"py.typed", "report/templates/report.css", "report/templates/report.html.jinja"}


@pytest.fixture(scope="module")
def wheelhouse() -> Iterator[Wheelhouse]:
    """
    Build the source archive, and the wheel out of it.
    """
    with built() as wheelhouse:
        yield wheelhouse


def contents(wheel: Path) -> dict[str, bytes]:
    """
    Read every file of a wheel.
    """
    with ZipFile(wheel) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def metadata(wheel: Path) -> Message:
    """
    Read what a wheel says of itself.
    """
    (found,) = (
        text for name, text in contents(wheel).items() if name.endswith(".dist-info/METADATA")
    )
    return message_from_bytes(found)


def test_the_wheel_has_the_package_and_nothing_else(wheelhouse: Wheelhouse) -> None:
    """Every module, `py.typed` and the templates; no test, no cache, no file that lay about."""
    source = ROOT / "src" / "issuing_disburse"
    modules = {str(one.relative_to(source)) for one in source.rglob("*.py")}
    names = {name for name in contents(wheelhouse.wheel) if ".dist-info/" not in name}

    assert {f"issuing_disburse/{name}" for name in modules | DATA} == names


def test_the_wheel_announces_its_command_and_its_plugin(wheelhouse: Wheelhouse) -> None:
    """The shell finds the command, pytest finds the plugin, and the licence comes along."""
    told = {
        name.partition(".dist-info/")[2]: text for name, text in contents(wheelhouse.wheel).items()
    }
    entry_points = told["entry_points.txt"].decode()

    assert "issuing-disburse = issuing_disburse.cli:main" in entry_points
    assert "[pytest11]\nissuing_disburse = issuing_disburse.pytest_plugin" in entry_points
    assert (ROOT / "LICENSE").read_bytes() == told["licenses/LICENSE"]
    assert {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", ""} == set(told)


def test_the_archive_builds_the_same_wheel(wheelhouse: Wheelhouse) -> None:
    """Out of a checkout comes, byte for byte, what comes out of the source archive."""
    with built("--wheel") as checkout:
        assert contents(checkout.wheel) == contents(wheelhouse.wheel)


def test_the_archive_has_what_a_packager_needs(wheelhouse: Wheelhouse) -> None:
    """Tests, documents and tools are in the source archive; caches and environments are not."""
    with tarfile.open(wheelhouse.archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    tops = {name.partition("/")[0] for name in names}

    assert {"Makefile", "README.md", "benchmarks", "docs", "examples", "src", "tests"} <= tops
    assert set() == tops & {".venv", ".git", ".work", "dist", "build", ".mypy_cache"}
    assert [] == [
        name for name in names if "__pycache__" in name or name.endswith((".pyc", ".sqlite3"))
    ]
    assert "examples/downstream_app/tests/test_flows.py" in names


def test_an_index_would_take_both(wheelhouse: Wheelhouse) -> None:
    """Their descriptions render, without a warning."""
    command = (sys.executable, "-m", "twine", "--no-color", "check", "--strict")
    said = run(*command, wheelhouse.wheel, wheelhouse.archive, cwd=wheelhouse.folder)

    assert 2 == said.count("PASSED")


def test_the_base_needs_six_libraries(wheelhouse: Wheelhouse) -> None:
    """What everybody must install is short, and everything else is an extra."""
    wanted = [
        one
        for one in metadata(wheelhouse.wheel).get_all("Requires-Dist", [])
        if "extra ==" not in one
    ]
    names = {one.partition(">")[0].partition("<")[0] for one in wanted}

    assert {"attrs", "cattrs", "orjson", "sqlalchemy", "stripe", "tenacity"} == names
