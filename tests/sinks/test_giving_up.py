"""
How does an order end whose sink will never work, and one whose card waited when the store was lost?
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import stripe
from attrs import evolve

from issuing_disburse import Disburser, Status
from issuing_disburse.exceptions import SinkError, UnknownOutcomeError
from issuing_disburse.leases import Leases
from issuing_disburse.records import DisbursementRecord
from sinks.vaults import Vault
from world import World, make_order, open_world

ORDER = "claim-8841"

pytestmark = pytest.mark.pci


class Losing(stripe.HTTPClient):
    """
    Loses what is sent to a card, until it is told not to.
    """

    name = "losing"

    def __init__(self, inner: stripe.HTTPClient) -> None:
        super().__init__()
        self.inner = inner
        self.is_losing = True

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[Any, int, Mapping[str, str]]:
        """
        Pass it on, or lose it.
        """
        if self.is_losing and method == "post" and "/v1/issuing/cards/" in url:
            raise stripe.APIConnectionError("lost")  # type: ignore[no-untyped-call]  # the SDK's is untyped
        return self.inner.request(method, url, headers, post_data)

    def close(self) -> None:
        """
        Have nothing to close.
        """


@pytest.fixture
def world() -> Iterator[World]:
    """
    A world whose disburser has no sink.
    """
    with open_world("sqlite://") as found:
        yield found


def waiting(world: World, client: stripe.HTTPClient | None = None) -> Disburser:
    """
    Leave an order behind whose card is inactive, because its sink never works.
    """
    options: dict[str, Any] = {"http_client": client} if client is not None else {}
    sink = Vault(breaks=99)
    disburser = world.connect(store=world.disburser.store, sink=sink, **options)
    with pytest.raises(SinkError):
        disburser.disburse(make_order())
    return disburser


def card_states(world: World) -> list[str]:
    """
    Return how each card stands at Stripe.
    """
    return [one["status"] for one in world.simulator.objects("card", world.account)]


def test_reclaim_gives_up_an_order_whose_sink_never_works(world: World) -> None:
    """The card that nobody could use is cancelled, the money is back, and the order has failed."""
    before = world.simulator.payments_balance(None)
    disburser = waiting(world)
    assert ["inactive"] == card_states(world)
    done = disburser.reclaim(ORDER)

    assert ("closed", Status.FAILED) == (done.outcome, done.status)
    assert "given_up" == getattr(disburser.get(ORDER).reason, "code", "")
    assert ["canceled"] == card_states(world)
    assert before == world.simulator.payments_balance(None)
    assert 0 == world.simulator.issuing_balance(world.account)
    assert "not_over" == disburser.reclaim(ORDER).outcome
    assert disburser.statement(ORDER).is_balanced


def test_an_order_that_was_given_up_may_be_paid_again(world: World) -> None:
    """Handed in again it is a new attempt, with a card of its own."""
    waiting(world).reclaim(ORDER)
    vault = Vault()
    paid = world.connect(store=world.disburser.store, sink=vault).disburse(make_order())

    assert (Status.ACTIVE, 2) == (paid.status, paid.attempt)
    assert {paid.card.id} == set(vault.kept)
    assert ["active", "canceled"] == sorted(card_states(world))


def test_giving_up_waits_for_an_answer_and_goes_on(world: World) -> None:
    """While the cancellation is not certain, no money goes back; the next reclaim finishes it."""
    client = Losing(world.client)
    disburser = waiting(world, client)
    stuck = disburser.reclaim(ORDER)
    assert ("stuck", Status.PENDING) == (stuck.outcome, stuck.status)
    assert 0 < world.simulator.issuing_balance(world.account)
    client.is_losing = False

    assert "closed" == disburser.reclaim(ORDER).outcome
    assert ["canceled"] == card_states(world)
    assert 0 == world.simulator.issuing_balance(world.account)


def test_an_order_whose_card_may_be_active_is_not_given_up(world: World) -> None:
    """Once its activation was sent, the card may be usable: the order is resumed, not abandoned."""
    client = Losing(world.client)
    sink = Vault()
    disburser = world.connect(store=world.disburser.store, sink=sink, http_client=client)
    with pytest.raises(UnknownOutcomeError):
        disburser.disburse(make_order())
    left = disburser.reclaim(ORDER)
    assert ("not_over", Status.PENDING) == (left.outcome, left.status)
    client.is_losing = False

    assert Status.ACTIVE is disburser.resume(ORDER).status


def test_an_order_that_another_worker_is_at_is_not_given_up(world: World) -> None:
    """A sink may be working on it at this moment."""
    disburser = waiting(world)
    leases = Leases(store=world.disburser.store, owner="another", seconds=120)
    key = f"{world.account}/{ORDER}"

    def take(tx: Any) -> None:
        record = tx.get(DisbursementRecord, key, lock=True)
        tx.put(evolve(leases.take(tx, record)))

    world.disburser.store.transact(take)

    assert "busy" == disburser.reclaim(ORDER).outcome
    assert ["inactive"] == card_states(world)


def test_a_card_that_waited_when_the_store_was_lost_is_delivered_after_a_rebuild(
    world: World,
) -> None:
    """It is the card that the sink gets; the order is paid once."""
    waiting(world)
    vault = Vault()
    world.disburser = world.connect(store="memory://", sink=vault)
    rebuilt = world.disburser.rebuild()
    assert ((ORDER,), ()) == (rebuilt.orders, rebuilt.undecided)
    assert Status.PENDING is world.disburser.get(ORDER).status
    paid = world.disburser.resume(ORDER)

    assert Status.ACTIVE is paid.status
    assert ["active"] == card_states(world)
    assert {paid.card.id} == set(vault.kept)
    world.check_books(ORDER)


def test_a_card_that_waited_when_the_store_was_lost_can_be_given_up(world: World) -> None:
    """After a rebuild as before: it is cancelled, and the money comes back."""
    before = world.simulator.payments_balance(None)
    waiting(world)
    world.disburser = world.connect(store="memory://")
    world.disburser.rebuild()
    done = world.disburser.reclaim(ORDER)

    assert ("closed", Status.FAILED) == (done.outcome, done.status)
    assert ["canceled"] == card_states(world)
    assert before == world.simulator.payments_balance(None)
    assert 0 == world.simulator.issuing_balance(world.account)
