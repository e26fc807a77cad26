"""
Is each authorization decided, held, released and captured as documented?
"""

from datetime import timedelta

import pytest
import stripe

from issuing_disburse.simulator import Behaviour, Fault, SimulatorError, Webhook


def _reason(authorization) -> str:
    return authorization["request_history"][-1]["reason"]


def _types(authorization) -> list[str]:
    return [each["type"] for each in authorization["balance_transactions"]]


def test_helper_runs_the_whole_pipeline(bench):
    """The test helper answers an approved, held authorization with every documented field."""
    made = bench.client.v1.test_helpers.issuing.authorizations.create(
        {
            "card": bench.card().id,
            "amount": 4_000,
            "currency": "usd",
            "authorization_method": "chip",
            "is_amount_controllable": True,
            "merchant_data": {"category": "bakeries", "country": "US", "name": "Bread"},
            "network_data": {"acquiring_institution_id": "42"},
            "verification_data": {"cvc_check": "match"},
            "wallet": "apple_pay",
            "risk_assessment": {"fraud_risk": {"level": "low", "score": 7.2}},
        },
        bench.opt,
    )

    assert (True, "pending", 4_000) == (made.approved, made.status, made.amount)
    assert "card_active" == made.request_history[0].reason
    assert 7 == made.request_history[0].network_risk_score
    assert ("present", "5462") == (made.card_presence, made.merchant_data.category_code)
    assert -4_000 == made.balance_transactions[0].net
    assert 4_000 == bench.sim.held(bench.account)


def test_declined_authorization_moves_nothing(bench):
    """A decline is closed, shows the rejected amount, and has no balance transaction."""
    declined = bench.sim.authorize(bench.card().id, 500_000)

    assert (False, "closed", 500_000) == (
        declined["approved"],
        declined["status"],
        declined["amount"],
    )
    assert [] == declined["balance_transactions"]
    with pytest.raises(SimulatorError, match="was declined"):
        bench.sim.capture(declined["id"])


def test_reasons_follow_the_state_of_everything_around(bench):
    """Each obstacle has its own documented reason."""
    holder = bench.holder()
    card = bench.card(holder.id, exp_month=12, exp_year=2026)
    sim, holders = bench.sim, bench.client.v1.issuing.cardholders
    reasons = []

    def ask(**options):
        reasons.append(_reason(sim.authorize(card.id, 1_000, **options)))

    ask(verification={"cvc_check": "mismatch"})
    ask(verification={"three_d_secure": {"result": "failed"}})
    sim.take_back_issuing(bench.account, sim.issuing_balance(bench.account) - 500)
    ask()
    sim.fund_issuing(bench.account, 100_000)
    holders.update(holder.id, {"status": "inactive"}, bench.opt)
    ask()
    holders.update(holder.id, {"status": "active"}, bench.opt)
    sim.set_screening(holder.id, "under_review")
    ask()
    sim.set_screening(holder.id, "rejected.listed")
    ask()
    sim.disable_issuing(bench.account)
    ask()
    sim.disable_issuing(bench.account, None)
    sim.clock.advance(timedelta(days=70))
    ask()

    assert [
        "verification_failed",
        "verification_failed",
        "insufficient_funds",
        "cardholder_inactive",
        "cardholder_verification_required",
        "cardholder_blocked",
        "account_disabled",
        "card_expired",
    ] == reasons


def test_webhook_decides_with_amount_and_metadata(bench):
    """A partial approval takes the smaller amount and keeps the answer's metadata."""
    receiver = bench.receiver(approved=True, amount=3_000, metadata={"order": "7"})
    card = bench.card()
    bought = bench.sim.authorize(card.id, 5_000, is_amount_controllable=True)
    request = receiver.seen[-2]["data"]["object"]

    assert (0, False, "pending") == (request["amount"], request["approved"], request["status"])
    assert 5_000 == request["pending_request"]["amount"]
    assert (3_000, "webhook_approved") == (bought["amount"], _reason(bought))
    assert {"order": "7"} == bought["metadata"]
    assert bought["pending_request"] is None


def test_webhook_declines(bench):
    """A decline of ours is written down as ours, and the event comes after the question."""
    receiver = bench.receiver(approved=False)
    declined = bench.sim.authorize(bench.card().id, 5_000)

    assert "webhook_declined" == _reason(declined)
    assert ["issuing_authorization.request", "issuing_authorization.created"] == receiver.types()[
        -2:
    ]


@pytest.mark.parametrize(
    ("status", "headers", "body", "says"),
    [
        (201, {"Stripe-Version": "2022-08-01"}, b'{"approved":true}', "status 201"),
        (302, {"Stripe-Version": "2022-08-01"}, b'{"approved":true}', "status 302"),
        (200, {}, b'{"approved":true}', "Stripe-Version"),
        (200, {"stripe-version": "2022-08-01", "Content-Type": "text/html"}, b"{}", "content type"),
        (200, {"stripe-version": "2022-08-01"}, b"not json", "parsed"),
        (200, {"stripe-version": "2022-08-01"}, b"[]", "boolean"),
        (200, {"stripe-version": "2022-08-01"}, b'{"approved":"yes"}', "boolean"),
        (200, {"stripe-version": "2022-08-01"}, b'{"approved":true,"amount":0}', "amount"),
        (200, {"stripe-version": "2022-08-01"}, b'{"approved":true,"amount":9000}', "amount"),
        (
            200,
            {"stripe-version": "2022-08-01"},
            b'{"approved":true,"metadata":{"a":1}}',
            "metadata",
        ),
        (
            200,
            {"stripe-version": "2022-08-01"},
            b'{"approved":true,"metadata":{%s}}'
            % b",".join(b'"k%d":"v"' % place for place in range(51)),
            "metadata keys",
        ),
    ],
)
def test_bad_answer_is_a_webhook_error(bench, reply, status, headers, body, says):
    """Anything but a well-formed 200 declines, and says why."""
    bench.sim.deliver_webhooks_to(lambda _p, _s: reply(status, body, headers))
    declined = bench.sim.authorize(bench.card().id, 5_000, is_amount_controllable=True)

    assert (False, "webhook_error") == (declined["approved"], _reason(declined))
    assert says in str(declined["request_history"][-1]["reason_message"])


def test_raising_handler_is_a_webhook_error(make_bench):
    """A handler that fails declines, or approves where that is switched so."""
    outcomes = []
    for decision in ("decline", "approve"):
        bench = make_bench(Behaviour(webhook_error_decision=decision))

        def explode(_payload, _signature):
            message = "no"
            raise RuntimeError(message)

        bench.sim.deliver_webhooks_to(explode)
        bought = bench.sim.authorize(bench.card().id, 5_000)
        outcomes.append((bought["approved"], _reason(bought)))

    assert [(False, "webhook_error"), (True, "webhook_error")] == outcomes


def test_slow_handler_is_a_timeout(make_bench):
    """Silence beyond the deadline, measured in real time, is decided by the account's setting."""
    outcomes = []
    for decision in ("decline", "approve"):
        bench = make_bench(
            Behaviour(webhook_timeout_decision=decision, realtime_deadline_seconds=0.0)
        )
        bench.receiver()
        bought = bench.sim.authorize(bench.card().id, 5_000)
        outcomes.append((bought["approved"], _reason(bought)))

    assert [(False, "webhook_timeout"), (True, "webhook_timeout")] == outcomes


@pytest.mark.parametrize("how", ["late", "never", "twice"])
def test_question_can_be_late_lost_or_doubled(bench, how):
    """Scripted lateness and loss time out; a doubled question is answered once."""
    receiver = bench.receiver()
    card = bench.card()
    bench.sim.faults.add(Fault(action=Webhook(how=how), event="issuing_authorization.request"))
    bought = bench.sim.authorize(card.id, 5_000)
    expected = "webhook_approved" if how == "twice" else "webhook_timeout"
    asked = receiver.types().count("issuing_authorization.request")

    assert expected == _reason(bought)
    assert {"late": 1, "never": 0, "twice": 2}[how] == asked


def test_timeout_error_of_a_handler_is_a_timeout(bench):
    """A carrier that gives up in time counts as silence."""

    def give_up(_payload, _signature):
        raise TimeoutError

    bench.sim.deliver_webhooks_to(give_up, events=False)

    assert "webhook_timeout" == _reason(bench.sim.authorize(bench.card().id, 5_000))


def test_api_decision_wins_over_the_answer(bench):
    """Approving by API inside the window counts, whatever the webhook answers."""
    receiver = bench.receiver(approved=False)
    found = []

    def approve(event):
        if event["type"].endswith(".request"):
            name = event["data"]["object"]["id"]
            api = bench.client.v1.issuing.authorizations
            found.append(api.retrieve(name, {}, bench.opt).pending_request.amount)
            api.update(name, {"metadata": {"in": "window"}}, bench.opt)
            api.approve(name, {"amount": 2_000, "metadata": {"by": "api"}}, bench.opt)

    receiver.before_reply = approve
    bought = bench.sim.authorize(bench.card().id, 5_000, is_amount_controllable=True)

    assert [5_000] == found
    assert (True, 2_000, "webhook_approved") == (
        bought["approved"],
        bought["amount"],
        _reason(bought),
    )
    assert {"in": "window", "by": "api"} == bought["metadata"]


def test_api_decision_is_refused_outside_the_window(bench):
    """Deciding afterwards is an error, and so is an amount nobody may choose."""
    receiver = bench.receiver()
    errors = []
    api = bench.client.v1.issuing.authorizations

    def decline(event):
        if event["type"].endswith(".request"):
            name = event["data"]["object"]["id"]
            with pytest.raises(stripe.InvalidRequestError) as caught:
                api.approve(name, {"amount": 1}, bench.opt)
            errors.append(caught.value.param)
            api.decline(name, {}, bench.opt)

    receiver.before_reply = decline
    declined = bench.sim.authorize(bench.card().id, 5_000)
    with pytest.raises(stripe.InvalidRequestError, match="no longer"):
        api.approve(declined["id"], {}, bench.opt)

    assert ["amount"] == errors
    assert "webhook_declined" == _reason(declined)
