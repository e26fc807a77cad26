"""
What was asked of our cards, what was answered, and what came of it, so that it can be asked again?

Read from Stripe's authorizations, whether an event brought them or a list. Nothing of a cardholder is
kept, no secret, and of a card its id alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from attrs import frozen

from issuing_disburse.decision import AuthorizationRequest
from issuing_disburse.exceptions import PayloadInvalidError
from issuing_disburse.money import Money
from issuing_disburse.records import CardRecord
from issuing_disburse.requests import read_request
from issuing_disburse.terms import PROBE_MAX_MINOR, Terms

Object: TypeAlias = Mapping[str, Any]

ASKED = frozenset({"webhook_approved", "webhook_declined", "webhook_timeout", "webhook_error"})
"""Stripe's reasons for a decision about which it had asked us."""

_ANSWERED = ASKED - {"webhook_timeout", "webhook_error"}

DECISION, RULE = "issuing_disburse_decision", "issuing_disburse_rule"
"""Where our answers leave their code and the rule that decided, in the metadata."""


@frozen(kw_only=True)
class RecordedCard:
    """
    What a card was for, as far as policies look at it.

    Attributes:
        amount: The order's, minor units.
        recipient: Stands for the recipient in velocity rules: the cardholder's id, or empty.
    """

    card_id: str
    order_id: str
    account: str | None
    amount: Money
    terms: Terms
    expires_at: datetime
    is_livemode: bool = False
    recipient: str = ""
    probe_max_minor: int = PROBE_MAX_MINOR


@frozen(kw_only=True)
class RecordedRequest:
    """
    One question and how it was decided.

    Attributes:
        was_asked: Whether it was put to us; Stripe or the network decided the others alone.
        approved_minor: How much of it was approved, minor units; 0 if declined.
        code: Our code for the decision, or Stripe's reason where we left none.
        rule: The rule that decided, if one did.
    """

    request: AuthorizationRequest
    was_asked: bool
    approved: bool
    approved_minor: int
    code: str
    rule: str = ""

    @property
    def at(self) -> datetime:
        """When it was asked (UTC)."""
        return self.request.created

    @property
    def key(self) -> str:
        """Its place in time, unique; see `in_order`."""
        rank = 0 if self.approved else 1
        return _key(self.at, rank, self.request.authorization_id, self.request.event_id)


@frozen(kw_only=True)
class RecordedOutcome:
    """
    What an approved authorization came to: from then on it costs so much in all.

    Attributes:
        at: UTC.
        minor: Captured, or still held, in minor units; 0 after a reversal.
    """

    authorization_id: str
    card_id: str
    at: datetime
    minor: int

    @property
    def key(self) -> str:
        """Its place in time, unique; see `in_order`."""
        return _key(self.at, 2, self.authorization_id, str(self.minor))


Recorded: TypeAlias = RecordedCard | RecordedRequest | RecordedOutcome
"""In the order of time, each card before the first request for it."""

Happened: TypeAlias = RecordedRequest | RecordedOutcome


def _key(at: datetime, rank: int, authorization_id: str, rest: str) -> str:
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return f"{moment}/{rank}/{authorization_id}/{rest}"


def happened(authorization: Object, *, account: str | None) -> tuple[Happened, ...]:
    """
    Read every question that an ``issuing.authorization`` tells of, and what came of it.

    Whether a smaller amount could have been approved is in the question alone, and no longer known:
    it counts as all or nothing unless a part was approved.

    Raises:
        PayloadInvalidError: A field that is needed is missing.

    Stripe: ``issuing_authorization.created``, ``issuing_authorization.updated``, ``GET /v1/issuing/authorizations``
    """
    history = authorization.get("request_history")
    entries = [one for one in history or () if isinstance(one, Mapping)]
    entries.sort(key=lambda one: one.get("created") or 0)  # Stripe promises no order
    found: list[Happened] = []
    answered = [one for one in entries if one.get("reason") in _ANSWERED]
    before = 0
    for index, entry in enumerate(entries):
        is_latest = bool(answered) and entry is answered[-1]
        one = _request(authorization, entry, index, before, account, is_latest=is_latest)
        before += one.approved_minor
        found.append(one)
    outcome = _outcome(authorization, before) if before else None
    return (*found, outcome) if outcome else tuple(found)


def _request(
    authorization: Object,
    entry: Object,
    index: int,
    before: int,
    account: str | None,
    *,
    is_latest: bool,
) -> RecordedRequest:
    asked = _whole(entry.get("amount"))
    approved = asked if entry.get("approved") is True else 0
    held = _first_hold(authorization)
    is_part = index == 0 and 0 < held < approved
    approved = held if is_part else approved
    event = {
        "id": f"{authorization.get('id')}/{index}",
        "livemode": authorization.get("livemode"),
        "account": account,
        "created": entry.get("created") or authorization.get("created"),
        "data": {
            "object": {
                **authorization,
                "amount": before,
                "pending_request": {**entry, "is_amount_controllable": is_part},
            }
        },
    }
    # Each answer overwrites the metadata of the one before: they speak of the latest.
    metadata = (authorization.get("metadata") or {}) if is_latest else {}
    reason = str(entry.get("reason") or "")
    code = "approved" if reason == "webhook_approved" else metadata.get(DECISION) or reason
    return RecordedRequest(
        request=read_request(event),
        was_asked=reason in ASKED,
        approved=entry.get("approved") is True,
        approved_minor=approved,
        code=str(code),
        rule=str(metadata.get(RULE) or ""),
    )


def _first_hold(authorization: Object) -> int:
    """
    Return what was held at first, 0 if that cannot be told.
    """
    moved = [
        one for one in authorization.get("balance_transactions") or () if isinstance(one, Mapping)
    ]
    holds = [one for one in moved if one.get("type") == "issuing_authorization_hold"]
    if holds:
        first = min(holds, key=lambda one: one.get("created") or 0)
        return -_whole(first.get("amount"))
    is_plain = authorization.get("status") == "pending" and not moved
    return _whole(authorization.get("amount")) if is_plain else 0


def _outcome(authorization: Object, approved: int) -> RecordedOutcome | None:
    """
    Tell what became of *approved* minor units, unless they are held as they were.
    """
    status = authorization.get("status")
    captured = [
        one
        for one in authorization.get("transactions") or ()
        if isinstance(one, Mapping) and one.get("type") == "capture"
    ]
    if status == "pending":
        minor = _whole(authorization.get("amount"))
        if minor == approved:
            return None
    elif captured:
        minor = sum(-_whole(one.get("amount")) for one in captured)
    elif status in {"reversed", "expired"}:
        minor = 0
    else:
        return None  # closed by captures that this snapshot does not name
    moved = [*captured, *(authorization.get("balance_transactions") or ())]
    times = [one["created"] for one in moved if isinstance(one, Mapping) and one.get("created")]
    card = authorization.get("card")
    return RecordedOutcome(
        authorization_id=str(authorization.get("id")),
        card_id=str(card.get("id") if isinstance(card, Mapping) else card),
        at=datetime.fromtimestamp(max(times, default=authorization.get("created") or 0), UTC),
        minor=minor,
    )


def _whole(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise PayloadInvalidError("an amount is no whole number", param="request_history.amount")
    return value


def card_of(record: CardRecord, recipient: str = "") -> RecordedCard:
    """
    Return what the store knows about a card.
    """
    return RecordedCard(
        card_id=record.card_id,
        order_id=record.order_id,
        account=record.account,
        amount=record.amount,
        terms=record.terms,
        expires_at=record.expires_at,
        is_livemode=record.is_livemode,
        recipient=recipient,
        probe_max_minor=record.probe_max_minor,
    )


def in_order(
    found: Sequence[Happened], cards: Callable[[str], RecordedCard | None]
) -> Iterator[Recorded]:
    """
    Yield what happened in the order of time, each card before the first request for it.

    Stripe counts seconds. Within one, what was approved comes first and what came of it last: of two requests
    for one use, the approved one was first.
    """
    shown: set[str] = set()
    for one in sorted(found, key=lambda each: each.key):
        card_id = one.request.card_id if isinstance(one, RecordedRequest) else one.card_id
        if card_id not in shown:
            shown.add(card_id)
            card = cards(card_id)
            if card is not None:
                yield card
        yield one
