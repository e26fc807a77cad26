"""
What do Stripe's objects still say about orders that our store has lost?

Pure: cards, transfers and balance transactions in, amounts and attributions out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, field, frozen

from .cards import (
    AMOUNT_METADATA,
    ATTEMPT_METADATA,
    EXPIRES_METADATA,
    FINGERPRINT_METADATA,
    GENERATION_METADATA,
    SHARE_METADATA,
    WAITS_METADATA,
)
from .exceptions import InvalidInputError
from .money import Money
from .prepared import Answer
from .records import Share
from .routes import FUNDING_METADATA, is_balance_transfer
from .sharing import is_shared_id
from .terms import PROBE_MAX_MINOR, AmountRule, Terms

_UNKNOWN_VALIDITY = timedelta(days=30)


def moment(value: Any) -> datetime:
    """
    Return Stripe's Unix seconds as UTC.
    """
    return datetime.fromtimestamp(int(value), UTC)


@frozen(kw_only=True)
class SalvagedCard:
    """
    One card of ours, read back from its metadata and its controls.

    Attributes:
        attempt: Which try of the order it was made for; an earlier one was given up.
        most_minor: What its controls let it spend in all, without room for probes; minor units.
        share: Which shared funding pays for it, and how much of it, if one does.
        is_doubtful: Whether its metadata was changed, so that something had to be assumed.
    """

    body: Answer = field(repr=False)
    attempt: int
    generation: int
    amount: Money
    most_minor: int
    terms: Terms
    created_at: datetime
    expires_at: datetime
    fingerprint: str
    share: Share | None = None
    is_doubtful: bool = False

    @classmethod
    def from_stripe(cls, card: Answer) -> SalvagedCard:
        """
        Read one card. What is missing is assumed in the strictest way and marked.
        """
        metadata = card.get("metadata") or {}
        limits = _limits(card)
        uses = _uses(card)
        per_use = limits.get("per_authorization")
        in_all = limits.get("all_time")
        most = in_all - PROBE_MAX_MINOR * uses if in_all is not None else None
        named = _number(metadata.get(AMOUNT_METADATA))
        expires = _number(metadata.get(EXPIRES_METADATA))
        amount = next((one for one in (named, per_use, most) if one), 1)
        created_at = moment(card["created"])
        expires_at = moment(expires) if expires else created_at + _UNKNOWN_VALIDITY
        terms = _terms(card, amount, per_use or amount, uses, expires_at - created_at)
        whole = max(most or 0, per_use or 0) or amount
        share, is_share_odd = _share(metadata, whole)
        return cls(
            body=card,
            attempt=_number(metadata.get(ATTEMPT_METADATA)) or 1,
            generation=_number(metadata.get(GENERATION_METADATA)) or 1,
            amount=Money(amount, card["currency"]),
            most_minor=whole,
            share=share,
            terms=terms or Terms(),
            created_at=created_at,
            expires_at=expires_at,
            fingerprint=str(metadata.get(FINGERPRINT_METADATA) or ""),
            is_doubtful=is_share_odd or not (named and expires and per_use and most and terms),
        )

    @property
    def is_dead(self) -> bool:
        """
        Whether it is cancelled, for good.
        """
        return bool(self.body["status"] == "canceled")

    @property
    def waits_for_sink(self) -> bool:
        """
        Whether it was never usable, because its number is not where it belongs yet.
        """
        metadata = self.body.get("metadata") or {}
        return bool(self.body["status"] == "inactive" and metadata.get(WAITS_METADATA))


def _share(metadata: dict[str, Any], whole: int) -> tuple[Share | None, bool]:
    """
    Return which share pays for a card that lets *whole* minor units be spent; and whether it is odd.
    """
    named, told = metadata.get(FUNDING_METADATA), str(metadata.get(SHARE_METADATA) or "")
    minor, _, of_minor = told.partition(" of ")
    parts = _number(minor), _number(of_minor)
    if not isinstance(named, str) or not is_shared_id(named):
        return None, bool(named or told)
    if parts[0] is None or parts[1] is None or parts[0] != whole:
        return Share(funding=named, minor=whole, of_minor=parts[1] or whole), True
    return Share(funding=named, minor=parts[0], of_minor=parts[1]), False


def _number(text: Any) -> int | None:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else None


def _limits(card: Answer) -> dict[str, int]:
    controls = card.get("spending_controls") or {}
    return {
        one["interval"]: one["amount"]
        for one in controls.get("spending_limits") or ()
        if type(one.get("amount")) is int
    }


def _uses(card: Answer) -> int:
    after = (card.get("lifecycle_controls") or {}).get("cancel_after") or {}
    count = after.get("payment_count")
    return count if type(count) is int and 1 <= count <= 100 else 1  # noqa: PLR2004  # what terms allow


def _terms(card: Answer, amount: int, high: int, uses: int, valid_for: timedelta) -> Terms | None:
    """
    Return the terms that the controls of *card* still tell, ``None`` if they tell none.
    """
    controls = card.get("spending_controls") or {}
    presences = list(controls.get("allowed_card_presences") or ())
    if high < amount and uses > 1:
        rule = AmountRule.between(1, high)
    else:
        rule = AmountRule.exact() if uses == 1 else AmountRule.up_to()
        if high > amount:
            rule = rule.with_tolerance(over_minor=high - amount)
    try:
        return Terms(
            valid_for=valid_for,
            amount=rule,
            uses=uses,
            allowed_categories=controls.get("allowed_categories") or (),
            blocked_categories=controls.get("blocked_categories") or (),
            allowed_countries=controls.get("allowed_merchant_countries") or (),
            blocked_countries=controls.get("blocked_merchant_countries") or (),
            card_presence=presences[0] if len(presences) == 1 else "any",
        )
    except InvalidInputError:
        return None


@define
class Movements:
    """
    What moved on the two balances of an account; each movement is claimed by one order at most.
    """

    _free: dict[str, Answer] = field(factory=dict)
    _by_amount: defaultdict[tuple[str, str, int], list[str]] = field(
        factory=lambda: defaultdict(list)
    )
    _objects: defaultdict[tuple[str, str], int] = field(factory=lambda: defaultdict(int))
    _types: dict[str, str] = field(factory=dict)

    @classmethod
    def of(cls, transactions: Iterable[Answer], *, claimed: frozenset[str]) -> Movements:
        """
        Sort balance transactions, oldest first; *claimed* ones belong to an order already.
        """
        movements = cls()
        for one in sorted(transactions, key=lambda one: (one["created"], one["id"])):
            if is_balance_transfer(one):
                movements._types[one["id"]] = str(one["type"])
                if one["id"] not in claimed:
                    movements._free[one["id"]] = one
                    key = (one["balance_type"], one["currency"], one["net"])
                    movements._by_amount[key].append(one["id"])
            elif one["balance_type"] == "issuing":
                source = one.get("source")
                name = source["id"] if isinstance(source, dict) else source
                movements._objects[str(name or one["id"]), one["currency"]] += one["net"]
        return movements

    def claim(
        self,
        balance: str,
        amount: Money,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        newest: bool = False,
        like: str | None = None,
    ) -> str | None:
        """
        Claim the oldest (or *newest*) free movement of exactly *amount* in that time (UTC).

        Args:
            like: A movement of whose type it has to be: Stripe does not say which that is.
        """
        ids = self._by_amount[balance, amount.currency, amount.minor]
        fitting = [
            name
            for name in ids
            if (since is None or self._free[name]["created"] >= int(since.timestamp()))
            and (until is None or self._free[name]["created"] <= int(until.timestamp()))
            and (like is None or self._types.get(like) == self._free[name]["type"])
        ]
        if not fitting:
            return None
        chosen = fitting[-1 if newest else 0]
        ids.remove(chosen)
        del self._free[chosen]
        return chosen

    def claim_beyond(
        self, amount: Money, *, since: datetime | None, until: datetime | None
    ) -> tuple[str | None, Money]:
        """
        Claim the smallest movement that took more than *amount* (negative) in that time (UTC).

        Returns:
            The movement, if there is one, and what was taken (positive).
        """
        for _, _, minor in sorted(self._by_amount, key=lambda key: -key[2]):
            if minor < amount.minor:
                taken = Money(minor, amount.currency)
                found = self.claim("issuing", taken, since=since, until=until)
                if found is not None:
                    return found, -taken
        return None, -amount

    def leaving(self, currency: str, *, since: datetime, like: str) -> tuple[str, ...]:
        """
        Return the free movements that took money from the Issuing balance since then.
        """
        return tuple(
            name
            for name, one in self._free.items()
            if (one["balance_type"], one["currency"]) == ("issuing", currency)
            and one["net"] < 0
            and one["created"] >= int(since.timestamp())
            and one["type"] == self._types.get(like)
        )

    def others(self, ours: frozenset[str]) -> dict[str, int]:
        """
        Sum up per currency what moved on the Issuing balance and belongs to no order of ours.
        """
        sums: defaultdict[str, int] = defaultdict(int)
        for (name, currency), net in self._objects.items():
            if name not in ours:
                sums[currency] += net
        for one in self._free.values():
            if one["balance_type"] == "issuing":
                sums[one["currency"]] += one["net"]
        return dict(sums)
