"""
Does the page work in a real browser: nothing in the console, nothing cut off, the figures of --json?
"""

import re
import struct
from pathlib import Path

import pytest
from browser import look

from behind_our_back import open_accident
from busy_books import keep_busy
from issuing_disburse.report import gather, report_document
from issuing_disburse.report.charts import LABELS
from issuing_disburse.report.page import page

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """
    A page on disk, and the figures that it should show.
    """
    with open_accident() as world:
        keep_busy(world)
        world.simulator.take_back_issuing(world.account, 700)
        said = gather(world.disburser)
    path = tmp_path_factory.mktemp("page") / "out.html"
    path.write_text(page(said), encoding="utf-8")
    (figures,) = report_document(said)["figures"]
    return path, {name: figures[name] for name in LABELS}


def test_the_browser_shows_the_figures_and_says_nothing(
    written: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    """The document as the browser understands it has each figure, and the console stays empty."""
    path, figures = written

    seen = look(path, tmp_path / "profile", "--dump-dom")

    assert [] == [line for line in seen.stderr.splitlines() if "CONSOLE" in line]
    shown = {
        name: int(value)
        for value, name in re.findall(
            r'<data [^>]*value="(-?\d+)"[^>]*data-figure="(\w+)"', seen.stdout
        )[: len(figures)]
    }
    assert figures == shown
    assert "<script" not in seen.stdout


@pytest.mark.parametrize(
    ("width", "options"),
    [
        (1_280, ()),
        (1_280, ("--blink-settings=preferredColorScheme=0",)),
        (500, ()),
    ],
)
def test_a_picture_can_be_taken_at_each_width(
    written: tuple[Path, dict[str, int]], tmp_path: Path, width: int, options: tuple[str, ...]
) -> None:
    """Desktop, dark and phone: the browser draws the page at that width without a complaint."""
    picture = tmp_path / "picture.png"

    seen = look(
        written[0], tmp_path / "profile", f"--window-size={width},1600",
        f"--screenshot={picture}", *options,
    )  # fmt: skip

    drawn = picture.read_bytes()
    assert (width, 1_600) == struct.unpack(">II", drawn[16:24])
    assert len(drawn) > 30_000
    assert [] == [line for line in seen.stderr.splitlines() if "CONSOLE" in line]


def test_the_page_prints(written: tuple[Path, dict[str, int]], tmp_path: Path) -> None:
    """Printing makes a document of a few pages."""
    paper = tmp_path / "out.pdf"

    look(written[0], tmp_path / "profile", f"--print-to-pdf={paper}")

    assert b"%PDF" == paper.read_bytes()[:4]
