"""
Is the demo's story complete, repeatable, and true to the cent?
"""

from datetime import timedelta
from io import StringIO

import pytest
from attrs import evolve
from rich.console import Console

from issuing_disburse import (
    AmountRule,
    InvalidInputError,
    Money,
    Order,
    Reason,
    Status,
    Terms,
)
from issuing_disburse.demo import ORDERS_MAX, play, starts_at
from issuing_disburse.demo_report import COLUMNS, DemoReport, report_document
from issuing_disburse.demo_screen import (
    Column,
    Row,
    make_console,
    progress_on,
    show_report,
    show_table,
)
from issuing_disburse.reconcile import Discrepancy
from world import make_order, make_recipient


def shown(report: DemoReport, *, width: int = 80) -> str:
    return on_screen(lambda console: show_report(console, report), width=width)


def on_screen(show: object, *, width: int = 80) -> str:
    console = make_console(width=width)
    console.file = StringIO()
    assert callable(show)
    show(console)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def report() -> DemoReport:
    return play()


def test_everything_happens_when_the_story_is_told(report: DemoReport) -> None:
    """Approved, declined by us and by Stripe, collected, voided, lapsed, refunded, reclaimed."""
    told = {(one.action, one.outcome, one.decided_by) for one in report.events}
    codes = {one.reason.partition(":")[0] for one in report.events if one.outcome == "declined"}

    assert {
        ("authorize", "approved", "policy"),
        ("authorize", "declined", "policy"),
        ("authorize", "declined", "stripe"),
        ("capture", "done", "merchant"),
        ("void", "done", "merchant"),
        ("lapse", "done", "stripe"),
        ("refund", "done", "merchant"),
    } == told
    assert {"wrong_amount", "card_canceled", "spending_controls"} == codes
    assert {"closed"} == {one.outcome for one in report.reclamations}
    assert {Status.CLOSED} == {one.status for one in report.closed}
    assert 12 == len(report.issued) == len(report.statements)


def test_the_books_balance_when_the_story_ends(report: DemoReport) -> None:
    """Statements, Stripe's balances and the reconciliation say the same."""
    came = report.total("funded") + report.total("refunded")

    assert report.is_balanced
    assert report.unexplained.is_zero
    assert () == report.reconciliation.discrepancies
    assert report.reconciliation.matched > len(report.issued)
    assert came == report.total("spent") + report.total("reclaimed")
    assert report.platform_before - report.platform_after == (
        report.total("spent") - report.total("refunded")
    )


def test_merchants_are_told_alike_when_the_ledger_is_asked(report: DemoReport) -> None:
    """What the events add up to is what the statements say, order by order."""
    for statement in report.statements:
        mine = [one for one in report.events if one.order_id == statement.order_id]
        for action, figure in (("capture", statement.spent), ("refund", statement.refunded)):
            minor = sum(one.amount.minor for one in mine if one.action == action)
            assert Money(minor, report.currency) == figure


def test_the_story_repeats_when_the_seed_does(report: DemoReport) -> None:
    """Same seed, same story; another seed, another one."""
    again, other = play(seed=7), play(seed=8)

    assert report_document(report) == report_document(again)
    assert shown(report) == shown(again)
    assert report_document(report)["events"] != report_document(other)["events"]
    assert other.is_balanced


@pytest.mark.parametrize("count", [1, 2, 40])
def test_every_batch_balances_when_it_is_small_or_large(count: int) -> None:
    """One order tells most of the story, many tell all of it."""
    played = play(count=count, seed=count)

    assert count == len(played.statements)
    assert played.is_balanced
    assert {"approved", "declined", "done"} == {one.outcome for one in played.events}


@pytest.mark.parametrize("count", [0, -1, ORDERS_MAX + 1])
def test_a_count_is_refused_when_it_is_out_of_range(count: int) -> None:
    """Nothing is played for nobody, nor for a crowd."""
    with pytest.raises(InvalidInputError):
        play(count=count)


def test_a_list_is_refused_when_it_is_empty_or_mixed() -> None:
    """An account has cards of one currency."""
    with pytest.raises(InvalidInputError, match="there are 0"):
        play([])
    with pytest.raises(InvalidInputError, match="eur, usd"):
        play([make_order("a"), make_order("b", currency="eur")])


@pytest.mark.parametrize("currency", ["gbp", "eur"])
def test_money_is_waited_for_when_it_takes_a_business_day(currency: str) -> None:
    """Outside the US cards are issued a day later, and the books balance all the same."""
    orders = [
        make_order(f"o-{n}", currency=currency, recipient=make_recipient(f"r-{n}"))
        for n in range(3)
    ]

    played = play(orders)

    assert {Status.ACTIVE} == {one.status for one in played.issued}
    assert played.is_balanced
    assert currency == played.currency
    assert any(one.outcome == "approved" for one in played.events)


def test_terms_of_the_list_count_when_amounts_are_tried() -> None:
    """An order for up to an amount, a tiny one and a one-day one are told truly."""
    terms = Terms(amount=AmountRule.up_to(), valid_for=timedelta(days=1))
    orders = [
        make_order("upto", terms=terms),
        *(make_order(f"o-{n}", "0.07", recipient=make_recipient(f"r-{n}")) for n in range(8)),
    ]

    played = play(orders)

    assert played.is_balanced
    assert all(one.amount.minor > 0 for one in played.events)
    assert [] == [
        one for one in played.events if one.outcome == "approved" and one.amount.minor > 12_500
    ]


def test_a_refused_order_is_shown_when_the_rest_is_paid() -> None:
    """Conflict and minor's age: both are named, nobody else suffers."""
    young = make_recipient("r-2", date_of_birth=starts_at().date() - timedelta(days=400))
    orders: list[Order] = [
        make_order("o-1"),
        make_order("o-1", "99.00"),
        make_order("o-2", recipient=young),
    ]

    played = play(orders[:1] + orders[2:])
    conflict = play(orders[:2])

    assert ["o-2"] == [one.order_id for one in played.refused]
    assert played.is_balanced
    assert "o-2 refused: recipient.date_of_birth: is less than 13 years ago" in shown(played)
    assert ["o-1"] == [one.order_id for one in conflict.refused]
    assert ["o-1"] == [one.order_id for one in played.issued]


def test_no_cent_is_cut_off_when_the_screen_is_narrow(report: DemoReport) -> None:
    """From 24 columns on, every figure of every statement can be read; no line is too long."""
    for width in (24, 40, 60, 80, 200):
        text = shown(report, width=width)
        assert max(map(len, text.splitlines())) <= width
        words = set(text.replace(",\n", " ").replace(", ", " ").split())
        figures = [getattr(one, name) for one in report.statements for name in COLUMNS]
        figures += [report.total(name) for name in COLUMNS]
        missing = [one for one in figures if str(one).partition(" ")[0] not in words | {""}]
        assert [] == missing, width
        assert "\u2026" not in text


def test_only_four_digits_of_a_card_are_told_when_anything_is_told(report: DemoReport) -> None:
    """Neither screen nor document holds a longer run of digits than an amount or a year."""
    text = shown(report) + str(report_document(report))
    digits = "".join(mark if mark.isdigit() else " " for mark in text).split()

    assert max(map(len, digits)) <= 8
    assert all(f"*{one.card.last4}" in text for one in report.issued)


def test_a_difference_is_shouted_when_the_books_do_not_balance(report: DemoReport) -> None:
    """A cent too few and an object too many are both told, and the story is not clean."""
    one_cent = Money(1, "usd")
    found = Discrepancy(
        kind="missing_here",
        object_id="txn_1",
        here=Money.zero("usd"),
        there=one_cent,
        age_seconds=60,
        remedy="look at it",
    )
    differs = evolve(
        report,
        platform_after=report.platform_after - one_cent,
        reconciliation=evolve(report.reconciliation, discrepancies=(found,)),
    )

    text = shown(differs, width=200)

    assert not differs.is_balanced
    assert one_cent == differs.unexplained
    assert "1 differences" in text
    assert "txn_1: 0.00 usd here, 0.01 usd there; look at it" in text
    assert "THE BOOKS DO NOT BALANCE: 0.01 usd unexplained." in text


def test_one_wrong_figure_suffices_when_the_books_are_judged(report: DemoReport) -> None:
    """A cent that Stripe lacks, and a statement that does not add up, each spoil the story."""
    one_cent = Money(1, "usd")
    first, *others = report.statements
    uneven = evolve(first, held=one_cent)

    assert not evolve(report, platform_after=report.platform_after - one_cent).is_balanced
    assert not evolve(report, issuing_after=report.issuing_after + one_cent).is_balanced
    assert not evolve(
        report, statements=(uneven, *others), platform_after=report.platform_after - one_cent
    ).is_balanced


def test_rare_figures_are_shown_when_there_are_any(report: DemoReport) -> None:
    """What was disputed or covered has no column, and is told below the table."""
    first, *others = report.statements
    changed = evolve(first, covered=Money(5, "usd"))

    text = shown(evolve(report, statements=(changed, *others)))

    assert "covered: 0.05 usd" in text


def test_markup_is_text_when_it_stands_in_a_cell() -> None:
    """An order id cannot colour the screen or disappear from it."""
    columns = (Column(name="order"), Column(name="amount", is_money=True))
    rows = (Row(cells=("[red]x[/red] :smile:", "1.00")),)

    for width in (80, 14):
        text = on_screen(
            lambda console: show_table(console, "[b]t[/b]", columns, rows), width=width
        )
        assert "[b]t[/b]" in text
        assert "[red]x[/red]" in text
        assert ":smile:" in text


def test_a_card_that_waits_is_told_with_its_reason_when_it_was_not_issued(
    report: DemoReport,
) -> None:
    """No card, no digits, but why."""
    first, second = report.issued[:2]
    screened = Reason(code="screening", message="the recipient is being screened")
    waiting = evolve(first, card_or_none=None, status=Status.PENDING, reason=screened)
    silent = evolve(second, card_or_none=None, status=Status.PENDING)

    text = shown(evolve(report, issued=(waiting, silent)), width=200)

    assert f"{first.order_id}: the recipient is being screened" in text
    assert "pending" in text
    assert f"*{first.card.last4}" not in text


def test_progress_is_drawn_when_there_is_a_terminal() -> None:
    """Elsewhere it leaves no trace."""
    for is_terminal in (True, False):
        console = Console(file=StringIO(), force_terminal=is_terminal, width=60)
        with progress_on(console) as tell:
            tell("paying", 1, 2)
            tell("paying", 2, 2)
        assert isinstance(console.file, StringIO)
        assert is_terminal is ("paying" in console.file.getvalue())


def test_progress_is_told_to_the_end_when_the_story_is_played() -> None:
    """Every chapter says how far it is, up to all of it."""
    told: list[tuple[str, int, int]] = []

    play(count=3, progress=lambda what, done, total: told.append((what, done, total)))

    assert [(what, 3, 3) for what in ("paying", "shopping", "reclaiming")] == [
        one for one in told if one[1] == one[2]
    ]
