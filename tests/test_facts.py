"""
Do snapshots merge to what Stripe means, in any order?
"""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from attrs import evolve

from issuing_disburse.facts import (
    Amounts,
    AuthorizationFacts,
    DisputeFacts,
    Facts,
    TransactionFacts,
)

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


def authorization(**changes: Any) -> AuthorizationFacts:
    """
    Make an approved, pending authorization over 100.00, whole.
    """
    whole: dict[str, Any] = {
        "id": "iauth_1",
        "card_id": "ic_1",
        "created": AT,
        "approved": True,
        "status": "pending",
        "amount_minor": 10_000,
        "movements": {"txn_hold": -10_000},
    }
    return AuthorizationFacts(**{**whole, **changes})


def capture(minor: int = -10_000, **changes: Any) -> TransactionFacts:
    """
    Make a capture of the authorization.
    """
    whole: dict[str, Any] = {
        "id": "ipi_1",
        "card_id": "ic_1",
        "created": AT,
        "type": "capture",
        "minor": minor,
        "authorization": "iauth_1",
    }
    return TransactionFacts(**{**whole, **changes})


HELD = authorization()
GROWN = authorization(amount_minor=15_000, movements={"txn_hold": -10_000, "txn_more": -5_000})
SHRUNK = authorization(amount_minor=6_000, movements={"txn_hold": -10_000, "txn_back": 4_000})
CLOSED = authorization(
    status="closed",
    movements={"txn_hold": -10_000, "txn_release": 10_000},
    transactions=frozenset({"ipi_1"}),
)


@pytest.mark.parametrize("order", list(permutations([HELD, GROWN, SHRUNK])))
def test_holds_are_the_sum_of_all_movements_in_any_order(
    order: tuple[AuthorizationFacts, ...],
) -> None:
    """Lists are united by id: what one snapshot missed, another one brings."""
    facts = Facts(scope="ic_1")
    for fact in (*order, *order):
        facts = facts.with_fact(fact)

    known = facts.authorization("iauth_1")
    assert known is not None
    assert 11_000 == facts.held_minor(known)


@pytest.mark.parametrize("order", list(permutations([HELD, CLOSED, GROWN])))
def test_status_only_moves_forward_in_any_order(order: tuple[AuthorizationFacts, ...]) -> None:
    """What is closed stays closed when an old snapshot comes late."""
    facts = Facts(scope="ic_1")
    for fact in order:
        facts = facts.with_fact(fact)

    known = facts.authorization("iauth_1")
    assert known is not None
    assert ("closed", {"ipi_1"}) == (known.status, known.transactions)
    assert not facts.is_open


@pytest.mark.parametrize("status", ["reversed", "expired", "closed"])
def test_nothing_is_held_when_a_thin_snapshot_says_that_it_ended(status: str) -> None:
    """A snapshot without its lists ends the hold as well as a whole one."""
    thin = authorization(status=status, amount_minor=0, movements={})
    for order in ((HELD, thin), (thin, HELD)):
        facts = Facts(scope="ic_1").with_fact(order[0]).with_fact(order[1])

        assert 0 == facts.held_minor(facts.authorizations[0])
        assert not facts.is_open


def test_thin_snapshot_holds_its_amount_while_it_is_pending() -> None:
    """Without lists the hold follows from the amount."""
    assert 10_000 == authorization(movements={}).held_minor
    assert 10_000 == authorization(movements={}, status="unheard_of").held_minor


def test_nothing_is_held_when_it_was_not_approved() -> None:
    """A decline holds nothing, whatever its amount; an approval is never taken back."""
    declined = authorization(approved=False)

    assert (0, False) == (declined.held_minor, declined.is_open)
    assert declined.merged(HELD).approved
    assert HELD.merged(declined).approved


@pytest.mark.parametrize(
    ("one", "other", "is_ordered"),
    [
        (HELD, CLOSED, True),
        (authorization(movements={}), authorization(movements={}), True),
        (authorization(movements={}), HELD, True),
        (HELD, GROWN, True),
        (authorization(movements={}), GROWN, False),
        (authorization(movements={}, amount_minor=6_000), authorization(movements={}), False),
        (
            authorization(movements={}, status="expired"),
            authorization(movements={}, status="reversed", amount_minor=0),
            False,
        ),
    ],
)
def test_snapshots_are_ordered_when_one_is_plainly_later(
    one: AuthorizationFacts, other: AuthorizationFacts, *, is_ordered: bool
) -> None:
    """Without lists on both sides two amounts of one status need a look at Stripe."""
    assert (is_ordered, is_ordered) == (
        one.is_ordered_against(other),
        other.is_ordered_against(one),
    )


def test_capture_lowers_the_hold_when_it_comes_before_the_release() -> None:
    """A capture whose authorization does not name it yet is not counted twice."""
    facts = Facts(scope="ic_1").with_fact(HELD).with_fact(capture(-4_000))
    named = facts.with_fact(evolve(HELD, transactions=frozenset({"ipi_1"})))
    unlinked = Facts(scope="ic_1").with_fact(HELD).with_fact(capture(authorization=None))

    assert 6_000 == facts.held_minor(HELD)
    assert 10_000 == named.held_minor(named.authorizations[0])
    assert 10_000 == unlinked.held_minor(HELD)
    assert 0 == facts.with_fact(capture(-20_000, id="ipi_2")).held_minor(HELD)


def test_refund_does_not_lower_the_hold() -> None:
    """Only captures take from what is held."""
    facts = Facts(scope="ic_1").with_fact(HELD).with_fact(capture(4_000, type="refund"))

    assert 10_000 == facts.held_minor(HELD)


def test_transaction_keeps_its_authorization_when_a_snapshot_lacks_it() -> None:
    """The snapshot that knows more wins, whichever came first."""
    whole, thin = capture(), capture(authorization=None)

    assert whole == whole.merged(thin) == thin.merged(whole)


@pytest.mark.parametrize(
    ("one", "other", "later"),
    [
        ("unsubmitted", "submitted", "submitted"),
        ("submitted", "lost", "lost"),
        ("lost", "submitted", "lost"),
        ("won", "submitted", "won"),
        ("unheard_of", "submitted", "submitted"),
    ],
)
def test_dispute_moves_forward_and_unites_its_movements(one: str, other: str, later: str) -> None:
    """The later status counts, and every movement once."""
    first = DisputeFacts(id="idp_1", transaction="ipi_1", status=one, movements={"a": 500})
    second = DisputeFacts(
        id="idp_1", transaction="ipi_1", status=other, movements={"a": 500, "b": -200}
    )
    facts = Facts(scope="ic_1").with_fact(first).with_fact(second).with_fact(first)

    assert (later, 300) == (facts.disputes[0].status, facts.disputes[0].credited_minor)


def test_captures_and_refunds_come_in_the_order_of_their_time() -> None:
    """Books are computed oldest first; a type nobody has heard of counts by its sign."""
    late = capture(id="ipi_0", created=AT + timedelta(seconds=1))
    refund = capture(500, id="ipi_r", type="refund")
    other = capture(-500, id="ipi_x", type="unheard_of")
    facts = Facts(scope="ic_1", allotted=(Amounts(id="ic_1", minor=10_000),))
    for fact in (late, refund, capture(), other):
        facts = facts.with_fact(fact)

    assert ["ipi_1", "ipi_x", "ipi_0"] == [one.id for one in facts.captures()]
    assert ["ipi_r"] == [one.id for one in facts.refunds()]


def test_facts_are_open_when_something_is_pending_or_held() -> None:
    """An authorization for nothing is open while it may be captured."""
    assert not Facts(scope="ic_1").is_open
    assert Facts(scope="ic_1").with_fact(HELD).is_open
    assert Facts(scope="ic_1").with_fact(authorization(movements={}, amount_minor=0)).is_open
    assert Facts(scope="ic_1").authorization("iauth_2") is None
    assert Facts(scope="ic_1").authorization(None) is None
