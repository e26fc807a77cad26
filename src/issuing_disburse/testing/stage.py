"""
On which Stripe does a test play, and what did it hear from it?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson
from attrs import define, field, frozen

from issuing_disburse.decision import Decision
from issuing_disburse.disburser import Disburser
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.requests import REQUEST_TYPE
from issuing_disburse.webhooks import Reply

if TYPE_CHECKING:
    from issuing_disburse.ports import FundingRoute
    from issuing_disburse.simulator import IssuingSimulator

_OF_THE_STAGE = (
    "account",
    "api_base",
    "api_key",
    "clock",
    "http_client",
    "sleep",
    "webhook_secret",
)


@frozen(kw_only=True)
class Heard:
    """
    One question that came in, and our answer.
    """

    authorization_id: str
    decision: Decision


@define(kw_only=True)
class Stage:
    """
    A Stripe to play on, with one account, and the disbursers that are connected to it.

    Attributes:
        simulator: Merchants, banks and misfortune: an `issuing_disburse.simulator.IssuingSimulator`, or
            what stands in for one.
        route: The route of disbursers that name none; ``None`` leaves it to them.
        options: What disbursers are told beside, unless they are told otherwise.
        is_shared: Whether others use the account, too, so that reconciling finds what is theirs.
        suffix: What makes ids of orders fresh, where they have to be.
        heard: Every question that came in, and our answer, oldest first.
    """

    simulator: IssuingSimulator | Any
    account: str | None
    api_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    http_client: Any = None
    api_base: str | None = None
    clock: Any = None
    sleep: Callable[[float], None] | None = None
    route: FundingRoute | None = None
    options: Mapping[str, Any] = field(factory=dict)
    suffix: str = ""
    is_shared: bool = False
    heard: list[Heard] = field(factory=list, init=False)
    _newest: Disburser | None = field(default=None, init=False, repr=False)

    @classmethod
    def of_simulator(cls, simulator: IssuingSimulator, account: str | None) -> Stage:
        """
        Play on a simulator in this process.
        """
        return cls(
            simulator=simulator,
            account=account,
            api_key=simulator.api_key,
            webhook_secret=simulator.webhook_secret,
            http_client=simulator.http_client(),
            clock=simulator.clock,
        )

    def connect(self, **options: Any) -> Disburser:
        """
        Make a disburser that hears of everything from now on, in the place of the one before; *options* are those of `Disburser.connect`.

        Raises:
            InvalidInputError: An option is wrong, or is decided by the stage.
        """
        taken = [name for name in _OF_THE_STAGE if name in options]
        if taken:
            raise InvalidInputError(
                taken[0], "is decided by where the test plays", "leave it out of the options"
            )
        settings: dict[str, Any] = {"store": "memory://", **self.options, **options}
        if self.route is not None:
            settings.setdefault("route", self.route)
        disburser = Disburser.connect(
            api_key=self.api_key,
            account=self.account,
            webhook_secret=self.webhook_secret,
            http_client=self.http_client,
            api_base=self.api_base,
            clock=self.clock.now,
            sleep=self.sleep or self.clock.sleep,
            **settings,
        )
        is_first = self._newest is None
        self._newest = disburser
        if is_first:
            self.simulator.deliver_webhooks_to(self.hear)
        return disburser

    def hear(self, payload: bytes, signature: str) -> Reply:
        """
        Hand one delivery to the newest disburser, and remember the answer if it was a question.
        """
        if self._newest is None:
            return Reply(status=503, headers={})
        reply = self._newest.handle_webhook(payload, signature)
        if reply.decision is not None:
            event = orjson.loads(payload)
            if event.get("type") == REQUEST_TYPE:
                name = event["data"]["object"]["id"]
                self.heard.append(Heard(authorization_id=name, decision=reply.decision))
        return reply
