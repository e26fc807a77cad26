"""
Does a disbursement go only where it may, and show what it has?
"""

from datetime import datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookkeeping import NOW, make_reference
from issuing_disburse.disbursement import (
    CardReference,
    Disbursement,
    Reason,
    Status,
    idempotency_key,
)
from issuing_disburse.exceptions import CardNotIssuedError
from issuing_disburse.money import Money

STEPS = {
    ("pending", "active"),
    ("pending", "failed"),
    ("failed", "pending"),
    ("active", "spent"),
    ("active", "closing"),
    ("active", "closed"),
    ("spent", "active"),
    ("spent", "closing"),
    ("spent", "closed"),
    ("closing", "active"),
    ("closing", "closed"),
    ("closed", "closing"),
}


@pytest.mark.parametrize(("one", "other"), list(product(Status, Status)))
def test_status_changes_along_the_diagram_only(one: Status, other: Status) -> None:
    """Every step that is drawn may be taken, staying may always, and nothing else."""
    assert ((one.value, other.value) in STEPS or one is other) is one.can_become(other)


@pytest.mark.parametrize("status", Status)
def test_no_status_is_a_dead_end(status: Status) -> None:
    """Late money reopens what is closed, a failed order may be tried again."""
    assert any(status.can_become(other) for other in Status if other is not status)


def make_disbursement(
    card: CardReference | None = None, reason: Reason | None = None
) -> Disbursement:
    """
    Make a disbursement, pending without a card.
    """
    return Disbursement(
        order_id="claim-8841",
        account="acct_1",
        status=Status.ACTIVE if card else Status.PENDING,
        amount=Money(12_500, "usd"),
        created_at=NOW,
        expires_at=NOW + timedelta(days=30),
        card_or_none=card,
        reason=reason,
    )


def test_card_is_there_when_it_was_issued() -> None:
    """The card that may be used is the one that was issued."""
    assert make_reference() == make_disbursement(make_reference()).card


def test_card_raises_when_there_is_none() -> None:
    """The error says where the order stands and why, and carries the disbursement."""
    reason = Reason(code="under_review", message="Stripe looks at the cardholder")
    waiting = make_disbursement(reason=reason)
    with pytest.raises(CardNotIssuedError) as caught:
        _ = waiting.card
    with pytest.raises(CardNotIssuedError) as bare:
        _ = make_disbursement().card

    assert "order 'claim-8841' has no card, it is pending: Stripe looks at the cardholder" == str(
        caught.value
    )
    assert ("claim-8841", waiting) == (caught.value.order_id, caught.value.disbursement)
    assert "order 'claim-8841' has no card, it is pending" == str(bare.value)


parts = st.lists(
    st.one_of(st.from_regex(r"[!-~]{1,20}", fullmatch=True), st.integers(0, 99)), min_size=1
)


@given(parts, parts)
def test_keys_are_equal_when_their_parts_are(one: list[str | int], other: list[str | int]) -> None:
    """Two keys are one exactly when they are for the same thing; neither shows what it is for."""
    same = [str(part) for part in one] == [str(part) for part in other]
    key = idempotency_key(*one)

    assert same is (key == idempotency_key(*other))
    assert key == idempotency_key(*one)
    assert len(key) <= 255
    assert key.startswith("idb_")
    assert not any(len(str(part)) > 6 and str(part) in key for part in one)


def test_keys_keep_parts_apart() -> None:
    """Where one part ends and the next begins makes a difference."""
    assert idempotency_key("ab", "c") != idempotency_key("a", "bc")


def test_reason_waits_for_nothing_unless_told() -> None:
    """A bare reason has a code and a sentence."""
    reason = Reason(code="x", message="y")
    later = datetime(2026, 11, 3, tzinfo=NOW.tzinfo)

    assert ("", None, None, None) == (
        reason.remedy,
        reason.param,
        reason.stripe_request_id,
        reason.retry_at,
    )
    assert later == Reason(code="x", message="y", retry_at=later).retry_at
