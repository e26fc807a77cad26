"""
What does Stripe say about one disbursement, merged from every snapshot that reached us?

Events come late, twice and in any order. A snapshot is therefore never written over another one:
lists are united by id, a status only moves forward, and what follows from them is computed anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from attrs import evolve, field, frozen

_RANK = {"pending": 0, "reversed": 1, "expired": 1, "closed": 2}

_T = TypeVar("_T", "AuthorizationFacts", "TransactionFacts", "DisputeFacts")


def _frozen_sums(value: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(value.items()))


@frozen(kw_only=True)
class Amounts:
    """
    An amount of ours with the id of its cause.
    """

    id: str
    minor: int


@frozen(kw_only=True)
class Verdict:
    """
    One question about an authorization and how it was decided: a line of Stripe's ``request_history``.

    Attributes:
        at: UTC; when it was decided.
        minor: What was asked, minor units.
        reason: Stripe's word for who decided, and why.
    """

    at: datetime
    minor: int
    approved: bool
    reason: str


@frozen(kw_only=True)
class AuthorizationFacts:
    """
    One authorization, merged.

    Attributes:
        amount_minor: Stripe's ``amount`` in the latest snapshot: approved in all, or still open.
        movements: Hold (negative) and release (positive) balance transactions by id; empty when
            Stripe sent none, the hold then follows from the amount.
        transactions: The captures and refunds that a snapshot named.
        has_lapsed: Whether any snapshot showed that it was reversed or expired: what is captured
            after that is late, although the status then moves on to ``closed``.
        history: Every question so far, as far as a snapshot told; one for each increment.
    """

    id: str
    card_id: str
    created: datetime
    approved: bool
    status: str
    amount_minor: int
    movements: dict[str, int] = field(factory=dict, converter=_frozen_sums)
    transactions: frozenset[str] = frozenset()
    merchant: str = ""
    category: str = ""
    has_lapsed: bool = False
    history: tuple[Verdict, ...] = ()

    def merged(self, other: AuthorizationFacts) -> AuthorizationFacts:
        """
        Return what both snapshots say together.
        """
        newer = other if _rank(other) > _rank(self) else self
        return evolve(
            newer,
            approved=self.approved or other.approved,
            movements={**self.movements, **other.movements},
            transactions=self.transactions | other.transactions,
            has_lapsed=self.has_lapsed or other.has_lapsed,
            history=max(self.history, other.history, key=len),  # it only grows
        )

    def is_ordered_against(self, other: AuthorizationFacts) -> bool:
        """
        Tell whether merging needs no look at Stripe: one of the two is plainly the later one.
        """
        if self.status != other.status and _RANK.get(self.status) != _RANK.get(other.status):
            return True
        if self.amount_minor == other.amount_minor:
            return True
        return bool(self.movements and other.movements)

    @property
    def held_minor(self) -> int:
        """
        Minor units that this authorization holds, before captures it has not named yet.
        """
        if not self.approved or _RANK.get(self.status):
            return 0  # it ended; a snapshot that says so may name no releases
        if self.movements:
            return max(0, -sum(self.movements.values()))
        return self.amount_minor

    @property
    def is_open(self) -> bool:
        """
        Whether the merchant may still capture it in the ordinary way.
        """
        return self.approved and self.status == "pending"


def _rank(facts: AuthorizationFacts) -> tuple[int, int, int]:
    return (_RANK.get(facts.status, 0), len(facts.movements), len(facts.transactions))


@frozen(kw_only=True)
class TransactionFacts:
    """
    One Issuing transaction: captures are negative, refunds positive, as at Stripe.
    """

    id: str
    card_id: str
    created: datetime
    type: str
    minor: int
    authorization: str | None = None
    merchant: str = ""

    def merged(self, other: TransactionFacts) -> TransactionFacts:
        """
        Return the snapshot that knows its authorization.
        """
        return self if self.authorization is not None else other


@frozen(kw_only=True)
class DisputeFacts:
    """
    One dispute and the balance transactions it made, by id.

    Attributes:
        provisional: The ids of those that give or take a credit before the dispute is decided.
    """

    id: str
    transaction: str
    status: str
    movements: dict[str, int] = field(factory=dict, converter=_frozen_sums)
    provisional: frozenset[str] = frozenset()

    def merged(self, other: DisputeFacts) -> DisputeFacts:
        """
        Return the later status and the movements of both.
        """
        order = ("unsubmitted", "submitted", "expired", "lost", "won")
        newer = max(
            self, other, key=lambda one: order.index(one.status) if one.status in order else 0
        )
        return evolve(
            newer,
            movements={**self.movements, **other.movements},
            provisional=self.provisional | other.provisional,
        )

    @property
    def credited_minor(self) -> int:
        """
        Minor units that the dispute brought back so far.
        """
        return sum(self.movements.values())


def _is_refund(one: TransactionFacts) -> bool:
    # A type that Stripe adds later must not make money disappear: its sign tells what it did.
    return one.type == "refund" or one.minor > 0


def _united(old: Iterable[_T], new: _T) -> tuple[_T, ...]:
    by_id: dict[str, _T] = {one.id: one for one in old}
    by_id[new.id] = by_id[new.id].merged(new) if new.id in by_id else new
    return tuple(by_id[name] for name in sorted(by_id))


@frozen(kw_only=True)
class Facts:
    """
    Everything that determines the books of one disbursement.

    Attributes:
        scope: Name of its ledger accounts (``card:<scope>``): the id of its first card.
        allotted: What was set aside for its cards.
        reclaimed: What was taken back.
        replaced: The cards that were followed by another one.
    """

    scope: str
    allotted: tuple[Amounts, ...] = ()
    reclaimed: tuple[Amounts, ...] = ()
    replaced: tuple[str, ...] = ()
    authorizations: tuple[AuthorizationFacts, ...] = ()
    transactions: tuple[TransactionFacts, ...] = ()
    disputes: tuple[DisputeFacts, ...] = ()

    def with_fact(self, fact: AuthorizationFacts | TransactionFacts | DisputeFacts) -> Facts:
        """
        Return the facts with one more snapshot merged in.
        """
        if isinstance(fact, AuthorizationFacts):
            return evolve(self, authorizations=_united(self.authorizations, fact))
        if isinstance(fact, TransactionFacts):
            return evolve(self, transactions=_united(self.transactions, fact))
        return evolve(self, disputes=_united(self.disputes, fact))

    def authorization(self, authorization_id: str | None) -> AuthorizationFacts | None:
        """
        Return what is known of one authorization.
        """
        return next((one for one in self.authorizations if one.id == authorization_id), None)

    @property
    def is_open(self) -> bool:
        """
        Whether money is held, or an authorization may be captured in the ordinary way.
        """
        return any(one.is_open or self.held_minor(one) for one in self.authorizations)

    def captures(self) -> tuple[TransactionFacts, ...]:
        """
        Return the captures, oldest first.
        """
        return tuple(one for one in self._by_time() if not _is_refund(one))

    def refunds(self) -> tuple[TransactionFacts, ...]:
        """
        Return the refunds, oldest first; one that was taken back is negative.
        """
        return tuple(one for one in self._by_time() if _is_refund(one))

    def _by_time(self) -> list[TransactionFacts]:
        return sorted(self.transactions, key=lambda one: (one.created, one.id))

    def held_minor(self, authorization: AuthorizationFacts) -> int:
        """
        Return what *authorization* holds, less the captures that its snapshot does not name yet.

        A capture's own event often comes before the authorization's update that releases the hold.
        """
        unnamed = sum(
            -one.minor
            for one in self.transactions
            if one.authorization == authorization.id
            and not _is_refund(one)
            and one.id not in authorization.transactions
        )
        return max(0, authorization.held_minor - unnamed)
