"""
What is answered to a webhook: is it Stripe's, what does it want, what do we say?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

import orjson
from attrs import field, frozen

from .bookkeeper import Bookkeeper
from .claims import allotment_of, answer_to, with_claim
from .decision import AuthorizationRequest, Decision
from .exceptions import (
    DisburseError,
    PayloadInvalidError,
    SignatureInvalidError,
    StoreError,
    StoreTimeoutError,
)
from .policy import AuthorizationPolicy
from .ports import Clock, Store, Timer, Transaction
from .records import CardRecord
from .requests import REQUEST_TYPE, read_event, read_request
from .signatures import Verifier

PAYLOAD_MAX_BYTES = 1_048_576
_CONTENDED_TRIES = 50

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
        version: Sent as ``Stripe-Version`` with every decision: Stripe insists on it.
        record: Keeps what was asked, for backtests; after it was booked.
        booked: Is shown every event that was booked; whatever it raises is of no consequence.
    """

    store: Store
    verifier: Verifier
    policy: AuthorizationPolicy
    bookkeeper: Bookkeeper
    clock: Clock
    timer: Timer
    version: str
    is_livemode: bool
    others: Others | None = field(default=None, repr=False)
    record: Callable[[Event], None] | None = field(default=None, repr=False)
    booked: Callable[[Event], None] | None = field(default=None, repr=False)

    def handle(self, payload: bytes, signature: str) -> Reply:
        """
        Verify, decide or book, answer. See `issuing_disburse.Disburser.handle_webhook`.
        """
        started = self.timer()
        if isinstance(payload, bytes | bytearray) and len(payload) > PAYLOAD_MAX_BYTES:
            return _plain(413, "too large")
        try:
            event = self.verify(payload, signature)
        except SignatureInvalidError:
            return _plain(400, "signature not valid")
        except PayloadInvalidError:
            return _plain(400, "payload not valid")
        except Exception:  # noqa: BLE001  # a stranger must not be able to cause a 500
            return _plain(400, "not valid")
        if event["type"] == REQUEST_TYPE:
            return self._answer(event, started)
        return self._book(event)

    def verify(self, payload: bytes, signature: str) -> Event:
        """
        Return the event, if Stripe signed exactly these bytes just now.

        Raises:
            SignatureInvalidError: Not Stripe's, too old, too new, or altered.
            PayloadInvalidError: Signed, but no event.
        """
        self.verifier.verify(payload, signature, now=self.clock())
        return read_event(payload)

    def _book(self, event: Event) -> Reply:
        try:
            if event.get("livemode") is not self.is_livemode:
                return _plain(200, "ignored: another mode")
            booked = self.bookkeeper.book(event)
            if booked != "ignored" and self.record is not None:
                self.record(event)
            if booked == "ignored" and self.others is not None:
                return self._asked_others(event) or _plain(200, booked)
        except PayloadInvalidError:
            return _plain(400, "payload not valid")
        except Exception:  # noqa: BLE001  # Stripe delivers again what was not stored
            return _plain(503, "not stored, deliver again")
        if booked == "booked" and self.booked is not None:
            with suppress(Exception):
                self.booked(event)
        return _plain(200, booked)

    def _answer(self, event: Event, started: float) -> Reply:
        request: AuthorizationRequest | None = None
        try:
            request = read_request(event, received_at=self.clock())
            decision = self._decide(event, request, started)
            if isinstance(decision, Reply):
                return decision
        except PayloadInvalidError as unreadable:
            decision = _declined("unreadable", str(unreadable), "unreadable")
        except StoreError as gone:
            decision = self._stand_in(request, gone)
        except Exception as broken:  # noqa: BLE001  # no answer would leave it to the time-out setting
            decision = _declined("error", type(broken).__name__, "error")
        try:
            return self._reply(decision, request)
        except Exception as broken:  # noqa: BLE001  # a decision that cannot be written down declines
            unwritable = _declined("policy_error", type(broken).__name__, "error")
            return self._reply(unwritable, request)

    def _decide(
        self, event: Event, request: AuthorizationRequest, started: float
    ) -> Decision | Reply:
        deadline = started + self.policy.deadline_seconds
        for _ in range(_CONTENDED_TRIES):
            left = deadline - self.timer()
            if left <= 0:
                return _declined("deadline", "no time left to decide", "deadline")
            card = self.store.read(
                lambda tx: tx.get(CardRecord, request.card_id), timeout_seconds=left
            )
            if card is None or not self._is_ours(card, request):
                answer = self._asked_others(event)
                return answer or _declined("unknown_card", "not a card of ours", "unknown_card")
            decision = answer_to(card, request)
            if decision is None:
                decision = self._judged(card, request)
                if decision.approved and not self._claim(
                    card, request, decision, seconds=deadline - self.timer()
                ):
                    continue
            return decision
        return _declined("contended", "too many requests for one card at once", "deadline")

    def _asked_others(self, event: Event) -> Reply | None:
        """
        Ask whether somebody else answers for a card that is not ours.
        """
        answer = self.others(event) if self.others is not None else None
        return answer if isinstance(answer, Reply) else None

    def _is_ours(self, card: CardRecord, request: AuthorizationRequest) -> bool:
        """
        Tell whether account and mode agree: test and live never mix.
        """
        same_account = request.account in {None, card.account}
        return same_account and request.is_livemode is self.is_livemode is card.is_livemode

    def _judged(self, card: CardRecord, request: AuthorizationRequest) -> Decision:
        allotment = allotment_of(card)
        return _sound(self.policy.decide(request, allotment), request)

    def _claim(
        self, card: CardRecord, request: AuthorizationRequest, decision: Decision, *, seconds: float
    ) -> bool:
        """
        Promise the use, unless the card has changed since it was read.
        """
        if seconds <= 0:
            msg = "no time left to claim the use"
            raise StoreTimeoutError(msg)

        def work(tx: Transaction) -> bool:
            current = tx.get(CardRecord, card.card_id, lock=True)
            if current is None or current.version != card.version:
                return False
            tx.put(with_claim(current, request, decision))
            return True

        return self.store.transact(work, timeout_seconds=seconds)

    def _stand_in(self, request: AuthorizationRequest | None, gone: DisburseError) -> Decision:
        if self.policy.stand_in is None or request is None:
            return _declined("store_unavailable", type(gone).__name__, "stand_in")
        try:
            decision = self.policy.stand_in(request)
            is_sound = isinstance(decision, Decision) and (
                decision.amount is None or decision.amount <= request.amount
            )
        except Exception as broken:  # noqa: BLE001  # a broken stand-in declines
            return _declined("stand_in_error", type(broken).__name__, "stand_in")
        return (
            decision if is_sound else _declined("stand_in_error", "no sound decision", "stand_in")
        )

    def _reply(self, decision: Decision, request: AuthorizationRequest | None) -> Reply:
        body: dict[str, Any] = {
            "approved": decision.approved,
            "metadata": {"issuing_disburse_decision": decision.code[:500]},
        }
        if decision.rule:
            body["metadata"]["issuing_disburse_rule"] = decision.rule[:500]
        if decision.approved and decision.amount is not None and request is not None:
            body["amount"] = decision.amount.minor
        return Reply(
            status=200,
            headers={"Stripe-Version": self.version, **_JSON},
            body=orjson.dumps(body),
            decision=decision,
        )


def _declined(code: str, message: str, source: Any) -> Decision:
    return Decision(approved=False, code=code, message=message, source=source)


def _sound(decision: object, request: AuthorizationRequest) -> Decision:
    """
    Hold an overridden `decide` to what no policy may do: approve more than asked, or something else.
    """
    if not isinstance(decision, Decision):
        return _declined("policy_error", f"decide() returned {type(decision).__name__}", "error")
    if type(decision.approved) is not bool or not isinstance(decision.code, str):
        return _declined("policy_error", "decide() returned no sound decision", "error")
    amount = decision.amount
    if not decision.approved or amount is None:
        return decision
    if amount.currency != request.amount.currency or not 0 < amount.minor <= request.amount.minor:
        return _declined("policy_error", "decide() approved another amount than asked", "error")
    if not request.is_amount_controllable and amount != request.amount:
        return _declined("policy_error", "the merchant takes all or nothing", "error")
    return decision
