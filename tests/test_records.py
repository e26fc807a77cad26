"""
Are records found by what they should be found by?
"""

from datetime import datetime, timedelta

import pytest
from attrs import evolve

from bookkeeping import NOW, make_card, make_record, make_store
from issuing_disburse.decision import Use
from issuing_disburse.disbursement import Reason, Status
from issuing_disburse.exceptions import LedgerError
from issuing_disburse.facts import AuthorizationFacts
from issuing_disburse.money import Money
from issuing_disburse.records import (
    RECORDS,
    AccountRecord,
    Claim,
    FundingRecord,
    LineRecord,
    ParkedEvent,
    PoolRecord,
    RecipientRecord,
    Row,
    StepRecord,
    StoreIdentity,
    account_key,
)

LATER = NOW + timedelta(days=1)
FACT = AuthorizationFacts(
    id="iauth_1", card_id="ic_1", created=NOW, approved=True, status="pending", amount_minor=1
)


def use(at: datetime) -> Use:
    """
    Make a use at that time.
    """
    return Use(authorization_id=f"iauth_{at.timestamp()}", at=at, amount=Money(1, "usd"))


STEP = StepRecord(
    scope="order/acct_1/claim-8841/1",
    name="card",
    generation=1,
    idempotency_key="idb_1",
    request=b"name=Jenny",
    started_at=NOW,
)
FUNDING = FundingRecord(
    id="fund_1",
    account="acct_1",
    amount=Money(1, "usd"),
    route="transfer",
    members=("acct_1/claim-8841",),
    created_at=NOW,
)
RECIPIENT = RecipientRecord(account="acct_1", identity="abc", cardholder_id="ich_1", details="d")


@pytest.mark.parametrize(
    ("row", "key", "group", "state", "due_at"),
    [
        (
            StoreIdentity(platform_account="acct_0", is_livemode=False, recorded_at=NOW),
            "identity",
            "",
            "",
            None,
        ),
        (AccountRecord(account="acct_1"), "acct_1", "", "open", None),
        (
            AccountRecord(account=None, funding_refused=Reason(code="x", message="y")),
            "platform",
            "",
            "refused",
            None,
        ),
        (make_record(), "acct_1/claim-8841", "acct_1", "active", None),
        (
            make_record(account=None, status=Status.PENDING, look_at=LATER),
            "platform/claim-8841",
            "platform",
            "pending",
            LATER,
        ),
        (make_card(), "ic_1", "acct_1/claim-8841", "open", None),
        (
            make_card(account=None, is_open=False, claims=(Claim(use=use(NOW)).confirmed(1),)),
            "ic_1",
            "platform/claim-8841",
            "closed",
            None,
        ),
        (
            make_card(claims=(Claim(use=use(LATER)), Claim(use=use(NOW)))),
            "ic_1",
            "acct_1/claim-8841",
            "open",
            NOW,
        ),
        (STEP, "order/acct_1/claim-8841/1#card", "order/acct_1/claim-8841/1", "intended", NOW),
        (
            evolve(STEP, progress="done"),
            "order/acct_1/claim-8841/1#card",
            "order/acct_1/claim-8841/1",
            "done",
            None,
        ),
        (RECIPIENT, "acct_1/abc", "ich_1", "ready", None),
        (
            evolve(RECIPIENT, account=None, disabled_reason="under_review"),
            "platform/abc",
            "ich_1",
            "under_review",
            None,
        ),
        (PoolRecord(account="acct_1", currency="usd"), "acct_1/usd", "acct_1", "", None),
        (LineRecord(name="acct_1", free_at=NOW), "acct_1", "", "", None),
        (FUNDING, "fund_1", "acct_1", "moving", NOW),
        (evolve(FUNDING, account=None, progress="moved"), "fund_1", "platform", "moved", None),
        (
            ParkedEvent(event_id="evt_1", card_id="ic_1", fact=FACT, received_at=NOW),
            "evt_1",
            "ic_1",
            "platform",
            NOW,
        ),
    ],
)
def test_row_has_the_columns_that_a_store_is_asked_by(
    row: Row, key: str, group: str, state: str, due_at: datetime | None
) -> None:
    """Key, group, state and due time follow from the content, and a store finds the row by them."""
    assert (key, group, state, due_at) == (row.key, row.group, row.state, row.due_at)
    store = make_store()
    stored = store.transact(lambda tx: tx.put(row))
    found = store.read(
        lambda tx: (
            tx.get(type(row), key),
            tx.find(type(row), group=group, states=(state,), due_before=due_at),
        )
    )

    assert (stored, (stored,)) == found


def test_kinds_are_all_listed_once() -> None:
    """Every kind of record has a name of its own, and a place in the list of tables."""
    assert set(RECORDS) == set(Row.__subclasses__())
    assert len(RECORDS) == len({kind.KIND for kind in RECORDS})


def test_plain_row_has_no_key() -> None:
    """What has no kind cannot be stored."""
    with pytest.raises(NotImplementedError):
        _ = Row().key

    assert ("", "", None, 0) == (Row().group, Row().state, Row().due_at, Row().version)


def test_account_key_names_the_platform() -> None:
    """The platform itself stands in keys under a name that no account has."""
    assert ("acct_1", "platform") == (account_key("acct_1"), account_key(None))


@pytest.mark.parametrize("status", Status)
def test_record_becomes_only_what_the_diagram_allows(status: Status) -> None:
    """A step that is not drawn is a bug, and raised as one with the order's id."""
    record = make_record(status=Status.CLOSING)
    if Status.CLOSING.can_become(status):
        assert status is record.become(status).status
    else:
        with pytest.raises(LedgerError, match=f"from closing to {status.value}") as caught:
            record.become(status)
        assert "claim-8841" == caught.value.order_id


def test_step_does_not_show_its_request_or_outcome() -> None:
    """What is sent holds personal data; a log of the step does not."""
    assert "Jenny" not in repr(evolve(STEP, outcome=b"Jenny"))
