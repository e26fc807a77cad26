"""
Is the documentation a site: built without a warning, with an entry for everything public, and no link that leads nowhere?
"""

import inspect
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from attrs import define, field

import issuing_disburse

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PACKAGES = (
    "issuing_disburse",
    "issuing_disburse.backtest",
    "issuing_disburse.pci",
    "issuing_disburse.policy",
    "issuing_disburse.recordings",
    "issuing_disburse.rules",
    "issuing_disburse.simulator",
    "issuing_disburse.testing",
    "issuing_disburse.testing.cassettes",
)


@define
class Page(HTMLParser):
    """
    What a page of the site can be reached by, and what it leads to.
    """

    anchors: set[str] = field(factory=set)
    links: list[str] = field(factory=list)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """
        Note the id of any element, and where a link or a picture points.
        """
        told = dict(attrs)
        self.anchors.add(told.get("id") or "")
        self.links += [told[name] or "" for name in ("href", "src") if name in told]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    Build the site once; a warning ends it.
    """
    pytest.importorskip("sphinx")
    work = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-b", "html"]
    done = subprocess.run(  # noqa: S603 - the interpreter of this test, and folders of its own
        [*command, "-d", str(work / "doctrees"), str(DOCS), str(work / "html")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert [] == done.stderr.splitlines()
    assert 0 == done.returncode
    return work / "html"


@cache
def page_of(path: Path) -> Page:
    """
    Read one page.
    """
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def test_every_source_is_a_page_of_the_site(site: Path) -> None:
    """No page of the documentation is left out, and each can be reached from the first."""
    sources = {one.relative_to(DOCS).with_suffix("") for one in DOCS.rglob("*.md")}
    sources |= {one.relative_to(DOCS).with_suffix("") for one in DOCS.rglob("*.rst")}
    listed = {urlsplit(link).path for link in page_of(site / "index.html").links}

    assert {f"{one}.html" for one in sources} - {"index.html"} <= listed


def test_no_link_of_the_site_leads_nowhere(site: Path) -> None:
    """Every link inside the site leads to a page that is there, and to an anchor that it has."""
    lost = []
    for path in site.rglob("*.html"):
        for link in page_of(path).links:
            there = urlsplit(link)
            if there.scheme or there.netloc:
                continue
            target = (path.parent / unquote(there.path)).resolve() if there.path else path
            if not target.exists():
                lost.append((path.name, link))
            elif there.fragment and target.suffix == ".html":
                known = unquote(there.fragment) in page_of(target).anchors
                lost += [] if known else [(path.name, link)]

    assert [] == lost


def test_the_site_asks_no_other_host_for_anything(site: Path) -> None:
    """Whoever reads the documentation is told to nobody: scripts, fonts and pictures come with it."""
    asked = {
        line.strip()
        for path in site.rglob("*.html")
        for line in path.read_text(encoding="utf-8").splitlines()
        if ("<script" in line or "<link" in line or "<img" in line) and "://" in line
    }

    assert set() == asked


@pytest.mark.parametrize("package", PACKAGES)
def test_everything_public_has_an_entry(site: Path, package: str) -> None:
    """Each public name stands in the reference with what its docstring says."""
    from sphinx.util.inventory import InventoryFile  # noqa: PLC0415 - only where there is a site

    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    entries = {
        name.rpartition(".")[2]
        for kind, names in inventory.data.items()
        if kind.startswith("py:")
        for name in names
    }
    module = import_module(package)

    assert set() == set(module.__all__) - entries


@pytest.mark.parametrize("package", PACKAGES)
def test_everything_public_has_a_docstring(package: str) -> None:
    """Each public class and function says what it is, and so does each of its public methods."""
    module = import_module(package)
    silent = []
    for name in module.__all__:
        value = getattr(module, name)
        if not inspect.isclass(value) and not inspect.isfunction(value):
            continue
        silent += [] if inspect.getdoc(value) else [name]
        for member, what in vars(value).items() if inspect.isclass(value) else ():
            is_told = inspect.isfunction(what) or isinstance(what, property | classmethod)
            if not member.startswith("_") and is_told and not inspect.getdoc(what):
                silent.append(f"{name}.{member}")

    assert [] == silent


def test_the_version_on_the_site_is_the_one_that_is_installed(site: Path) -> None:
    """The site says which version it describes."""
    assert f"issuing_disburse {issuing_disburse.__version__}" in (site / "index.html").read_text()
