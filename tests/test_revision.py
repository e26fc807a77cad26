"""
Is a quick copy the same as a checked one?
"""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from issuing_disburse import Money, Terms
from issuing_disburse.records import AccountRecord, CardRecord
from issuing_disburse.revision import revised

CARD = CardRecord(
    card_id="ic_1",
    account="acct_1",
    order_id="claim-8841",
    amount=Money(12_500, "usd"),
    remaining_minor=12_500,
    terms=Terms(),
    expires_at=datetime(2026, 11, 2, 9, tzinfo=UTC) + timedelta(days=30),
    is_open=True,
    card_status="active",
    is_livemode=False,
)


@pytest.mark.parametrize("record", [CARD, AccountRecord(account=None)], ids=["card", "account"])
def test_a_quick_copy_is_equal_to_a_checked_one(record):
    """All fields are there, inherited ones too, and the original is untouched."""
    before = evolve(record)

    assert evolve(record, version=7) == revised(record, version=7)
    assert before == record


def test_a_field_that_is_not_there_is_refused():
    """A misspelt change does not get lost."""
    with pytest.raises(KeyError):
        revised(CARD, remaining=1)
