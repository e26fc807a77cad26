"""
Does the story of one disbursement run through the official SDK?
"""

import asyncio
from datetime import UTC, datetime, timedelta

import stripe

from issuing_disburse.simulator import IssuingSimulator


def test_story_runs_from_transfer_to_reversal(bench):
    """A disbursement is funded, issued, spent in part, and the rest comes back, to the cent."""
    client, opt, sim = bench.client, bench.opt, bench.sim
    receiver = bench.receiver(approved=True, metadata={"seen": "yes"})
    start = sim.issuing_balance(bench.account)
    transfer = client.v1.transfers.create(
        {"amount": 12_500, "currency": "usd", "destination": bench.account, "transfer_group": "g"}
    )
    moved = bench.post(
        "/v1/balance_transfers",
        {
            "amount": 12_500,
            "currency": "usd",
            "source_balance": {"type": "payments"},
            "destination_balance": {"type": "issuing"},
        },
    )
    card = bench.card(uses=1)
    authorization = sim.authorize(card.id, 12_500)
    captured = sim.capture(authorization["id"], 12_000)
    refund = sim.refund(captured["transactions"][0]["id"], 500)
    bench.post(
        "/v1/balance_transfers",
        {
            "amount": 1_000,
            "currency": "usd",
            "source_balance": {"type": "issuing"},
            "destination_balance": {"type": "payments"},
        },
    )
    client.v1.transfers.reversals.create(transfer.id, {"amount": 1_000})

    assert moved["destination_balance"]["issuing"]["balance_transaction"].startswith("txn_")
    assert {"seen": "yes"} == authorization["metadata"]
    assert "webhook_approved" == authorization["request_history"][0]["reason"]
    assert "canceled" == client.v1.issuing.cards.retrieve(card.id, {}, opt).status
    assert "refund" == refund["type"]
    assert start == sim.issuing_balance(bench.account)
    assert bench.issuing_sum() == sim.issuing_balance(bench.account)
    assert 0 == sim.payments_balance(bench.account)
    assert [
        "balance_transfer.created",
        "balance.available",
        "issuing_cardholder.created",
        "issuing_card.created",
        "issuing_authorization.request",
        "issuing_card.updated",
        "issuing_authorization.created",
        "issuing_transaction.created",
        "issuing_authorization.updated",
        "issuing_transaction.created",
        "issuing_authorization.updated",
    ] == [event["type"] for event in receiver.seen if event.get("account") == bench.account][:11]


def test_asynchronous_calls_work_when_the_sdk_awaits(bench):
    """The same client serves the SDK's asynchronous calls."""
    card = bench.card()

    client = stripe.StripeClient(bench.sim.api_key, http_client=bench.sim.http_client())
    found = asyncio.run(client.v1.issuing.cards.retrieve_async(card.id, {}, bench.opt))

    assert card.id == found.id


def _script(sim: IssuingSimulator) -> list[dict[str, object]]:
    account = sim.create_account(issuing_funds=100_000)
    headers = {
        "Authorization": f"Bearer {sim.api_key}",
        "Stripe-Account": account,
        "Idempotency-Key": "fixed",
    }
    body = (
        b"name=Ada&type=company&billing[address][line1]=1&billing[address][city]=C"
        b"&billing[address][postal_code]=1&billing[address][country]=US"
    )
    sim.handle("POST", "/v1/issuing/cardholders", headers, body)
    holder = str(sim.objects("cardholder")[0]["id"])
    card = f"cardholder={holder}&currency=usd&type=virtual&status=active".encode()
    sim.handle("POST", "/v1/issuing/cards", {**headers, "Idempotency-Key": "k2"}, card)
    bought = sim.authorize(str(sim.objects("card")[0]["id"]), 4_200)
    sim.clock.advance(timedelta(days=1))
    sim.capture(bought["id"])
    return [dict(event) for event in sim.events()]


def test_two_runs_with_one_seed_give_the_same_events():
    """One seed and one script give byte-identical stories; another seed does not."""
    first, second, other = (_script(IssuingSimulator(seed=seed)) for seed in (3, 3, 4))

    assert first == second
    assert first != other


def test_clock_starts_at_the_given_moment_and_only_moves_forward():
    """The clock starts where told, sleeps without waiting, and refuses to go back."""
    start = datetime(2027, 1, 1, tzinfo=UTC)
    with IssuingSimulator(start=start) as sim:
        sim.clock.sleep(1.5)
        refused = ""
        try:
            sim.clock.advance(timedelta(seconds=-1))
        except ValueError as problem:
            refused = str(problem)

        assert start + timedelta(seconds=1.5) == sim.clock.now()
        assert "The simulator's clock cannot go back." == refused
