"""
Is every example in a docstring run, however deep its module lies?
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_every_module_with_an_example_is_collected(pytestconfig: pytest.Config) -> None:
    """The pattern that finds docstrings reaches sub-packages on every Python that is supported."""
    if not (ROOT / "src").exists():
        pytest.skip("the wheel is under test: there is no source tree")
    collecting = pytestconfig.pluginmanager.get_plugin(str(ROOT / "conftest.py"))
    assert collecting is not None
    modules = [
        module
        for module in sorted((ROOT / "src").rglob("*.py"))
        if "\n    >>> " in module.read_text(encoding="utf-8")
    ]
    missed = [module for module in modules if not collecting.docstrings.should_parse(module)]

    assert [] == missed
    assert len({module.parent for module in modules}) > 1
