"""
Is a promised use confirmed, released or settled, whatever Stripe says about it, or does not?
"""

from datetime import timedelta

import pytest

from asking import deliver, is_approved, outcome_event, request_event
from issuing_disburse import AmountRule, AuthorizationPolicy, Status, Terms, UnknownOutcomeError
from issuing_disburse.claims import allotment_of
from issuing_disburse.decision import Allotment
from issuing_disburse.records import CardRecord, Claim, ParkedEvent
from issuing_disburse.settling import SILENCE
from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.simulator.faults import Fault, ServerError, Webhook
from world import World, make_order, open_world

SEVERAL = Terms(amount=AmountRule.up_to(), uses=3)
CREATED = "issuing_authorization.created"
REQUEST = "issuing_authorization.request"


def stored(world: World, card_id: str) -> CardRecord:
    """
    Return the card as the store has it.
    """
    card = world.disburser.store.read(lambda tx: tx.get(CardRecord, card_id))
    assert card is not None
    return card


def claims(world: World, card_id: str) -> tuple[Claim, ...]:
    """
    Return the uses that were promised.
    """
    return stored(world, card_id).claims


def left(world: World, card_id: str) -> Allotment:
    """
    Return what the card may still do.
    """
    return allotment_of(stored(world, card_id))


def late(event: str, times: int = 1) -> Fault:
    """
    Have Stripe not hear the answer to an event.
    """
    return Fault(event=event, action=Webhook(how="late"), times=times)


def test_card_is_usable_again_after_stripe_timed_out_on_an_approval(world: World) -> None:
    """An answer that came too late is worth nothing: the promised use is released, and asked again."""
    card = world.disburser.disburse(make_order()).card
    world.simulator.faults.add(late(REQUEST))

    lost = world.simulator.authorize(card.id, 12_500)
    world.simulator.clock.advance(timedelta(minutes=1))
    again = world.simulator.authorize(card.id, 12_500)

    assert "webhook_timeout" == lost["request_history"][-1]["reason"]
    assert not lost["approved"]
    assert again["approved"]
    assert {"webhook_timeout": 1} == world.disburser.misses().counts
    world.check_books("claim-8841")


def test_claim_is_made_when_stripe_approves_without_us() -> None:
    """Where silence means yes, the use is counted although nobody answered in time."""
    behaviour = Behaviour(webhook_timeout_decision="approve")
    with open_world(simulator={"behaviour": behaviour}) as world:
        card = world.disburser.disburse(make_order(terms=SEVERAL)).card
        world.simulator.faults.add(late(REQUEST))

        world.simulator.authorize(card.id, 5_000)
        world.simulator.clock.advance(timedelta(minutes=1))

        assert [("confirmed", 5_000, 0)] == [
            (one.state, one.settled_minor, one.pending_minor) for one in claims(world, card.id)
        ]
        assert (2, 7_500) == (left(world, card.id).uses_left, left(world, card.id).remaining.minor)
        (miss,) = world.disburser.misses()
        assert (True, "claim-8841") == (miss.approved, miss.order_id)
        world.check_books("claim-8841")


@pytest.mark.parametrize(
    ("reason", "kind"),
    [("webhook_timeout", "miss"), ("network_fallback", "miss"), ("card_active", "not_asked")],
)
def test_approval_of_others_uses_the_card_up(world: World, reason: str, kind: str) -> None:
    """Whoever approved it, a single-use card has then been used, and it is told who did."""
    card = world.disburser.disburse(make_order()).card

    deliver(world, outcome_event(world, card.id, 1, approved=True, reason=reason))
    second = deliver(world, request_event(world, card.id, 2))

    assert not is_approved(second)
    (alert,) = world.disburser.alerts()
    assert (kind, reason, "iauth_1") == (alert.kind, alert.code, alert.object_id)


def test_declined_outcome_releases_the_claim(world: World) -> None:
    """What Stripe declined after we approved it may be used by somebody else."""
    card = world.disburser.disburse(make_order()).card
    first = deliver(world, request_event(world, card.id, 1))
    between = deliver(world, request_event(world, card.id, 2))

    deliver(world, outcome_event(world, card.id, 1, approved=False))
    after = deliver(world, request_event(world, card.id, 3))

    assert [True, False, True] == [is_approved(one) for one in (first, between, after)]


def test_increment_that_stripe_declined_gives_its_part_back() -> None:
    """An increment that we approved too late is not reserved for ever."""
    with open_world() as world:
        card = world.disburser.disburse(make_order(terms=SEVERAL)).card
        authorization = world.simulator.authorize(card.id, 5_000)
        world.simulator.clock.advance(timedelta(minutes=1))
        world.simulator.faults.add(late(REQUEST))

        grown = world.simulator.increment(authorization["id"], 7_000)
        world.simulator.clock.advance(timedelta(minutes=1))

        assert 5_000 == grown["amount"]
        assert 7_500 == left(world, card.id).remaining.minor
        assert ["confirmed"] == [one.state for one in claims(world, card.id)]
        world.check_books("claim-8841")


def test_snapshot_from_before_an_increment_takes_nothing_away(world: World) -> None:
    """A late ``.created`` knows nothing of the increment that was approved meanwhile."""
    card = world.disburser.disburse(make_order(terms=SEVERAL)).card
    deliver(world, request_event(world, card.id, 1, 5_000))
    created = outcome_event(world, card.id, 1, approved=True, amount=5_000)
    world.simulator.clock.advance(timedelta(minutes=2))
    increment = request_event(world, card.id, 1, 7_000)
    increment["id"] = "evt_increment"
    increment["data"]["object"]["amount"] = 5_000

    approved = is_approved(deliver(world, increment))
    deliver(world, created)

    assert approved
    assert 500 == left(world, card.id).remaining.minor
    assert ["provisional"] == [one.state for one in claims(world, card.id)]


@pytest.mark.parametrize("verb", ["settle_claims", "resume_all", "reclaim_expired", "reconcile"])
def test_silent_claim_is_settled_by_asking_stripe(world: World, verb: str) -> None:
    """After ten minutes without a word, the authorization is fetched, and the use confirmed."""
    world.simulator.faults.add(
        Fault(event=CREATED, action=Webhook(how="never"), times=0),
    )
    world.simulator.faults.add(
        Fault(event="issuing_card.updated", action=Webhook(how="never"), times=0),
    )
    card = world.disburser.disburse(make_order()).card
    world.simulator.authorize(card.id, 12_500)
    before = [one.state for one in claims(world, card.id)]
    world.simulator.clock.advance(SILENCE - timedelta(seconds=1))
    world.disburser.settle_claims()
    early = [one.state for one in claims(world, card.id)]
    world.simulator.clock.advance(timedelta(seconds=1))

    getattr(world.disburser, verb)()

    assert (["provisional"], ["provisional"]) == (before, early)
    assert ["confirmed"] == [one.state for one in claims(world, card.id)]
    assert 12_500 == world.disburser.statement("claim-8841").held.minor


def test_claim_of_an_authorization_that_stripe_does_not_know_is_released(world: World) -> None:
    """Somebody asked about nothing: the card is free again, and the alert says so."""
    card = world.disburser.disburse(make_order()).card
    deliver(world, request_event(world, card.id, 1))
    world.simulator.clock.advance(SILENCE)

    (settlement,) = world.disburser.settle_claims()

    assert ("released", "iauth_1") == (settlement.outcome, settlement.authorization_id)
    assert ["unknown_claim"] == [one.kind for one in world.disburser.alerts()]
    assert is_approved(deliver(world, request_event(world, card.id, 2)))


def test_claim_stays_while_stripe_cannot_be_asked(world: World) -> None:
    """No answer settles nothing; the next call asks again."""
    card = world.disburser.disburse(make_order()).card
    deliver(world, request_event(world, card.id, 1))
    world.simulator.clock.advance(SILENCE)
    world.simulator.faults.add(
        Fault(endpoint="GET /v1/issuing/authorizations/:id", action=ServerError(), times=0)
    )

    (settlement,) = world.disburser.settle_claims()

    assert "stuck" == settlement.outcome
    assert ["provisional"] == [one.state for one in claims(world, card.id)]


def test_same_question_in_two_events_is_one_use(world: World) -> None:
    """Stripe may send two events for one change: the second gets the first one's answer."""
    card = world.disburser.disburse(make_order(terms=SEVERAL)).card
    first = request_event(world, card.id, 1, 5_000)
    second = {**first, "id": "evt_other"}

    answers = [deliver(world, first), deliver(world, second)]

    assert [True, True] == [is_approved(one) for one in answers]
    assert answers[0].body == answers[1].body
    assert (1, 7_500) == (len(claims(world, card.id)), left(world, card.id).remaining.minor)


def test_declined_delivery_stays_declined(world: World) -> None:
    """The same delivery is declined again, although the card has become free meanwhile."""
    card = world.disburser.disburse(make_order()).card
    deliver(world, request_event(world, card.id, 1))
    refused = request_event(world, card.id, 2)
    first = deliver(world, refused)
    deliver(world, outcome_event(world, card.id, 1, approved=False))

    again = deliver(world, refused)
    world.disburser = world.connect(store=world.disburser.store)  # as another process would
    elsewhere = deliver(world, refused)

    assert not is_approved(first)
    assert first.body == again.body == elsewhere.body


def test_every_decision_carries_the_policys_fingerprint(world: World) -> None:
    """Which policy decided is written beside each answer, in the store and at Stripe."""
    card = world.disburser.disburse(make_order()).card
    approved = world.simulator.authorize(card.id, 50)
    declined = world.simulator.authorize(card.id, 12_400)

    fingerprint = AuthorizationPolicy.default().fingerprint
    assert [fingerprint, fingerprint] == [
        one["metadata"]["issuing_disburse_policy"] for one in (approved, declined)
    ]
    assert {fingerprint} == {one.policy for one in stored(world, card.id).answers}
    assert [True, False] == [one.decision.approved for one in stored(world, card.id).answers]


def test_probe_threshold_is_a_switch() -> None:
    """What counts as a probe is set at connection, and kept with the card."""
    with open_world(options={"probe_max_minor": 0}) as world:
        card = world.disburser.disburse(make_order()).card

        assert not is_approved(deliver(world, request_event(world, card.id, 1, 50)))
        assert is_approved(deliver(world, request_event(world, card.id, 2, 0)))
        assert not is_approved(deliver(world, request_event(world, card.id, 3, 0)))


def test_parked_events_are_bounded_and_expire(world: World) -> None:
    """A stranger's events do not pile up while one of our cards is on its way."""
    world.simulator.faults.add(
        Fault(endpoint="POST /v1/issuing/cards", action=ServerError(), times=0)
    )
    with pytest.raises(UnknownOutcomeError):
        world.disburser.disburse(make_order())
    assert world.disburser.get("claim-8841").status is Status.PENDING

    replies = [
        deliver(world, outcome_event(world, "ic_foreign", number, approved=True))
        for number in range(210)
    ]
    kept = world.disburser.store.read(lambda tx: tx.find(ParkedEvent, limit=1_000))
    world.simulator.clock.advance(timedelta(days=8))
    world.disburser.settle_claims()
    after = world.disburser.store.read(lambda tx: tx.find(ParkedEvent, limit=1_000))

    assert {200} == {reply.status for reply in replies}
    assert (200, 0) == (len(kept), len(after))
