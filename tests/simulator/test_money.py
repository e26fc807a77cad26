"""
Does money move between balances, banks and accounts as documented, and never twice?
"""

from datetime import UTC, datetime, timedelta

import pytest
import stripe

from issuing_disburse.simulator import Behaviour


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
