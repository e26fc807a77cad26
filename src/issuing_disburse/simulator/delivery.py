"""
How does an event reach its receivers, signed, and what do they answer?
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import new as hmac
from time import monotonic
from typing import Literal, Protocol

from attrs import define, field, frozen
from orjson import JSONDecodeError, loads

from issuing_disburse.simulator.courier import Courier
from issuing_disburse.simulator.events import Event, payload_for
from issuing_disburse.simulator.faults import Faults
from issuing_disburse.simulator.versions import is_version
from issuing_disburse.simulator.webhook_endpoints import WebhookEndpoint
from issuing_disburse.simulator.world import Call, World


class ReplyLike(Protocol):
    """
    What a webhook handler returns.
    """

    @property
    def status(self) -> int:
        """
        The HTTP status.
        """

    @property
    def headers(self) -> Mapping[str, str]:
        """
        The HTTP headers.
        """

    @property
    def body(self) -> bytes:
        """
        The HTTP body.
        """


@frozen
class Reply:
    """
    A reply as it came over the wire.
    """

    status: int
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""


class Carrier(Protocol):
    """
    Bring one signed payload to one address.

    Raises anything at all when it does not arrive.
    """

    def __call__(self, payload: bytes, headers: Mapping[str, str], *, timeout: float) -> ReplyLike:
        """
        Return the receiver's reply; *timeout* is in seconds.
        """


@frozen
class Answer:
    """
    What became of a real-time question.
    """

    outcome: Literal["approved", "declined", "timeout", "error"]
    amount: int | None = None
    metadata: Mapping[str, str] = field(factory=dict)
    message: str | None = None
    challenge: bool = False


SETTLE_SECONDS = 5.0


def signature(payload: bytes, secrets: tuple[str, ...], timestamp: int) -> str:
    """
    Return the ``Stripe-Signature`` header: one ``v1`` for each secret in force.
    """
    message = b"%d.%b" % (timestamp, payload)
    signed = (hmac(secret.encode(), message, sha256).hexdigest() for secret in secrets)
    return f"t={timestamp}," + ",".join(f"v1={digest}" for digest in signed)


def read_answer(reply: ReplyLike, newest_preview: str) -> Answer:
    """
    Judge the reply to a real-time question by Stripe's rules.

    Status 200, a ``Stripe-Version`` header, JSON, and in it a boolean ``approved``.
    """
    headers = {str(name).lower(): str(value) for name, value in dict(reply.headers).items()}
    problem = None
    content_type = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if reply.status != 200:  # noqa: PLR2004 - the only accepted status
        problem = f"Webhook returned HTTP status {reply.status}; only 200 is accepted."
    elif not headers.get("stripe-version"):
        problem = "Webhook response is missing the Stripe-Version header."
    elif not is_version(headers["stripe-version"], newest_preview):
        problem = "Webhook response has a Stripe-Version header that is no API version."
    elif content_type != "application/json":
        problem = "Webhook response must have the content type application/json."
    if problem is not None:
        return Answer("error", message=problem)
    try:
        body = loads(reply.body)
    except JSONDecodeError:
        return Answer("error", message="Webhook response could not be parsed as JSON.")
    if not isinstance(body, dict) or not isinstance(body.get("approved"), bool):
        return Answer("error", message="Webhook response has no boolean field approved.")
    amount, metadata = body.get("amount"), body.get("metadata") or {}
    if amount is not None and (type(amount) is not int or amount <= 0):
        return Answer("error", message="Webhook response has an invalid amount.")
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        return Answer("error", message="Webhook response has invalid metadata.")
    return Answer(
        "approved" if body["approved"] else "declined",
        amount=amount,
        metadata=metadata,
        challenge=body.get("send_fraud_challenges") == ["sms"],
    )


@define
class Postman:
    """
    Deliver what the simulator has to tell, outside its lock and on the calling thread.

    *carriers* knows the receivers in this process by address; *abroad* reaches any other, and the
    *courier*, where there is one, goes there without letting the caller wait. *signing_time* tells
    the time for signatures: the simulator's, or the real one over HTTP.
    """

    world: World
    faults: Faults
    signing_time: Callable[[], int]
    carriers: dict[str, Carrier] = field(factory=dict)
    abroad: Callable[[str], Carrier] | None = None
    courier: Courier | None = None

    def ask(self, call: Call, event_id: str, endpoint: WebhookEndpoint) -> Answer:
        """
        Put a real-time question and wait for the answer, for at most the deadline.

        The deadline is measured in real, monotonic time, whatever the simulator's clock says.
        """
        deadline = self.world.behaviour.realtime_deadline_seconds
        event = self.world.get(Event, event_id)
        fault = self.faults.for_event(event.type, event.account)
        if fault is not None and fault.how == "never":
            return Answer("timeout")
        began = monotonic()
        try:
            reply = self._insist(event, endpoint, deadline)
            if fault is not None and fault.how == "twice":
                self._send(event, endpoint, timeout=deadline)
        except TimeoutError:
            return Answer("timeout")
        except Exception as problem:  # noqa: BLE001 - a handler may fail in any way
            return Answer(
                "error", message=f"Webhook could not be reached: {type(problem).__name__}."
            )
        late = fault is not None and fault.how == "late" and fault.seconds >= deadline
        if late or reply is None or monotonic() - began > deadline:
            return Answer("timeout")
        return read_answer(reply, self.world.behaviour.newest_preview_version)

    def _insist(self, event: Event, endpoint: WebhookEndpoint, deadline: float) -> ReplyLike | None:
        """
        Send a question, again if it did not arrive and the switch says so, within one deadline.
        """
        ends = monotonic() + deadline
        for _ in range(self.world.behaviour.realtime_attempts - 1):
            try:
                return self._send(event, endpoint, timeout=max(0.001, ends - monotonic()))
            except TimeoutError:
                raise
            except Exception:  # noqa: BLE001, S112 - a handler may fail in any way
                continue
        return self._send(event, endpoint, timeout=max(0.001, ends - monotonic()))

    def deliver(self, outbox: list[tuple[str, str, int]]) -> None:
        """
        Deliver what collected in an *outbox*, in order, each once.
        """
        if self.courier is not None:
            far = {parcel[1] for parcel in outbox if self._is_far(parcel[1])}
            self.courier.hand_over([parcel for parcel in outbox if parcel[1] in far])
            outbox[:] = [parcel for parcel in outbox if parcel[1] not in far]
        self.deliver_now(outbox)

    def _is_far(self, endpoint_id: str) -> bool:
        endpoint = self.world.by_id.get(endpoint_id)
        return isinstance(endpoint, WebhookEndpoint) and endpoint.url not in self.carriers

    def settle(self) -> bool:
        """
        Wait until the courier has brought everything, or for a few seconds; say whether it has.
        """
        return self.courier is None or self.courier.settle(SETTLE_SECONDS)

    def deliver_now(self, outbox: list[tuple[str, str, int]]) -> None:
        """
        Do so on the calling thread.
        """
        for event_id, endpoint_id, attempt in outbox:
            event = self.world.by_id.get(event_id)
            endpoint = self.world.by_id.get(endpoint_id)
            if isinstance(event, Event) and isinstance(endpoint, WebhookEndpoint):
                self._deliver_one(event, endpoint, attempt)
        outbox.clear()

    def _deliver_one(self, event: Event, endpoint: WebhookEndpoint, attempt: int) -> None:
        with self.world.lock:
            fault = self.faults.for_event(event.type, event.account) if attempt == 0 else None
            batch = [event]
            if fault is not None:
                if fault.how == "never":
                    return
                if fault.how == "late":
                    self.world.later(fault.seconds, "deliver", event.id, endpoint.id, 1)
                    return
                if fault.how == "shuffled":
                    endpoint.waiting = [*endpoint.waiting, event.id]
                    if len(endpoint.waiting) < fault.group:
                        return
            if endpoint.waiting:
                waiting, endpoint.waiting = endpoint.waiting, []
                self.faults.delivery_dice.shuffle(waiting)
                batch = [event] if event.id not in waiting else []
                known = (self.world.by_id.get(name) for name in waiting)
                batch += [each for each in known if isinstance(each, Event)]
            if fault is not None and fault.how == "twice":
                batch = batch * 2
        for each in batch:
            self._attempt(each, endpoint, attempt)

    def _attempt(self, event: Event, endpoint: WebhookEndpoint, attempt: int) -> None:
        try:
            timeout = self.world.behaviour.webhook_timeout_seconds
            reply = self._send(event, endpoint, timeout=timeout)
            arrived = reply is not None and 200 <= reply.status < 300  # noqa: PLR2004 - any 2xx
        except Exception:  # noqa: BLE001 - a handler may fail in any way
            arrived = False
        with self.world.lock:
            if arrived:
                event.undelivered = max(0, event.undelivered - 1)
                return
            delays = self.world.behaviour.webhook_retry_seconds
            if attempt < len(delays):
                self.world.later(delays[attempt], "deliver", event.id, endpoint.id, attempt + 1)

    def _send(self, event: Event, endpoint: WebhookEndpoint, *, timeout: float) -> ReplyLike | None:
        carrier = self.carriers.get(endpoint.url)
        if carrier is None:
            if self.abroad is None:
                return None
            carrier = self.abroad(endpoint.url)
        with self.world.lock:
            payload = payload_for(event, endpoint.api_version, self.world.behaviour)
            timestamp = self.signing_time()
            secrets = endpoint.secrets(self.world.seconds)
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, secrets, timestamp),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        return carrier(payload, headers, timeout=timeout)


def due(call: Call, event_id: str, endpoint_id: str, attempt: int) -> None:
    """
    Put a delivery that was waiting for its time into the outbox.
    """
    call.outbox.append((event_id, endpoint_id, attempt))
