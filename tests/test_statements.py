"""
Does a statement say where every cent went?
"""

from attrs import evolve

from bookkeeping import NOW, book, chain, make_record, make_store, statement
from issuing_disburse.disbursement import Status
from issuing_disburse.facts import (
    Amounts,
    AuthorizationFacts,
    DisputeFacts,
    Facts,
    TransactionFacts,
)
from issuing_disburse.money import Money
from issuing_disburse.statements import statement_of


def usd(minor: int) -> Money:
    """
    Return dollars.
    """
    return Money(minor, "usd")


def transaction(name: str, minor: int) -> TransactionFacts:
    """
    Make a capture (negative) or a refund (positive).
    """
    kind = "capture" if minor < 0 else "refund"
    return TransactionFacts(id=name, card_id="ic_1", created=NOW, type=kind, minor=minor)


HOLD = AuthorizationFacts(
    id="iauth_1",
    card_id="ic_1",
    created=NOW,
    approved=True,
    status="pending",
    amount_minor=3_000,
)
DISPUTE = DisputeFacts(
    id="idp_1", transaction="ipi_1", status="submitted", movements={"txn_1": 400, "txn_2": -100}
)


def test_statement_adds_up_everything_that_happened() -> None:
    """Funded, refunded, disputed and covered are spent, held, reclaimed and remaining."""
    facts = Facts(
        scope="ic_1",
        allotted=(Amounts(id="ic_1", minor=10_000),),
        reclaimed=(Amounts(id="close_1", minor=2_000),),
    )
    for fact in (transaction("ipi_1", -4_000), transaction("ipi_2", 250), HOLD, DISPUTE):
        facts = facts.with_fact(fact)
    store = make_store()
    record = book(store, make_record(), facts)

    said = statement(store, record)
    assert ("claim-8841", Status.ACTIVE) == (said.order_id, said.status)
    assert (usd(10_000), usd(250), usd(300), usd(0)) == (
        said.funded,
        said.refunded,
        said.disputed,
        said.covered,
    )
    assert (usd(4_000), usd(3_000), usd(2_000), usd(1_550)) == (
        said.spent,
        said.held,
        said.reclaimed,
        said.remaining,
    )
    assert said.is_balanced
    assert chain(store, record) == said.entries


def test_statement_says_what_the_account_had_to_cover() -> None:
    """A late capture after everything was reclaimed is spent, covered, and leaves nothing."""
    facts = Facts(
        scope="ic_1",
        allotted=(Amounts(id="ic_1", minor=10_000),),
        reclaimed=(Amounts(id="close_1", minor=10_000),),
    )
    store = make_store()
    record = book(store, make_record(), facts)
    record = book(store, record, facts.with_fact(transaction("ipi_1", -2_500)))

    said = statement(store, record)
    assert (usd(2_500), usd(2_500), usd(0)) == (said.spent, said.covered, said.remaining)
    assert said.is_balanced


def test_statement_of_nothing_is_balanced() -> None:
    """An order that never had money has a statement of zeros."""
    said = statement_of("claim-1", Status.FAILED, "eur", [])

    assert {Money(0, "eur")} == {said.funded, said.spent, said.remaining, said.covered}
    assert said.is_balanced


def test_statement_is_not_balanced_when_a_figure_is_off() -> None:
    """The check is a real one: a cent more or less is seen."""
    store = make_store()
    record = book(
        store, make_record(), Facts(scope="ic_1", allotted=(Amounts(id="ic_1", minor=500),))
    )
    said = statement(store, record)

    assert said.is_balanced
    for name in ("funded", "held", "spent", "refunded", "disputed", "covered", "reclaimed"):
        assert not evolve(said, **{name: getattr(said, name) + usd(1)}).is_balanced


def test_statement_prints_its_figures_and_no_entry() -> None:
    """What is printed is the order, its status and each figure, on one line."""
    store = make_store()
    record = book(
        store, make_record(), Facts(scope="ic_1", allotted=(Amounts(id="ic_1", minor=500),))
    )
    expected = (
        "claim-8841 is active: funded 5.00 usd, held 0.00 usd, spent 0.00 usd, refunded 0.00 usd, "
        "disputed 0.00 usd, covered 0.00 usd, reclaimed 0.00 usd, remaining 5.00 usd"
    )

    assert expected == str(statement(store, record))
