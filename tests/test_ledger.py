"""
Do facts determine lines, and lines balances, to the cent?
"""

from datetime import timedelta
from itertools import accumulate, permutations
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from bookkeeping import NOW, changed
from issuing_disburse.exceptions import ChainBrokenError, OverdrawnError
from issuing_disburse.facts import Amounts, AuthorizationFacts, Facts, TransactionFacts
from issuing_disburse.ledger import (
    GENESIS,
    Entry,
    Line,
    balances,
    check_not_overdrawn,
    difference,
    lines_for,
    posted_lines,
    verify_chain,
)

HOLD = Line("hold", "iauth_1", "card:ic_1", "hold:iauth_1", 100)


def make_chain(*bundles: tuple[Line, ...]) -> list[Entry]:
    """
    Chain one entry per bundle of lines.
    """

    def after(previous: Entry, lines: tuple[Line, ...]) -> Entry:
        return make_entry(seq=previous.seq + 1, previous=previous.digest, lines=lines)

    first = make_entry(lines=bundles[0])
    return list(accumulate(bundles[1:], after, initial=first))


def make_entry(**changes: Any) -> Entry:
    """
    Make a sealed entry, the first of its chain unless told otherwise.
    """
    whole: dict[str, Any] = {
        "scope": "acct_1/claim-8841",
        "seq": 1,
        "at": NOW,
        "currency": "usd",
        "cause": "evt_1",
        "lines": (HOLD,),
    }
    return Entry(**{**whole, **changes}).sealed()


@st.composite
def line_sets(draw: st.DrawFn) -> tuple[Line, ...]:
    """
    Generate lines among a few accounts and objects, as facts would.
    """
    accounts = st.sampled_from(["card:ic_1", "hold:iauth_1", "spent:ic_1", "world"])
    keys = st.tuples(
        st.sampled_from(["hold", "capture"]), st.sampled_from("ab"), accounts, accounts
    )
    chosen = draw(st.lists(keys.filter(lambda key: key[2] != key[3]), max_size=6, unique=True))
    return tuple(Line(*key, draw(st.integers(1, 1_000))) for key in chosen)


@given(st.lists(line_sets(), min_size=1, max_size=6))
def test_difference_leads_to_what_is_wanted_after_any_corrections(
    wanted: list[tuple[Line, ...]],
) -> None:
    """Posting differences one after the other ends where the last one wants, and then stays."""
    posted: tuple[Line, ...] = ()
    for lines in wanted:
        posted += difference(posted, lines)

        assert nonzero(balances(lines)) == nonzero(balances(posted))
        assert () == difference(posted, lines)
        assert all(line.minor > 0 for line in posted)


def nonzero(sums: dict[str, int]) -> dict[str, int]:
    """
    Return the accounts that hold something.
    """
    return {name: minor for name, minor in sums.items() if minor}


def test_difference_takes_back_what_is_no_longer_wanted() -> None:
    """A correction is a reversal with the same cause, never a change of what was posted."""
    assert (evolve(HOLD.reversed(), minor=40),) == difference([HOLD], [evolve(HOLD, minor=60)])
    assert (HOLD.reversed(),) == difference([HOLD], [])
    assert (HOLD,) == difference([], [HOLD])
    assert HOLD == HOLD.reversed().reversed()


def test_posted_lines_net_a_line_with_its_reversal() -> None:
    """After a correction the books know what still stands, and correct nothing again."""
    entries = make_chain((HOLD,), (evolve(HOLD.reversed(), minor=40),))
    left = evolve(HOLD, minor=60)

    assert (left,) == posted_lines(entries)
    assert () == difference(posted_lines(entries), [left])
    assert () == posted_lines(make_chain((HOLD,), (HOLD.reversed(),)))


def test_lines_are_the_same_in_any_order_of_what_is_posted() -> None:
    """The order of lines within an entry follows from the lines alone."""
    lines = [HOLD, evolve(HOLD, object_id="iauth_2"), evolve(HOLD, effect="capture")]

    assert 1 == len({difference((), order) for order in permutations(lines)})


@pytest.mark.parametrize(
    "account", ["card:ic_1", "hold:iauth_1", "spent:ic_1", "covered:x", "fees:"]
)
def test_overdraft_is_refused_where_the_books_do_not_allow_it(account: str) -> None:
    """Cards, holds and what was spent never stand below zero; the error names the account."""
    check_not_overdrawn({account: 0})
    with pytest.raises(OverdrawnError, match=f"{account} would stand at -1 minor units"):
        check_not_overdrawn({account: -1})


@pytest.mark.parametrize(
    "account", ["world", "late:ipi_1", "issuing:available", "foreign:", "opening:"]
)
def test_overdraft_is_fine_where_captures_cannot_be_declined(account: str) -> None:
    """The world, late captures and the account's own balance may go below zero."""
    check_not_overdrawn({account: -1})


def make_facts(*facts: AuthorizationFacts | TransactionFacts, allotted: int = 1_000) -> Facts:
    """
    Merge facts about a card with *allotted* minor units.
    """
    merged = Facts(scope="ic_1", allotted=(Amounts(id="ic_1", minor=allotted),))
    for fact in facts:
        merged = merged.with_fact(fact)
    return merged


def make_transaction(minor: int, name: str = "ipi_1", **changes: Any) -> TransactionFacts:
    """
    Make a capture (negative) or a refund (positive) without an authorization.
    """
    kind = "capture" if minor < 0 else "refund"
    whole: dict[str, Any] = {"id": name, "card_id": "ic_1", "created": NOW, "type": kind}
    return TransactionFacts(**{**whole, "minor": minor, **changes})


def make_hold(minor: int, name: str = "iauth_1") -> AuthorizationFacts:
    """
    Make a pending authorization.
    """
    return AuthorizationFacts(
        id=name,
        card_id="ic_1",
        created=NOW,
        approved=True,
        status="pending",
        amount_minor=minor,
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (make_facts(), {"card:ic_1": 1_000}),
        (make_facts(make_hold(400)), {"card:ic_1": 600, "hold:iauth_1": 400}),
        (make_facts(make_transaction(-400)), {"card:ic_1": 600, "spent:ic_1": 400}),
        (
            make_facts(make_transaction(-1_300)),
            {"spent:ic_1": 1_300, "late:ipi_1": -300, "covered:ic_1": 300},
        ),
        (
            make_facts(make_hold(900), make_transaction(-400)),
            {
                "spent:ic_1": 400,
                "hold:iauth_1": 900,
                "late:iauth_1": -300,
                "covered:ic_1": 300,
            },
        ),
        (
            make_facts(make_transaction(-1_000), make_transaction(250, "ipi_2")),
            {"card:ic_1": 250, "spent:ic_1": 1_000, "world": -250},
        ),
        (
            make_facts(make_transaction(250), make_transaction(-250, "ipi_2", type="refund")),
            {"card:ic_1": 1_000},
        ),
        (
            make_facts(make_transaction(-1_200, type="refund")),
            {"world": 1_200, "late:ipi_1": -200, "covered:ic_1": 200},
        ),
        (
            evolve(make_facts(make_transaction(-400)), reclaimed=(Amounts(id="x", minor=700),)),
            {"card:ic_1": 0, "spent:ic_1": 400, "late:ipi_1": -100, "covered:ic_1": 100},
        ),
    ],
)
def test_lines_put_money_where_it_went(facts: Facts, expected: dict[str, int]) -> None:
    """Captures are paid before holds; what the card does not have is covered, and named."""
    sums = balances(lines_for(facts))
    available = sums.pop("issuing:available")

    assert nonzero(expected) == nonzero(sums)
    assert 0 == available + sum(sums.values())


def test_captures_are_paid_oldest_first() -> None:
    """The later one is the late one, also when it was heard of first."""
    early, late = make_transaction(-800), make_transaction(-800, "ipi_0")
    late = evolve(late, created=NOW + timedelta(seconds=1))
    lines = lines_for(make_facts(late, early))

    assert ["ipi_0"] == [one.object_id for one in lines if one.effect == "cover"]


def test_chain_verifies_and_ends_with_its_last_hash() -> None:
    """Every entry carries the hash of the one before; nothing is the start of everything."""
    entries = make_chain((HOLD,), (HOLD.reversed(),), (HOLD,))

    assert entries[-1].digest == verify_chain(entries)
    assert GENESIS == verify_chain([])
    assert 3 == len({entry.digest for entry in entries})


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"scope": "acct_1/other"}, 2),
        ({"at": NOW + timedelta(microseconds=1)}, 2),
        ({"currency": "eur"}, 2),
        ({"cause": "evt_2"}, 2),
        ({"lines": (evolve(HOLD, minor=101),)}, 2),
        ({"lines": (evolve(HOLD, object_id="iauth_2"),)}, 2),
        ({"lines": (evolve(HOLD, effect="capture"),)}, 2),
        ({"lines": (HOLD.reversed(),)}, 2),
        ({"lines": ()}, 2),
        ({"seq": 3}, 2),
        ({"previous": GENESIS}, 2),
        ({"digest": "f" * 64}, 2),
    ],
)
def test_chain_breaks_when_any_field_of_an_entry_changes(change: dict[str, Any], at: int) -> None:
    """Not a cent, a cause or a microsecond can be changed; the error names the entry."""
    entries = make_chain((HOLD,), (HOLD,), (HOLD,))
    entries[at - 1] = changed(entries[at - 1], **change)

    with pytest.raises(ChainBrokenError, match=f"entry {at} of"):
        verify_chain(entries)


def test_chain_breaks_when_a_changed_entry_is_sealed_again() -> None:
    """A forger who knows how to seal breaks the link of the next entry."""
    entries = make_chain((HOLD,), (HOLD,), (HOLD,))
    entries[1] = changed(entries[1], lines=(HOLD.reversed(),)).sealed()

    with pytest.raises(ChainBrokenError, match="entry 3 of"):
        verify_chain(entries)


@pytest.mark.parametrize("order", [(1, 2), (0, 2), (1, 0, 2), (0, 0, 1, 2)])
def test_chain_breaks_when_entries_are_missing_swapped_or_doubled(order: tuple[int, ...]) -> None:
    """Removing, swapping and repeating are seen."""
    entries = make_chain((HOLD,), (HOLD,), (HOLD,))

    with pytest.raises(ChainBrokenError):
        verify_chain([entries[index] for index in order])
