"""
What may this card still do, and how is a use promised to one authorization?
"""

from __future__ import annotations

from attrs import evolve

from .decision import Allotment, AuthorizationRequest, Decision, Use
from .money import Money
from .records import Answer, CardRecord, Claim
from .revision import revised

_HISTORY_MAX = 50
_ANSWERS_MAX = 50


def allotment_of(card: CardRecord) -> Allotment:
    """
    Return what *card* may still do: the ledger's balance less the uses promised since.
    """
    live = [claim for claim in card.claims if claim.state != "released"]
    pending = sum([claim.pending_minor for claim in live])
    probes = sum([claim.use.is_probe for claim in live])
    remaining = card.remaining_minor - pending
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
    asked = decision.amount or request.amount
    claims = [*card.claims]
    for index, claim in enumerate(claims):
        if claim.use.authorization_id == request.authorization_id:
            claims[index] = _grown(claim, asked.minor, card)
            break
    else:
        claims.append(_claim(request, asked, card))
    answer = Answer(
        event_id=request.event_id, authorization_id=request.authorization_id, decision=decision
    )
    return revised(card, claims=tuple(claims), answers=(*card.answers, answer)[-_ANSWERS_MAX:])


def _grown(claim: Claim, approved_minor: int, card: CardRecord) -> Claim:
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


def _claim(request: AuthorizationRequest, asked: Money, card: CardRecord) -> Claim:
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
