"""
Does a dispute run from its creation to the network's decision?
"""

from datetime import timedelta

import pytest
import stripe

from issuing_disburse.simulator import SimulatorError

FRAUD = {"reason": "fraudulent", "fraudulent": {"explanation": "not me"}}


def _capture(bench) -> str:
    card = bench.card()
    return bench.sim.capture(bench.sim.authorize(card.id, 900)["id"])["transactions"][0]["id"]


@pytest.mark.parametrize(("won", "back"), [(True, 900), (False, 0)])
def test_dispute_is_decided(bench, won, back):
    """A won dispute brings the money back, a lost one does not; it is submitted once."""
    api, opt = bench.client.v1.issuing.disputes, bench.opt
    name = _capture(bench)
    before = bench.sim.issuing_balance(bench.account)
    made = api.create({"transaction": name, "evidence": FRAUD, "metadata": {"a": "b"}}, opt)
    submitted = api.submit(made.id, {"metadata": {"c": "d"}}, opt)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be submitted"):
        api.submit(made.id, {}, opt)
    with pytest.raises(stripe.InvalidRequestError, match="no longer be changed"):
        api.update(made.id, {"amount": 1}, opt)
    bench.sim.decide_dispute(made.id, won=won)
    with pytest.raises(SimulatorError, match="not submitted"):
        bench.sim.decide_dispute(made.id, won=won)
    shown = api.retrieve(made.id, {}, opt)

    assert ("unsubmitted", "submitted") == (made.status, submitted.status)
    assert ("won" if won else "lost") == shown.status
    assert before + back == bench.sim.issuing_balance(bench.account)
    assert made.id == bench.client.v1.issuing.transactions.retrieve(name, {}, opt).dispute
    assert [made.id] == [each.id for each in api.list({"transaction": name}, opt)]


def test_dispute_is_refused_when_it_cannot_be(bench):
    """Refunds, second disputes, too large sums and missing evidence are refused."""
    api, opt = bench.client.v1.issuing.disputes, bench.opt
    name = _capture(bench)
    refund = bench.sim.refund(name, 100)["id"]
    for params in ({"transaction": refund}, {"transaction": name, "amount": 801}):
        with pytest.raises(stripe.InvalidRequestError):
            api.create(params, opt)
    made = api.create({"transaction": name}, opt)
    with pytest.raises(stripe.InvalidRequestError, match="already been disputed"):
        api.create({"transaction": name}, opt)
    with pytest.raises(stripe.InvalidRequestError, match="must contain explanation"):
        api.submit(made.id, {}, opt)
    changed = api.update(made.id, {"evidence": FRAUD, "amount": 5, "metadata": {"a": "b"}}, opt)

    assert (800, 5, "fraudulent") == (made.amount, changed.amount, changed.evidence.reason)
    assert "submitted" == api.submit(made.id, {}, opt).status


def test_dispute_lapses_when_nobody_submits_it(bench):
    """After 110 days an unsubmitted dispute is expired; a submitted one is not."""
    api, opt = bench.client.v1.issuing.disputes, bench.opt
    forgotten = api.create({"transaction": _capture(bench)}, opt)
    sent = api.create(
        {"transaction": bench.sim.force_capture(bench.card().id, 5)["id"], "evidence": FRAUD}, opt
    )
    api.submit(sent.id, {}, opt)
    bench.sim.clock.advance(timedelta(days=110))

    assert ["expired", "submitted"] == [
        api.retrieve(each.id, {}, opt).status for each in (forgotten, sent)
    ]
