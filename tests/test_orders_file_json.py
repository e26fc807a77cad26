"""
Is a list of one JSON object a line read to the letter, and every dirty line of it named?
"""

from pathlib import Path

import pytest

from issuing_disburse.orders_file import read_orders
from payout_lists import COMPANY, PERSON, TODAY, csv_of, json_of, listed, problems_of, written


@pytest.mark.parametrize("name", ["payouts.jsonl", "payouts.NDJSON"])
def test_json_lines_are_read_like_rows_when_the_name_says_so(tmp_path: Path, name: str) -> None:
    """The same orders come from both kinds of file; days may be a number, what is empty may be null."""
    rows = [{**PERSON, "valid_days": 14, "tax_id": None}, {k: v for k, v in COMPANY.items() if v}]
    from_csv = read_orders(written(tmp_path, csv_of(PERSON, COMPANY)), today=TODAY)

    text = "\ufeff" + json_of(*rows[:1]) + "\n  \n" + json_of(*rows[1:]).rstrip("\n")

    assert from_csv == read_orders(listed(tmp_path, text, name), today=TODAY)


_LINE = json_of(PERSON).strip()


@pytest.mark.parametrize(
    ("line", "field", "problem"),
    [
        (_LINE.replace('"125.00"', "125.00"), "amount", "is a number, which may not be exact"),
        (_LINE.replace('"125.00"', "125"), "amount", "is a number, which may not be exact"),
        (_LINE.replace('"125.00"', "NaN"), "amount", "is a number, which may not be exact"),
        (_LINE.replace('"125.00"', "true"), "amount", "is no text"),
        (_LINE.replace('"14"', "14.5"), "valid_days", "is no whole number"),
        (_LINE.replace('"14"', "9" * 5_000), "valid_days", "is longer than 1000 characters"),
        (_LINE.replace('"14"', "[14]"), "valid_days", "is no text"),
        (_LINE.replace('"43004"', "43004"), "postal_code", "is no text"),
        (_LINE.replace('"OH"', '{"name": "OH"}'), "state", "is no text"),
        (_LINE.replace('"id"', '"amount": "1.00", "id"', 1), "amount", "key is there twice"),
        (_LINE.replace('"id"', '"ID": "payout-9", "id"', 1), "id", "key is there twice"),
        (_LINE.replace('"id"', '"idd"', 1), "idd", "key is unknown"),
        (_LINE.replace("Columbus", "\\u0000"), "city", "holds a control character"),
        (_LINE.replace("Columbus", "\\ud800"), "city", "holds a control character"),
        (_LINE.replace("Columbus", "=1+1"), "city", "looks like a spreadsheet formula"),
        (_LINE.replace("payout-1", "payout-0"), "id", "was used in row 1"),
        (_LINE.replace('"id": "payout-1", ', ""), "id", "is empty"),
        (_LINE[:-9], "", "is no JSON, or was cut off"),
        (_LINE + _LINE, "", "is no JSON, or was cut off"),
        ("[" * 60_000, "", "is no JSON, or was cut off"),
        (_LINE.replace('"', "'"), "", "is no JSON, or was cut off"),
        ('["payout-1"]', "", "is no JSON object"),
        ("12", "", "is no JSON object"),
    ],
)  # fmt: skip
def test_a_dirty_line_is_named_by_row_and_key_when_it_is_json(
    tmp_path: Path, line: str, field: str, problem: str
) -> None:
    """Exactly one problem, with a remedy, and no order at all; sound lines around it do not matter."""
    text = json_of({**PERSON, "id": "payout-0"}) + line + "\n" + json_of({**PERSON, "id": "p-3"})

    assert [(2, field, problem)] == problems_of(listed(tmp_path, text))


@pytest.mark.parametrize(
    ("content", "row", "problem"),
    [
        (json_of(PERSON).encode("utf-16"), 1, "is UTF-16"),
        (_LINE.replace("Columbus", "K\xf6ln").encode("latin-1") + b"\n", 1, "is not UTF-8 text"),
        (b"[" + json_of(PERSON).encode() + b"]", 1, "is one JSON array"),
        (_LINE.encode() + b"\0\n", 1, "holds NUL bytes"),
        (_LINE.encode() + b" " * 70_000 + b"\n", 1, "is longer than 64 KiB"),
        (b"\n\n", 0, "holds no orders"),
        (csv_of(PERSON).splitlines()[0].encode(), 1, "is no JSON, or was cut off"),
    ],
)
def test_broken_json_lines_are_a_problem_and_no_traceback_when_they_are_read(
    tmp_path: Path, content: bytes, row: int, problem: str
) -> None:
    """Wrong encodings and broken structure are named with their row, as for CSV."""
    assert [(row, "", problem)] == problems_of(listed(tmp_path, content))
