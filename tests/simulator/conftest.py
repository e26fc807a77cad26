"""
How do tests talk to a simulator through the official SDK, with every answer held to its types?
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe
from attrs import define, field, frozen
from orjson import dumps, loads

from contract_client import ContractClient
from issuing_disburse.simulator import Behaviour, IssuingSimulator
from whole_surface import Tour, asynchronously, synchronously

VERSION = "2026-10-28.endive"
UNTYPED_FIELDS = ("topup: destination_balance: unknown field",)
"""
What Stripe shows and the SDK does not type.
"""


@frozen
class Reply:
    """
    What a webhook handler of a test returns.
    """

    status: int = 200
    body: bytes = b'{"approved":true}'
    headers: dict[str, str] = field(factory=lambda: {"Stripe-Version": VERSION})


@define
class Receiver:
    """
    A webhook receiver that verifies like the SDK does, and remembers.
    """

    sim: IssuingSimulator
    reply: Reply = field(factory=Reply)
    seen: list[dict[str, Any]] = field(factory=list)
    before_reply: Callable[[dict[str, Any]], object] = lambda _event: None

    def __call__(self, payload: bytes, signature: str) -> Reply:
        stripe.WebhookSignature.verify_header(
            payload.decode(), signature, self.sim.webhook_secret, None
        )
        event = loads(payload)
        self.seen.append(event)
        self.before_reply(event)
        return self.reply

    def types(self) -> list[str]:
        return [event["type"] for event in self.seen]


@define
class Bench:
    """
    One simulator, one connected account, one SDK client, and short ways to fill them.
    """

    sim: IssuingSimulator
    account: str
    contract: ContractClient
    client: stripe.StripeClient

    @property
    def opt(self) -> Any:
        return {"stripe_account": self.account}

    def holder(self, **changes: Any) -> Any:
        params: Any = {
            "name": "Jenny Rosen",
            "email": "jenny@example.com",
            "phone_number": "+18008675309",
            "type": "individual",
            "individual": {
                "first_name": "Jenny",
                "last_name": "Rosen",
                "dob": {"day": 14, "month": 3, "year": 1985},
                "card_issuing": {
                    "user_terms_acceptance": {"date": 1_790_000_000, "ip": "203.0.113.7"}
                },
            },
            "billing": {
                "address": {
                    "line1": "123 Main St",
                    "city": "Columbus",
                    "state": "OH",
                    "postal_code": "43004",
                    "country": "US",
                }
            },
        }
        merged = {key: value for key, value in {**params, **changes}.items() if value is not None}
        return self.client.v1.issuing.cardholders.create(merged, self.opt)

    def card(self, holder: str | None = None, *, uses: int | None = None, **changes: Any) -> Any:
        params: Any = {
            "cardholder": holder or self.holder().id,
            "currency": "usd",
            "type": "virtual",
            "status": "active",
            "spending_controls": {"spending_limits": [{"amount": 100_000, "interval": "all_time"}]},
        }
        if uses is not None:
            params["lifecycle_controls"] = {"cancel_after": {"payment_count": uses}}
        merged = {key: value for key, value in {**params, **changes}.items() if value is not None}
        return self.client.v1.issuing.cards.create(merged, self.opt)

    def post(self, path: str, params: dict[str, Any], **options: Any) -> Any:
        options.setdefault("stripe_account", self.account)
        return self.client.raw_request("post", path, **params, **options).data

    def get(self, path: str, **options: Any) -> Any:
        options.setdefault("stripe_account", self.account)
        return self.client.raw_request("get", path, **options).data

    def receiver(self, **reply: Any) -> Receiver:
        body = dumps(reply) if reply else b'{"approved":true}'
        receiver = Receiver(self.sim, Reply(body=body))
        self.sim.deliver_webhooks_to(receiver)
        return receiver

    def raw(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        account: str | None = "own",
        **headers: str,
    ) -> Any:
        sent = {
            "Authorization": f"Bearer {self.sim.api_key}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        if account is not None:
            sent["Stripe-Account"] = self.account if account == "own" else account
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.sim.handle(method, path, sent, body)

    def broken(self) -> list[str]:
        return [p for p in self.contract.problems if not p.endswith(UNTYPED_FIELDS)]

    def issuing_sum(self) -> int:
        return sum(
            entry["net"]
            for entry in self.sim.objects("balance_transaction", self.account)
            if entry["balance_type"] == "issuing"
        )


def build(
    behaviour: Behaviour | None = None,
    *,
    country: str = "US",
    issuing_funds: int = 1_000_000,
    **options: Any,
) -> Bench:
    """
    Make a bench of its own.
    """
    sim = IssuingSimulator(
        seed=7, platform_funds=5_000_000, behaviour=behaviour or Behaviour(), **options
    )
    account = sim.create_account(country=country, issuing_funds=issuing_funds)
    contract = ContractClient(sim.http_client())
    client = stripe.StripeClient(sim.api_key, http_client=contract)
    return Bench(sim, account, contract, client)


@pytest.fixture
def bench() -> Iterator[Bench]:
    """
    A bench with default behaviour; every request and answer must have kept the SDK's types.
    """
    made = build()
    yield made

    assert [] == made.broken()


@pytest.fixture
def make_bench() -> Iterator[Callable[..., Bench]]:
    """
    Benches with other behaviour; held to the same types.
    """
    made: list[Bench] = []

    def make(behaviour: Behaviour | None = None, **options: Any) -> Bench:
        made.append(build(behaviour, **options))
        return made[-1]

    yield make

    assert [] == [problem for each in made for problem in each.broken()]


@pytest.fixture
def reply() -> type[Reply]:
    """
    The reply class, for handlers written inside a test.
    """
    return Reply


@pytest.fixture(scope="module", params=[synchronously, asynchronously], ids=["sync", "async"])
def toured(request: pytest.FixtureRequest) -> Bench:
    """
    A bench on which every endpoint was called once through the SDK.
    """
    made = build()
    Tour(made, request.param).run()
    return made
