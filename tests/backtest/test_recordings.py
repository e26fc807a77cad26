"""
Is what merchants asked kept whole, once, without secrets, and readable by whoever comes later?
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuing_disburse import Disburser, InvalidInputError, Money
from issuing_disburse.recordings import (
    Recorded,
    RecordedCard,
    RecordedOutcome,
    RecordedRequest,
    from_line,
    happened,
    in_order,
    read_lines,
    recorded_at_stripe,
    to_line,
)
from issuing_disburse.recordings.at_stripe import card_from_controls
from issuing_disburse.testing.policy_kit import NOW, make_allotment, make_request
from issuing_disburse.testing.policy_strategies import requests, terms
from replaying import play
from world import World, make_order, open_world


@pytest.fixture(scope="module")
def played() -> Iterator[tuple[World, list[Recorded], list[bytes]]]:
    """
    A day of purchases, its recordings, and every event that was delivered.
    """
    payloads: list[bytes] = []
    with open_world("sqlite://") as world:

        def listen(payload: bytes, signature: str) -> Any:
            payloads.append(payload)
            return world.disburser.handle_webhook(payload, signature)

        world.simulator.deliver_webhooks_to(listen, realtime=False)
        play(world)
        yield world, list(world.disburser.recordings.recorded()), payloads


def _outcome() -> RecordedOutcome:
    return RecordedOutcome(authorization_id="iauth_1", card_id="ic_1", at=NOW, minor=2_000)


@given(requests("usd"), st.booleans(), st.booleans(), st.integers(0, 10**6))
def test_a_request_is_read_as_it_was_written(request, was_asked, approved, minor) -> None:
    """Whatever a merchant asks comes back from its line, unchanged."""
    one = RecordedRequest(
        request=request,
        was_asked=was_asked,
        approved=approved,
        approved_minor=minor,
        code="over_remaining",
        rule="WithinRemaining",
    )

    assert one == from_line(to_line(one))


@given(terms())
def test_a_card_is_read_as_it_was_written(some_terms) -> None:
    """All terms come back."""
    card = RecordedCard(
        card_id="ic_1",
        order_id="claim-8841",
        account=None,
        amount=Money(12_500, "eur"),
        terms=some_terms,
        expires_at=NOW,
        recipient="ich_1",
    )

    assert card == from_line(to_line(card))


def test_an_outcome_is_read_as_it_was_written() -> None:
    """Likewise."""
    assert _outcome() == from_line(to_line(_outcome()))


def test_a_line_stays_as_this_version_wrote_it() -> None:
    """A file of today is read tomorrow: this line was written by version 1."""
    line = (
        b'{"v":1,"kind":"request","at":"2026-11-02T09:00:00+00:00","event_id":"evt_1",'
        b'"authorization_id":"iauth_1","card_id":"ic_1","currency":"usd","amount_minor":12500,'
        b'"already_approved_minor":0,"was_asked":true,"approved":true,"approved_minor":12500,'
        b'"code":"approved","rule":"","mcc":"5734","newer":"unknown"}'
    )
    found = from_line(line)

    assert isinstance(found, RecordedRequest)
    assert (Money(12_500, "usd"), "5734") == (found.request.amount, found.request.mcc)
    assert datetime(2026, 11, 2, 9, tzinfo=UTC) == found.at


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"v": 2}, "line 2.v"),
        ({"v": None}, "line 2.v"),
        ({"kind": "refund"}, "line 2.kind"),
        ({"kind": ["x"]}, "line 2.kind"),
        ({"minor": None, "at": "yesterday"}, "line 2"),
        ({"at": "2026-11-02T09:00:00"}, "line 2"),
        ({"at": 5}, "line 2"),
        ({"minor": "2000"}, "line 2"),
        ({"minor": True}, "line 2"),
        ({"card_id": None}, "line 2"),
        ({"at": "2026-11-02T08:59:59+00:00"}, "line 2.at"),
    ],
)
def test_a_bad_line_is_named(change: dict[str, Any], field: str) -> None:
    """With its number and what is wrong, before anything is made of it."""
    first = to_line(_outcome())
    second = orjson.dumps({**orjson.loads(first), **change})

    with pytest.raises(InvalidInputError) as caught:
        list(read_lines([first, second]))

    assert field == caught.value.field


@pytest.mark.parametrize("line", [b"{", b"[]", b"\xff", b"null"])
def test_a_line_that_is_no_object_is_named_without_its_content(line: bytes) -> None:
    """It may be anything, so it is not repeated."""
    with pytest.raises(InvalidInputError, match="line 3: is no JSON object"):
        list(read_lines([b"", b"\n", line]))


def test_a_missing_field_is_named() -> None:
    """By its name."""
    line = {key: value for key, value in orjson.loads(to_line(_outcome())).items() if key != "at"}

    with pytest.raises(InvalidInputError) as caught:
        from_line(orjson.dumps(line))

    assert "line.at" == caught.value.field


def test_events_that_come_again_or_shuffled_are_kept_once(played) -> None:
    """Every event of the day, backwards, a second time: nothing is added."""
    world, before, payloads = played
    events = [orjson.loads(payload) for payload in payloads]
    for event in reversed(events):
        world.disburser._workers.responder.record(event)  # noqa: SLF001 - as if Stripe delivered it again

    assert before == list(world.disburser.recordings.recorded())


def test_nothing_of_the_cardholder_is_kept(played) -> None:
    """No name, address, phone or mail, and of the card nothing but its id."""
    _, recorded, _ = played
    text = b"\n".join(to_line(one) for one in recorded).decode().lower()

    assert [] == [
        word
        for word in (
            "jenny",
            "rosen",
            "example.com",
            "8008675309",
            "main st",
            "43004",
            "last4",
            "exp_",
        )
        if word in text
    ]


def test_recording_can_be_switched_off() -> None:
    """With *record_requests* set to false, nothing is kept."""
    with open_world(options={"record_requests": False}) as world:
        card = world.disburser.disburse(make_order()).card
        world.simulator.authorize(card.id, amount=12_500)

        assert [] == list(world.disburser.recordings.recorded())


def test_a_part_of_the_time_can_be_read(played) -> None:
    """From *since* on, to before *until*; a card comes before its first request in that time."""
    world, recorded, _ = played
    times = [one.at for one in recorded if not isinstance(one, RecordedCard)]
    some = list(world.disburser.recordings.recorded(since=times[4], until=times[-1]))
    shown = [one.at for one in some if not isinstance(one, RecordedCard)]

    assert [at for at in times if times[4] <= at < times[-1]] == shown
    assert isinstance(some[0], RecordedCard)


def test_other_accounts_have_their_own_recordings(played) -> None:
    """One account's requests are not another's."""
    world, _, _ = played

    assert [] == list(world.disburser.for_account("acct_other").recordings.recorded())


def test_what_is_old_can_be_forgotten() -> None:
    """Everything before a time goes, and nothing else."""
    with open_world() as world:
        play(world)
        recordings = world.disburser.recordings
        before = list(recordings.recorded())
        at = [one.at for one in before if not isinstance(one, RecordedCard)][6]
        removed = recordings.forget(before=at)
        left = [one for one in recordings.recorded() if not isinstance(one, RecordedCard)]

        assert 0 < removed
        assert left == [one for one in before if not isinstance(one, RecordedCard) and one.at >= at]


@pytest.mark.parametrize("name", ["since", "until"])
def test_a_time_without_a_zone_is_refused(played, name: str) -> None:
    """Whose midnight it is must be said."""
    world, _, _ = played
    with pytest.raises(InvalidInputError) as caught:
        world.disburser.recordings.recorded(**{name: datetime(2026, 11, 2)})  # noqa: DTZ001 - the point

    assert name == caught.value.field


def test_a_foreign_card_is_judged_by_its_controls(played) -> None:
    """Without the store, Stripe's limits say what a card was for, as far as they can."""
    world, _, _ = played
    client = world.simulator.http_client()
    with Disburser.connect(
        api_key=world.simulator.api_key,
        account=world.account,
        webhook_secret="whsec_other",
        store="memory://",
        http_client=client,
        clock=world.simulator.clock.now,
    ) as stranger:
        listed = list(stranger.recordings.at_stripe(since=NOW))
    cards = {one.order_id: one for one in listed if isinstance(one, RecordedCard)}

    assert {"exact", "several", "other"} == set(cards)
    assert (3, "between", 12_500) == (
        cards["several"].terms.uses,
        cards["several"].terms.amount.kind,
        cards["several"].amount.minor,
    )
    mine = {one.order_id: one for one in played[1] if isinstance(one, RecordedCard)}
    assert {name: (one.expires_at, one.recipient, one.amount) for name, one in mine.items()} == {
        name: (one.expires_at, one.recipient, one.amount) for name, one in cards.items()
    }


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"id": "ic_1", "currency": "usd"},
        {"id": "ic_1", "currency": "xxx", "spending_controls": None},
        {
            "id": "ic_1",
            "currency": "usd",
            "spending_controls": {"spending_limits": [{"amount": "5", "interval": "all_time"}, 7]},
        },
        {
            "id": "ic_1",
            "currency": "usd",
            "exp_year": "soon",
            "exp_month": 1,
            "spending_controls": {"spending_limits": [{"amount": 5, "interval": "all_time"}]},
        },
    ],
)
def test_a_card_that_tells_too_little_is_unknown(card: dict[str, Any]) -> None:
    """Nothing is made up about it."""
    assert None is card_from_controls(card, account=None)


@pytest.mark.parametrize(
    "authorization",
    [
        {"id": "iauth_1", "request_history": [{"amount": "x"}]},
        {"id": "iauth_1", "livemode": False, "request_history": [{"amount": 5}]},
        {"request_history": [{"amount": 5, "created": 5}], "livemode": False},
    ],
)
def test_an_authorization_that_is_too_thin_is_passed_over(authorization: dict[str, Any]) -> None:
    """One object that cannot be read does not end the list."""
    assert [] == list(recorded_at_stripe([authorization], account=None, known=lambda _: None))


def test_a_part_that_was_approved_is_seen_in_the_hold() -> None:
    """What was held is what was approved, and such a merchant takes parts."""
    authorization = {
        "id": "iauth_1",
        "livemode": False,
        "card": "ic_1",
        "currency": "usd",
        "amount": 12_500,
        "status": "pending",
        "approved": True,
        "created": 1_793_610_000,
        "request_history": [
            {"amount": 20_000, "approved": True, "reason": "webhook_approved", "created": 5}
        ],
    }
    (one,) = happened(authorization, account=None)

    assert isinstance(one, RecordedRequest)
    assert (12_500, 20_000) == (one.approved_minor, one.request.amount.minor)
    assert one.request.is_amount_controllable


def test_of_two_requests_in_one_second_the_approved_one_was_first() -> None:
    """Stripe counts seconds; a use cannot be refused before it is gone."""
    allotment = make_allotment()
    asked = [
        RecordedRequest(
            request=make_request(authorization_id=name, created=NOW, card_id=allotment.card_id),
            was_asked=True,
            approved=approved,
            approved_minor=0,
            code="",
        )
        for name, approved in (("iauth_1", False), ("iauth_2", True))
    ]
    later = _outcome()

    assert ["iauth_2", "iauth_1", "iauth_1"] == [
        getattr(one, "authorization_id", "") or one.request.authorization_id
        for one in in_order([later, *asked], lambda _: None)
    ]
    assert timedelta(0) == asked[0].at - later.at
