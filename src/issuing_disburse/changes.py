"""
Which events lie between two states of a record?
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from .domain_events import (
    Approved,
    CapturedBeyond,
    CapturedLate,
    Disputed,
    DomainEvent,
    ForceCaptured,
    Issued,
    OrderEvent,
    OverCaptured,
    Reclaimed,
    Refunded,
    Spent,
    Voided,
)
from .facts import Facts
from .late import REMEDIES, AlertKind, late_captures
from .money import Money
from .records import DisbursementRecord

_NOTHING = Facts(scope="")

_BEYOND: dict[AlertKind, type[CapturedBeyond]] = {
    "late_capture": CapturedLate,
    "replaced_card_capture": CapturedLate,
    "over_capture": OverCaptured,
    "force_capture": ForceCaptured,
}


def changes(
    before: DisbursementRecord | None, after: DisbursementRecord, at: datetime
) -> Iterator[DomainEvent]:
    """
    Yield what happened to an order between *before* and *after*, once each.
    """
    known = before.cards if before else ()
    for place, card in enumerate(after.cards[len(known) :], len(known) + 1):
        yield Issued(
            at=at,
            account=after.account,
            order_id=after.order_id,
            card_id=card.id,
            amount=after.to_spend or after.amount,
            generation=place,
        )
    old = (before.facts if before else None) or _NOTHING
    if after.facts is not None and after.facts is not old:
        yield from _Told(after, at).between(old, after.facts)


class _Told:
    """
    Tells of one order.
    """

    def __init__(self, record: DisbursementRecord, at: datetime) -> None:
        self._record = record
        self._at = at

    def _money(self, minor: int) -> Money:
        return Money(minor, self._record.amount.currency)

    def _where(self) -> dict[str, datetime | str | None]:
        return {
            "at": self._at, "account": self._record.account, "order_id": self._record.order_id,
        }  # fmt: skip

    def between(self, old: Facts, new: Facts) -> Iterator[OrderEvent]:
        """
        Yield what the new facts say beyond the old ones.
        """
        yield from self._authorizations(old, new)
        yield from self._transactions(old, new)
        for dispute in new.disputes:
            if dispute not in old.disputes:
                yield Disputed(
                    **self._where(),  # type: ignore[arg-type]  # three fields, all of them right
                    dispute_id=dispute.id,
                    amount=self._money(dispute.credited_minor),
                    status=dispute.status,
                )
        for taken in new.reclaimed[len(old.reclaimed) :]:
            yield Reclaimed(**self._where(), amount=self._money(taken.minor))  # type: ignore[arg-type]  # as above

    def _authorizations(self, old: Facts, new: Facts) -> Iterator[OrderEvent]:
        for one in new.authorizations:
            known = old.authorization(one.id)
            if one.approved and (known is None or not known.approved):
                yield Approved(
                    **self._where(),  # type: ignore[arg-type]  # as above
                    card_id=one.card_id,
                    authorization_id=one.id,
                    amount=self._money(one.amount_minor),
                    merchant=one.merchant,
                )
            held = old.held_minor(known) if known is not None else 0
            if held and one.status in {"reversed", "expired"} and known is not None:
                yield Voided(
                    **self._where(),  # type: ignore[arg-type]  # as above
                    card_id=one.card_id,
                    authorization_id=one.id,
                    amount=self._money(held),
                    status=one.status,
                )

    def _transactions(self, old: Facts, new: Facts) -> Iterator[OrderEvent]:
        known = {one.id for one in old.transactions}
        for one in new.captures():
            if one.id not in known:
                yield Spent(
                    **self._where(),  # type: ignore[arg-type]  # as above
                    card_id=one.card_id,
                    transaction_id=one.id,
                    amount=self._money(-one.minor),
                    authorization_id=one.authorization,
                    merchant=one.merchant,
                )
        for one in new.refunds():
            if one.id not in known:
                yield Refunded(
                    **self._where(),  # type: ignore[arg-type]  # as above
                    card_id=one.card_id,
                    transaction_id=one.id,
                    amount=self._money(one.minor),
                    merchant=one.merchant,
                )
        before, now = late_captures(old), late_captures(new)
        taken = {one.id: -one.minor for one in new.captures()}
        for name, late in now.items():
            if name not in before:
                yield _BEYOND[late.kind](
                    **self._where(),  # type: ignore[arg-type]  # as above
                    transaction_id=name,
                    amount=self._money(taken[name]),
                    beyond=self._money(late.minor),
                    remedy=REMEDIES[late.kind],
                )
