"""
Do the books hold together under any order of merchant, platform and clock actions?
"""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from orjson import loads

from issuing_disburse.simulator import IssuingSimulator, SimulatorError

HOLDER = (
    b"name=Ada&type=company&billing[address][line1]=1&billing[address][city]=C"
    b"&billing[address][postal_code]=1&billing[address][country]=US"
)
ACTIONS = (
    "card", "authorize", "authorize", "capture", "increment", "reverse", "expire", "finalize",
    "refund", "force_capture", "unlinked_refund", "transfer", "reverse_transfer", "to_issuing",
    "to_payments", "cancel", "advance", "repeat",
)  # fmt: skip


class World:
    """
    One simulator under random actions; an action may be refused, but never break an invariant.
    """

    def __init__(self, seed: int) -> None:
        self.sim = IssuingSimulator(seed=seed, platform_funds=1_000_000)
        self.account = self.sim.create_account(issuing_funds=200_000)
        self.calls = 0
        self.cards: list[str] = []
        self.canceled: set[str] = set()
        self.authorizations: list[str] = []
        self.transactions: list[str] = []
        self.transfers: list[str] = []
        self.holder = self.post("/v1/issuing/cardholders", HOLDER)["id"]

    def post(self, path: str, body: bytes, *, own: bool = True, key: str | None = None):
        self.calls += 1
        headers = {
            "Authorization": f"Bearer {self.sim.api_key}",
            "Idempotency-Key": key or f"key-{self.calls}",
        }
        if own:
            headers["Stripe-Account"] = self.account
        answer = self.sim.handle("POST", path, headers, body)
        assert answer.status < 500, answer.body
        until = self.sim.clock.now() + timedelta(hours=24)
        self.last = (path, body, own, headers["Idempotency-Key"], answer, until)
        return loads(answer.body)

    def act(self, action: str, pick: int, amount: int) -> None:
        """
        Carry out one action on something picked, with *amount* minor units.
        """
        try:
            getattr(self, "do_" + action)(pick, amount)
        except SimulatorError:
            return

    @staticmethod
    def pick(items: list[str], pick: int) -> str:
        return items[pick % len(items)] if items else "nobody"

    def do_card(self, pick: int, amount: int) -> None:
        body = f"cardholder={self.holder}&currency=usd&type=virtual&status=active"
        if pick % 2:
            body += f"&lifecycle_controls[cancel_after][payment_count]={1 + pick % 3}"
        made = self.post("/v1/issuing/cards", body.encode())
        self.cards.append(made["id"])

    def do_authorize(self, pick: int, amount: int) -> None:
        made = self.sim.authorize(self.pick(self.cards, pick), amount)
        self.authorizations.append(made["id"])

    def do_capture(self, pick: int, amount: int) -> None:
        name = self.pick(self.authorizations, pick)
        done = self.sim.capture(name, amount if pick % 2 else None, close=pick % 3 > 0)
        self.transactions.append(done["transactions"][-1]["id"])

    def do_increment(self, pick: int, amount: int) -> None:
        self.sim.increment(self.pick(self.authorizations, pick), amount)

    def do_reverse(self, pick: int, amount: int) -> None:
        self.sim.reverse(self.pick(self.authorizations, pick), amount if pick % 2 else None)

    def do_expire(self, pick: int, amount: int) -> None:
        self.sim.expire(self.pick(self.authorizations, pick))

    def do_finalize(self, pick: int, amount: int) -> None:
        self.sim.finalize(self.pick(self.authorizations, pick), amount)

    def do_refund(self, pick: int, amount: int) -> None:
        self.sim.refund(self.pick(self.transactions, pick), amount)

    def do_force_capture(self, pick: int, amount: int) -> None:
        self.transactions.append(self.sim.force_capture(self.pick(self.cards, pick), amount)["id"])

    def do_unlinked_refund(self, pick: int, amount: int) -> None:
        self.sim.unlinked_refund(self.pick(self.cards, pick), amount)

    def do_transfer(self, pick: int, amount: int) -> None:
        body = f"amount={amount}&currency=usd&destination={self.account}".encode()
        made = self.post("/v1/transfers", body, own=False)
        if "id" in made:
            self.transfers.append(made["id"])

    def do_reverse_transfer(self, pick: int, amount: int) -> None:
        name = self.pick(self.transfers, pick)
        self.post(f"/v1/transfers/{name}/reversals", f"amount={amount}".encode(), own=False)

    def _move(self, source: str, destination: str, amount: int) -> None:
        body = (
            f"amount={amount}&currency=usd&source_balance[type]={source}"
            f"&destination_balance[type]={destination}"
        )
        self.post("/v1/balance_transfers", body.encode())

    def do_to_issuing(self, pick: int, amount: int) -> None:
        self._move("payments", "issuing", amount)

    def do_to_payments(self, pick: int, amount: int) -> None:
        self._move("issuing", "payments", amount)

    def do_cancel(self, pick: int, amount: int) -> None:
        self.post(f"/v1/issuing/cards/{self.pick(self.cards, pick)}", b"status=canceled")

    def do_advance(self, pick: int, amount: int) -> None:
        self.sim.clock.advance(timedelta(hours=pick % 60))

    def do_repeat(self, pick: int, amount: int) -> None:
        path, body, own, key, answer, until = self.last
        if self.sim.clock.now() >= until:  # The key is forgotten, so this would be a new request.
            return
        before = self.sim._world.positions  # noqa: SLF001 - counts whatever might be made
        again = self.post(path, body, own=own, key=key)
        self.last = (path, body, own, key, answer, until)
        if answer.status == 200:
            assert loads(answer.body) == again
            assert before == self.sim._world.positions  # noqa: SLF001 - as above

    def check(self) -> None:
        """
        Hold every invariant of the books against the objects.
        """
        sim, account = self.sim, self.account
        entries = sim.objects("balance_transaction", account)
        for kind, balance in (
            ("issuing", sim.issuing_balance(account)),
            ("payments", sim.payments_balance(account)),
        ):
            assert balance == sum(e["net"] for e in entries if e["balance_type"] == kind)
        held = 0
        for authorization in sim.objects("authorization", account):
            still = -sum(each["net"] for each in authorization["balance_transactions"])
            held += still
            assert authorization["pending_request"] is None
            if authorization["status"] != "pending":
                assert 0 == still, authorization
            if not authorization["approved"]:
                assert [] == authorization["balance_transactions"]
                assert "closed" == authorization["status"]
                assert authorization["amount"] == authorization["request_history"][0]["amount"]
        assert held == sim.held(account) >= 0
        dead = {c["id"] for c in sim.objects("card", account) if c["status"] == "canceled"}
        assert self.canceled <= dead
        self.canceled = dead
        events = sim.events()
        assert len(events) == len({event["id"] for event in events})
        assert all(b"400000999" not in str(event).encode() for event in events[-3:])


@settings(max_examples=6, stateful_step_count=200)
class Books(RuleBasedStateMachine):
    """
    Random operations; the books are checked after every tenth and at the end.
    """

    steps = 0

    @initialize(seed=st.integers(0, 3))
    def start(self, seed: int) -> None:
        self.world = World(seed)
        self.world.act("card", 0, 0)

    @rule(
        action=st.sampled_from(ACTIONS),
        pick=st.integers(0, 40),
        amount=st.integers(1, 60_000),
    )
    def act(self, action: str, pick: int, amount: int) -> None:
        self.world.act(action, pick, amount)

    @invariant()
    def books_hold(self) -> None:
        self.steps += 1
        if hasattr(self, "world") and self.steps % 10 == 0:
            self.world.check()

    def teardown(self) -> None:
        self.world.check()


TestBooks = Books.TestCase


def _run(operations: int, seed: int, every: int) -> World:
    random = Random(seed)  # noqa: S311 - repeatable on purpose
    world = World(seed)
    for number in range(operations):
        world.act(random.choice(ACTIONS), random.randrange(10**6), random.randrange(1, 60_000))
        if number % every == 0:
            world.check()
    world.check()
    return world


@pytest.mark.long
def test_books_hold_over_twenty_thousand_operations():
    """One seed, twenty thousand operations, the books held against the objects on the way."""
    assert _run(20_000, seed=11, every=5_000).calls > 5_000


@pytest.mark.soak
def test_books_hold_over_a_million_operations():
    """One seed, a million operations."""
    assert _run(1_000_000, seed=12, every=100_000).calls > 100_000


@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PATCH", "\x00"]),
    path=st.one_of(
        st.text(max_size=40),
        st.sampled_from(
            [
                "/v1/issuing/cards",
                "/v1/transfers",
                "/v1/accounts",
                "/v1/topups",
                "/v1/../x",
                "/v1//",
            ]
        ),
    ),
    headers=st.dictionaries(
        st.sampled_from(["Content-Type", "Stripe-Version", "Idempotency-Key", "stripe-account"]),
        st.text(max_size=20),
    ),
    body=st.one_of(
        st.binary(max_size=300),
        st.lists(
            st.tuples(
                st.sampled_from(["a", "card", "type", "metadata[x]", "a[]", "a[b]", "expand[0]"]),
                st.text(max_size=9),
            ),
            max_size=9,
        ).map(lambda pairs: "&".join(f"{k}={v}" for k, v in pairs).encode("utf-8", "ignore")),
    ),
)
@settings(max_examples=300)
def test_garbage_gets_a_stripe_shaped_answer(method, path, headers, body):
    """Whatever comes in, the answer is Stripe-shaped and no 500."""
    sim = _GARBAGE
    sent = {"Authorization": f"Bearer {sim.api_key}", **headers}
    answer = sim.handle(method, path, sent, body)

    assert answer.status < 500, answer.body
    assert answer.status == 200 or "message" in loads(answer.body)["error"]


_GARBAGE = IssuingSimulator(seed=5)


@pytest.mark.parametrize(
    "body",
    [
        b"a" * 5_000_000,
        b"a" + b"[a]" * 50_000 + b"=1",
        b"&".join(b"a%d=1" % place for place in range(10_000)),
        b"metadata" + b"[" * 9_000,
        b"%" * 10_000,
        b"\x00" * 1_000,
    ],
)
def test_large_garbage_is_refused_quickly(body):
    """Huge, deep and endless bodies are 4xx."""
    answer = _GARBAGE.handle(
        "POST",
        "/v1/issuing/cardholders",
        {"Authorization": f"Bearer {_GARBAGE.api_key}"},
        body,
    )

    assert 400 <= answer.status < 500
