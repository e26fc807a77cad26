"""
Does every example run as it stands, offline?
"""

import importlib.util
import inspect
import sys
from pathlib import Path

import pytest

EXAMPLES = [
    # An example that hands out card numbers says so by what it imports, like any program.
    pytest.param(file, marks=[pytest.mark.pci] * ("issuing_disburse.pci" in file.read_text()))
    for file in sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_finishes_when_it_is_run(
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It has a `main`, needs no arguments, no network and no file of its own, and says something."""
    spec = importlib.util.spec_from_file_location(f"example_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    monkeypatch.setattr(sys, "argv", [str(file)])
    monkeypatch.chdir(tmp_path)
    spec.loader.exec_module(module)

    main = module.main

    assert inspect.getdoc(module)
    assert main() in {None, 0}
    assert capsys.readouterr().out
