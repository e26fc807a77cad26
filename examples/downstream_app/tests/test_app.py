"""
Does the application pay a claim once, and answer Stripe over HTTP?
"""

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import frozen
from claims_desk.app import WEBHOOKS, make_app
from claims_desk.policy import house_policy
from claims_desk.testing import MemoryVault
from claims_desk.vault import VaultSink
from fastapi.testclient import TestClient

from issuing_disburse import Disburser
from issuing_disburse.simulator import IssuingSimulator

GARAGE = {
    "reference": "garage-4",
    "name": "Rocket Repairs",
    "line1": "123 Main St",
    "city": "Columbus",
    "state": "OH",
    "postal_code": "43004",
}
CLAIM = {"amount": "480.00", "garage": GARAGE}


@frozen
class Answer:
    """
    What came back over HTTP, as the simulator reads it.
    """

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def client(
    issuing_simulator: IssuingSimulator, issuing_account: str, sink: VaultSink
) -> Iterator[TestClient]:
    """
    Serve the application, and have the simulator post to it.
    """
    with (
        Disburser.connect(
            api_key=issuing_simulator.api_key,
            account=issuing_account,
            webhook_secret=issuing_simulator.webhook_secret,
            store="memory://",
            policy=house_policy(),
            sink=sink,
            http_client=issuing_simulator.http_client(),
            clock=issuing_simulator.clock.now,
            sleep=issuing_simulator.clock.sleep,
        ) as disburser,
        TestClient(make_app(disburser)) as client,
    ):

        def post(payload: bytes, signature: str) -> Answer:
            reply = client.post(WEBHOOKS, content=payload, headers={"Stripe-Signature": signature})
            return Answer(reply.status_code, dict(reply.headers), reply.content)

        issuing_simulator.deliver_webhooks_to(post)
        yield client


def only_card(simulator: IssuingSimulator) -> Any:
    """
    Return the one card there is.
    """
    (card,) = simulator.objects("card")
    return card


def test_a_claim_is_paid_once(
    client: TestClient, issuing_simulator: IssuingSimulator, vault: MemoryVault
) -> None:
    """Asked twice, there is one card, active, and its number is in the vault."""
    first, again = (client.put("/claims/claim-7/card", json=CLAIM) for _ in range(2))

    card = only_card(issuing_simulator)
    assert {"status": "active", "last4": card["last4"], "reason": None} == first.json()
    assert (200, first.json()) == (again.status_code, again.json())
    assert [card["id"]] == list(vault.entries)


def test_another_amount_is_a_conflict(client: TestClient) -> None:
    """A claim that was paid cannot be paid again with another amount."""
    client.put("/claims/claim-7/card", json=CLAIM)

    answer = client.put("/claims/claim-7/card", json={**CLAIM, "amount": "500.00"})

    assert 409 == answer.status_code


@pytest.mark.parametrize("amount", ["480.001", "12,50", "0", "-1", "20000.00"])
def test_a_bad_amount_is_refused_before_anything_happens(
    client: TestClient, issuing_simulator: IssuingSimulator, amount: str
) -> None:
    """What is no amount for a card is answered with what is wrong."""
    answer = client.put("/claims/claim-7/card", json={**CLAIM, "amount": amount})

    assert 422 == answer.status_code
    assert [] == issuing_simulator.objects("cardholder")


@pytest.mark.issuing(platform_funds=40_000)
def test_an_empty_platform_is_said(client: TestClient) -> None:
    """Without money there is no card, and the answer says how much is missing."""
    answer = client.put("/claims/claim-7/card", json=CLAIM)

    assert 402 == answer.status_code
    assert "missing" in answer.json()["detail"]


def test_merchants_are_answered_over_http(
    client: TestClient, issuing_simulator: IssuingSimulator
) -> None:
    """A repair is approved and booked, a gift card is not."""
    client.put("/claims/claim-7/card", json=CLAIM)
    card = only_card(issuing_simulator)["id"]
    gifts = issuing_simulator.authorize(
        card, 5_000, merchant={"category": "gift_card_novelty_and_souvenir_shops"}
    )
    repair = issuing_simulator.authorize(card, 47_900)
    issuing_simulator.capture(repair["id"])

    assert (False, True) == (gifts["approved"], repair["approved"])
    assert "spent" == client.get("/claims/claim-7").json()["status"]


def test_a_stranger_is_turned_away(client: TestClient) -> None:
    """What Stripe has not signed is answered 400; an unknown claim 404."""
    forged = client.post(WEBHOOKS, content=b"{}", headers={"Stripe-Signature": "t=1,v1=0"})

    assert 400 == forged.status_code
    assert 404 == client.get("/claims/claim-8").status_code
