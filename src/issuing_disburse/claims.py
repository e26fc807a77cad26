"""
What may this card still do, and how is a use promised to one authorization?
"""

from __future__ import annotations

from attrs import evolve

from .decision import Allotment, AuthorizationRequest, Decision, Use
from .money import Money
from .records import Answer, CardRecord, Claim

_HISTORY_MAX = 50
_ANSWERS_MAX = 50


def allotment_of(card: CardRecord) -> Allotment:
    """
    Return what *card* may still do: the ledger's balance less the uses promised since.
    """
    live = [claim for claim in card.claims if claim.state != "released"]
    pending = sum(claim.pending_minor for claim in live)
    probes = sum(claim.use.is_probe for claim in live)
    currency = card.amount.currency
    return Allotment(
        order_id=card.order_id,
        card_id=card.card_id,
        account=card.account,
        amount=card.amount,
        remaining=Money(card.remaining_minor - pending, currency),
        uses_left=card.terms.uses - (len(live) - probes),
        is_open=card.is_open,
        expires_at=card.expires_at,
        terms=card.terms,
        probe_max_minor=card.probe_max_minor,
        probes_left=card.terms.uses - probes,
        history=tuple(claim.use for claim in live[-_HISTORY_MAX:]),
    )


def answer_to(card: CardRecord, request: AuthorizationRequest) -> Decision | None:
    """
    Return what was answered to this very delivery before.
    """
    return next(
        (
            one.decision
            for one in card.answers
            if one.event_id == request.event_id and one.authorization_id == request.authorization_id
        ),
        None,
    )


def with_claim(card: CardRecord, request: AuthorizationRequest, decision: Decision) -> CardRecord:
    """
    Return *card* with the use that *decision* approved promised to its authorization.
    """
    approved = (decision.amount or request.amount).minor
    mine = next(
        (c for c in card.claims if c.use.authorization_id == request.authorization_id), None
    )
    if mine is not None:
        total = mine.use.amount + Money(approved, card.amount.currency)
        grown = evolve(
            mine,
            use=evolve(
                mine.use,
                amount=total,
                is_probe=mine.use.is_probe and total.minor <= card.probe_max_minor,
            ),
            pending_minor=mine.pending_minor + approved,
            state="provisional",
        )
        claims = tuple(grown if claim is mine else claim for claim in card.claims)
    else:
        use = Use(
            authorization_id=request.authorization_id,
            at=request.created,
            amount=Money(request.already_approved.minor + approved, card.amount.currency),
            merchant_name=request.merchant_name,
            merchant_network_id=request.merchant_network_id,
            is_probe=not request.is_increment and request.amount.minor <= card.probe_max_minor,
        )
        claims = (
            *card.claims,
            Claim(
                use=use,
                settled_minor=request.already_approved.minor,
                pending_minor=approved,
            ),
        )
    answer = Answer(
        event_id=request.event_id, authorization_id=request.authorization_id, decision=decision
    )
    return evolve(card, claims=claims, answers=(*card.answers, answer)[-_ANSWERS_MAX:])
