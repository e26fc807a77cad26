"""
Does a report say the same on the page, on screen, as CSV and as JSON, and run nothing that strangers wrote?
"""

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from behind_our_back import Somebody, open_accident
from busy_books import HOSTILE, keep_busy
from issuing_disburse import Money
from issuing_disburse.cli import make_app
from issuing_disburse.figures import FIGURES
from issuing_disburse.report import Report, gather, report_document, write_csv
from issuing_disburse.report.charts import LABELS, declines, flow
from issuing_disburse.report.csv_file import neutral
from issuing_disburse.report.page import page
from issuing_disburse.report.values import DeclineReason
from world import make_order


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Somebody]:
    """
    An account in which everything happened, one event got lost and somebody took money.
    """
    path = tmp_path_factory.mktemp("books") / "books.sqlite3"
    with open_accident(f"sqlite:///{path}") as world:
        keep_busy(world)
        world.lose("issuing_transaction.created", "issuing_authorization.updated")
        card = world.disburser.disburse(make_order("lost-one")).card
        world.simulator.capture(world.simulator.authorize(card.id, 12_500)["id"])
        world.lose()
        world.simulator.take_back_issuing(world.account, 700)
        yield world


@pytest.fixture(scope="module")
def said(busy: Somebody) -> Report:
    """
    The report of that account.
    """
    return gather(busy.disburser)


@pytest.fixture(scope="module")
def html(said: Report) -> str:
    """
    Its page.
    """
    return page(said)


class Reader(HTMLParser):
    """
    Reads what a page holds: elements, attributes, and the amounts that it marks.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.figures: dict[str, int] = {}
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """
        Note one element.
        """
        self.tags.append(tag)
        given = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in given.items()]
        if tag == "data" and "data-figure" in given:
            self.figures.setdefault(given["data-figure"], int(given["value"]))

    def handle_data(self, data: str) -> None:
        """
        Note text.
        """
        self.text.append(data)


def test_the_page_and_the_document_say_the_same(said: Report, html: str) -> None:
    """Every figure on the page is the one that --json prints."""
    (figures,) = report_document(said)["figures"]

    shown = Reader(html).figures

    assert {name: figures[name] for name in LABELS} == {name: shown[name] for name in LABELS}
    assert figures["is_balanced"]


def test_a_report_adds_up_to_the_statements(busy: Somebody, said: Report) -> None:
    """The figures are the sums of the orders', and open money is what the ageing shows."""
    (figures,) = said.figures
    orders = [busy.disburser.statement(one.order_id) for one in said.orders]

    for name in FIGURES:
        assert getattr(figures, name).minor == sum(getattr(one, name).minor for one in orders)
    assert figures.held.minor == sum(one.held.minor for one in said.ageing)
    assert figures.remaining.minor == sum(one.remaining.minor for one in said.ageing)
    assert len(orders) == said.orders_found


def test_exceptions_come_first_and_gravest_first(said: Report, html: str) -> None:
    """Differences and alerts are on the page before anything else, sorted by how grave they are."""
    rank = {"critical": 0, "warning": 1, "notice": 2}
    order = [rank[one.severity] for one in said.exceptions]

    assert sorted(order) == order
    assert {"unexplained", "missing_here", "over_capture", "late_capture", "unlinked_refund"} <= {
        one.what for one in said.exceptions
    }
    assert html.index('id="exceptions"') < html.index("Flow of funds")
    assert not said.is_clean


def test_nothing_of_strangers_runs_on_the_page(html: str) -> None:
    """Hostile names and ids are text; the page holds no script, no handler and no address."""
    read = Reader(html)

    assert HOSTILE[:60] in "".join(read.text)
    assert {"script", "iframe", "object", "img", "a", "base", "form"}.isdisjoint(read.tags)
    assert not [one for one in read.attributes if one[1].startswith("on")]
    addresses = {"href", "src", "action", "xlink:href", "srcset", "formaction"}
    assert {"data:,"} == {value for _, name, value in read.attributes if name in addresses}
    (policy,) = [
        value for tag, name, value in read.attributes
        if tag == "meta" and name == "content" and value.startswith("default-src")
    ]  # fmt: skip
    assert policy.startswith("default-src 'none';")
    assert "script-src" not in policy
    assert "http:" not in html.replace("http://www.w3.org/", "")
    assert "https:" not in html


def test_pictures_hold_hostile_text_as_text() -> None:
    """A reason that looks like markup, or like a formula of the renderer's, is drawn as it is."""
    reasons = [
        DeclineReason(reason=reason, decided_by="policy", count=3, asked=Money(1, "usd"))
        for reason in (HOSTILE, '"><svg onload=x>', "datum.count + 1")
    ]

    picture = ET.fromstring(declines(reasons, width=900))  # noqa: S314 - made a line above

    tags = {one.tag.rpartition("}")[2] for one in picture.iter()}
    assert "script" not in tags
    assert not [name for one in picture.iter() for name in one.attrib if name.startswith("on")]
    texts = {one.text for one in picture.iter() if one.text}
    assert "datum.count + 1" in texts


def test_the_flow_names_every_figure_that_is_not_zero(said: Report) -> None:
    """The diagram carries each amount in words, as the page does."""
    picture = flow(said, "usd", width=1_000, height=300)

    for name, amount in said.flows("usd"):
        assert f"{LABELS[name]}" in picture
        assert str(amount) in picture


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("claim-1", "claim-1"),
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("  =cmd|' /C calc'!A0", "'  =cmd|' /C calc'!A0"),
        ("\t=1", "' =1"),
        ("a\r\n=1", "a  =1"),
        ("＝1", "'＝1"),  # noqa: RUF001 - a wide sign
    ],
)
def test_a_cell_is_never_a_formula(text: str, shown: str) -> None:
    """Whatever looks like a formula is neutralised, line ends do not begin new rows."""
    assert shown == neutral(text)


def test_the_csv_file_has_every_order(busy: Somebody, said: Report) -> None:
    """One line an order, amounts as plain integers that add up to the report's."""
    file = io.StringIO(newline="")

    count = write_csv(file, busy.disburser)

    rows = list(csv.DictReader(io.StringIO(file.getvalue(), newline="")))
    assert said.orders_found == count == len(rows)
    for name in FIGURES:
        assert getattr(said.figures[0], name).minor == sum(int(row[name]) for row in rows)


def test_a_long_list_is_cut_and_says_so(busy: Somebody) -> None:
    """A page lists the orders with open money and the newest; the rest is counted, not lost."""
    short = gather(busy.disburser, orders_max=3)

    assert 3 == len(short.orders)
    assert all(one.is_open for one in short.orders)
    assert any("more orders are not listed" in note for note in short.notes)
    assert "of " + str(short.orders_found) in page(short)


def test_an_empty_account_has_a_page() -> None:
    """Before the first order there is nothing, and the page says so."""
    with open_accident() as world:
        said = gather(world.disburser)

        text = page(said)

    assert said.is_clean
    assert "No money has moved yet." in text
    assert "Nothing stands out." in text


def run(world: Somebody, *arguments: str) -> Any:
    """
    Run a command against that account and store.
    """
    environment = {
        "STRIPE_API_KEY": world.simulator.api_key,
        "STRIPE_ACCOUNT": world.account,
        "ISSUING_DISBURSE_STORE": world.store,
    }

    def connect(**options: Any) -> Any:
        options.pop("store")
        return world.connect(**options)

    return CliRunner().invoke(make_app(), list(arguments), env=environment, obj=connect)


def test_the_command_writes_what_it_is_asked_for(busy: Somebody, tmp_path: Path) -> None:
    """Page, CSV and JSON in one run; exit code 1, because there are differences."""
    html, table = tmp_path / "out.html", tmp_path / "out.csv"

    done = run(busy, "report", "--html", str(html), "--csv", str(table), "--json")

    assert 1 == done.exit_code, done.output
    document = json.loads(done.stdout)
    shown = Reader(html.read_text(encoding="utf-8")).figures
    assert {name: document["figures"][0][name] for name in LABELS} == {
        name: shown[name] for name in LABELS
    }
    assert document["orders_found"] + 1 == len(table.read_text(encoding="utf-8-sig").splitlines())


def test_the_command_tells_on_screen(busy: Somebody) -> None:
    """Without a file, the figures and differences are on the screen."""
    done = run(busy, "report")

    assert 1 == done.exit_code
    for word in ("Flow of funds", "Ageing of open money", "Declines", "critical", "balanced"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--html", "/no/such/folder/out.html"), "--html: /no/such/folder"),
        (("--since", "yesterday"), "--since: 'yesterday' is no day"),
        (("--since", "2026-12-01", "--until", "2026-11-01"), "until: is not after since"),
        (("--explained", "/no/such/file"), "--explained: cannot be read"),
    ],
)
def test_the_command_could_not_run(busy: Somebody, arguments: tuple[str, ...], words: str) -> None:
    """Exit code 2, and a line that names what to mend."""
    done = run(busy, "report", *arguments)

    assert 2 == done.exit_code
    assert words in done.stderr


def test_explained_objects_are_no_differences(busy: Somebody, tmp_path: Path) -> None:
    """A file of ids, with comments, takes what is other business of yours out of the differences."""
    before = json.loads(run(busy, "reconcile", "--json").stdout)["differences"]
    known = [one["object_id"] for one in before if one["kind"] == "unexplained"]
    file = tmp_path / "explained.txt"
    file.write_text("# by hand\n" + "".join(f"{one}  # asked\n" for one in known))

    after = json.loads(run(busy, "reconcile", "--explained", str(file), "--json").stdout)

    assert known
    assert len(before) - len(known) == len(after["differences"])


def test_reclaim_can_be_tried_without_doing_it(tmp_path: Path) -> None:
    """A dry run shows what would come back, changes nothing, and exits with 1 while there is any."""
    with open_accident() as world:
        world.disburser.disburse(make_order())
        world.simulator.clock.advance(timedelta(days=31))

        options = {"store": world.disburser.store}
        world.options = options
        tried = run(world, "reclaim", "--expired", "--dry-run", "--json")
        shown = run(world, "reclaim", "--expired", "--dry-run")

        (one,) = json.loads(tried.stdout)["reclaimable"]
        assert (1, 12_500) == (tried.exit_code, one["remaining"]["minor"])
        assert "125.00 usd" in shown.stdout
        assert 0 == world.simulator.payments_balance(world.account)
        assert "active" == world.disburser.get("claim-8841").status


def test_reconcile_can_repair_from_the_shell() -> None:
    """With --repair what Stripe has and we lack is booked, and the books agree: exit code 0."""
    with open_accident() as world:
        world.options = {"store": world.disburser.store}
        world.lose("issuing_transaction.created", "issuing_authorization.updated")
        card = world.disburser.disburse(make_order()).card
        world.simulator.capture(world.simulator.authorize(card.id, 12_500)["id"])
        world.lose()

        found = run(world, "reconcile")
        mended = run(world, "reconcile", "--repair", "--json")

        assert (1, 0) == (found.exit_code, mended.exit_code)
        assert "missing here" in found.stdout
        document = json.loads(mended.stdout)
        assert [] == document["differences"]
        assert "booked" in {one["outcome"] for one in document["repairs"]}
