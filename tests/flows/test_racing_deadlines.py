"""
When store and deadline race each other, is exactly that promised which was answered?
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import orjson
import pytest
from attrs import evolve, frozen

from answering_process import ACCOUNT, NOW, SECRET, payload, waiting_card
from issuing_disburse import (
    AmountRule,
    AuthorizationPolicy,
    AuthorizationRequest,
    Decision,
    Disburser,
    Reply,
    Terms,
)
from issuing_disburse.claims import allotment_of
from issuing_disburse.deciding import STORE_WORKERS
from issuing_disburse.ledger import Entry
from issuing_disburse.ports import Store, Transaction
from issuing_disburse.records import CardRecord
from issuing_disburse.signatures import sign
from issuing_disburse.stores.memory import MemoryStore

T = TypeVar("T")

CARD = "ic_1"
DEADLINE_SECONDS = 0.1
AMOUNT_MINOR = 200
REQUESTS = 120
THREADS = 6


@frozen
class MoodyStore:
    """
    A store that sometimes naps before or after its work, about as long as anybody would wait.
    """

    inner: Store
    dice: random.Random

    def _nap(self) -> None:
        if self.dice.random() < 0.5:
            time.sleep(self.dice.uniform(0, 1.2 * DEADLINE_SECONDS))

    def transact(
        self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None
    ) -> T:
        """
        Nap, do it, nap.
        """
        self._nap()
        result = self.inner.transact(work, timeout_seconds=timeout_seconds)
        self._nap()
        return result

    def read(self, work: Callable[[Transaction], T], *, timeout_seconds: float | None = None) -> T:
        """
        Nap, and do it.
        """
        self._nap()
        return self.inner.read(work, timeout_seconds=timeout_seconds)

    def stream_entries(self, *, after: tuple[str, int] = ("", 0)) -> Iterator[Entry]:
        """
        Pass on what the inner store has.
        """
        return self.inner.stream_entries(after=after)

    def close(self) -> None:
        """
        Close the inner store.
        """
        self.inner.close()


def yes(request: AuthorizationRequest) -> Decision:
    """
    Approve whatever is asked, as a stand-in.
    """
    return Decision(approved=True, code="small")


def ask(disburser: Disburser, number: int) -> Reply:
    """
    Ask for a small purchase, as Stripe would.
    """
    event = orjson.loads(payload(CARD, number))
    event["data"]["object"]["pending_request"]["amount"] = AMOUNT_MINOR
    body = orjson.dumps(event)
    return disburser.handle_webhook(body, sign(body, SECRET, NOW))


def decided(disburser: Disburser) -> dict[str, Decision]:
    """
    Ask from several threads, everything twice, and return the decisions by authorization.
    """
    found: dict[str, Decision] = {}
    changed: list[str] = []

    def work(numbers: range) -> None:
        for number in numbers:
            reply, again = ask(disburser, number), ask(disburser, number)
            assert reply.decision is not None
            found[f"iauth_{number}"] = reply.decision
            if reply.body != again.body:
                changed.append(f"iauth_{number}")

    shares = [range(first, REQUESTS, THREADS) for first in range(THREADS)]
    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == changed
    assert len(found) == REQUESTS
    return found


@pytest.mark.long
@pytest.mark.parametrize("stand_in", [None, yes])
@pytest.mark.parametrize("seed", [1, 2])
def test_only_what_was_approved_stays_promised(
    seed: int, stand_in: Callable[[AuthorizationRequest], Decision] | None
) -> None:
    """Late claims are given back, kept ones were answered, and the same delivery is never answered anew."""
    inner = MemoryStore(clock=lambda: NOW)
    terms = Terms(amount=AmountRule.up_to(), uses=100)
    inner.transact(lambda tx: tx.put(evolve(waiting_card(CARD), terms=terms)))
    policy = evolve(
        AuthorizationPolicy.default(), deadline_seconds=DEADLINE_SECONDS, stand_in=stand_in
    )
    with Disburser.connect(
        api_key="sk_test_racing",
        account=ACCOUNT,
        webhook_secret=SECRET,
        store=MoodyStore(inner, random.Random(seed)),  # noqa: S311  # dice, no secret
        policy=policy,
        clock=lambda: NOW,
    ) as disburser:
        decisions = decided(disburser)
        patience = time.monotonic() + 30
        while STORE_WORKERS.busy and time.monotonic() < patience:
            time.sleep(0.01)
        card = inner.read(lambda tx: tx.get(CardRecord, CARD))
    assert card is not None
    promised = {one.use.authorization_id for one in card.claims if one.state != "released"}
    by_policy = {name for name, one in decisions.items() if one.approved and one.source == "policy"}
    approved = {name for name, one in decisions.items() if one.approved}

    assert by_policy <= promised <= approved
    assert 12_500 - AMOUNT_MINOR * len(promised) == allotment_of(card).remaining.minor
