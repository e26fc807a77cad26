"""
Is a payout list read to the letter, and is nothing of it paid while a cell is wrong?
"""

import pickle
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from issuing_disburse import Address, AmountRule, Money
from issuing_disburse.orders_file import (
    NEEDED,
    PROBLEMS_MAX,
    OrdersFileError,
    Problem,
    read_orders,
    stream_rows,
)
from payout_lists import COMPANY, PERSON, TODAY, csv_of, problems_of, written


def test_a_person_is_read_to_the_letter_when_every_cell_is_sound(tmp_path: Path) -> None:
    """Each column ends up where it belongs."""
    (order,) = read_orders(written(tmp_path, csv_of(PERSON)), today=TODAY)

    recipient, user_terms = order.recipient, order.recipient.user_terms
    assert ("payout-1", Money(12_500, "usd")) == (order.id, order.amount)
    assert (timedelta(days=14), AmountRule.exact()) == (order.terms.valid_for, order.terms.amount)
    assert ("Jenny", "Rosen", "payee-1") == (
        recipient.first_name,
        recipient.last_name,
        recipient.reference,
    )
    assert "+16145550100" == recipient.phone_number
    assert date(1985, 3, 14) == recipient.date_of_birth
    assert user_terms is not None
    assert datetime(2026, 11, 1, 12, tzinfo=UTC) == user_terms.accepted_at
    assert (
        Address(line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US")
        == recipient.billing
    )


def test_a_company_is_read_when_its_rule_is_up_to(tmp_path: Path) -> None:
    """Companies need neither person nor terms; days are 30 unless told."""
    (order,) = read_orders(written(tmp_path, csv_of(COMPANY)), today=TODAY)

    assert ("company", "Blue Heron Signs") == (order.recipient.type, order.recipient.name)
    assert (timedelta(days=30), AmountRule.up_to()) == (order.terms.valid_for, order.terms.amount)


def test_columns_may_stand_in_any_order_when_their_names_are_right(tmp_path: Path) -> None:
    """Order and case of the header do not matter, and optional columns may be missing."""
    columns = tuple(reversed([*NEEDED, "company_name"]))
    text = csv_of(COMPANY, columns=columns).replace("postal_code", " Postal_Code ", 1)

    (order,) = read_orders(written(tmp_path, text), today=TODAY)

    assert "payout-2" == order.id


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + csv_of(PERSON).encode(),
        csv_of(PERSON).replace("\r\n", "\n").encode(),
        ("\r\n" + csv_of(PERSON) + "\r\n,,,\r\n  \r\n").encode(),
    ],
    ids=["byte order mark", "plain line ends", "empty lines"],
)
def test_what_spreadsheets_add_is_passed_over_when_it_is_harmless(
    tmp_path: Path, content: bytes
) -> None:
    """A byte order mark, any line ends and empty lines change nothing."""
    assert ["payout-1"] == [one.id for one in read_orders(written(tmp_path, content), today=TODAY)]


def test_quoted_cells_keep_their_commas_when_they_are_read(tmp_path: Path) -> None:
    """A comma or quote within quotes is part of the cell."""
    street = 'The "Old Mill", Yard 2'
    (order,) = read_orders(written(tmp_path, csv_of({**PERSON, "line1": street})), today=TODAY)

    assert street == order.recipient.billing.line1


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"id": ""}, "id", "is empty"),
        ({"type": "person"}, "type", "is unknown"),
        ({"first_name": ""}, "first_name", "is needed for type individual"),
        ({"company_name": "Signs"}, "company_name", "says nothing about a recipient"),
        ({"last_name": "\u5c71\u7530"}, "last_name", "holds something other than letters"),
        ({"last_name": "Featherstone-Featherstone"}, "name_on_card", "has 31 characters"),
        ({"email": "jenny"}, "email", "is no e-mail address"),
        ({"phone_number": "8005550100"}, "phone_number", "is not in international form"),
        ({"phone_number": "+1+cmd"}, "phone_number", "looks like a spreadsheet formula"),
        ({"date_of_birth": "3/4/1985"}, "date_of_birth", "is no date"),
        ({"date_of_birth": "1985-02-30"}, "date_of_birth", "is no date"),
        ({"date_of_birth": "2020-01-01"}, "date_of_birth", "is less than 13 years ago"),
        ({"terms_accepted_at": "yesterday"}, "terms_accepted_at", "is no time"),
        ({"terms_accepted_at": "2026-11-01T12:00"}, "terms_accepted_at", "has no time zone"),
        ({"terms_ip": ""}, "terms_ip", "is empty"),
        ({"terms_ip": "home"}, "terms_ip", "is no IP address"),
        (
            {"terms_accepted_at": "", "terms_ip": ""},
            "terms_accepted_at",
            "is missing for an individual in the US",
        ),
        ({"line1": "=HYPERLINK(1)"}, "line1", "looks like a spreadsheet formula"),
        ({"city": "@SUM(A1)"}, "city", "looks like a spreadsheet formula"),
        ({"line2": "two\nlines"}, "line2", "holds a control character"),
        ({"country": "USA"}, "country", "'USA' is no country"),
        ({"country": "GB", "phone_number": ""}, "phone_number", "is missing"),
        ({"amount": "jenny@example.com"}, "amount", "is no plain decimal number"),
        ({"amount": "\u0661\u0662"}, "amount", "is no plain decimal number"),
        ({"currency": "jenny@example.com"}, "currency", "is no currency"),
        ({"country": "123 Main St, Ohio"}, "country", "is no country"),
        ({"id": "=1+1"}, "id", "looks like a spreadsheet formula"),
        ({"first_name": "\t=HYPERLINK(1)"}, "first_name", "looks like a spreadsheet formula"),
        ({"city": "\uff1dSUM(A1)"}, "city", "looks like a spreadsheet formula"),
        ({"first_name": "=HYPERLINK(1)"}, "first_name", "looks like a spreadsheet formula"),
        ({"line1": "+1 Main St"}, "line1", "looks like a spreadsheet formula"),
        ({"line1": "x" * 1_001}, "line1", "is longer than 1000 characters"),
        ({"line1": "x" * 201}, "line1", "is longer than 200 characters"),
        ({"city": "K\ufffdln"}, "city", "holds a character that cannot be seen or was lost"),
        ({"city": "Co\u200blumbus"}, "city", "holds a character that cannot be seen or was lost"),
        ({"first_name": "Jos\xc3\xa9"}, "first_name", "holds something other than letters"),
        ({"amount": "1,250.00"}, "amount", "'1,250.00' is no plain decimal number"),
        ({"amount": "125.001"}, "amount", "'125.001' is finer than the minor unit"),
        ({"amount": ""}, "amount", "is empty"),
        ({"amount": "=1+1"}, "amount", "looks like a spreadsheet formula"),
        ({"amount": "-5"}, "amount", "-5.00 usd is not positive"),
        ({"amount": "10000.01"}, "amount", "one purchase could cost"),
        ({"currency": "jpy"}, "currency", "Issuing cards are never in jpy"),
        ({"currency": "dollar"}, "currency", "'dollar' is no currency"),
        ({"valid_days": "soon"}, "valid_days", "is no whole number"),
        ({"valid_days": "0"}, "valid_days", "must be a positive timedelta"),
        ({"valid_days": "1825"}, "valid_days", "is 5 years or more"),
        ({"amount_rule": "about"}, "amount_rule", "is unknown"),
    ],
)
def test_a_wrong_cell_is_named_by_row_and_column_when_it_is_read(
    tmp_path: Path, changes: dict[str, str], field: str, problem: str
) -> None:
    """Exactly one problem, at the right place, with a remedy; and no order at all."""
    path = written(tmp_path, csv_of({**PERSON, "id": "payout-0"}, {**PERSON, **changes}))

    ((row, column, text),) = problems_of(path)

    assert (3, field) == (row, column)
    assert text.startswith(problem)


def test_a_company_is_blamed_for_its_own_name_when_it_is_too_long(tmp_path: Path) -> None:
    """The column in which the name stands is named, not the one that a person has."""
    path = written(tmp_path, csv_of({**COMPANY, "company_name": "Blue Heron Signs and Banners"}))

    assert [(2, "company_name", "has 28 characters, a card carries 24")] == problems_of(path)


def test_several_problems_of_one_row_are_told_at_once_when_they_are_apart(tmp_path: Path) -> None:
    """Nobody has to correct and try again cell by cell."""
    path = written(tmp_path, csv_of({**PERSON, "amount": "x", "country": "", "terms_ip": "?"}))

    assert ["country", "amount", "terms_ip"] == [field for _, field, _ in problems_of(path)]


def test_an_id_is_refused_when_an_earlier_row_has_it(tmp_path: Path) -> None:
    """Two rows of one id could be one payment or two: nobody guesses."""
    path = written(tmp_path, csv_of(PERSON, COMPANY, {**PERSON, "amount": "80.00"}))

    assert [(4, "id", "was used in row 2")] == problems_of(path)


def test_rows_are_numbered_by_line_when_a_cell_spans_several(tmp_path: Path) -> None:
    """The row is where an editor shows it, empty lines and broken cells included."""
    text = csv_of({**PERSON, "line2": "two\nlines"}).replace("payout-1", "\n\npayout-1") + "x"

    assert [4, 6] == [row for row, _, _ in problems_of(written(tmp_path, text))]


@pytest.mark.parametrize(
    ("header", "field", "problem"),
    [
        (",".join([*NEEDED, "postalcode"]), "postalcode", "column is unknown"),
        (",".join([*NEEDED, "id"]), "id", "column is there twice"),
        (",".join(NEEDED[:-1]), "currency", "column is missing"),
        (";".join(NEEDED), "", "is not separated by commas"),
        ("\t".join(NEEDED), "", "is not separated by commas"),
        ("|".join(NEEDED), "", "is not separated by commas"),
        (",".join([*NEEDED, "ID "]), "id", "column is there twice"),
        (",".join([*NEEDED, "\x1b[31mred"]), "\\x1b[31mred", "column is unknown"),
    ],
)
def test_a_wrong_header_is_the_only_problem_when_there_is_one(
    tmp_path: Path, header: str, field: str, problem: str
) -> None:
    """Rows below a header that is wrong are not judged."""
    path = written(tmp_path, f"{header}\nwhatever\n")

    assert [(1, field, problem)] == problems_of(path)


@pytest.mark.parametrize(
    ("content", "row", "problem"),
    [
        (csv_of(PERSON).encode("utf-16"), 1, "is UTF-16"),
        (csv_of({**PERSON, "city": "K\xf6ln"}).encode("latin-1"), 2, "is not UTF-8 text"),
        (csv_of(PERSON).encode().replace(b"id", b"\xff", 1), 1, "is not UTF-8 text"),
        (csv_of(PERSON).encode().replace(b"Columbus", b"\0"), 2, "holds NUL bytes"),
        (csv_of(PERSON).encode().replace(b"Columbus", b'"Columbus'), 2, "is no sound CSV"),
        (csv_of(PERSON).encode() + b"x" * 70_000, 3, "is longer than 64 KiB"),
        (csv_of(PERSON).encode() + b"payout-2,company\n", 3, "has 2 cells, the header has 23"),
        (csv_of(PERSON).encode("utf-16-le"), 1, "holds NUL bytes"),
        (csv_of(PERSON).replace("\r\n", "\r").encode(), 1, "is no sound CSV"),
        (csv_of(PERSON).encode().replace(b"Columbus", b'"Col"umbus'), 2, "is no sound CSV"),
        (csv_of(PERSON).encode() + b'"' + b"x\n" * 80_000, 3, "is no sound CSV"),
        (csv_of(PERSON).encode()[:-2], 2, "ends without a line end and may be cut off"),
        (csv_of(PERSON).encode()[:-40], 2, "has 18 cells, the header has 23"),
        (b'{"id": "payout-1"}\n', 1, "is JSON"),
        (b'[{"id": "payout-1", "x": 1},\n', 1, "is JSON"),
        (",".join([*NEEDED, ""]).encode() + b"\n", 1, "column 9 has no name"),
        (b"", 0, "holds no orders"),
        (csv_of().encode(), 0, "holds no orders"),
    ],
)
def test_a_broken_file_is_a_problem_and_no_traceback_when_it_is_read(
    tmp_path: Path, content: bytes, row: int, problem: str
) -> None:
    """Wrong encodings and broken structure are named with their row."""
    assert [(row, "", problem)] == problems_of(written(tmp_path, content))


def test_reading_goes_on_behind_a_row_when_only_that_row_is_not_text(tmp_path: Path) -> None:
    """A single latin-1 line does not hide what is wrong below it."""
    text = csv_of({**PERSON, "city": "K\xf6ln"}, {**PERSON, "id": "payout-3", "amount": "0"})

    found = problems_of(written(tmp_path, text.encode("latin-1")))

    assert [(2, "", "is not UTF-8 text"), (3, "amount", "0.00 usd is not positive")] == found


def test_a_file_that_is_not_there_is_a_problem_when_it_is_read(tmp_path: Path) -> None:
    """The cause and a remedy are told, like everything else."""
    assert [(0, "", "cannot be read: No such file or directory")] == problems_of(
        tmp_path / "nothing.csv"
    )


def test_reading_stops_when_everything_is_wrong(tmp_path: Path) -> None:
    """Some other file is not reported line by line for ever."""
    path = written(tmp_path, csv_of(*[{**PERSON, "amount": "x"}] * (PROBLEMS_MAX + 50)))

    found = list(stream_rows(path, today=TODAY))

    assert PROBLEMS_MAX + 1 == len(found)
    assert ["is it the right file?"] == [
        one.remedy for one in found if isinstance(one, Problem) and not one.row
    ]


def test_an_error_tells_problems_and_survives_pickling_when_it_is_raised(tmp_path: Path) -> None:
    """Its text names file, rows and remedies, and no cell of a person."""
    rows = [{**PERSON, "id": f"p-{n}", "email": "private"} for n in range(5)]

    with pytest.raises(OrdersFileError) as caught:
        read_orders(written(tmp_path, csv_of(*rows)), today=TODAY)

    error = caught.value
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert error.problems == copy.problems
    assert str(error) == str(copy)
    assert str(error).startswith("payouts.csv: row 2, email: is no e-mail address; correct it")
    assert str(error).endswith("5 in all")
    assert "private" not in str(error)
    assert "file: is big; cut it" == str(
        Problem(row=0, field="", problem="is big", remedy="cut it")
    )


def test_the_sample_list_is_sound_when_it_ships() -> None:
    """25 rows, people and companies, made up throughout."""
    orders = read_orders(Path(__file__).parents[1] / "examples" / "payouts.csv", today=TODAY)

    assert 25 == len({one.id for one in orders})
    assert {"individual", "company"} == {one.recipient.type for one in orders}
    assert all((one.recipient.email or "").endswith("example.com") for one in orders)
    assert all("555" in (one.recipient.phone_number or "") for one in orders)
