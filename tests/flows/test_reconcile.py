"""
Is every difference between our books and Stripe's found, named, and mended where that is safe?
"""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from behind_our_back import Somebody, open_accident
from bookkeeping import NOW, book
from issuing_disburse import Discrepancy, Money, Reconciliation, Terms
from issuing_disburse.exceptions import InvalidInputError, UnavailableError
from issuing_disburse.facts import TransactionFacts
from issuing_disburse.reconcile import Kind
from issuing_disburse.records import CardRecord, DisbursementRecord
from issuing_disburse.simulator.faults import Fault, LoseConnection
from world import make_order


@pytest.fixture(params=["memory://", "sqlite://"])
def accident(request: pytest.FixtureRequest) -> Iterator[Somebody]:
    """
    A world in which events get lost and people have access.
    """
    with open_accident(request.param) as opened:
        yield opened


def named(found: Reconciliation) -> list[tuple[Kind, str]]:
    """
    Name the differences by kind and object.
    """
    return [(one.kind, one.object_id) for one in found.discrepancies]


def only(found: Reconciliation) -> Discrepancy:
    """
    Return the single difference.
    """
    (one,) = found.discrepancies
    return one


def buy(world: Somebody, order_id: str = "claim-8841") -> tuple[str, str]:
    """
    Disburse an order, let a merchant collect all of it, and return authorization and transaction.
    """
    card = world.disburser.disburse(make_order(order_id)).card
    authorization = world.simulator.authorize(card.id, 12_500)
    world.simulator.capture(authorization["id"])
    made = world.simulator.objects("transaction", world.account)
    (ipi,) = [one["id"] for one in made if one["authorization"] == authorization["id"]]
    return authorization["id"], ipi


def test_nothing_differs_when_nothing_happened(accident: Somebody) -> None:
    """Books that were never opened and an account that was never used agree."""
    found = accident.disburser.reconcile()

    assert (True, 0, ()) == (found.is_clean, found.matched, found.discrepancies)


def test_a_lost_capture_is_missing_here_and_can_be_booked(accident: Somebody) -> None:
    """A dropped webhook is found with both sides and its age, and repair books it to the cent."""
    accident.lose("issuing_transaction.created", "issuing_authorization.updated")
    iauth, ipi = buy(accident)
    accident.lose()
    accident.simulator.clock.advance(timedelta(hours=1))

    found = accident.disburser.reconcile()

    assert {("missing_here", ipi), ("amount_differs", iauth)} == set(named(found))
    missing = next(one for one in found.discrepancies if one.object_id == ipi)
    assert (Money(0, "usd"), Money(-12_500, "usd")) == (missing.here, missing.there)
    assert (3_600, "warning", "book") == (missing.age_seconds, missing.severity, missing.action)
    assert "claim-8841" == missing.order_id
    before = accident.simulator.payments_balance(None)
    assert {"booked", "unchanged"} >= {one.outcome for one in found.repair()}
    assert () == accident.disburser.reconcile().discrepancies
    assert before == accident.simulator.payments_balance(None)
    statement = accident.disburser.statement("claim-8841")
    assert (Money(12_500, "usd"), Money(0, "usd")) == (statement.spent, statement.held)
    assert statement.is_balanced


def test_repair_reads_and_moves_nothing(accident: Somebody) -> None:
    """Repairing sends nothing but reads to Stripe, and repairing again changes nothing."""
    accident.lose("issuing_transaction.created", "issuing_authorization.updated")
    buy(accident)
    accident.lose()
    found = accident.disburser.reconcile()
    sent = len(accident.simulator.requests)

    found.repair()

    asked = {one.method for one in accident.simulator.requests[sent:]}
    assert {"GET"} == asked
    assert {"unchanged"} == {one.outcome for one in accident.disburser.repair(found)}


def test_a_lost_void_is_found_and_released(accident: Somebody) -> None:
    """A hold that Stripe has released, and we have not, is named and released."""
    card = accident.disburser.disburse(make_order()).card
    authorization = accident.simulator.authorize(card.id, 12_500)
    accident.lose("issuing_authorization.updated", "issuing_card.updated")
    accident.simulator.reverse(authorization["id"])
    accident.lose()

    found = accident.disburser.reconcile()

    held = next(one for one in found.discrepancies if one.object_id == authorization["id"])
    assert ("amount_differs", "book", "reversed") == (held.kind, held.action, held.there_status)
    found.repair()
    assert () == accident.disburser.reconcile().discrepancies


def test_a_hold_that_outlived_its_merchant_is_stale(accident: Somebody) -> None:
    """A lost expiry leaves a hold here long after Stripe let go: a stale hold, repaired."""
    card = accident.disburser.disburse(make_order(terms=Terms(valid_for=timedelta(days=90)))).card
    authorization = accident.simulator.authorize(card.id, 12_500)
    accident.lose("issuing_authorization.updated", "issuing_card.updated")
    accident.simulator.clock.advance(timedelta(days=9))
    accident.lose()

    found = accident.disburser.reconcile()

    assert ("stale_hold", authorization["id"]) in named(found)
    found.repair()
    assert () == accident.disburser.reconcile().discrepancies


def test_a_lost_refund_and_a_lost_dispute_are_booked(accident: Somebody) -> None:
    """Money that came back without our hearing of it is found and booked."""
    _, ipi = buy(accident)
    accident.lose(
        "issuing_transaction.created",
        "issuing_dispute.created",
        "issuing_dispute.updated",
        "issuing_dispute.submitted",
        "issuing_dispute.funds_reinstated",
        "issuing_dispute.closed",
    )
    refund = accident.simulator.refund(ipi, 2_500)
    dispute = accident.by_hand(
        "/v1/issuing/disputes", transaction=ipi, evidence={"reason": "not_received"}
    )
    accident.by_hand(
        f"/v1/issuing/disputes/{dispute['id']}",
        evidence={
            "not_received": {
                "expected_at": 1_793_000_000,
                "explanation": "nothing came",
                "product_description": "a chair",
                "product_type": "merchandise",
            }
        },
    )
    accident.by_hand(f"/v1/issuing/disputes/{dispute['id']}/submit")
    accident.simulator.decide_dispute(dispute["id"], won=True)
    accident.lose()

    found = accident.disburser.reconcile()

    assert ("missing_here", refund["id"]) in named(found)
    assert ("missing_here", dispute["id"]) in named(found)
    found.repair()
    assert () == accident.disburser.reconcile().discrepancies
    assert accident.disburser.statement("claim-8841").is_balanced


def test_a_cancelled_card_that_we_think_open_differs_in_status(accident: Somebody) -> None:
    """Somebody cancels a card in the dashboard, the event is lost: named, and booked by repair."""
    card = accident.disburser.disburse(make_order()).card
    accident.lose("issuing_card.updated")
    accident.by_hand(f"/v1/issuing/cards/{card.id}", status="canceled")
    accident.lose()

    found = accident.disburser.reconcile()

    one = only(found)
    assert ("status_differs", card.id) == (one.kind, one.object_id)
    assert ("active", "canceled", "book") == (one.here_status, one.there_status, one.action)
    assert ["booked"] == [done.outcome for done in found.repair()]
    assert () == accident.disburser.reconcile().discrepancies


def test_money_moved_by_hand_is_unexplained(accident: Somebody) -> None:
    """A balance transfer behind our back is found, in either direction, and not booked as ours."""
    accident.disburser.disburse(make_order())
    accident.simulator.fund_issuing(accident.account, 5_000)
    accident.simulator.take_back_issuing(accident.account, 700)

    found = accident.disburser.reconcile()

    assert {("unexplained", 5_000, "notice"), ("unexplained", -700, "critical")} == {
        (one.kind, one.there.minor, one.severity) for one in found.discrepancies
    }
    assert () == found.repair()
    assert not accident.disburser.reconcile().is_clean


def test_money_taken_in_the_second_of_the_opening_is_told_from_it(accident: Somebody) -> None:
    """What the balance held before is explained, although something else moved in the same second."""
    accident.simulator.fund_issuing(accident.account, 50_000)
    buy(accident)
    assert accident.disburser.reconcile().is_clean
    accident.simulator.take_back_issuing(accident.account, 700)

    one = only(accident.disburser.reconcile())

    assert ("unexplained", Money(-700, "usd")) == (one.kind, one.there)


def test_a_transfer_made_by_hand_is_unexplained_unless_it_is_explained(accident: Somebody) -> None:
    """A transfer that no order asked for is found; a caller who knows it can say so."""
    accident.disburser.disburse(make_order())
    made = accident.by_hand(
        "/v1/transfers", as_platform=True, amount=900, currency="usd", destination=accident.account
    )

    found = accident.disburser.reconcile()
    explained = accident.disburser.reconcile(is_explained=lambda one: one["id"] == made["id"])

    one = only(found)
    assert ("unexplained", made["id"], "transfer") == (one.kind, one.object_id, one.object_type)
    assert Money(900, "usd") == one.there
    assert () == explained.discrepancies


def test_a_transfer_of_ours_that_somebody_reversed_is_critical(accident: Somebody) -> None:
    """Taking back by hand what paid for a card is found under the reversal's own name."""
    accident.disburser.disburse(make_order())
    (transfer,) = accident.simulator.objects("transfer")
    accident.by_hand(
        "/v1/transfers", as_platform=True, amount=500, currency="usd", destination=accident.account
    )
    reversal = accident.by_hand(
        f"/v1/transfers/{transfer['id']}/reversals", as_platform=True, amount=500
    )

    found = accident.disburser.reconcile()

    one = next(one for one in found.discrepancies if one.object_type == "transfer_reversal")
    assert ("unexplained", reversal["id"], "critical") == (one.kind, one.object_id, one.severity)
    assert Money(-500, "usd") == one.there


def make_card_by_hand(world: Somebody) -> str:
    """
    Issue a card with the bare SDK to a cardholder that is there.
    """
    (holder,) = world.simulator.objects("cardholder", world.account)
    made = world.by_hand(
        "/v1/issuing/cards",
        cardholder=holder["id"], currency="usd", type="virtual", status="active",
    )  # fmt: skip
    return str(made["id"])


def test_a_card_made_by_hand_is_unexplained_before_it_spends(accident: Somebody) -> None:
    """A card that this library did not issue can spend the balance: it is named at once."""
    accident.disburser.disburse(make_order())
    card_id = make_card_by_hand(accident)

    one = only(accident.disburser.reconcile())

    assert ("unexplained", card_id, "card", "critical") == (
        one.kind,
        one.object_id,
        one.object_type,
        one.severity,
    )
    assert ("unknown", "active") == (one.here_status, one.there_status)


def test_a_purchase_with_a_card_made_by_hand_is_unexplained(accident: Somebody) -> None:
    """What such a card spends is named by transaction, and never booked as ours."""
    accident.disburser.disburse(make_order())
    card_id = make_card_by_hand(accident)
    forced = accident.simulator.force_capture(card_id, 1_200)

    found = accident.disburser.reconcile()

    assert {("unexplained", card_id), ("unexplained", forced["id"])} == set(named(found))
    assert () == found.repair()


def test_another_program_is_no_difference_when_it_is_declared() -> None:
    """With `others` the same card is expected, and its spending is summed up as foreign."""
    with open_accident(options={"others": lambda _: None}) as accident:
        accident.disburser.disburse(make_order())
        card_id = make_card_by_hand(accident)
        accident.simulator.force_capture(card_id, 1_200)

        found = accident.disburser.reconcile()

        assert () == found.discrepancies
        assert (Money(-1_200, "usd"),) == found.foreign


def copy_of(path: Path, target: Path, statement: str) -> str:
    """
    Copy an SQLite store and change the copy; return its URL.
    """
    with sqlite3.connect(path) as source, sqlite3.connect(target) as copy:
        source.backup(copy)
        assert 1 == copy.execute(statement).rowcount
    source.close()
    copy.close()
    return f"sqlite:///{target}"


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_an_entry_deleted_in_a_copy_of_the_store_is_found(tmp_path: Path, seq: int) -> None:
    """Whichever entry of an order is taken out, the ledger's gap is named, and nothing is booked."""
    path = tmp_path / "books.sqlite3"
    with open_accident(f"sqlite:///{path}") as accident:
        buy(accident)
        changed = copy_of(
            path,
            tmp_path / "copy.sqlite3",
            "delete from issuing_disburse_entry where scope like 'acct_%' "  # noqa: S608 - a number
            f"and seq = {seq}",
        )
        assert accident.disburser.reconcile().is_clean
        with accident.connect(store=changed) as reader:
            found = reader.reconcile()

            gap = next(one for one in found.discrepancies if one.object_type == "ledger")
            assert ("missing_here", "critical", "restore") == (gap.kind, gap.severity, gap.action)
            assert gap.object_id.startswith(f"entry {seq} of ")
            assert "claim-8841" == gap.order_id
            assert {"restore"} == {one.action for one in found.discrepancies}
            assert () == found.repair()


def test_a_changed_amount_in_a_copy_of_the_store_is_found(tmp_path: Path) -> None:
    """An entry that was rewritten breaks the chain and differs from Stripe: restore, do not book."""
    path = tmp_path / "books.sqlite3"
    with open_accident(f"sqlite:///{path}") as accident:
        buy(accident)
        changed = copy_of(
            path,
            tmp_path / "copy.sqlite3",
            "update issuing_disburse_entry set lines = replace(lines, '12500', '12400') "
            "where scope like 'acct_%' and seq = 3",
        )
        with accident.connect(store=changed) as reader:
            found = reader.reconcile()

            assert "ledger" in {one.object_type for one in found.discrepancies}
            assert {"restore"} == {one.action for one in found.discrepancies}


def test_what_only_our_books_know_is_missing_there(accident: Somebody) -> None:
    """A capture in our books that Stripe has no trace of is for Stripe to explain, not to repair."""
    card = accident.disburser.disburse(make_order()).card
    store = accident.disburser.store
    key = f"{accident.account}/claim-8841"
    record = store.read(lambda tx: tx.get(DisbursementRecord, key))
    assert record is not None
    assert record.facts is not None
    ghost = TransactionFacts(
        id="ipi_ghost", card_id=card.id, created=NOW, type="capture", minor=-900
    )
    book(store, record, record.facts.with_fact(ghost))

    found = accident.disburser.reconcile()

    one = only(found)
    assert ("missing_there", "ipi_ghost", "ask_stripe") == (one.kind, one.object_id, one.action)
    assert (Money(-900, "usd"), Money(0, "usd")) == (one.here, one.there)
    assert "claim-8841" == one.order_id
    assert () == found.repair()


def test_a_movement_whose_answer_was_lost_is_ours_to_resume(accident: Somebody) -> None:
    """Money that moved while nobody heard the answer is recognised, and resuming settles it."""
    for after_commit, times in ((True, 1), (False, 0)):
        lost = LoseConnection(after_commit=after_commit)
        accident.simulator.faults.add(
            Fault(endpoint="POST /v1/balance_transfers", action=lost, times=times)
        )
    with pytest.raises(UnavailableError):
        accident.disburser.disburse(make_order())
    accident.simulator.faults.clear()

    found = accident.disburser.reconcile()

    assert {("missing_here", "resume")} == {(one.kind, one.action) for one in found.discrepancies}
    accident.simulator.clock.advance(timedelta(hours=1))
    accident.disburser.resume_all()
    assert () == accident.disburser.reconcile().discrepancies


def test_a_period_that_cuts_through_purchases_raises_no_alarm(accident: Somebody) -> None:
    """Holds before and captures after the cut are looked at whole."""
    cards = [accident.disburser.disburse(make_order(f"claim-{n}")).card for n in range(5)]
    held = [accident.simulator.authorize(card.id, 12_500)["id"] for card in cards]
    accident.simulator.clock.advance(timedelta(days=2))
    cut = accident.simulator.clock.now()
    for name in held:
        accident.simulator.capture(name)
    accident.simulator.clock.advance(timedelta(days=1))

    after = accident.disburser.reconcile(since=cut)
    before = accident.disburser.reconcile(until=cut)

    assert ((), ()) == (after.discrepancies, before.discrepancies)
    assert after.matched + before.matched > 10


def test_a_difference_within_the_period_is_found(accident: Somebody) -> None:
    """A lost capture is found by the period it lies in, and not by the one before."""
    cut = accident.simulator.clock.now()
    accident.simulator.clock.advance(timedelta(days=1))
    accident.lose("issuing_transaction.created", "issuing_authorization.updated")
    _, ipi = buy(accident)
    accident.lose()

    assert ("missing_here", ipi) in named(accident.disburser.reconcile(since=cut))
    assert () == accident.disburser.reconcile(until=cut).discrepancies


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        (datetime(2026, 11, 2), None, "since"),  # noqa: DTZ001 - what is refused
        (None, "yesterday", "until"),
        (datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC), "until"),
    ],
)
def test_a_period_that_is_none_is_refused(
    accident: Somebody, since: datetime, until: datetime, field: str
) -> None:
    """A time without a zone, no time, or an end before the beginning: refused before any call."""
    with pytest.raises(InvalidInputError, match=f"^{field}: "):
        accident.disburser.reconcile(since, until)

    assert [] == accident.simulator.requests


def test_another_accounts_reconciliation_is_not_repaired(accident: Somebody) -> None:
    """Repairing needs the disburser of the same account."""
    found = accident.disburser.reconcile()

    with pytest.raises(InvalidInputError, match="reconciliation"):
        accident.disburser.for_account(None).repair(found)
    with pytest.raises(TypeError, match=r"Disburser\.repair"):
        Reconciliation(account=None, at=datetime.now(UTC), matched=0, discrepancies=()).repair()


def test_reads_are_few_and_counted(accident: Somebody) -> None:
    """A hundred objects cost one read: far below the 500 reads that each transaction allows."""
    for number in range(30):
        buy(accident, f"claim-{number}")
    sent = len(accident.simulator.requests)

    found = accident.disburser.reconcile()

    assert () == found.discrepancies
    assert len(accident.simulator.requests) - sent == found.reads
    assert found.reads <= 12


def test_progress_is_told(accident: Somebody) -> None:
    """What is being read is told, with a count."""
    told: list[tuple[str, int]] = []
    for number in range(2):
        buy(accident, f"claim-{number}")

    accident.disburser.reconcile(progress=lambda what, count: told.append((what, count)))

    assert {"ledger", "balance_transactions", "transfers", "fundings"} == {what for what, _ in told}


@pytest.mark.parametrize("stage", ["ledger", "balance_transactions", "transfers", "fundings"])
def test_what_happens_while_we_read_is_no_difference(accident: Somebody, stage: str) -> None:
    """Orders, purchases and closings in the middle of a reconciliation raise no alarm."""
    card = accident.disburser.disburse(make_order("first")).card
    buy(accident, "second")
    done: list[str] = []

    def meanwhile(what: str, count: int) -> None:
        if what == stage and not done:
            done.append(what)
            accident.simulator.capture(accident.simulator.authorize(card.id, 12_500)["id"])
            accident.disburser.disburse(make_order("third"))
            accident.disburser.disburse(make_order("fourth"))
            accident.disburser.reclaim("fourth")

    found = accident.disburser.reconcile(progress=meanwhile)

    assert [stage] == done
    assert () == found.discrepancies
    assert () == accident.disburser.reconcile().discrepancies


def test_a_closed_order_with_a_living_card_is_critical(accident: Somebody) -> None:
    """A card that our books call canceled and Stripe calls active is named for cancelling at once."""
    card = accident.disburser.disburse(make_order()).card
    accident.disburser.store.transact(
        lambda tx: tx.put(evolve(tx.get(CardRecord, card.id), card_status="canceled"))
    )

    one = only(accident.disburser.reconcile())

    assert ("status_differs", card.id, "critical", "reclaim") == (
        one.kind,
        one.object_id,
        one.severity,
        one.action,
    )
