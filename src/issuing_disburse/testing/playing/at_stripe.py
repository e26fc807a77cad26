"""
How do merchants act at Stripe's test mode, and how is it heard what came of it?

Stripe delivers to public URLs only, so what happened is fetched from ``GET /v1/events`` and handed on, signed here.
The real-time question cannot be had that way: Stripe decides by itself, under the card's own controls.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from attrs import define, field

from issuing_disburse.signatures import sign

HELPERS = "/v1/test_helpers/issuing"
WAIT_SECONDS = 30.0
PAUSE_SECONDS = 0.5
SKEW_SECONDS = 300
"""
By how much this machine's clock may be ahead of Stripe's; what happened before the test is not handed on.
"""
PAGE = 100
MISSING: Mapping[str, str] = {
    "clock": "nobody moves Stripe's clock",
    "faults": "Stripe does not misbehave on demand",
    "decide_dispute": "no helper of Stripe's decides a dispute",
    "fund_issuing": "the balance in the US cannot be filled by the API",
    "set_screening": "Stripe's test mode screens nobody",
    "disable_issuing": "no helper of Stripe's turns an account off",
}
UNKNOWN = "Stripe's test mode has no such verb"

Awaited = set[tuple[str, str]]


class NotAtStripeError(AttributeError):
    """
    Stripe's test mode cannot carry what was asked for; the message says why.
    """


class UntoldError(RuntimeError):
    """
    Stripe did not tell in time of something that was done.
    """


@define
class AtStripe:
    """
    Lets merchants act by Stripe's test helpers; stands in for a simulator where Stripe can carry it.

    Args:
        post: Sends one request: method, path, parameters; for the account of the test.
        account: Whose events are fetched.
        secret: What they are signed with.
        started_at: Only what happened from here on is fetched, in UTC.
    """

    _ask: Callable[[str, str, Mapping[str, Any]], Any]
    _account: str | None
    _secret: str = field(repr=False)
    _started_at: datetime
    _now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _sleep: Callable[[float], None] = time.sleep
    _timer: Callable[[], float] = time.monotonic
    _handler: Callable[[bytes, str], Any] | None = None
    _seen: set[str] = field(factory=set)

    def deliver_webhooks_to(self, handler: Callable[[bytes, str], Any], **_: Any) -> None:
        """
        Hand what happened on to *handler*.
        """
        self._handler = handler
        if not self._seen:
            self._seen.update(event["id"] for event in self._new())

    def authorize(self, card_id: str, amount: int | None = None, **details: Any) -> Any:
        """
        Let the merchant ask; see `issuing_disburse.simulator.IssuingSimulator.authorize`.
        """
        renamed = {"merchant": "merchant_data", "verification": "verification_data"}
        params = {renamed.get(name, name): value for name, value in details.items()}
        found = self._post("/authorizations", card=card_id, amount=amount, **params)
        self._hear({("issuing_authorization.created", found["id"])})
        return found

    def capture(
        self, authorization_id: str, amount: int | None = None, *, close: bool = True
    ) -> Any:
        """
        Let the merchant collect.
        """
        params = {"capture_amount": amount, "close_authorization": close}
        found = self._on(authorization_id, "capture", **params)
        told = {("issuing_transaction.created", one["id"]) for one in found["transactions"][-1:]}
        self._hear({("issuing_authorization.updated", found["id"]), *told})
        return found

    def increment(self, authorization_id: str, amount: int, **details: Any) -> Any:
        """
        Let the merchant ask for more.
        """
        return self._changed(authorization_id, "increment", increment_amount=amount, **details)

    def reverse(self, authorization_id: str, amount: int | None = None) -> Any:
        """
        Let the merchant give a hold back.
        """
        return self._changed(authorization_id, "reverse", reverse_amount=amount)

    def expire(self, authorization_id: str) -> Any:
        """
        Let an authorization lapse now.
        """
        return self._changed(authorization_id, "expire")

    def finalize(self, authorization_id: str, amount: int) -> Any:
        """
        Let the merchant name the final sum.
        """
        return self._changed(authorization_id, "finalize_amount", final_amount=amount)

    def refund(self, transaction_id: str, amount: int | None = None) -> Any:
        """
        Let the merchant refund a capture.
        """
        return self._moved(f"/transactions/{transaction_id}/refund", refund_amount=amount)

    def force_capture(self, card_id: str, amount: int, *, merchant: Any = None) -> Any:
        """
        Let a merchant collect without having asked.
        """
        path = "/transactions/create_force_capture"
        return self._moved(path, card=card_id, amount=amount, merchant_data=merchant)

    def unlinked_refund(self, card_id: str, amount: int, *, merchant: Any = None) -> Any:
        """
        Let a merchant pay money to a card.
        """
        path = "/transactions/create_unlinked_refund"
        return self._moved(path, card=card_id, amount=amount, merchant_data=merchant)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotAtStripeError(f"{name}: {MISSING.get(name, UNKNOWN)}")

    def _post(self, path: str, **params: Any) -> Any:
        sent = {name: value for name, value in params.items() if value is not None}
        return self._ask("post", HELPERS + path, sent)

    def _on(self, authorization_id: str, verb: str, **params: Any) -> Any:
        return self._post(f"/authorizations/{authorization_id}/{verb}", **params)

    def _changed(self, authorization_id: str, verb: str, **params: Any) -> Any:
        found = self._on(authorization_id, verb, **params)
        self._hear({("issuing_authorization.updated", authorization_id)})
        return found

    def _moved(self, path: str, **params: Any) -> Any:
        found = self._post(path, **params)
        self._hear({("issuing_transaction.created", found["id"])})
        return found

    def _hear(self, awaited: Awaited) -> None:
        """
        Hand on what is new, until everything that is awaited has come.
        """
        ends = self._timer() + WAIT_SECONDS
        while True:
            awaited = awaited - self._fetched()
            if not awaited:
                return
            if self._timer() >= ends:
                missing = ", ".join(sorted(f"{kind} of {name}" for kind, name in awaited))
                raise UntoldError(f"Stripe did not tell within {WAIT_SECONDS:g} s of: {missing}")
            self._sleep(PAUSE_SECONDS)

    def _new(self) -> list[Any]:
        """
        Return the events that were not seen yet, the newest first, as Stripe lists them.
        """
        new: list[Any] = []
        since = int(self._started_at.timestamp()) - SKEW_SECONDS
        params: dict[str, Any] = {"created": {"gte": since}, "limit": PAGE}
        while True:
            page = self._ask("get", "/v1/events", params)
            new += [one for one in page["data"] if one["id"] not in self._seen]
            if not page["has_more"]:
                return new
            params["starting_after"] = page["data"][-1]["id"]

    def _fetched(self) -> Awaited:
        new = self._new()
        for event in reversed(new):
            self._seen.add(event["id"])
            self._hand_on(event)
        return {(one["type"], one["data"]["object"].get("id", "")) for one in new}

    def _hand_on(self, event: dict[str, Any]) -> None:
        if self._handler is None or not event["type"].startswith("issuing_"):
            return
        if self._account is not None:
            event = {**event, "account": self._account}
        payload = orjson.dumps(event)
        self._handler(payload, sign(payload, self._secret, self._now()))
