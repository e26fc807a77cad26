"""
What does a payout list for a test look like, and which problems does the reader find in it?
"""

import csv
import io
import json
from datetime import date
from pathlib import Path

import pytest

from issuing_disburse.orders_file import COLUMNS, OrdersFileError, read_orders

TODAY = date(2026, 11, 2)
PERSON = {
    "id": "payout-1",
    "type": "individual",
    "first_name": "Jenny",
    "last_name": "Rosen",
    "reference": "payee-1",
    "email": "jenny@example.com",
    "phone_number": "+1 (614) 555-0100",
    "date_of_birth": "1985-03-14",
    "terms_accepted_at": "2026-11-01T12:00:00Z",
    "terms_ip": "203.0.113.7",
    "line1": "123 Main St",
    "city": "Columbus",
    "state": "OH",
    "postal_code": "43004",
    "country": "US",
    "amount": "125.00",
    "currency": "usd",
    "valid_days": "14",
}
COMPANY = {
    **dict.fromkeys(PERSON, ""),
    **{name: PERSON[name] for name in ("line1", "city", "postal_code", "country", "currency")},
    "id": "payout-2",
    "type": "company",
    "company_name": "Blue Heron Signs",
    "amount": "80.10",
    "amount_rule": "up_to",
}


def csv_of(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "payouts.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def problems_of(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(OrdersFileError) as caught:
        read_orders(path, today=TODAY)
    assert all(one.remedy for one in caught.value.problems)
    return [(one.row, one.field, one.problem) for one in caught.value.problems]


def json_of(*rows: dict[str, object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def listed(tmp_path: Path, content: str | bytes, name: str = "payouts.jsonl") -> Path:
    return written(tmp_path, content).rename(tmp_path / name)
