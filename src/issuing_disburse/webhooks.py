"""
What is answered to a webhook: is it Stripe's, what does it want, what do we say?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from attrs import field, frozen

from .card_records import Answer
from .claims import answer_for
from .deciding import Decider, declined
from .decision import AuthorizationRequest, Decision
from .exceptions import PayloadInvalidError, SignatureInvalidError, StoreError
from .policy.isolation import OverdueError
from .ports import Clock, Timer
from .requests import REQUEST_TYPE, raw_bytes, read_event, read_request
from .signatures import Verifier

if TYPE_CHECKING:
    from .parking import Booked
    from .telling import Teller

PAYLOAD_MAX_BYTES = 1_048_576

Event: TypeAlias = dict[str, Any]


@frozen(kw_only=True)
class Reply:
    """
    What to send back to Stripe, as it is.

    Attributes:
        decision: What was decided, if the event asked for a decision.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    decision: Decision | None = None


Others: TypeAlias = Callable[[Event], Reply | None]
"""Answers events about cards that are not ours; ``None`` leaves them to us."""

_JSON = {"Content-Type": "application/json"}


def _plain(status: int, text: str) -> Reply:
    return Reply(status=status, headers=_JSON, body=orjson.dumps({"message": text}))


@frozen(kw_only=True)
class Responder:
    """
    Answers every webhook of every account that the store knows; never raises.

    Attributes:
        record: Keeps what was asked, for backtests; after it was booked.
        booked: Is shown every event that was booked; whatever it raises is of no consequence.
        teller: Tells each answer by the deprecated endpoints, too.
        version: Sent as ``Stripe-Version`` with every decision: Stripe insists on it.
    """

    decider: Decider
    verifier: Verifier
    book: Callable[[Event], Booked]
    clock: Clock
    timer: Timer
    version: str
    is_livemode: bool
    others: Others | None = field(default=None, repr=False)
    record: Callable[[Event], None] | None = field(default=None, repr=False)
    booked: Callable[[Event], None] | None = field(default=None, repr=False)
    teller: Teller | None = field(default=None, repr=False)

    def handle(self, payload: bytes, signature: str) -> Reply:
        """
        Verify, decide or book, answer. See `issuing_disburse.Disburser.handle_webhook`.
        """
        try:
            started = self.timer()
            raw = raw_bytes(payload)
            if len(raw) > PAYLOAD_MAX_BYTES:
                return _plain(413, "too large")
            event = self._verified(raw, signature)
        except SignatureInvalidError:
            return _plain(400, "signature not valid")
        except PayloadInvalidError:
            return _plain(400, "payload not valid")
        except Exception:  # noqa: BLE001  # a stranger must not be able to cause a 500
            return _plain(400, "not valid")
        return self._answer(event, started) if event["type"] == REQUEST_TYPE else self._book(event)

    def verify(self, payload: bytes, signature: str) -> Event:
        """
        Return the event, if Stripe signed exactly these bytes just now.

        Raises:
            SignatureInvalidError: Not Stripe's, too old, too new, or altered.
            PayloadInvalidError: Signed, but no event.
        """
        return self._verified(raw_bytes(payload), signature)

    def _verified(self, raw: bytes, signature: str) -> Event:
        self.verifier.check(raw, signature, now=self.clock())
        return read_event(raw)

    def _book(self, event: Event) -> Reply:
        try:
            booked: str = "ignored"
            if self._is_of_our_mode(event):
                booked = self.book(event)
                if booked != "ignored":
                    self._record(event)
                self._store_what_waits()
            # What was parked may be another program's just as well: only one of us is concerned.
            if booked != "booked":
                return self._asked_others(event) or _plain(200, booked)
        except PayloadInvalidError:
            return self._unreadable(event)
        except Exception:  # noqa: BLE001  # Stripe delivers again what was not stored
            return _plain(503, "not stored, deliver again")
        if booked == "booked" and self.booked is not None:
            with suppress(Exception):
                self.booked(event)
        return _plain(200, booked)

    def _record(self, event: Event) -> None:
        try:
            if self.record is not None:
                self.record(event)
        except StoreError:
            raise  # Stripe delivers again, and it is recorded then
        except Exception:  # noqa: BLE001  # odd enough that nobody can learn from it
            return

    def _is_of_our_mode(self, event: Event) -> bool:
        """
        Tell whether a live event came to a live connection, or a test one to a test one.

        Raises:
            PayloadInvalidError: It does not say, or says both.
        """
        data = event.get("data")
        inner = data.get("object") if isinstance(data, Mapping) else None
        said = {
            place["livemode"]
            for place in (event, inner)
            if isinstance(place, Mapping) and type(place.get("livemode")) is bool
        }
        if len(said) != 1:
            raise PayloadInvalidError("livemode is missing or contradicts itself", param="livemode")
        return self.is_livemode in said

    def _unreadable(self, event: Event) -> Reply:
        try:
            return self._asked_others(event) or _plain(400, "payload not valid")
        except Exception:  # noqa: BLE001  # theirs, or nobody's
            return _plain(503, "not stored, deliver again")

    def _store_what_waits(self) -> None:
        with suppress(Exception):  # the event is booked; the rest waits on
            self.decider.settle_unstored()

    def _answer(self, event: Event, started: float) -> Reply:
        request: AuthorizationRequest | None = None
        answer: Answer | None = None
        try:
            request = read_request(event, received_at=self.clock)
            answer = self.decider.answer(request, started=started)
            if answer is None:
                taken_over = self.decider.in_time(
                    lambda: self._asked_others(event), started=started
                )
                if taken_over is not None:
                    return taken_over
                decision = declined("unknown_card", "not a card of ours", "unknown_card")
            else:
                decision = answer.decision
        except PayloadInvalidError as unreadable:
            decision = declined("unreadable", str(unreadable), "unreadable")
        except OverdueError:
            decision = declined("deadline", "others overran the deadline", "deadline")
        except (Exception, SystemExit) as broken:  # noqa: BLE001  # no answer leaves it to Stripe
            decision = declined("error", type(broken).__name__, "error")
        return self._said(decision, answer, request, event, started)

    def _said(
        self,
        decision: Decision,
        answer: Answer | None,
        request: AuthorizationRequest | None,
        event: Event,
        started: float,
    ) -> Reply:
        """
        Put the answer into words, and tell it by the API where that is wanted.
        """
        policy = answer.policy if answer is not None else ""
        try:
            reply = self._reply(decision, request, policy)
        except Exception as broken:  # noqa: BLE001  # a decision that cannot be written down declines
            unwritable = declined("policy_error", type(broken).__name__, "error")
            reply = self._reply(unwritable, request, policy)
        if request is not None and answer is None and decision.source in {"error", "deadline"}:
            self.decider.watch(request, answer_for(request, decision, policy))
        if self.teller is not None and request is not None:
            problem = self.teller.tell(request, reply.body, started=started)
            if problem is not None:
                self.decider.watch(request, answer_for(request, decision, policy), not_told=problem)
        return reply

    def _asked_others(self, event: Event) -> Reply | None:
        """
        Ask whether somebody else answers for a card that is not ours.
        """
        answer = self.others(event) if self.others is not None else None
        return answer if isinstance(answer, Reply) else None

    def _reply(
        self, decision: Decision, request: AuthorizationRequest | None, policy: str
    ) -> Reply:
        metadata = {"issuing_disburse_decision": decision.code[:500]}
        if decision.rule:
            metadata["issuing_disburse_rule"] = decision.rule[:500]
        if decision.source != "policy":
            metadata["issuing_disburse_source"] = decision.source
        if policy:
            metadata["issuing_disburse_policy"] = policy
        body: dict[str, Any] = {"approved": decision.approved, "metadata": metadata}
        part = decision.amount
        if decision.approved and part is not None and part.minor > 0:
            body |= {"amount": part.minor} if _takes_a_part(request) else {}
        return Reply(
            status=200,
            headers={"Stripe-Version": self.version, **_JSON},
            body=orjson.dumps(body),
            decision=decision,
        )


def _takes_a_part(request: AuthorizationRequest | None) -> bool:
    return request is not None and request.is_amount_controllable
