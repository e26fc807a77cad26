"""
Do the events of one life lead to one statement, in whatever order and how often they come?
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from math import factorial
from random import Random
from typing import Any

import pytest
from attrs import evolve, field, frozen

from issuing_disburse import AmountRule, Disburser, Reply, Terms
from issuing_disburse.bookkeeper import Bookkeeper
from issuing_disburse.ports import Store
from issuing_disburse.records import RECORDS, DisbursementRecord
from issuing_disburse.statements import statement_of
from issuing_disburse.stores.memory import MemoryStore
from issuing_disburse.stripe_api import API_VERSION
from late_things import FRAUD
from world import World, make_order, open_world

EVENTS_MAX = 6
SHUFFLES = 300
MANY = Terms(amount=AmountRule.up_to(), uses=10)
BOOKED = ("issuing_authorization.", "issuing_transaction.", "issuing_dispute.", "issuing_card.")

Event = dict[str, Any]


def capture_in_parts(world: World, card: str) -> None:
    """
    A hold grows, shrinks, and is captured.
    """
    name = world.simulator.authorize(card, 4_000)["id"]
    world.simulator.increment(name, 2_000)
    world.simulator.reverse(name, 1_000)
    world.simulator.capture(name, 5_500)


def capture_late(world: World, card: str) -> None:
    """
    A hold expires, is captured all the same, and refunded in part.
    """
    name = world.simulator.authorize(card, 4_000)["id"]
    world.simulator.expire(name)
    world.simulator.capture(name, 4_000)
    world.simulator.refund(newest(world, "transaction"), 1_500)


def void(world: World, card: str) -> None:
    """
    A hold grows and is given back; another one stays.
    """
    name = world.simulator.authorize(card, 4_000)["id"]
    world.simulator.increment(name, 500)
    world.simulator.reverse(name)
    world.simulator.authorize(card, 900)
    world.simulator.force_capture(card, 700)


def contest(world: World, card: str) -> None:
    """
    A forced capture is contested and won; a refund comes without a link.
    """
    world.simulator.force_capture(card, 3_000)
    world.send("/v1/issuing/disputes", transaction=newest(world, "transaction"), evidence=FRAUD)
    world.send(f"/v1/issuing/disputes/{newest(world, 'dispute')}/submit")
    world.simulator.decide_dispute(newest(world, "dispute"), won=True)


def overdraw(world: World, card: str) -> None:
    """
    Merchants take more than the card has, while a hold stands.
    """
    world.simulator.authorize(card, 3_000)
    name = world.simulator.authorize(card, 9_000)["id"]
    world.simulator.capture(name, 11_000)
    world.simulator.force_capture(card, 2_000)
    world.simulator.unlinked_refund(card, 1_000)


QUICK = [capture_in_parts, void]
LIVES = [capture_in_parts, capture_late, void, contest, overdraw]


def newest(world: World, kind: str) -> str:
    """
    Return the id of the newest object of a kind.
    """
    return str(world.simulator.objects(kind, world.account)[-1]["id"])


@frozen
class Told:
    """
    What happened to one card, as events, and the store that has heard of none of it.
    """

    world: World
    store: Store
    record: DisbursementRecord
    events: tuple[Event, ...]
    _read: dict[str, Event] = field(factory=dict)

    def _fetch(self, path: str, account: str | None) -> Event:
        """
        Read an object as it is now, which is as it will stay.
        """
        if path not in self._read:
            api = self.world.disburser._connection.api  # noqa: SLF001  # as the library itself reads
            self._read[path] = api.get(path, account=account)
        return self._read[path]

    def hear(self, events: Sequence[Event]) -> tuple[object, ...]:
        """
        Book *events* one after the other into a copy of the store, and return what it says then.
        """
        store = copy_of(self.store, self.world)
        keeper = Bookkeeper(
            store=store,
            clock=self.world.simulator.clock.now,
            fetch=self._fetch,
        )
        for event in events:
            assert keeper.book(event) == "booked"
        record = store.read(lambda tx: tx.get(DisbursementRecord, self.record.key))
        assert record is not None
        entries = store.read(lambda tx: tx.entries(record.key))
        said = statement_of(record.order_id, record.status, "usd", entries, record.facts)
        assert said.is_balanced
        return record.status, evolve(said, entries=())


@frozen
class Deaf:
    """
    Approves whatever is asked, and hears of nothing else.
    """

    _inner: Disburser

    def handle_webhook(self, payload: bytes, signature: str) -> Reply:
        """
        Answer 200; to a question with an approval.
        """
        headers = {"Stripe-Version": API_VERSION, "Content-Type": "application/json"}
        is_asked = b"issuing_authorization.request" in payload
        return Reply(status=200, headers=headers, body=b'{"approved": true}' if is_asked else b"{}")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def copy_of(store: Store, world: World) -> MemoryStore:
    """
    Return a store with the same records and entries.
    """
    made = MemoryStore(clock=world.simulator.clock.now)
    entries = list(store.stream_entries())
    for kind in RECORDS:
        for row in store.read(lambda tx, kind=kind: tx.find(kind, limit=1_000)):
            made.transact(lambda tx, row=row: tx.put(evolve(row, version=0)))
    made.transact(lambda tx: [tx.append(entry) for entry in entries])
    return made


def live(world: World, *lives: Callable[[World, str], None], reclaimed: bool = False) -> Told:
    """
    Pay an order, let *lives* happen unheard, and return what would have been told.
    """
    world.simulator.fund_issuing(world.account or "", 50_000)
    card = world.disburser.disburse(make_order(amount="500.00", terms=MANY)).card.id
    if reclaimed:
        world.disburser.reclaim("claim-8841")
    store = world.disburser.store
    world.disburser = Deaf(world.disburser)  # type: ignore[assignment]  # what the world needs of one
    before = len(world.simulator.events(world.account))
    for one in lives:
        one(world, card)
    events = [
        event
        for event in world.simulator.events(world.account)[before:]
        if event["type"].startswith(BOOKED) and not event["type"].endswith(".request")
    ]
    (record,) = store.read(lambda tx: tx.find(DisbursementRecord))
    return Told(world, store, record, tuple(dict(one) for one in events))


@pytest.fixture
def quiet() -> Iterator[World]:
    """
    A world in which the simulator decides by itself.
    """
    with open_world() as world:
        yield world


@pytest.mark.parametrize(
    "life", [pytest.param(one, marks=[] if one in QUICK else [pytest.mark.long]) for one in LIVES]
)
def test_every_order_of_a_life_leads_to_one_statement(
    life: Callable[[World, str], None],
    quiet: World,
    record_property: Callable[[str, object], None],
) -> None:
    """All interleavings of up to six events: the same figures, alerts and status."""
    told = live(quiet, life)
    events = told.events
    assert 5 <= len(events) <= EVENTS_MAX
    expected = told.hear(events)
    orders = 0
    for order in permutations(events):
        orders += 1
        assert expected == told.hear(order), [event["type"] for event in order]
    record_property("interleavings of events", orders)
    assert factorial(len(events)) == orders


@pytest.mark.long
@pytest.mark.parametrize("reclaimed", [False, True], ids=["live", "reclaimed"])
def test_long_lives_lead_to_one_statement_in_any_order_with_duplicates(
    quiet: World, record_property: Callable[[str, object], None], *, reclaimed: bool
) -> None:
    """More events than all orders could be tried of: shuffled, and some of them twice or thrice."""
    lives = [capture_late, contest, overdraw] if not reclaimed else [contest]
    told = live(quiet, *lives, reclaimed=reclaimed)
    expected = told.hear(told.events)
    random = Random(7)  # noqa: S311 - the same orders each time
    for _ in range(SHUFFLES):
        order = [*told.events, *random.choices(told.events, k=len(told.events) // 2)]
        random.shuffle(order)
        assert expected == told.hear(order), [event["type"] for event in order]
    record_property("shuffles with duplicates", SHUFFLES)
    assert len(told.events) >= 5
