"""
Are holds grown, released, captured, refunded and listed as documented?
"""

from datetime import timedelta

import pytest
import stripe

from issuing_disburse.simulator import Behaviour, SimulatorError


def _reason(authorization) -> str:
    return authorization["request_history"][-1]["reason"]


def test_increment_asks_again_and_adds_a_decision(bench):
    """An approved increment grows the hold; a declined one leaves it."""
    receiver = bench.receiver()
    helper = bench.client.v1.test_helpers.issuing.authorizations
    bought = bench.sim.authorize(bench.card().id, 5_000)
    grown = helper.increment(bought["id"], {"increment_amount": 1_000}, bench.opt)
    request = [event for event in receiver.seen if event["type"].endswith(".request")][-1]
    receiver.reply = type(receiver.reply)(body=b'{"approved":false}')
    refused = bench.sim.increment(bought["id"], 700)

    assert 5_000 == request["data"]["object"]["amount"]
    assert 6_000 == grown.amount
    assert (6_000, "pending") == (refused["amount"], refused["status"])
    assert [True, True, False] == [each["approved"] for each in refused["request_history"]]
    assert 6_000 == bench.sim.held(bench.account)


def test_history_is_newest_first_when_switched_so(make_bench):
    """The undocumented order of the history is a switch."""
    bench = make_bench(Behaviour(request_history_newest_first=True))
    bought = bench.sim.authorize(bench.card().id, 5_000)
    grown = bench.sim.increment(bought["id"], 1_000)

    assert [1_000, 5_000] == [each["amount"] for each in grown["request_history"]]


def test_partial_reversal_releases_a_part(bench):
    """Part of a hold comes back, then the rest, and nothing can follow."""
    helper = bench.client.v1.test_helpers.issuing.authorizations
    bought = bench.sim.authorize(bench.card().id, 5_000)
    partly = helper.reverse(bought["id"], {"reverse_amount": 1_500}, bench.opt)
    with pytest.raises(SimulatorError, match="more than"):
        bench.sim.reverse(bought["id"], 4_000)
    wholly = bench.sim.reverse(bought["id"])
    event = bench.sim.events(bench.account)[-1]
    with pytest.raises(SimulatorError, match="no longer"):
        bench.sim.reverse(bought["id"])

    assert (3_500, "pending") == (partly.amount, partly.status)
    assert (0, "reversed") == (wholly["amount"], wholly["status"])
    assert 3_500 == event["data"]["previous_attributes"]["amount"]
    assert 0 == sum(each["net"] for each in wholly["balance_transactions"])


def test_rest_of_a_captured_authorization_closes_when_reversed_or_lapsed(bench):
    """What was captured in part is closed by a void or by time, never reversed or expired."""
    card = bench.card()
    states = []
    for finish in (bench.sim.reverse, bench.sim.expire):
        bought = bench.sim.authorize(card.id, 5_000)
        bench.sim.capture(bought["id"], 2_000, close=False)
        states.append(finish(bought["id"])["status"])

    assert ["closed", "closed"] == states
    assert 0 == bench.sim.held(bench.account)


@pytest.mark.parametrize(("category", "days"), [("bakeries", 7), ("hotels_motels_and_resorts", 31)])
def test_time_alone_expires_an_authorization(bench, category, days):
    """Uncaptured holds lapse after 7 days, or 31 for stays, and may still be captured."""
    bought = bench.sim.authorize(bench.card().id, 5_000, merchant={"category": category})
    bench.sim.clock.advance(timedelta(days=days, seconds=-1))
    before = bench.sim.held(bench.account)
    bench.sim.clock.advance(timedelta(seconds=1))
    lapsed = bench.client.v1.issuing.authorizations.retrieve(bought["id"], {}, bench.opt)
    late = bench.sim.capture(bought["id"])

    assert (5_000, "expired", 5_000) == (before, lapsed.status, lapsed.amount)
    assert ("closed", -5_000) == (late["status"], late["transactions"][0]["amount"])


def test_expired_is_shown_as_reversed_to_an_old_version(bench):
    """Before basil a lapsed authorization could not be told from a void."""
    helper = bench.client.v1.test_helpers.issuing.authorizations
    bought = bench.sim.authorize(bench.card().id, 5_000)
    helper.expire(bought["id"], {}, bench.opt)
    old = bench.get(f"/v1/issuing/authorizations/{bought['id']}", stripe_version="2024-06-20")

    assert "reversed" == old["status"]


def test_final_amount_is_set_before_the_capture(bench):
    """A fuel pump names the final sum, above or below the hold, and it stays pending."""
    helper = bench.client.v1.test_helpers.issuing.authorizations
    bought = bench.sim.authorize(bench.card().id, 10_000)
    less = helper.finalize_amount(bought["id"], {"final_amount": 4_200}, bench.opt)
    more = bench.sim.finalize(bought["id"], 12_000)

    assert (4_200, "pending") == (less.amount, less.status)
    assert (12_000, 12_000) == (more["amount"], bench.sim.held(bench.account))


def test_over_capture_may_take_the_balance_below_zero(make_bench):
    """Captures are never refused for the balance."""
    bench = make_bench(issuing_funds=5_000)
    bought = bench.sim.authorize(bench.card().id, 5_000)
    bench.client.v1.test_helpers.issuing.authorizations.capture(
        bought["id"], {"capture_amount": 6_000}, bench.opt
    )

    assert -1_000 == bench.sim.issuing_balance(bench.account)
    assert bench.issuing_sum() == bench.sim.issuing_balance(bench.account)


def test_capture_needs_an_amount_when_nothing_is_left(bench):
    """A voided authorization has no amount to capture unless one is named."""
    bought = bench.sim.authorize(bench.card().id, 5_000)
    bench.sim.reverse(bought["id"])
    with pytest.raises(SimulatorError, match="capture_amount"):
        bench.sim.capture(bought["id"])

    assert "closed" == bench.sim.capture(bought["id"], 500)["status"]


def test_low_balance_is_approved_in_part_when_switched_so(make_bench):
    """Stripe's own partial approval is a switch."""
    bench = make_bench(Behaviour(partial_approval_on_low_balance=True), issuing_funds=3_000)
    card = bench.card()
    part = bench.sim.authorize(card.id, 5_000, is_amount_controllable=True)
    none = bench.sim.authorize(card.id, 5_000)

    assert (True, 3_000) == (part["approved"], part["amount"])
    assert "insufficient_funds" == _reason(none)


def test_foreign_purchase_is_converted(bench):
    """The hold is in the card's currency, the merchant's amount in its own."""
    card = bench.card()
    bought = bench.sim.authorize(card.id, merchant_amount=10_000, merchant_currency="eur")
    captured = bench.sim.capture(bought["id"])
    priced = bench.sim.authorize(card.id, 1_100, merchant_currency="eur")

    assert (11_000, 10_000, "eur") == (
        bought["amount"],
        bought["merchant_amount"],
        bought["merchant_currency"],
    )
    assert (-11_000, -10_000) == (
        captured["transactions"][0]["amount"],
        captured["transactions"][0]["merchant_amount"],
    )
    assert 1_000 == priced["merchant_amount"]


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({}, "amount"),
        ({"amount": 1, "merchant_amount": 1}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 1, "currency": "eur"}, "currency"),
        ({"merchant_amount": 1, "merchant_currency": "xxx"}, "merchant_currency"),
        ({"amount": 1, "merchant": {"category": "nonsense"}}, "merchant_data[category]"),
        (
            {"amount": 1, "risk": {"fraud_risk": {"score": "high"}}},
            "risk_assessment[fraud_risk][score]",
        ),
    ],
)
def test_question_is_refused_when_a_parameter_is_wrong(bench, options, param):
    """A wrong parameter is an error, not a decline."""
    with pytest.raises(SimulatorError) as caught:
        bench.sim.authorize(bench.card().id, **options)

    assert param == caught.value.param


def test_unknown_card_is_an_error(bench):
    """A card that does not exist is told, by verb and by API."""
    with pytest.raises(SimulatorError, match="no object"):
        bench.sim.authorize("ic_nope", 1)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.client.v1.test_helpers.issuing.authorizations.create(
            {"card": "ic_nope", "amount": 1}, bench.opt
        )

    assert ("card", "resource_missing") == (caught.value.param, caught.value.code)


def test_fraud_challenge_is_answered(bench):
    """A decline with a challenge can be confirmed by the holder."""
    bench.receiver(approved=False, send_fraud_challenges=["sms"])
    declined = bench.sim.authorize(bench.card().id, 5_000)
    helper = bench.client.v1.test_helpers.issuing.authorizations
    answered = helper.respond(declined["id"], {"confirmed": True}, bench.opt)
    with pytest.raises(stripe.InvalidRequestError, match="no pending fraud challenge"):
        helper.respond(declined["id"], {"confirmed": True}, bench.opt)

    assert answered.verified_by_fraud_challenge
    assert "verified" == answered.fraud_challenges[0].status


def test_cashback_is_approved_in_full_or_not_at_all(bench):
    """A partial answer below the cashback part is an error."""
    bench.receiver(approved=True, amount=1_000)
    bought = bench.sim.authorize(
        bench.card().id, 5_000, cashback_amount=2_000, atm_fee=1, is_amount_controllable=True
    )

    assert (False, "webhook_error") == (bought["approved"], _reason(bought))


def test_list_filters_and_metadata_merge(bench):
    """Authorizations and transactions are found by card, holder, state and type."""
    card = bench.card()
    bought = bench.sim.capture(bench.sim.authorize(card.id, 900)["id"])
    other = bench.sim.authorize(card.id, 800)
    refund = bench.sim.refund(bought["transactions"][0]["id"])
    api, opt = bench.client.v1.issuing, bench.opt
    api.authorizations.update(other["id"], {"metadata": {"a": "1"}}, opt)
    again = api.authorizations.update(other["id"], {"metadata": {"a": "", "b": "2"}}, opt)
    api.transactions.update(refund["id"], {"metadata": {"c": "3"}}, opt)
    shown = api.authorizations.retrieve(bought["id"], {}, opt)

    assert {"b": "2"} == again.metadata.to_dict()
    assert {"c": "3"} == shown.transactions[1].metadata.to_dict()
    assert [other["id"]] == [
        each.id for each in api.authorizations.list({"card": card.id, "status": "pending"}, opt)
    ]
    assert [refund["id"]] == [
        each.id
        for each in api.transactions.list({"cardholder": card.cardholder.id, "type": "refund"}, opt)
    ]
    assert "issuing_transaction.updated" in [event["type"] for event in bench.sim.events()]


def test_refunds_end_where_the_capture_ends(bench):
    """A capture is refunded in parts, never beyond itself; a refund is not refunded."""
    card = bench.card()
    capture = bench.sim.capture(bench.sim.authorize(card.id, 900)["id"])["transactions"][0]
    part = bench.client.v1.test_helpers.issuing.transactions.refund(
        capture["id"], {"refund_amount": 400}, bench.opt
    )
    rest = bench.sim.refund(capture["id"])
    for name, says in ((capture["id"], "left to refund"), (rest["id"], "not a capture")):
        with pytest.raises(SimulatorError, match=says):
            bench.sim.refund(name)

    assert (400, 500) == (part.amount, rest["amount"])


def test_purchase_details_are_shown_when_expanded(bench):
    """What was bought is kept, and shown where it is asked for."""
    helper, opt = bench.client.v1.test_helpers.issuing.transactions, bench.opt
    made = helper.create_force_capture(
        {
            "card": bench.card().id,
            "amount": 500,
            "currency": "usd",
            "purchase_details": {"reference": "A-1"},
        },
        opt,
    )
    lone = helper.create_unlinked_refund({"card": made.card, "amount": 100}, opt)
    api = bench.client.v1.issuing.transactions
    shown = bench.get(f"/v1/issuing/transactions/{made.id}", expand=["purchase_details"])

    assert "purchase_details" not in api.retrieve(made.id, {}, opt)
    assert "A-1" == shown["purchase_details"]["reference"]
    assert (100, None) == (lone.amount, lone.authorization)
    with pytest.raises(SimulatorError, match="card's currency"):
        bench.sim._post(  # noqa: SLF001 - no verb offers a wrong currency
            bench.account,
            "/v1/test_helpers/issuing/transactions/create_force_capture",
            {"card": made.card, "amount": 1, "currency": "eur"},
        )


def test_refund_gives_room_back_when_switched_so(make_bench):
    """Whether refunds restore limits is a switch."""
    approved = []
    for restores in (True, False):
        bench = make_bench(Behaviour(refunds_restore_limits=restores))
        card = bench.card()
        bought = bench.sim.capture(bench.sim.authorize(card.id, 100_000)["id"])
        bench.sim.refund(bought["transactions"][0]["id"], 60_000)
        bench.sim.unlinked_refund(card.id, 40_000)
        approved.append(bench.sim.authorize(card.id, 100_000)["approved"])

    assert [True, False] == approved
