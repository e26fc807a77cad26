"""
What may this card still do, and how is a use promised to one authorization?
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from attrs import evolve

from .decision import Allotment, AuthorizationRequest, Decision, Use
from .money import Money
from .records import Answer, CardRecord, Claim
from .revision import revised
from .terms import Terms

_HISTORY_MAX = 50
_ANSWERS_MAX = 50


class Claimed(Protocol):
    """
    What must be known of a card to say what it may still do: a `CardRecord`, or what acts like one.
    """

    @property
    def card_id(self) -> str: ...
    @property
    def account(self) -> str | None: ...
    @property
    def order_id(self) -> str: ...
    @property
    def amount(self) -> Money: ...
    @property
    def remaining_minor(self) -> int: ...
    @property
    def terms(self) -> Terms: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def probe_max_minor(self) -> int: ...
    @property
    def claims(self) -> tuple[Claim, ...]: ...


def allotment_of(card: Claimed) -> Allotment:
    """
    Return what *card* may still do: the ledger's balance less the uses promised since.
    """
    live: list[Claim] = []
    remaining, probes = card.remaining_minor, 0
    for claim in card.claims:
        if claim.state != "released":
            live.append(claim)
            remaining -= claim.pending_minor
            probes += claim.use.is_probe
    return Allotment(
        order_id=card.order_id,
        card_id=card.card_id,
        account=card.account,
        amount=card.amount,
        remaining=_money(remaining, card.amount),
        uses_left=card.terms.uses - (len(live) - probes),
        is_open=card.is_open,
        expires_at=card.expires_at,
        terms=card.terms,
        probe_max_minor=card.probe_max_minor,
        probes_left=card.terms.uses - probes,
        history=tuple([claim.use for claim in live[-_HISTORY_MAX:]]),
    )


def answer_to(card: CardRecord, request: AuthorizationRequest) -> Decision | None:
    """
    Return what was answered to this very delivery before.
    """
    for one in card.answers:
        if one.event_id == request.event_id and one.authorization_id == request.authorization_id:
            return one.decision
    return None


def with_claim(card: CardRecord, request: AuthorizationRequest, decision: Decision) -> CardRecord:
    """
    Return *card* with the use that *decision* approved promised to its authorization.
    """
    answer = Answer(
        event_id=request.event_id, authorization_id=request.authorization_id, decision=decision
    )
    return revised(
        card,
        claims=claims_with(card, request, decision),
        answers=(*card.answers, answer)[-_ANSWERS_MAX:],
    )


def claims_with(
    card: Claimed, request: AuthorizationRequest, decision: Decision
) -> tuple[Claim, ...]:
    """
    Return the claims of *card* with one more, or with one grown by an increment.
    """
    asked = decision.amount or request.amount
    for index, claim in enumerate(card.claims):
        if claim.use.authorization_id == request.authorization_id:
            grown = _grown(claim, asked.minor, card)
            return (*card.claims[:index], grown, *card.claims[index + 1 :])
    return (*card.claims, _claim(request, asked, card))


def _grown(claim: Claim, approved_minor: int, card: Claimed) -> Claim:
    total = claim.use.amount + Money(approved_minor, card.amount.currency)
    return evolve(
        claim,
        use=evolve(
            claim.use,
            amount=total,
            is_probe=claim.use.is_probe and total.minor <= card.probe_max_minor,
        ),
        pending_minor=claim.pending_minor + approved_minor,
        state="provisional",
    )


def _claim(request: AuthorizationRequest, asked: Money, card: Claimed) -> Claim:
    before = request.already_approved.minor
    use = Use(
        authorization_id=request.authorization_id,
        at=request.created,
        amount=_money(before + asked.minor, card.amount),
        merchant_name=request.merchant_name,
        merchant_network_id=request.merchant_network_id,
        is_probe=not request.is_increment and request.amount.minor <= card.probe_max_minor,
    )
    return Claim(use=use, settled_minor=before, pending_minor=asked.minor)


def _money(minor: int, likely: Money) -> Money:
    """
    Return *minor* in the currency of *likely*, which it mostly is.
    """
    return likely if likely.minor == minor else Money(minor, likely.currency)
