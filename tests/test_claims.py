"""
Is each use promised once, and what is left counted right?
"""

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from bookkeeping import NOW, make_card
from issuing_disburse.claims import allotment_of, answer_for, answer_to, with_claim
from issuing_disburse.decision import Decision, Use
from issuing_disburse.money import Money
from issuing_disburse.records import CardRecord, Claim
from issuing_disburse.terms import AmountRule, Terms
from issuing_disburse.testing.policy_kit import make_request

APPROVED = Decision(approved=True, code="approved")
SEVERAL = Terms(amount=AmountRule.up_to(), uses=3)


def claimed(card: CardRecord, amount: int, name: str = "iauth_1", **changes: object) -> CardRecord:
    """
    Promise *amount* to one authorization.
    """
    event = changes.pop("event_id", f"evt_{name}_{amount}")
    request = make_request(amount, authorization_id=name, event_id=event, **changes)  # type: ignore[arg-type]  # by name
    return with_claim(card, request, answer_for(request, APPROVED))


def usd(minor: int) -> Money:
    """
    Return dollars.
    """
    return Money(minor, "usd")


def test_allotment_is_the_whole_card_when_nothing_is_claimed() -> None:
    """A fresh card may do all that its terms say."""
    allotment = allotment_of(make_card(terms=SEVERAL))

    assert (usd(12_500), usd(12_500), 3, 3) == (
        allotment.amount,
        allotment.remaining,
        allotment.uses_left,
        allotment.probes_left,
    )
    assert ("claim-8841", "ic_1", "acct_1", True, ()) == (
        allotment.order_id,
        allotment.card_id,
        allotment.account,
        allotment.is_open,
        allotment.history,
    )
    assert (SEVERAL, NOW + timedelta(days=30), 100) == (
        allotment.terms,
        allotment.expires_at,
        allotment.probe_max_minor,
    )


def test_claim_takes_money_and_a_use_until_it_is_released() -> None:
    """What is promised is not there for another one; what is released is."""
    card = claimed(make_card(terms=SEVERAL), 4_000)
    taken = allotment_of(card)
    released = allotment_of(evolve(card, claims=(card.claims[0].released(),)))

    assert (usd(8_500), 2, 3) == (taken.remaining, taken.uses_left, taken.probes_left)
    assert ["iauth_1"] == [use.authorization_id for use in taken.history]
    assert (usd(12_500), 3, ()) == (released.remaining, released.uses_left, released.history)


def test_claim_takes_no_money_twice_when_the_books_have_it() -> None:
    """A confirmed claim is in the ledger, hence no longer pending; its use stays taken."""
    card = claimed(make_card(terms=SEVERAL), 4_000)
    booked = evolve(card, remaining_minor=8_500, claims=(card.claims[0].confirmed(4_000),))

    assert (usd(8_500), 2) == (allotment_of(booked).remaining, allotment_of(booked).uses_left)


def test_claim_is_for_the_part_that_was_approved() -> None:
    """A partial approval promises the part, not what was asked."""
    decision = Decision(approved=True, code="partial", amount=usd(3_000))
    request = make_request(5_000)
    card = with_claim(make_card(), request, answer_for(request, decision))

    assert (3_000, usd(3_000)) == (card.claims[0].pending_minor, card.claims[0].use.amount)


def test_probe_takes_a_probe_and_no_use() -> None:
    """A small test of the card leaves its uses alone."""
    card = claimed(make_card(terms=SEVERAL), 100)

    assert card.claims[0].use.is_probe
    assert (3, 2) == (allotment_of(card).uses_left, allotment_of(card).probes_left)
    assert not claimed(make_card(), 101).claims[0].use.is_probe


def test_increment_adds_to_its_own_claim() -> None:
    """One authorization is one use, of all that was approved in it."""
    card = claimed(make_card(terms=SEVERAL), 4_000)
    grown = claimed(card, 1_500, already_approved=4_000)
    allotment = allotment_of(grown)

    assert 1 == len(grown.claims)
    assert (5_500, "provisional") == (grown.claims[0].pending_minor, grown.claims[0].state)
    assert (usd(7_000), 2) == (allotment.remaining, allotment.uses_left)
    assert usd(5_500) == grown.claims[0].use.amount


def test_increment_opens_a_confirmed_claim_again() -> None:
    """What Stripe has confirmed stays settled; only the increment is pending."""
    card = claimed(make_card(), 4_000)
    confirmed = evolve(card, claims=(card.claims[0].confirmed(4_000),))
    grown = claimed(confirmed, 1_500, already_approved=4_000).claims[0]

    assert (4_000, 1_500, "provisional") == (grown.settled_minor, grown.pending_minor, grown.state)


def test_increment_leaves_the_claims_of_others_alone() -> None:
    """Only the authorization that grows is changed."""
    card = claimed(claimed(make_card(terms=SEVERAL), 1_000, "iauth_1"), 2_000, "iauth_2")
    grown = claimed(card, 500, "iauth_2", already_approved=2_000)

    assert card.claims[0] == grown.claims[0]
    assert [1_000, 2_500] == [claim.pending_minor for claim in grown.claims]


def test_probe_becomes_a_use_when_it_grows_beyond_one() -> None:
    """A pump's test that is raised to a tank of fuel is a purchase, and takes the card's use."""
    card = claimed(make_card(), 100)
    small = claimed(evolve(card, probe_max_minor=150), 50, already_approved=100)
    large = claimed(card, 9_900, already_approved=100)

    assert (1, 0) == (allotment_of(small).uses_left, allotment_of(small).probes_left)
    assert (0, 1) == (allotment_of(large).uses_left, allotment_of(large).probes_left)
    assert usd(10_000) == large.claims[0].use.amount


def test_claim_is_made_when_an_increment_is_the_first_we_hear() -> None:
    """What was approved without us is settled, what we approve is pending, and all is one use."""
    card = claimed(make_card(terms=SEVERAL), 500, already_approved=50)
    claim = card.claims[0]

    assert (50, 500, usd(550)) == (claim.settled_minor, claim.pending_minor, claim.use.amount)
    assert not claim.use.is_probe
    assert 2 == allotment_of(card).uses_left


def test_answer_is_remembered_for_the_very_same_delivery() -> None:
    """The same event of the same authorization is answered alike; another one is a new question."""
    card = claimed(make_card(), 4_000, event_id="evt_1")

    def asked(event: str, authorization: str) -> Decision | None:
        found = answer_to(card, make_request(1, event_id=event, authorization_id=authorization))
        return found.decision if found else None

    assert APPROVED == asked("evt_1", "iauth_1")
    assert (None, None) == (asked("evt_2", "iauth_1"), asked("evt_1", "iauth_2"))


def test_memory_is_bounded() -> None:
    """A card that is asked for ever keeps the latest twenty answers and looks back on fifty uses."""
    card = make_card(remaining_minor=10**6, terms=SEVERAL)
    for number in range(60):
        card = claimed(card, 200, f"iauth_{number}")

    assert (20, 60, 50) == (len(card.answers), len(card.claims), len(allotment_of(card).history))
    assert "iauth_59" == card.answers[-1].authorization_id
    assert "iauth_59" == allotment_of(card).history[-1].authorization_id


uses = st.builds(
    Use,
    authorization_id=st.sampled_from(["a", "b", "c"]),
    at=st.just(NOW),
    amount=st.builds(usd, st.integers(0, 10**6)),
    is_probe=st.booleans(),
)
claims = st.builds(
    Claim, use=uses, settled_minor=st.integers(0, 10**6), pending_minor=st.integers(0, 10**6)
)


@given(claims, st.integers(0, 10**6))
def test_confirming_never_frees_what_may_still_be_confirmed(claim: Claim, approved: int) -> None:
    """Settled and pending together never fall, an old snapshot takes nothing away."""
    after = claim.confirmed(approved)

    assert after.settled_minor >= max(claim.settled_minor, approved)
    assert after.settled_minor + after.pending_minor == max(
        claim.settled_minor + claim.pending_minor, approved
    )
    assert after == after.confirmed(approved)
    state = "provisional" if after.pending_minor else "confirmed"
    assert (state, claim.use) == (after.state, after.use)


@given(claims)
def test_releasing_promises_nothing_any_more(claim: Claim) -> None:
    """A released claim has nothing pending, and keeps what was settled."""
    after = claim.released()

    assert (0, "released") == (after.pending_minor, after.state)
    assert (claim.settled_minor, claim.use) == (after.settled_minor, after.use)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5_000)), max_size=6))
def test_claims_never_promise_a_cent_twice(asked: list[tuple[str, int]]) -> None:
    """However authorizations come and grow, what remains is the balance less all that was bought."""
    card = make_card(remaining_minor=100_000, terms=SEVERAL)
    approved: dict[str, int] = {}
    for name, amount in asked:
        card = claimed(card, amount, name, already_approved=approved.get(name, 0))
        approved[name] = approved.get(name, 0) + amount
    allotment = allotment_of(card)

    bought = [total for total in approved.values() if total > card.probe_max_minor]
    assert 100_000 - sum(bought) == allotment.remaining.minor
    assert len(approved) == len(card.claims)
    assert approved == {claim.use.authorization_id: claim.use.amount.minor for claim in card.claims}
    assert 3 - sum(total > 100 for total in approved.values()) == allotment.uses_left


@pytest.mark.parametrize("is_open", [True, False])
def test_allotment_is_closed_when_the_card_is(*, is_open: bool) -> None:
    """Rules learn whether the disbursement is active."""
    assert is_open is allotment_of(make_card(is_open=is_open)).is_open
