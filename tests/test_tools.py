"""
Do our own checks see what they are there to see?
"""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOLS = Path(__file__).parents[1] / "tools"


def tool(name: str) -> ModuleType:
    """
    Load one script of ``tools/`` as a module.
    """
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("paid with 4539" + "5787" + "6362" + "1486 today", ["453957…1486"]),
        ("4539 " + "5787 " + "6362 " + "1486", ["453957…1486"]),
        ("3714" + "49635398431", ["371449…8431"]),
        ("4539578763621487", []),
        ("4000009990000013 and 4242424242424242", []),
        ("ic_4539" + "578763621486", []),
        ("0000000000000000", []),
    ],
)
def test_card_numbers_are_found_when_they_could_be_real(text: str, found: list[str]) -> None:
    """Luhn-valid runs outside the published test ranges are reported, and only masked."""
    assert found == list(tool("check_card_numbers").card_numbers(text))


def test_sentences_are_missed_when_a_test_says_nothing(tmp_path: Path) -> None:
    """A test without its sentence is named with its line; the others are left alone."""
    file = tmp_path / "test_sample.py"
    file.write_text(
        'def test_good() -> None:\n    """It holds."""\n\n\ndef test_silent() -> None:\n    pass\n'
    )

    problems = list(tool("check_sentences").silent_tests(file))

    assert [f"{file}:5: test_silent does not say its promise in one sentence"] == problems
