"""
Do the documents name everything that is public, and does everything they name exist?
"""

import inspect
import re
from pathlib import Path

import pytest
from attrs import fields

import issuing_disburse
from issuing_disburse import Disburser, Terms, domain_events, exceptions
from issuing_disburse.cli import make_app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
REFERENCE = (DOCS / "reference.md").read_text()
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def defined_in(module: object) -> set[str]:
    """
    Name the public classes that *module* itself defines.
    """
    return {
        name
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and value.__module__ == getattr(module, "__name__", "")
        and not name.startswith("_")
    }


def anchors(page: Path) -> set[str]:
    """
    Return the anchors of the headings of *page*, as GitHub makes them.
    """
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("names to import", set(issuing_disburse.__all__)),
        ("arguments of connect", set(inspect.signature(Disburser.connect).parameters)),
        ("methods", {name for name in dir(Disburser) if not name.startswith("_")}),
        ("terms", {one.name for one in fields(Terms)}),
        ("errors", defined_in(exceptions)),
        ("events", defined_in(domain_events)),
    ],
)
def test_the_reference_names_all_that_is_public(what: str, names: set[str]) -> None:
    """What may be used is documented: one line on one page for each name."""
    told = set(re.findall(r"\w+", REFERENCE))

    assert names
    assert set() == names - told, what


def test_the_reference_names_every_command() -> None:
    """Each command has its row, and each row its command."""
    app = make_app()
    named = [one.name or one.callback.__name__ for one in app.registered_commands if one.callback]
    commands = {*named, *(one.name for one in app.registered_groups)}

    assert commands == set(re.findall(r"`issuing-disburse ([a-z]+)", REFERENCE))


@pytest.mark.parametrize("page", [*PAGES, *ROOT.glob("*.md")], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file leads to one, and every anchor to a heading."""
    for target in _LINK.findall(_CODE.sub("", page.read_text())):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target


def test_the_index_lists_every_page() -> None:
    """No page of the documentation can be found by chance only."""
    listed = set(_LINK.findall((DOCS / "index.md").read_text()))
    pages = {str(page.relative_to(DOCS)) for page in PAGES} - {"index.md"}

    assert set() == pages - listed


def test_the_examples_are_listed() -> None:
    """Each example is named where one looks for it."""
    told = (ROOT / "examples" / "README.md").read_text()
    examples = {one.name for one in (ROOT / "examples").iterdir() if one.suffix in {".py", ".csv"}}

    assert set() == {name for name in examples if f"`{name}`" not in told}


def test_the_table_of_permissions_names_every_path_that_is_asked_for() -> None:
    """A restricted key by the table may do all that the library asks for, and nothing else."""
    source = Path(issuing_disburse.__file__).parent
    asked = {
        re.sub(r"[/{].*", "", path.removeprefix("/v1/").removeprefix("issuing/"))
        for module in source.rglob("*.py")
        if not {"simulator", "testing"} & set(module.parts)  # neither asks Stripe for a program
        for path in re.findall(r'["`](?:GET |POST )?(/v1/[\w/]+)', module.read_text())
    }
    page = (DOCS / "howto" / "least-permissions.md").read_text()
    rows = re.findall(
        r"^\| [\w -]+ \| `/v1/(?:issuing/)?(\w+)` \| (?:read|write) \|", page, re.MULTILINE
    )

    assert asked == set(rows)
    assert len(rows) == len(set(rows))
