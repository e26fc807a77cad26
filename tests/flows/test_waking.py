"""
Does an order stop waiting when Stripe tells that its money has moved?
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from asking import deliver
from issuing_disburse import Address, Disbursement, Status, TopUpRoute
from issuing_disburse.records import FundingRecord, account_key
from world import World, make_order, make_recipient, open_world

LONDON = Address(line1="1 High St", city="London", postal_code="E1 6AN", country="GB")


@pytest.fixture(params=["memory://", "sqlite://"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """
    An account in the UK, where money arrives the next business day, and one order that waits for it.
    """
    with open_world(
        request.param, simulator={"country": "GB"}, platform_funds=0, country="GB"
    ) as opened:
        opened.simulator.fund_platform(100_000, "gbp")
        recipient = make_recipient(phone_number="+442079460000", user_terms=None, billing=LONDON)
        opened.disburser.disburse(make_order(currency="gbp", recipient=recipient))
        yield opened


def event(world: World, kind: str, body: dict[str, Any], *, account: str | None) -> dict[str, Any]:
    """
    Write an event about money, as Stripe would send it.
    """
    now = int(world.simulator.clock.now().timestamp())
    return {
        "id": f"evt_{kind}",
        "object": "event",
        "type": kind,
        "created": now,
        "livemode": False,
        "data": {"object": {"livemode": False, **body}},
        **({"account": account} if account else {}),
    }


def balance_event(world: World) -> dict[str, Any]:
    """
    Tell that money has become available on the world's account.
    """
    body = {"object": "balance", "issuing": {"available": [{"amount": 12_500, "currency": "gbp"}]}}
    return event(world, "balance.available", body, account=world.account)


def transfer_event(world: World, kind: str, **changes: Any) -> dict[str, Any]:
    """
    Tell something about the transfer that brings the order's money.
    """
    group = account_key(world.account)
    (funding,) = world.disburser.store.read(lambda tx: tx.find(FundingRecord, group=group))
    body = {
        "id": funding.moved[0].id,
        "object": "transfer",
        "destination": world.account,
        "metadata": {"issuing_disburse_funding": funding.id},
    }
    return event(world, kind, {**body, **changes}, account=None)


def is_due(world: World) -> bool:
    """
    Tell whether the order is to be looked at now.
    """
    found: Disbursement = world.disburser.get("claim-8841")
    assert found.status is Status.PENDING
    assert found.reason is not None
    assert found.reason.retry_at is not None
    return found.reason.retry_at <= world.simulator.clock.now()


@pytest.mark.parametrize("kind", ["transfer.created", "transfer.reversed", "transfer.updated"])
def test_order_is_due_when_its_transfer_changes(world: World, kind: str) -> None:
    """What Stripe tells of the money of an order makes the order due; the same event again changes nothing."""
    assert not is_due(world)

    said = [deliver(world, transfer_event(world, kind)).body for _ in range(2)]

    assert [b'{"message":"booked"}', b'{"message":"ignored"}'] == said
    assert is_due(world)


def test_order_is_due_when_the_balance_has_money(world: World) -> None:
    """Money that becomes available wakes every order of that account, and none of another."""
    other = world.simulator.create_account(country="GB")
    assert 200 == deliver(world, {**balance_event(world), "account": other}).status
    assert not is_due(world)

    assert 200 == deliver(world, balance_event(world)).status

    assert is_due(world)
    assert [Status.PENDING] == [one.status for one in world.disburser.resume_all()]  # it has not
    assert not is_due(world)


def test_order_that_was_woken_is_finished_by_the_next_walk(world: World) -> None:
    """The simulator's own event wakes the order as its money arrives, and `resume_all` pays it."""
    world.simulator.clock.advance(timedelta(days=2))

    assert is_due(world)
    assert [Status.ACTIVE] == [one.status for one in world.disburser.resume_all()]
    assert b'{"message":"ignored"}' == deliver(world, balance_event(world)).body
    world.check_books("claim-8841")


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        [],
        "x",
        {},
        {"issuing_disburse_funding": None},
        {"issuing_disburse_funding": 7},
        {"issuing_disburse_funding": ""},
        {"issuing_disburse_funding": "a\x00b"},
        {"issuing_disburse_funding": "x" * 100_000},
        {"issuing_disburse_funding": {"deep": ["er"]}},
        {"issuing_disburse_funding": "somebody else's"},
    ],
)
def test_transfer_without_our_mark_is_ignored(world: World, metadata: Any) -> None:
    """Transfers of other programs, and marks that are none, wake nobody and break nothing."""
    reply = deliver(world, transfer_event(world, "transfer.updated", metadata=metadata))

    assert (200, b'{"message":"ignored"}') == (reply.status, reply.body)
    assert not is_due(world)


def test_mark_of_another_account_wakes_nobody(world: World) -> None:
    """A connected account that writes the mark of another one's funding into its own top-up is ignored."""
    forged = {**transfer_event(world, "topup.succeeded"), "account": "acct_other"}

    assert b'{"message":"ignored"}' == deliver(world, forged).body
    assert not is_due(world)


@pytest.mark.parametrize("outcome", ["succeeded", "insufficient_funds", "canceled"])
def test_order_is_due_when_its_topup_ends(outcome: str) -> None:
    """However a top-up ends, the order that waits for it is due at once."""
    route = TopUpRoute(statement_descriptor="PAYOUTS")
    with open_world(options={"route": route}, platform_funds=0) as world:
        world.disburser.disburse(make_order())
        assert not is_due(world)
        (topup,) = world.simulator.objects("topup", world.account)

        world.simulator.settle_topup(str(topup["id"]), outcome)

        assert is_due(world)
