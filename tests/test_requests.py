"""
Is what matters read out of an event, however thin, odd or new it is?
"""

import copy
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from attrs import asdict, evolve, fields
from hypothesis import given
from hypothesis import strategies as st

from issuing_disburse.decision import AuthorizationRequest
from issuing_disburse.exceptions import PayloadInvalidError
from issuing_disburse.money import Money
from issuing_disburse.requests import read_event, read_request

CREATED = 1_793_610_000
AT = datetime.fromtimestamp(CREATED, UTC)

WHOLE: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "type": "issuing_authorization.request",
    "account": "acct_1",
    "created": CREATED,
    "livemode": False,
    "data": {
        "object": {
            "id": "iauth_1",
            "amount": 0,
            "approved": False,
            "authorization_method": "online",
            "card": {"id": "ic_1", "currency": "usd", "last4": "0016"},
            "card_presence": "not_present",
            "currency": "usd",
            "livemode": False,
            "merchant_data": {
                "category": "taxicabs_limousines",
                "category_code": "4121",
                "city": "San Francisco",
                "country": "US",
                "name": "Rocket Rides",
                "network_id": "4445001",
                "postal_code": "94107",
            },
            "pending_request": {
                "amount": 12_500,
                "amount_details": {"atm_fee": None, "cashback_amount": 2_000},
                "currency": "usd",
                "is_amount_controllable": True,
                "merchant_amount": 11_800,
                "merchant_currency": "eur",
                "network_risk_score": 17,
            },
            "status": "pending",
            "verification_data": {
                "address_line1_check": "match",
                "address_postal_code_check": "mismatch",
                "cvc_check": "match",
                "expiry_check": "not_provided",
                "three_d_secure": {"result": "authenticated"},
            },
            "wallet": "apple_pay",
        }
    },
}

PENDING = "data.object.pending_request"


def changed(**replaced: Any) -> dict[str, Any]:
    """
    Return the whole event with values at dotted paths (``__`` between keys) replaced, ``...`` removed.
    """
    event = copy.deepcopy(WHOLE)
    for path, value in replaced.items():
        *keys, last = path.split("__")
        place = event
        for key in keys:
            place = place[key]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return event


def in_object(**replaced: Any) -> dict[str, Any]:
    """
    Return the whole event with values inside of ``data.object`` replaced.
    """
    return changed(**{f"data__object__{path}": value for path, value in replaced.items()})


def test_read_request_reads_everything_that_rules_look_at() -> None:
    """A whole event becomes a whole request."""
    expected = AuthorizationRequest(
        event_id="evt_1",
        authorization_id="iauth_1",
        card_id="ic_1",
        amount=Money(12_500, "usd"),
        already_approved=Money(0, "usd"),
        created=AT,
        account="acct_1",
        is_livemode=False,
        is_amount_controllable=True,
        cashback=Money(2_000, "usd"),
        merchant_amount=11_800,
        merchant_currency="eur",
        merchant_name="Rocket Rides",
        merchant_network_id="4445001",
        merchant_city="San Francisco",
        merchant_country="US",
        merchant_postal_code="94107",
        category="taxicabs_limousines",
        mcc="4121",
        authorization_method="online",
        card_presence="not_present",
        wallet="apple_pay",
        cvc_check="match",
        expiry_check="not_provided",
        address_line1_check="match",
        postal_code_check="mismatch",
        three_d_secure="authenticated",
        network_risk_score=17,
    )

    assert expected == read_request(read_event(orjson.dumps(WHOLE)))


@pytest.mark.parametrize("card", ["ic_1", {"id": "ic_1"}])
def test_read_request_needs_little_when_the_payload_is_thin(card: object) -> None:
    """A card id, an amount, a currency, the mode and ids are enough for a question."""
    thin = {
        "id": "evt_1",
        "created": CREATED,
        "livemode": True,
        "data": {
            "object": {
                "id": "iauth_1",
                "card": card,
                "pending_request": {"amount": 700, "currency": "usd"},
            }
        },
    }
    expected = AuthorizationRequest(
        event_id="evt_1",
        authorization_id="iauth_1",
        card_id="ic_1",
        amount=Money(700, "usd"),
        already_approved=Money(0, "usd"),
        created=AT,
        is_livemode=True,
    )

    assert expected == read_request(thin)


@pytest.mark.parametrize(
    ("pending", "outer", "card", "expected"),
    [
        ("EUR", "usd", "gbp", "eur"),
        (None, "USD", "gbp", "usd"),
        (None, None, "GBP", "gbp"),
    ],
)
def test_read_request_looks_further_when_a_currency_is_missing(
    pending: str | None, outer: str | None, card: str | None, expected: str
) -> None:
    """The currency is the question's, or else the authorization's, or else the card's."""
    event = in_object(pending_request__currency=pending, currency=outer, card__currency=card)

    assert expected == read_request(event).amount.currency


def test_read_request_makes_what_the_constructor_makes_when_it_goes_past_it() -> None:
    """The request has every field, in nothing different from one that was made in the usual way."""
    request = read_request(WHOLE)

    assert {one.name for one in fields(AuthorizationRequest)} == set(vars(request))
    assert AuthorizationRequest(**asdict(request, recurse=False)) == request
    assert evolve(request, category="bakeries").category == "bakeries"


def test_read_request_takes_the_time_from_a_clock_when_the_event_has_none() -> None:
    """A clock is asked only when the time is missing."""
    event = {key: value for key, value in WHOLE.items() if key != "created"}

    assert AT == read_request(event, received_at=lambda: AT).created
    assert AT == read_request(WHOLE, received_at=lambda: AT.replace(year=2027)).created


def test_read_request_tells_what_was_approved_before_when_it_is_an_increment() -> None:
    """An increment's amount is the additional sum, and its total is both."""
    request = read_request(in_object(amount=10_000, pending_request__amount=2_500))

    assert (Money(2_500, "usd"), Money(10_000, "usd")) == (request.amount, request.already_approved)
    assert Money(12_500, "usd") == request.total
    assert request.is_increment


def test_read_request_takes_numbers_as_floats_when_they_are_whole() -> None:
    """12500.0 is 12500, and a time may have a fraction."""
    event = in_object(amount=0.0, pending_request__amount=12_500.0)
    event["created"] = CREATED + 0.5
    request = read_request(event)

    assert Money(12_500, "usd") == request.amount
    assert AT.replace(microsecond=500_000) == request.created


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({"authorization_method": "by_thought"}, "authorization_method", "by_thought"),
        ({"merchant_data__category": "of_tomorrow"}, "category", "of_tomorrow"),
        ({"merchant_data__category_code": 742}, "mcc", "0742"),
        ({"merchant_data__country": "us"}, "merchant_country", "US"),
        ({"merchant_data__country": 5}, "merchant_country", None),
        ({"merchant_data": None}, "merchant_name", None),
        ({"merchant_data": ["?"]}, "merchant_name", None),
        ({"verification_data": ...}, "cvc_check", None),
        ({"verification_data__three_d_secure": None}, "three_d_secure", None),
        ({"pending_request__amount_details": None}, "cashback", None),
        ({"pending_request__is_amount_controllable": "yes"}, "is_amount_controllable", False),
        ({"pending_request__merchant_amount": -3}, "merchant_amount", None),
        ({"pending_request__merchant_currency": "XXX"}, "merchant_currency", "xxx"),
        ({"pending_request__network_risk_score": "high"}, "network_risk_score", None),
        ({"wallet": None}, "wallet", None),
        ({"amount": None}, "already_approved", Money(0, "usd")),
        ({"livemode": ...}, "is_livemode", False),
    ],
)
def test_read_request_passes_over_what_it_does_not_know(
    changes: dict[str, Any], name: str, expected: object
) -> None:
    """New words pass as they are, and optional fields that are missing or odd are none."""
    assert expected == getattr(read_request(in_object(**changes)), name)


@pytest.mark.parametrize(
    ("event", "param"),
    [
        (changed(livemode=...), "livemode"),
        (changed(livemode=None), "livemode"),
        (changed(livemode="false"), "livemode"),
        (changed(data=...), "data.object"),
        (changed(data=[]), "data.object"),
        (changed(data__object="iauth_1"), "data.object"),
        (changed(data__object__livemode=True), "data.object.livemode"),
        (changed(created=...), "created"),
        (changed(created=True), "created"),
        (changed(created="now"), "created"),
        (changed(created=-1), "created"),
        (changed(created=float("nan")), "created"),
        (changed(created=1e18), "created"),
        (changed(account=7), "account"),
        (changed(account=""), "account"),
        (changed(id=..., data__object__id=...), "data.object.id"),
        (in_object(pending_request=...), PENDING),
        (in_object(pending_request=None), PENDING),
        (in_object(card=...), "data.object.card"),
        (in_object(card=""), "data.object.card"),
        (in_object(card=7), "data.object.card"),
        (in_object(card__id=...), "data.object.card"),
        (in_object(card__id=7), "data.object.card"),
        (in_object(amount=-1), "data.object.amount"),
        (in_object(amount="0"), "data.object.amount"),
        *[
            (in_object(pending_request__amount=value), f"{PENDING}.amount")
            for value in (..., None, -1, True, "12500", 12.5, 10**13, 1e300, float("inf"), [1])
        ],
        (
            in_object(pending_request__amount_details__cashback_amount=-1),
            f"{PENDING}.amount_details.cashback_amount",
        ),
        (in_object(pending_request__currency="zzz"), "data.object.currency"),
        (in_object(pending_request__currency=840), "data.object.currency"),
        (
            in_object(pending_request__currency=..., currency=..., card__currency=...),
            "data.object.currency",
        ),
    ],
)
def test_read_request_names_the_field_when_it_cannot_judge(
    event: dict[str, Any], param: str
) -> None:
    """What cannot be judged is refused by the field's name."""
    with pytest.raises(PayloadInvalidError) as caught:
        read_request(event)

    assert param == caught.value.param
    assert str(caught.value).startswith(param)


def test_read_request_keeps_values_to_itself_when_it_refuses() -> None:
    """No value of a payload gets into a message."""
    with pytest.raises(PayloadInvalidError) as caught:
        read_request(in_object(pending_request__currency="jenny@example.com"))

    assert "jenny" not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"


def test_read_request_takes_the_signed_time_when_the_event_has_none() -> None:
    """A caller that knows when the event was signed can stand in for a missing time."""
    received = datetime(2026, 11, 2, 9, 0, 5, tzinfo=UTC)

    assert received == read_request(changed(created=...), received_at=received).created
    assert AT == read_request(WHOLE, received_at=received).created


def test_read_request_tells_increments_apart_when_events_have_no_id() -> None:
    """Without event ids, another sum on the same authorization is still another question."""
    ids = [
        read_request(changed(id=..., data__object__amount=amount)).event_id for amount in (0, 500)
    ]

    assert ["iauth_1/0+12500", "iauth_1/500+12500"] == ids
    assert "evt_1" == read_request(changed(data__object__id=...)).authorization_id


@pytest.mark.parametrize(
    ("payload", "param"),
    [
        (b"", "payload"),
        (b"{", "payload"),
        (b"[]", "payload"),
        (b"null", "payload"),
        (b'"text"', "payload"),
        (b"\xff\xfe", "payload"),
        (b"[" * 100_000, "payload"),
        (b'{"amount": NaN}', "type"),
        ("{}", "payload"),
        (None, "payload"),
        (b"{}", "type"),
        (b'{"type": null}', "type"),
        (b'{"type": 7}', "type"),
    ],
)
def test_read_event_refuses_when_it_is_no_event(payload: bytes, param: str) -> None:
    """Only a JSON object with a type is an event."""
    with pytest.raises(PayloadInvalidError) as caught:
        read_event(payload)

    assert param == caught.value.param


def test_read_event_keeps_the_payload_to_itself_when_it_refuses() -> None:
    """The parser's error, which carries the payload, does not travel along."""
    with pytest.raises(PayloadInvalidError) as caught:
        read_event(b'{"secret": "jenny@example.com"')

    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def tried(action: Callable[[], object]) -> object:
    """
    Return what *action* returns, or the one error it may end with.
    """
    try:
        return action()
    except PayloadInvalidError as refused:
        return refused


def paths(place: Mapping[str, Any], before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """
    List where the whole event holds a value.
    """
    found: list[tuple[str, ...]] = []
    for key, value in place.items():
        found.append((*before, key))
        if isinstance(value, Mapping):
            found += paths(value, (*before, key))
    return found


@given(st.sampled_from(paths(WHOLE)), JSON)
def test_read_request_answers_or_refuses_when_any_field_is_replaced(
    path: tuple[str, ...], value: object
) -> None:
    """Whatever stands in a field, the outcome is a request or the one error."""
    event = copy.deepcopy(WHOLE)
    place = event
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    outcome = tried(lambda: read_request(event))

    if isinstance(outcome, PayloadInvalidError):
        assert outcome.param is not None
    else:
        assert isinstance(outcome, AuthorizationRequest)
        assert outcome.amount.minor >= 0


@given(st.binary(max_size=60))
def test_read_event_answers_or_refuses_when_bytes_are_random(payload: bytes) -> None:
    """Whatever the bytes, the outcome is an object with a type or the one error."""
    outcome = tried(lambda: read_event(payload))

    if isinstance(outcome, PayloadInvalidError):
        assert outcome.param in {"payload", "type"}
    else:
        assert isinstance(outcome, dict)
        assert isinstance(outcome["type"], str)
