"""
What do Stripe's own lists tell of requests that nobody recorded?
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from issuing_disburse.exceptions import DisburseError, PayloadInvalidError
from issuing_disburse.money import EXPONENTS, Money
from issuing_disburse.terms import AmountRule, Terms
from issuing_disburse.vocabulary import CATEGORIES, COUNTRIES

from .happened import Happened, Recorded, RecordedCard, happened, in_order

Object = Mapping[str, Any]


def recorded_at_stripe(
    authorizations: Iterable[Object],
    *,
    account: str | None,
    known: Callable[[str], RecordedCard | None],
    until: datetime | None = None,
) -> Iterator[Recorded]:
    """
    Yield what Stripe's authorizations tell, oldest first; all of it is held in memory.

    A card that *known* does not know is judged by what Stripe's controls allow on it: any amount up to
    the limit of one purchase, because whether the order asked for an exact amount is not said.

    Stripe: ``GET /v1/issuing/authorizations``
    """
    cards: dict[str, Object] = {}
    found: list[Happened] = []
    for one in authorizations:
        try:
            found += happened(one, account=account)
        except PayloadInvalidError:
            continue
        card = one.get("card")
        if isinstance(card, Mapping) and isinstance(card.get("id"), str):
            cards.setdefault(card["id"], card)
    if until is not None:
        found = [one for one in found if one.at < until]

    def look_up(card_id: str) -> RecordedCard | None:
        return known(card_id) or (
            card_from_controls(cards[card_id], account=account) if card_id in cards else None
        )

    yield from in_order(found, look_up)


def card_from_controls(card: Object, *, account: str | None) -> RecordedCard | None:
    """
    Return what an ``issuing.card`` tells of the order behind it, ``None`` if that is too little.
    """
    controls = card.get("spending_controls") or {}
    limits = [one for one in controls.get("spending_limits") or () if isinstance(one, Mapping)]
    most = {
        str(one.get("interval")): one["amount"]
        for one in limits
        if type(one.get("amount")) is int and not one.get("categories")
    }
    metadata = card.get("metadata") or {}
    ordered = _count(metadata.get("issuing_disburse_amount"))
    amount = ordered or most.get("all_time") or most.get("per_authorization")
    currency = str(card.get("currency") or "").lower()
    if not amount or currency not in EXPONENTS:
        return None
    try:
        return RecordedCard(
            card_id=str(card["id"]),
            order_id=str(metadata.get("issuing_disburse_order") or ""),
            account=account,
            amount=Money(amount, currency),
            terms=_terms(card, controls, most.get("per_authorization") or amount),
            expires_at=_expiry(card, metadata),
            is_livemode=card.get("livemode") is True,
            recipient=_id(card.get("cardholder")),
        )
    except (DisburseError, TypeError, ValueError):
        return None


def _terms(card: Object, controls: Object, most: int) -> Terms:
    def known(name: str, words: Container[str]) -> tuple[str, ...]:
        return tuple(one for one in controls.get(name) or () if one in words)

    presences: list[Any] = list(controls.get("allowed_card_presences") or ())
    only = presences[0] if len(presences) == 1 else None
    after = (card.get("lifecycle_controls") or {}).get("cancel_after") or {}
    return Terms(
        amount=AmountRule.between(1, most),
        uses=_count(after.get("payment_count")) or 1,
        allowed_categories=known("allowed_categories", CATEGORIES),
        blocked_categories=known("blocked_categories", CATEGORIES),
        allowed_countries=known("allowed_merchant_countries", COUNTRIES),
        blocked_countries=known("blocked_merchant_countries", COUNTRIES),
        card_presence="present" if only == "present" else "not_present" if only else "any",
    )


def _expiry(card: Object, metadata: Object) -> datetime:
    seconds = _count(metadata.get("issuing_disburse_expires"))
    if seconds:
        return datetime.fromtimestamp(seconds, UTC)
    month = int(card["exp_year"]) * 12 + int(card["exp_month"])  # the month after
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _id(value: Any) -> str:
    found = value.get("id") if isinstance(value, Mapping) else value
    return found if isinstance(found, str) else ""


def _count(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    return value if type(value) is int else 0
