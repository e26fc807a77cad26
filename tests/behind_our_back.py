"""
What can go wrong with the books without any fault of ours: lost events, and people with access?
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import orjson
import stripe
from attrs import define, field

from issuing_disburse import Disburser, Reply
from issuing_disburse.simulator import IssuingSimulator


@define
class Somebody:
    """
    A disburser whose post gets lost on demand, and the bare SDK in other hands.

    Attributes:
        is_lost: Tells of an event whether it gets lost on its way.
    """

    simulator: IssuingSimulator
    account: str
    store: str
    options: dict[str, Any] = field(factory=dict)
    is_lost: Callable[[dict[str, Any]], bool] = lambda _: False
    disburser: Disburser = field(init=False)
    opened: ExitStack = field(init=False, factory=ExitStack)

    def __attrs_post_init__(self) -> None:
        self.disburser = self.connect()
        self.simulator.deliver_webhooks_to(self.receive)

    def connect(self, **changes: Any) -> Disburser:
        """
        Make a disburser for this account and store, closed with `opened`.
        """
        options: dict[str, Any] = {
            "api_key": self.simulator.api_key,
            "account": self.account,
            "webhook_secret": self.simulator.webhook_secret,
            "store": self.store,
            "http_client": self.simulator.http_client(),
            "clock": self.simulator.clock.now,
            "sleep": self.simulator.clock.sleep,
            **self.options,
            **changes,
        }
        return self.opened.enter_context(Disburser.connect(**options))

    def receive(self, payload: bytes, signature: str) -> Reply:
        """
        Hand one event on, unless it gets lost; a lost one is taken for delivered.
        """
        if self.is_lost(orjson.loads(payload)):
            return Reply(status=200, headers={})
        return self.disburser.handle_webhook(payload, signature)

    def lose(self, *types: str) -> None:
        """
        Lose every event of these types from now on; none, if none is named.
        """
        self.is_lost = lambda event: event["type"] in types

    def by_hand(self, path: str, *, as_platform: bool = False, **params: Any) -> Any:
        """
        Post something with the bare SDK, as somebody with access could.
        """
        client = stripe.StripeClient(
            self.simulator.api_key, http_client=self.simulator.http_client()
        )
        options: dict[str, Any] = {} if as_platform else {"stripe_account": self.account}
        return client.raw_request("post", path, **params, **options).data


@contextmanager
def open_accident(
    store: str = "memory://", *, options: dict[str, Any] | None = None, **account: Any
) -> Iterator[Somebody]:
    """
    Open a world in which things happen behind our back.
    """
    with IssuingSimulator(seed=7, platform_funds=10_000_000) as simulator:
        one = Somebody(simulator, simulator.create_account(**account), store, options or {})
        with one.opened:
            yield one
