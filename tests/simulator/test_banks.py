"""
Do payouts, schedules, top-ups and bank transfers end as documented?
"""

from datetime import timedelta

import pytest
import stripe

from issuing_disburse.simulator import Behaviour, SimulatorError


def _transfer(bench, amount: int = 1_000, **more):
    return bench.client.v1.transfers.create(
        {"amount": amount, "currency": "usd", "destination": bench.account, **more}
    )


def test_payout_leaves_the_issuing_balance_and_may_come_back(bench):
    """A payout is taken at once, arrives later, fails with its money back, or is canceled."""
    api, opt, sim = bench.client.v1.payouts, bench.opt, bench.sim
    start = sim.issuing_balance(bench.account)
    made = [
        bench.post("/v1/payouts", {"amount": 100, "currency": "usd", "source_balance": "issuing"})
        for _ in range(3)
    ]
    taken = sim.issuing_balance(bench.account)
    canceled = api.cancel(made[0]["id"], {}, opt)
    sim.settle_payout(made[1]["id"], "account_closed")
    api.update(made[2]["id"], {"metadata": {"a": "b"}}, opt)
    sim.clock.advance(timedelta(days=2))
    for verb, place in ((api.cancel, 2), (api.reverse, 1)):
        with pytest.raises(stripe.InvalidRequestError):
            verb(made[place]["id"], {}, opt)
    with pytest.raises(SimulatorError, match="not pending"):
        sim.settle_payout(made[2]["id"])

    assert start - 300 == taken
    assert start - 100 == sim.issuing_balance(bench.account)
    assert "canceled" == canceled.status
    assert "account_closed" == api.retrieve(made[1]["id"], {}, opt).failure_code
    assert [made[2]["id"]] == [each.id for each in api.list({"status": "paid"}, opt)]


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"amount": 9_000_000, "source_balance": "issuing"}, "insufficient funds"),
        ({"amount": 1}, "insufficient funds"),
        ({"amount": 1, "destination": "ba_other"}, "No such external account"),
        ({"amount": 1, "payout_method": "x"}, "No such payout method"),
    ],
)
def test_payout_is_refused_when_it_cannot_be(bench, params, says):
    """Too little money and unknown destinations are refused."""
    with pytest.raises(stripe.InvalidRequestError, match=says):
        bench.post("/v1/payouts", {"currency": "usd", **params})


def test_daily_schedule_takes_the_payments_balance_away(bench):
    """What is not moved on is paid out on the next business day, down to the floor."""
    settings = bench.client.v1.balance_settings
    account = bench.sim.create_account(payouts="daily")
    opt = {"stripe_account": account}
    bench.raw(
        "POST",
        "/v1/balance_settings",
        b"payments[payouts][minimum_balance_by_currency][usd]=300"
        b"&payments[debit_negative_balances]=true&payments[payouts][statement_descriptor]=X",
        account=account,
    )
    shown = settings.retrieve({}, opt)
    bench.client.v1.transfers.create({"amount": 1_000, "currency": "usd", "destination": account})
    bench.sim.clock.advance(timedelta(days=1))
    payout = bench.client.v1.payouts.list({}, opt).data[0]
    entries = bench.client.v1.balance_transactions.list({"payout": payout.id}, opt)
    settings.update({"payments": {"payouts": {"schedule": {"interval": "manual"}}}}, opt)
    bench.client.v1.transfers.create({"amount": 50, "currency": "usd", "destination": account})
    bench.sim.clock.advance(timedelta(days=7))

    assert ("daily", 300) == (
        shown.payments.payouts.schedule.interval,
        shown.payments.payouts.minimum_balance_by_currency["usd"],
    )
    assert (700, True) == (payout.amount, payout.automatic)
    assert [-700] == [each.net for each in entries.data]
    assert 350 == bench.sim.payments_balance(account)


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ({"interval": "weekly", "weekly_payout_days": ["thursday"]}, 3),
        ({"interval": "weekly"}, 7),
        ({"interval": "monthly", "monthly_payout_days": [31]}, 28),
        ({"interval": "monthly"}, 29),
    ],
)
def test_other_schedules_keep_their_days(bench, schedule, days):
    """Weekly and monthly payouts leave on their day and not before."""
    bench.client.v1.balance_settings.update(
        {"payments": {"payouts": {"schedule": schedule}}}, bench.opt
    )
    _transfer(bench)
    bench.sim.clock.advance(timedelta(days=days - 1))
    before = bench.sim.payments_balance(bench.account)
    bench.sim.clock.advance(timedelta(days=1))

    assert (1_000, 0) == (before, bench.sim.payments_balance(bench.account))


def test_top_up_of_a_us_issuing_balance_waits(bench):
    """Without a source it stays pending until the bank answers, or it is canceled."""
    api, opt, sim = bench.client.v1.topups, bench.opt, bench.sim
    start = sim.issuing_balance(bench.account)
    made = [
        bench.post(
            "/v1/topups",
            {
                "amount": 500,
                "currency": "usd",
                "destination_balance": "issuing",
                "description": "d",
            },
        )
        for _ in range(3)
    ]
    sim.settle_topup(made[0]["id"])
    settled = sim.issuing_balance(bench.account)
    sim.settle_topup(made[0]["id"], "reversed")
    sim.settle_topup(made[1]["id"], "insufficient_funds")
    canceled = api.cancel(made[2]["id"], {}, opt)
    renamed = api.update(made[2]["id"], {"description": "new", "metadata": {"a": "b"}}, opt)
    with pytest.raises(stripe.InvalidRequestError, match="cannot be canceled"):
        api.cancel(made[2]["id"], {}, opt)
    with pytest.raises(SimulatorError, match="not pending"):
        sim.settle_topup(made[2]["id"])
    with pytest.raises(SimulatorError, match="No such topup"):
        sim.settle_topup("tu_nope")

    assert ["pending"] * 3 == [each["status"] for each in made]
    assert start + 500 == settled
    assert start == sim.issuing_balance(bench.account)
    assert ("canceled", "new") == (canceled.status, renamed.description)
    assert "insufficient_funds" == api.retrieve(made[1]["id"], {}, opt).failure_code
    assert [made[1]["id"]] == [each.id for each in api.list({"status": "failed"}, opt)]


@pytest.mark.parametrize(
    ("params", "behaviour", "status"),
    [
        (
            {"source": "btok_us_verified", "destination_balance": "issuing"},
            Behaviour(),
            "succeeded",
        ),
        (
            {"source": "btok_us_verified", "destination_balance": "issuing"},
            Behaviour(verified_top_up_reaches_issuing=False),
            "pending",
        ),
        ({"source": "btok_us_verified_noAccount"}, Behaviour(), "failed"),
        ({"payment_method": "pm_1"}, Behaviour(), "succeeded"),
        ({}, Behaviour(top_up_seconds=60), "pending"),
        (
            {"destination_balance": "issuing"},
            Behaviour(us_issuing_top_up_stays_pending=False),
            "succeeded",
        ),
    ],
)
def test_top_up_ends_by_its_source(make_bench, params, behaviour, status):
    """Test sources succeed or fail as documented, at once or after some seconds."""
    bench = make_bench(behaviour)
    made = bench.post("/v1/topups", {"amount": 500, "currency": "usd", **params})
    found = bench.client.v1.topups.retrieve(made["id"], {}, bench.opt)
    bench.sim.clock.sleep(60)
    later = bench.client.v1.topups.retrieve(made["id"], {}, bench.opt)

    assert status == found.status
    assert ("succeeded" if behaviour.top_up_seconds else status) == later.status


def test_canceled_top_up_does_not_settle_later(make_bench):
    """A settlement under way is dropped when the top-up is canceled."""
    bench = make_bench(Behaviour(top_up_seconds=60))
    made = bench.client.v1.topups.create({"amount": 500, "currency": "usd"}, bench.opt)
    bench.client.v1.topups.cancel(made.id, {}, bench.opt)
    bench.sim.clock.sleep(60)

    assert 0 == bench.sim.payments_balance(bench.account)


@pytest.mark.parametrize(
    ("country", "currency", "kind", "address"),
    [
        ("US", "usd", "us_bank_transfer", "aba"),
        ("GB", "gbp", "gb_bank_transfer", "sort_code"),
        ("DE", "eur", "eu_bank_transfer", "iban"),
    ],
)
def test_funding_instructions_are_the_same_each_time(make_bench, country, currency, kind, address):
    """An account has one set of coordinates, and a transfer to them fills the balance."""
    bench = make_bench(country=country, issuing_funds=0)
    params = {
        "currency": currency,
        "funding_type": "bank_transfer",
        "bank_transfer": {"type": kind},
    }
    first = bench.post("/v1/issuing/funding_instructions", params)
    second = bench.post("/v1/issuing/funding_instructions", params)
    funded = bench.post(
        "/v1/test_helpers/issuing/fund_balance", {"amount": 700, "currency": currency}
    )
    listed = bench.get("/v1/issuing/funding_instructions")
    with pytest.raises(stripe.InvalidRequestError):
        bench.post("/v1/test_helpers/issuing/fund_balance", {"amount": 700, "currency": "sek"})
    wrong = {
        **params,
        "bank_transfer": {"type": "eu_bank_transfer" if country != "DE" else "us_bank_transfer"},
    }
    with pytest.raises(stripe.InvalidRequestError):
        bench.post("/v1/issuing/funding_instructions", wrong)

    bench.contract.problems.clear()  # The wrong currency is wrong by the SDK's types, too.

    assert first == second == funded == listed["data"][0]
    assert address == first["bank_transfer"]["financial_addresses"][0]["type"]
    assert 700 == bench.sim.issuing_balance(bench.account, currency)


def test_fund_helper_is_refused_in_the_us_when_strict(make_bench):
    """The strict switch answers as the field reports say."""
    bench = make_bench(Behaviour(us_fund_balance_refused=True))
    with pytest.raises(stripe.InvalidRequestError, match="not currently supported for US"):
        bench.post("/v1/test_helpers/issuing/fund_balance", {"amount": 1, "currency": "usd"})
