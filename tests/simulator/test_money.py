"""
Does money move between balances, banks and accounts as documented, and never twice?
"""

from datetime import UTC, datetime, timedelta

import pytest
import stripe

from issuing_disburse.simulator import Behaviour, SimulatorError


def _move(bench, source: str, destination: str, amount: int = 1_000, currency: str = "usd", **more):
    return bench.post(
        "/v1/balance_transfers",
        {
            "amount": amount,
            "currency": currency,
            "source_balance": {"type": source},
            "destination_balance": {"type": destination},
        },
        **more,
    )


def _transfer(bench, amount: int = 1_000, **more):
    return bench.client.v1.transfers.create(
        {"amount": amount, "currency": "usd", "destination": bench.account, **more}
    )


def test_transfer_reaches_the_payments_balance_only(bench):
    """A transfer credits payments, leaves Issuing alone, and makes an entry on both sides."""
    issuing = bench.sim.issuing_balance(bench.account)
    made = _transfer(bench, 2_500, description="d", metadata={"a": "b"}, source_type="card")
    theirs = bench.client.v1.balance_transactions.list({"type": "payment"}, bench.opt).data[0]
    ours = bench.client.v1.balance_transactions.list({"source": made.id}).data[0]

    assert (2_500, issuing) == (
        bench.sim.payments_balance(bench.account),
        bench.sim.issuing_balance(bench.account),
    )
    assert (made.destination_payment, 2_500) == (theirs.source, theirs.net)
    assert (made.balance_transaction, -2_500, "payments") == (ours.id, ours.net, ours.balance_type)
    assert 5_000_000 - 2_500 == bench.sim.payments_balance(None)


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"amount": 6_000_000}, "balance_insufficient", None),
        ({"currency": "eur"}, "balance_insufficient", None),
        ({"destination": "acct_nope"}, "resource_missing", "destination"),
        ({"source_transaction": "ch_1"}, "resource_missing", "source_transaction"),
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": 100_000_000}, "parameter_invalid_integer", "amount"),
    ],
)
def test_transfer_is_refused_when_it_cannot_be(bench, changes, code, param):
    """A refused transfer names its cause and moves nothing."""
    params = {"amount": 1_000, "currency": "usd", "destination": bench.account, **changes}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.client.v1.transfers.create(params)

    assert (code, param) == (caught.value.code, caught.value.param)
    assert 5_000_000 == bench.sim.payments_balance(None)


def test_transfer_needs_the_capability_of_its_destination(bench):
    """Without the transfers capability nothing can be sent."""
    account = bench.sim.create_account(transfers=False)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.client.v1.transfers.create({"amount": 1, "currency": "usd", "destination": account})

    assert "insufficient_capabilities_for_transfer" == caught.value.code


def test_reversals_add_up_to_the_transfer(bench):
    """A transfer comes back in parts; the last takes the rest, and then there is none."""
    made = _transfer(bench)
    reversals, opt = bench.client.v1.transfers.reversals, {}
    with pytest.raises(stripe.InvalidRequestError, match="greater than"):
        reversals.create(made.id, {"amount": 1_001})
    first = reversals.create(made.id, {"amount": 400, "metadata": {"why": "x"}})
    partly = bench.client.v1.transfers.retrieve(made.id)
    last = reversals.create(made.id)
    wholly = bench.client.v1.transfers.retrieve(made.id)
    with pytest.raises(stripe.InvalidRequestError, match="already fully reversed"):
        reversals.create(made.id)
    renamed = reversals.update(made.id, first.id, {"metadata": {"why": "y"}})

    assert (400, False, 1_000, True) == (
        partly.amount_reversed,
        partly.reversed,
        wholly.amount_reversed,
        wholly.reversed,
    )
    assert [last.id, first.id] == [each.id for each in reversals.list(made.id, {}, opt).data]
    assert "y" == renamed.metadata["why"]
    assert "y" == bench.client.v1.transfers.retrieve(made.id).reversals.data[1].metadata["why"]
    assert first.id == reversals.retrieve(made.id, first.id).id
    assert 0 == bench.sim.payments_balance(bench.account)
    with pytest.raises(stripe.InvalidRequestError):
        reversals.retrieve(_transfer(bench).id, first.id)


def test_reversal_is_refused_when_the_money_has_moved_on(bench):
    """Money in the Issuing balance must come back before a transfer can be reversed."""
    made = _transfer(bench)
    _move(bench, "payments", "issuing")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.client.v1.transfers.reversals.create(made.id)

    assert "balance_insufficient" == caught.value.code


def test_transfers_are_found_by_group_and_destination(bench):
    """Lists by group and destination find each transfer; an update changes labels only."""
    first, second = _transfer(bench, transfer_group="g"), _transfer(bench)
    transfers = bench.client.v1.transfers
    changed = transfers.update(first.id, {"description": "new", "metadata": {"k": "v"}})

    assert [first.id] == [each.id for each in transfers.list({"transfer_group": "g"})]
    assert [second.id, first.id] == [
        each.id for each in transfers.list({"destination": bench.account})
    ]
    assert ("new", "v") == (changed.description, changed.metadata["k"])


def test_balance_transfer_makes_two_entries_that_cancel_out(bench):
    """Both sides are named in the answer and sum to nothing; the way back works, too."""
    _transfer(bench)
    there = _move(bench, "payments", "issuing")
    back = _move(bench, "issuing", "payments")
    entries = bench.client.v1.balance_transactions
    nets = [
        entries.retrieve(name, {}, bench.opt).net
        for name in (
            there["source_balance"]["payments"]["balance_transaction"],
            there["destination_balance"]["issuing"]["balance_transaction"],
            back["source_balance"]["issuing"]["balance_transaction"],
            back["destination_balance"]["payments"]["balance_transaction"],
        )
    ]

    assert [-1_000, 1_000, -1_000, 1_000] == nets


@pytest.mark.parametrize(
    ("source", "destination", "amount", "code"),
    [
        ("payments", "issuing", 1_000, "balance_insufficient"),
        ("issuing", "payments", 9_000_000, "balance_insufficient"),
        ("issuing", "issuing", 1, "balance_invalid_parameter"),
    ],
)
def test_balance_transfer_is_refused_when_it_cannot_be(bench, source, destination, amount, code):
    """Too little money and a transfer to itself are refused."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        _move(bench, source, destination, amount)

    assert code == caught.value.code


def test_balance_transfer_is_refused_without_the_feature(make_bench):
    """An account without early access gets a 4xx, by default 400, and nothing moves."""
    bench = make_bench(Behaviour(balance_transfer_refused_status=403))
    account = bench.sim.create_account(balance_transfers=False, issuing_funds=5_000)
    with pytest.raises(stripe.PermissionError):
        _move(bench, "issuing", "payments", stripe_account=account)

    assert 5_000 == bench.sim.issuing_balance(account)


def test_european_balance_transfer_arrives_the_next_business_day(make_bench):
    """From Friday to Monday the money is in neither balance."""
    bench = make_bench(
        Behaviour(balance_transfer_transaction_has_source=True),
        country="DE",
        start=datetime(2026, 11, 6, 15, tzinfo=UTC),
        issuing_funds=0,
    )
    bench.sim.fund_platform(1_000, "eur")
    bench.client.v1.transfers.create(
        {"amount": 1_000, "currency": "eur", "destination": bench.account}
    )
    made = _move(bench, "payments", "issuing", currency="eur")
    between = (
        bench.sim.payments_balance(bench.account, "eur"),
        bench.sim.issuing_balance(bench.account, "eur"),
    )
    bench.sim.clock.advance(timedelta(days=2))
    sunday = bench.sim.issuing_balance(bench.account, "eur")
    bench.sim.clock.advance(timedelta(days=1))
    entries = bench.client.v1.balance_transactions.list({"source": made["id"]}, bench.opt)

    assert made["destination_balance"]["issuing"]["balance_transaction"] is None
    assert ((0, 0), 0) == (between, sunday)
    assert 1_000 == bench.sim.issuing_balance(bench.account, "eur")
    assert [1_000, -1_000] == [each.net for each in entries.data]


def test_balance_shows_issuing_beside_payments(bench):
    """The Issuing block is there with Issuing and missing without."""
    with_issuing = bench.client.v1.balance.retrieve({}, bench.opt)
    without = bench.client.v1.balance.retrieve(
        {}, {"stripe_account": bench.sim.create_account(issuing=False)}
    )
    platform = bench.client.v1.balance.retrieve()

    assert 1_000_000 == with_issuing.issuing.available[0].amount
    assert "issuing" not in without
    assert 0 == without.available[0].amount
    assert 5_000_000 == platform.available[0].amount


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
    for verb in (api.cancel, api.reverse):
        with pytest.raises(stripe.InvalidRequestError):
            verb(made[2]["id"], {}, opt)
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
