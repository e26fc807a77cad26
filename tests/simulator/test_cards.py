"""
Do cards behave as Stripe documents, from creation to replacement?
"""

import pytest
import stripe

from issuing_disburse.simulator import Behaviour


def _refused(bench, **changes) -> stripe.InvalidRequestError:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.card(**changes)
    return caught.value


def test_card_is_inactive_when_no_status_is_given(bench):
    """A card that nobody asked to activate cannot pay."""
    card = bench.card(status=None)

    declined = bench.sim.authorize(card.id, 1_000)

    assert "inactive" == card.status
    assert "card_inactive" == declined["request_history"][0]["reason"]


def test_number_is_shown_only_when_expanded_on_retrieve(bench):
    """Number and CVC are absent everywhere but in an expanded retrieve."""
    card = bench.card()
    cards = bench.client.v1.issuing.cards
    plain = cards.retrieve(card.id, {}, bench.opt)
    shown = cards.retrieve(card.id, {"expand": ["number", "cvc"]}, bench.opt)

    assert "number" not in plain
    assert "cvc" not in card
    assert shown.number.startswith("400000999")
    assert card.last4 == shown.number[-4:]
    assert 3 == len(shown.cvc)
    assert all(shown.number.encode() not in repr(e).encode() for e in bench.sim.events())


@pytest.mark.parametrize("path", ["data.number", "data.cvc"])
def test_list_refuses_to_expand_secrets(bench, path):
    """A list answers 400 to the expansion of a secret."""
    bench.card()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.client.v1.issuing.cards.list({"expand": [path]}, bench.opt)

    assert f"This property cannot be expanded ({path})." in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"cardholder": "ich_nope"}, "cardholder"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "xyz"}, "currency"),
        ({"type": "physical"}, "type"),
        ({"second_line": "hello"}, "second_line"),
        ({"exp_month": 11, "exp_year": 2026}, "exp_year"),
        ({"exp_month": 11, "exp_year": 2031}, "exp_year"),
        ({"exp_month": 13, "exp_year": 2027}, "exp_month"),
        ({"exp_month": 5}, "exp_year"),
        ({"replacement_reason": "lost"}, "replacement_for"),
    ],
)
def test_card_is_refused_when_a_parameter_is_wrong(bench, changes, param):
    """A wrong parameter is named, and no card is made."""
    error = _refused(bench, **changes)
    bench.contract.problems.clear()  # The wrong values are wrong by the SDK's types, too.

    assert param == error.param
    assert [] == bench.sim.objects("card")


def test_expiry_is_the_one_asked_for(bench):
    """The earliest and the latest month are accepted."""
    cards = [bench.card(exp_month=m, exp_year=y) for m, y in ((12, 2026), (10, 2031))]

    assert [(12, 2026), (10, 2031)] == [(card.exp_month, card.exp_year) for card in cards]


def test_card_needs_a_phone_when_the_account_is_european(make_bench):
    """Outside the US a holder without a phone number gets no card."""
    bench = make_bench(country="DE")
    holder = bench.holder(phone_number=None)

    error = _refused(bench, holder=holder.id, currency="eur")

    assert "cardholder_phone_number_required" == error.code


def test_card_is_refused_when_requirements_are_outstanding(bench):
    """A US individual without names and terms gets no active card, but an inactive one."""
    holder = bench.holder(individual=None)
    error = _refused(bench, holder=holder.id)
    card = bench.card(holder.id, status="inactive")
    with pytest.raises(stripe.InvalidRequestError):
        bench.client.v1.issuing.cards.update(card.id, {"status": "active"}, bench.opt)

    assert "requirements.past_due" == holder.requirements.disabled_reason
    assert "outstanding requirements" in str(error)


def test_canceled_card_stays_canceled(bench):
    """Nothing but metadata changes on a canceled card."""
    cards = bench.client.v1.issuing.cards
    card = bench.card()
    canceled = cards.update(
        card.id, {"status": "canceled", "cancellation_reason": "lost"}, bench.opt
    )
    with pytest.raises(stripe.InvalidRequestError):
        cards.update(card.id, {"status": "active"}, bench.opt)
    labelled = cards.update(card.id, {"metadata": {"a": "b"}}, bench.opt)

    assert "lost" == canceled.cancellation_reason
    assert "canceled" == labelled.status
    assert "b" == labelled.metadata["a"]


def test_cancellation_reason_is_refused_when_not_canceling(bench):
    """A reason without a cancellation is an error."""
    card = bench.card()
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.client.v1.issuing.cards.update(card.id, {"cancellation_reason": "stolen"}, bench.opt)

    assert "cancellation_reason" == caught.value.param


def test_update_tells_what_changed_when_controls_are_replaced(bench):
    """Lists are replaced as a whole, and the event carries the old values."""
    card = bench.card()
    limits = [{"amount": 5_000, "interval": "daily"}]
    updated = bench.client.v1.issuing.cards.update(
        card.id, {"spending_controls": {"spending_limits": limits}}, bench.opt
    )
    event = bench.sim.events(bench.account)[-1]

    assert 5_000 == updated.spending_controls.spending_limits[0].amount
    assert "issuing_card.updated" == event["type"]
    old = event["data"]["previous_attributes"]["spending_controls"]["spending_limits"]
    assert 100_000 == old[0]["amount"]


def test_worn_card_keeps_its_number_when_replaced(bench):
    """A damaged card's replacement has the same number and retires it when activated."""
    old = bench.card()
    new = bench.card(old.cardholder.id, replacement_for=old.id, replacement_reason="damaged")
    again = _refused(bench, replacement_for=old.id, replacement_reason="damaged")
    retired = bench.client.v1.issuing.cards.retrieve(old.id, {}, bench.opt)

    assert (old.last4, old.id) == (new.last4, new.replacement_for)
    assert ("canceled", new.id) == (retired.status, retired.replaced_by)
    assert "already been replaced" in str(again)


def test_lost_card_is_canceled_before_it_is_replaced(bench):
    """A lost card gets a new number, once it is canceled; limits go on along the chain."""
    old = bench.card()
    bench.sim.capture(bench.sim.authorize(old.id, 90_000)["id"])
    early = _refused(bench, replacement_for=old.id, replacement_reason="lost")
    bench.client.v1.issuing.cards.update(old.id, {"status": "canceled"}, bench.opt)
    new = bench.card(old.cardholder.id, replacement_for=old.id, replacement_reason="lost")
    declined = bench.sim.authorize(new.id, 20_000)

    assert "must be canceled" in str(early)
    assert old.last4 != new.last4
    assert "spending_controls" == declined["request_history"][0]["reason"]


def test_inactive_replacement_retires_its_original_when_activated(bench):
    """The original goes on until the replacement is activated."""
    cards = bench.client.v1.issuing.cards
    old = bench.card()
    new = bench.card(
        old.cardholder.id, replacement_for=old.id, replacement_reason="expired", status="inactive"
    )
    before = cards.retrieve(old.id, {}, bench.opt).status
    cards.update(new.id, {"status": "active"}, bench.opt)

    assert ("active", "canceled") == (before, cards.retrieve(old.id, {}, bench.opt).status)


def test_secrets_of_a_canceled_card_are_refused_when_switched_so(make_bench):
    """The switch closes what Stripe leaves open: reading a dead card's number."""
    bench = make_bench(Behaviour(canceled_card_secrets_readable=False))
    card = bench.card()
    bench.client.v1.issuing.cards.update(card.id, {"status": "canceled"}, bench.opt)
    with pytest.raises(stripe.InvalidRequestError):
        bench.client.v1.issuing.cards.retrieve(card.id, {"expand": ["number"]}, bench.opt)


def test_list_filters_by_holder_status_and_digits(bench):
    """Every filter narrows the list; what cannot match gives an empty one."""
    first, second = bench.card(), bench.card(status="inactive")
    cards = bench.client.v1.issuing.cards

    def ids(**filters):
        return [card.id for card in cards.list(filters, bench.opt)]

    assert [second.id, first.id] == ids()
    assert [first.id] == ids(cardholder=first.cardholder.id)
    assert [second.id] == ids(status="inactive")
    assert [first.id] == ids(last4=first.last4, exp_month=first.exp_month)
    assert [] == ids(type="physical")
    assert [] == ids(cardholder="ich_nobody")
    assert [second.id] == ids(limit=1)
