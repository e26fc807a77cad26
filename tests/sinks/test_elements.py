"""
Does a recipient's browser get a key to one card, once per nonce, without our server seeing the number?
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest
import stripe

from issuing_disburse import InvalidInputError, OrderNotFoundError, UnknownOutcomeError
from issuing_disburse.exceptions import NotPermittedError, RefusedError
from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.stripe_api import API_VERSION
from world import World, make_order, open_world

ORDER = "claim-8841"
NONCE = "ephkn_test_nonce_1"


@pytest.fixture
def world() -> Iterator[World]:
    """
    A world with one paid order.
    """
    with open_world("sqlite://") as found:
        found.disburser.disburse(make_order())
        yield found


def test_a_key_is_for_one_card_of_one_account_and_lives_fifteen_minutes(world: World) -> None:
    """The page gets what Stripe.js needs; the secret is in no repr and no asdict."""
    key = world.disburser.issuing_elements_key(ORDER, NONCE)
    card = world.disburser.get(ORDER).card
    secret = key.secret.revealed()

    assert secret.startswith("ek_test_")
    assert (card.id, world.account) == (key.card_id, key.account)
    assert world.simulator.clock.now() + timedelta(minutes=15) == key.expires_at
    assert 1 == world.sent("POST /v1/ephemeral_keys")
    for shown in (repr(key), str(key), f"{key=}", repr(attrs.asdict(key)), repr([key])):
        assert secret not in shown
        assert card.id in shown


def test_a_key_is_on_record_like_a_delivery(world: World) -> None:
    """Whose browser could see which card is listed; of the nonce only a hash is kept."""
    key = world.disburser.issuing_elements_key(ORDER, NONCE)
    (entry,) = world.disburser.deliveries(ORDER)

    assert ("issuing-elements", "browser", "delivered") == (
        entry.sink,
        entry.environment,
        entry.progress,
    )
    assert entry.reference.startswith("ephkey_")
    for secret in (NONCE, key.secret.revealed()):
        assert secret not in repr(entry)


def test_a_nonce_used_twice_is_refused_before_the_call(world: World) -> None:
    """The second use is an error of ours that says what the page must do; nothing is sent."""
    world.disburser.issuing_elements_key(ORDER, NONCE)
    with pytest.raises(RefusedError, match="used before") as caught:
        world.disburser.issuing_elements_key(ORDER, NONCE)

    assert ("nonce_used", "nonce") == (caught.value.code, caught.value.param)
    assert 1 == world.sent("POST /v1/ephemeral_keys")


def test_a_nonce_that_stripe_knows_is_refused_with_the_same_advice(world: World) -> None:
    """A nonce that somebody else used is Stripe's to refuse: mapped, and on record."""
    world.disburser.issuing_elements_key(ORDER, NONCE)
    other = world.connect(store="sqlite://", accept_empty_store=True)
    other.disburse(make_order(id="claim-8842"))
    with pytest.raises(RefusedError, match="createEphemeralKeyNonce") as caught:
        other.issuing_elements_key("claim-8842", NONCE)

    assert "nonce_refused" == caught.value.code
    assert caught.value.stripe_request_id
    assert ["failed"] == [one.progress for one in other.deliveries()]


def test_a_platform_without_elements_is_told_what_to_ask_for() -> None:
    """Where Stripe has not switched Elements on, the error names the remedy."""
    behaviour = Behaviour(issuing_elements=False)
    with open_world("sqlite://", simulator={"behaviour": behaviour}) as world:
        world.disburser.disburse(make_order())
        with pytest.raises(NotPermittedError, match="switched on by Stripe's support") as caught:
            world.disburser.issuing_elements_key(ORDER, NONCE)

        assert "issuing_elements_not_enabled" == caught.value.code
        assert ORDER == caught.value.order_id


@pytest.mark.parametrize("nonce", ["", "short", "with space 1", "x" * 513, None, 7, b"bytes_of_8"])
def test_what_is_no_nonce_is_refused(world: World, nonce: Any) -> None:
    """Nothing is sent, and nothing is stored."""
    with pytest.raises(InvalidInputError, match="nonce"):
        world.disburser.issuing_elements_key(ORDER, nonce)

    assert () == world.disburser.deliveries()


class Between(stripe.HTTPClient):
    """
    Stands between library and simulator: keeps headers, loses one answer, or a field of it.
    """

    name = "between"

    def __init__(self, inner: stripe.HTTPClient, *, loses: bool = False, drops: str = "") -> None:
        super().__init__()
        self._inner = inner
        self._loses = loses
        self._drops = drops
        self.headers: list[dict[str, str]] = []

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **options: Any
    ) -> tuple[Any, int, Any]:
        """
        Pass a request on; for ephemeral keys, do to the answer what is asked.
        """
        content, status, answered = self._inner.request(method, url, headers, post_data)
        if "ephemeral_keys" in url:
            self.headers.append(dict(headers))
            if self._loses:
                self._loses = False
                raise stripe.APIConnectionError("reset by peer")
            kept = {k: v for k, v in json.loads(content).items() if k != self._drops}
            content = json.dumps(kept)
        return content, status, answered

    def close(self) -> None:
        """
        Leave the inner client open.
        """


def test_an_order_without_a_card_has_nothing_to_show(world: World) -> None:
    """A key needs a card: an unknown order, and one whose card waits for its sink, have none."""
    with pytest.raises(OrderNotFoundError):
        world.disburser.issuing_elements_key("unknown", NONCE)

    assert 0 == world.sent("POST /v1/ephemeral_keys")


def test_version_and_account_are_sent(world: World) -> None:
    """Stripe wants an explicit version for this endpoint, and the account that has the card."""
    wire = Between(world.client)
    world.connect(store=world.disburser.store, http_client=wire).issuing_elements_key(ORDER, NONCE)
    (headers,) = wire.headers

    assert (API_VERSION, world.account) == (headers["Stripe-Version"], headers["Stripe-Account"])
    assert NONCE not in repr(headers)


def test_a_lost_answer_is_asked_for_again_under_the_same_key(world: World) -> None:
    """A network that drops the answer does not burn the nonce: the same key comes back."""
    wire = Between(world.client, loses=True)
    disburser = world.connect(store=world.disburser.store, http_client=wire)
    key = disburser.issuing_elements_key(ORDER, NONCE)
    first, second = wire.headers

    assert key.secret.revealed().startswith("ek_test_")
    assert first["Idempotency-Key"] == second["Idempotency-Key"]


def test_an_answer_without_a_secret_is_no_key(world: World) -> None:
    """If an answer holds no secret, the page is told to begin anew, and the failure is on record."""
    wire = Between(world.client, drops="secret")
    disburser = world.connect(store=world.disburser.store, http_client=wire)
    with pytest.raises(UnknownOutcomeError, match="new nonce") as caught:
        disburser.issuing_elements_key(ORDER, NONCE)

    assert "no_secret" == caught.value.code
    assert ["failed"] == [one.progress for one in disburser.deliveries(ORDER)]
