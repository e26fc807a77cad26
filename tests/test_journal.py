"""
Does each effect happen once, whatever crashes, is refused, or is forgotten in between?
"""

from datetime import timedelta

import pytest
from attrs import evolve

from crashing import Countdown, CrashingStore, ProcessDiedError
from issuing_disburse.exceptions import (
    DisburseError,
    LeaseLostError,
    NotPermittedError,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
)
from issuing_disburse.journal import KEY_LIFE, StepJournal, StoredCall
from issuing_disburse.ports import Outcome, Transaction
from issuing_disburse.records import PoolRecord, StepRecord
from issuing_disburse.stores.memory import MemoryStore
from remote_calls import SCOPE, START, Clock, Desk, Remote, keys, make_desk, recorded


@pytest.fixture
def desk() -> Desk:
    """
    Return a desk where nothing has happened yet.
    """
    return make_desk()


def test_remote_call_is_a_stored_call() -> None:
    """The fake has the shape that the journal stores."""
    assert isinstance(Remote().call(), StoredCall)


def test_once_stores_the_intent_before_and_the_outcome_after(desk: Desk) -> None:
    """While the call runs, key and request stand in the store; after it, the outcome alone."""
    during: list[StepRecord] = []

    def call(key: str) -> Outcome:
        during.append(desk.step())
        return {"id": "ic_1", "key": key}

    desk.clock.now = START
    outcome = desk.journal.once("card", call, desk.remote.look)

    assert ["intended"] == [one.progress for one in during]
    assert outcome["key"] == during[0].idempotency_key
    done = desk.step()
    assert ("done", b"", START, START) == (
        done.progress,
        done.request,
        done.started_at,
        done.finished_at,
    )
    assert 0 == desk.remote.looks


def test_once_calls_once_when_asked_again(desk: Desk) -> None:
    """A done step is answered from the store, even when the request would be another one now."""
    first = desk.once()
    second = desk.once("v2")

    assert first == second == desk.journal.peek("card")
    assert (["v1"], 1) == (desk.remote.effects, len(desk.remote.asked))


def test_peek_shows_nothing_when_the_step_is_not_done(desk: Desk) -> None:
    """Neither a step nobody began nor one that is open has an outcome."""
    assert desk.journal.peek("card") is None
    desk.remote.answers = [UnavailableError("busy")]
    with pytest.raises(UnavailableError):
        desk.once()

    assert desk.journal.peek("card") is None


@pytest.mark.parametrize("answer", ["lost", UnavailableError("409"), UnknownOutcomeError("500")])
def test_once_sends_the_same_bytes_under_the_same_key_when_the_answer_was_lost(
    desk: Desk, answer: DisburseError | str
) -> None:
    """An open step is finished by the stored request, whatever a newer version would send."""
    desk.remote.answers = [answer]
    with pytest.raises(UnavailableError):
        desk.once("v1")
    desk.clock.now += timedelta(hours=22, minutes=59)
    outcome = desk.once("v2")

    assert "v1" == outcome["body"]
    assert ([("v1")], 1) == (desk.remote.effects, keys(desk))
    assert ["v1", "v1"] == [body for _, body in desk.remote.asked]
    assert 0 == desk.remote.looks


@pytest.mark.parametrize("point", range(1, 5))
def test_once_happens_once_when_the_process_dies_at_any_point(desk: Desk, point: int) -> None:
    """Before the intent, after it, before the outcome, after it: one effect, one outcome."""
    dying = evolve(desk.journal, store=CrashingStore(desk.store, Countdown(dies_at=point)))
    with pytest.raises(ProcessDiedError):
        dying.once("card", desk.remote.call(), desk.remote.look)
    outcome = desk.once("v2")

    assert 1 == len(desk.remote.effects)
    assert desk.remote.effects[0] == outcome["body"]
    assert keys(desk) == 1
    assert ("v2" if point == 1 else "v1") == outcome["body"]


def test_once_refuses_and_begins_a_new_key_when_asked_again_later(desk: Desk) -> None:
    """A refusal is for good under its key; after a correction the next key sends the new request."""
    desk.remote.answers = [RefusedError("no", code="bad_address")]
    with pytest.raises(RefusedError, match="no"):
        desk.once("v1")
    refused = desk.step()
    outcome = desk.once("v2")

    assert ("refused", b"", 1) == (refused.progress, refused.request, refused.generation)
    assert ("v2", ["v2"]) == (outcome["body"], desk.remote.effects)
    assert ("done", 2, 2) == (desk.step().progress, desk.step().generation, keys(desk))


def test_once_takes_what_a_look_finds_when_the_refusal_is_about_a_repetition(desk: Desk) -> None:
    """A refusal after an effect that did happen (used up keys, say) is no refusal."""
    desk.remote.effects = ["v0"]
    desk.remote.answers = [RefusedError("already done")]

    assert {"id": "ic_1", "body": "v0"} == desk.once()
    assert "done" == desk.step().progress


def test_once_begins_a_new_key_when_a_failure_is_recorded_and_nothing_is_there(desk: Desk) -> None:
    """A recorded 500 could only repeat: after a look that finds nothing, the next key goes out."""
    desk.remote.answers = [recorded(UnknownOutcomeError("500")), None]
    outcome = desk.once()

    assert (1, 2, 1) == (desk.remote.looks, keys(desk), len(desk.remote.effects))
    assert ("done", 2, "v1") == (desk.step().progress, desk.step().generation, outcome["body"])


def test_once_takes_what_a_look_finds_when_a_failure_is_recorded(desk: Desk) -> None:
    """A recorded 500 after the effect: the effect is found, and had once."""
    desk.remote.effects = ["v1"]
    desk.remote.answers = [recorded(UnknownOutcomeError("500"))]

    assert "ic_1" == desk.once()["id"]
    assert (1, 1) == (keys(desk), desk.step().generation)


def test_once_waits_when_every_new_key_fails_too(desk: Desk) -> None:
    """While Stripe is down a few keys are spent, not all there are; later the step goes on."""
    desk.remote.answers = [recorded(UnknownOutcomeError("500")) for _ in range(40)]
    for _ in range(3):
        with pytest.raises(UnknownOutcomeError) as caught:
            desk.once()
    assert "keys_spent" == caught.value.code
    assert keys(desk) <= 12
    desk.remote.answers = []

    assert "v1" == desk.once()["body"]
    assert 1 == len(desk.remote.effects)


@pytest.mark.parametrize("is_there", [True, False])
def test_once_looks_before_it_sends_when_the_key_may_be_forgotten(
    desk: Desk, *, is_there: bool
) -> None:
    """After 23 hours Stripe is looked at; only what is not there is made, under a new key."""
    desk.remote.answers = ["lost" if is_there else UnavailableError("no answer")]
    with pytest.raises(UnavailableError):
        desk.once()
    desk.clock.now += KEY_LIFE
    desk.remote.known.clear()
    outcome = desk.once("v2")

    assert 1 == len(desk.remote.effects)
    assert (1, 1 if is_there else 2) == (desk.remote.looks, keys(desk))
    assert ("v1" if is_there else "v2") == outcome["body"]
    assert "done" == desk.step().progress


def test_once_does_not_guess_when_the_look_is_ambiguous(desk: Desk) -> None:
    """What a look cannot tell stays open, with its key, and nothing is sent."""
    desk.remote.answers = [UnavailableError("no answer")]
    with pytest.raises(UnavailableError):
        desk.once()
    before = desk.step()
    desk.clock.now += timedelta(days=2)

    def look() -> Outcome | None:
        raise UnknownOutcomeError("two of them", code="ambiguous")

    with pytest.raises(UnknownOutcomeError, match="two of them"):
        desk.journal.once("card", desk.remote.call("v2"), look)

    assert before == desk.step()
    assert 1 == len(desk.remote.asked)


@pytest.mark.parametrize("status", [401, 403])
def test_step_stays_open_when_the_api_key_is_refused(desk: Desk, status: int) -> None:
    """A revoked API key says nothing about an earlier try: same key, same bytes, once it is mended."""
    desk.remote.answers = ["lost"]
    with pytest.raises(UnknownOutcomeError):
        desk.once()
    kept = dict(desk.remote.known)
    desk.remote.known = {key: NotPermittedError(str(status)) for key in kept}
    with pytest.raises(NotPermittedError):
        desk.once()
    assert ("intended", 1) == (desk.step().progress, desk.step().generation)
    desk.remote.known = dict(kept)

    assert "v1" == desk.once("v2")["body"]
    assert (1, 1, 0) == (len(desk.remote.effects), keys(desk), desk.remote.looks)


@pytest.mark.parametrize("is_there", [True, False])
def test_step_gets_a_new_key_when_a_refused_permission_is_replayed(
    desk: Desk, *, is_there: bool
) -> None:
    """A 403 that Stripe keeps under the key of an earlier try ends the key, after a look."""
    desk.remote.effects = ["v0"] if is_there else []
    desk.remote.answers = [UnavailableError("no answer"), recorded(NotPermittedError("403")), None]
    with pytest.raises(UnavailableError):
        desk.once()
    outcome = desk.once()

    assert ("v0" if is_there else "v1") == outcome["body"]
    assert (1, 1 if is_there else 2) == (desk.remote.looks, keys(desk))
    assert 1 == len(desk.remote.effects)


def test_first_try_is_definite_when_the_api_key_is_refused(desk: Desk) -> None:
    """Nothing can have happened under a key that was sent once and refused; the next one works."""
    desk.remote.answers = [NotPermittedError("401")]
    with pytest.raises(NotPermittedError) as caught:
        desk.once("v1")
    refused = desk.step().progress

    assert (True, "refused") == (caught.value.is_definite, refused)
    assert "v2" == desk.once("v2")["body"]
    assert (2, 0) == (keys(desk), desk.remote.looks)


def test_step_stays_open_when_the_look_is_refused(desk: Desk) -> None:
    """A look that may not look tells nothing: the step is neither refused nor sent again."""
    desk.remote.answers = [RefusedError("no")]

    def look() -> Outcome | None:
        raise NotPermittedError("may not list", code="more_permissions_required")

    with pytest.raises(UnknownOutcomeError, match="may not list") as caught:
        desk.journal.once("card", desk.remote.call(), look)

    assert "more_permissions_required" == caught.value.code
    assert ("intended", 1) == (desk.step().progress, len(desk.remote.asked))


def test_begun_tells_when_a_step_was_first_sent(desk: Desk) -> None:
    """A step that nobody began has no beginning; an open or done one has."""
    assert desk.journal.begun("card") is None
    desk.remote.answers = ["lost"]
    with pytest.raises(UnknownOutcomeError):
        desk.once()
    desk.clock.now += timedelta(hours=1)
    desk.once()

    assert START == desk.journal.begun("card")


def test_then_is_written_with_the_outcome_or_not_at_all(desk: Desk) -> None:
    """What belongs to the outcome is in the same transaction; if it fails, the step is open."""

    def broken(tx: Transaction, outcome: Outcome) -> None:
        tx.put(PoolRecord(account="acct_1", currency="usd"))
        raise LeaseLostError("too late")

    def works(tx: Transaction, outcome: Outcome) -> None:
        tx.put(PoolRecord(account=outcome["id"], currency="usd"))

    with pytest.raises(LeaseLostError):
        desk.once(then=broken)
    assert "intended" == desk.step().progress
    desk.once(then=works)

    pools = desk.store.read(lambda tx: tx.find(PoolRecord))
    assert ["ic_1"] == [one.account for one in pools]
    assert 1 == len(desk.remote.effects)


def test_then_runs_once_when_the_step_is_done_already(desk: Desk) -> None:
    """What belongs to the outcome is not written again by a repetition."""
    seen: list[Outcome] = []

    def then(tx: Transaction, outcome: Outcome) -> None:
        seen.append(outcome)

    desk.once(then=then)
    desk.once(then=then)

    assert 1 == len(seen)


def test_nothing_is_sent_or_written_when_the_lease_is_lost(desk: Desk) -> None:
    """A worker that was overtaken writes neither intent, nor outcome, nor refusal, nor new key."""
    is_lost = [False]

    def guard(tx: Transaction) -> None:
        if is_lost[0]:
            raise LeaseLostError("another worker")

    def losing(key: str) -> Outcome:
        is_lost[0] = True
        return desk.remote.ask(key, "v1")

    guarded = evolve(desk.journal, guard=guard)
    for answer in (None, RefusedError("no"), recorded(UnknownOutcomeError("500"))):
        is_lost[0] = False
        desk.remote.known.clear()
        desk.remote.answers = [answer]
        with pytest.raises(LeaseLostError):
            guarded.once("card", losing, lambda: None)
        assert ("intended", 1) == (desk.step().progress, desk.step().generation)
    asked = len(desk.remote.asked)
    with pytest.raises(LeaseLostError):
        guarded.once("other", losing, lambda: None)

    assert asked == len(desk.remote.asked)


def test_keys_differ_by_scope_step_and_generation_and_by_nothing_else(desk: Desk) -> None:
    """A key is derived from what it is for: never from time or chance."""
    desk.once()
    other = evolve(desk.journal, scope="order/acct_1/claim-8841/2")
    other.once("card", desk.remote.call(), desk.remote.look)
    desk.journal.once("cardholder", desk.remote.call(), desk.remote.look)
    store = MemoryStore(clock=lambda: START + timedelta(days=99))
    again = Remote()
    StepJournal(store=store, clock=Clock(START + timedelta(days=99)), scope=SCOPE).once(
        "card", again.call(), again.look
    )

    assert 3 == keys(desk)
    assert desk.remote.asked[0] == again.asked[0]
    assert all(len(key) <= 255 for key, _ in desk.remote.asked)
