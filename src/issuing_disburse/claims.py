"""
What may this card still do, and how is a use promised to one authorization, kept or given back?
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from attrs import evolve

from .card_records import Answer, CardRecord, Claim
from .decision import Allotment, AuthorizationRequest, Decision, Use
from .money import Money
from .revision import revised
from .terms import Terms

if TYPE_CHECKING:
    from .facts import AuthorizationFacts
    from .ports import Transaction

_HISTORY_MAX = 50
_ANSWERS_MAX = 20
_RELEASED_MAX = 20


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

    What a probe holds is not taken from the purchase that follows it, see `books.spendable_minor`.
    """
    live: list[Claim] = []
    remaining, probes = card.remaining_minor, 0
    for claim in card.claims:
        if claim.state != "released":
            live.append(claim)
            if claim.use.is_probe:
                probes += 1
                continue
            remaining -= claim.pending_minor
            if claim.pending_minor and claim.settled_minor <= card.probe_max_minor:
                remaining -= (
                    claim.settled_minor
                )  # a probe that grows: the books know only the probe
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


def question_of(request: AuthorizationRequest) -> str:
    """
    Return what tells a first question from another one about the same authorization.

    Stripe may send two events for one change. An increment can be asked again for the same sum, so
    only its event tells whether it is the same.
    """
    return "" if request.is_increment else f"{request.amount.minor} {request.amount.currency}"


def answer_for(request: AuthorizationRequest, decision: Decision, policy: str = "") -> Answer:
    """
    Return what is remembered of *decision*.
    """
    return Answer(
        event_id=request.event_id,
        authorization_id=request.authorization_id,
        decision=decision,
        question=question_of(request),
        policy=policy,
    )


def answer_to(card: CardRecord, request: AuthorizationRequest) -> Answer | None:
    """
    Return what was answered to this very delivery, or to this very question, before.
    """
    if not card.answers:
        return None
    question = question_of(request)
    for one in card.answers:
        if one.authorization_id == request.authorization_id and (
            one.event_id == request.event_id or (one.question and one.question == question)
        ):
            return one
    return None


def with_answer(card: CardRecord, answer: Answer) -> CardRecord:
    """
    Return *card* with *answer* remembered, in the place of an earlier one to the same delivery.
    """
    others = [
        one
        for one in card.answers
        if (one.event_id, one.authorization_id) != (answer.event_id, answer.authorization_id)
    ]
    return revised(card, answers=(*others, answer)[-_ANSWERS_MAX:])


def put_answer(tx: Transaction, request: AuthorizationRequest, answer: Answer) -> None:
    """
    Remember *answer* inside *tx*, unless the same delivery was answered before.
    """
    card = tx.get(CardRecord, request.card_id, lock=True)
    if card is not None and answer_to(card, request) is None:
        tx.put(with_answer(card, answer))


def with_claim(card: CardRecord, request: AuthorizationRequest, answer: Answer) -> CardRecord:
    """
    Return *card* with the use that *answer* approves promised to its authorization.
    """
    return revised(
        card,
        claims=claims_with(card, request, answer.decision),
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
            grown = _grown(claim, request, asked.minor, card)
            return (*card.claims[:index], grown, *card.claims[index + 1 :])
    return (*card.claims, _claim(request, asked, card))


def without_claim(card: CardRecord, request: AuthorizationRequest) -> CardRecord:
    """
    Return *card* with the use of one approved question taken back, because it was declined after all.

    What Stripe has confirmed meanwhile stays.
    """
    before = answer_to(card, request)
    if before is None or not before.decision.approved:
        return card
    taken = (before.decision.amount or request.amount).minor
    claims = tuple(
        _shrunk(claim, taken, card)
        if claim.use.authorization_id == request.authorization_id and claim.state == "provisional"
        else claim
        for claim in card.claims
    )
    return revised(card, claims=claims)


def settled(card: CardRecord, fact: AuthorizationFacts, *, is_final: bool = False) -> CardRecord:
    """
    Return *card* with the claim of an authorization confirmed, released, or made after the fact.

    Args:
        fact: What Stripe says; not approved releases.
        is_final: Whether nothing more can come about what we approved: it was fetched, long after.
    """
    claims = []
    is_known = False
    for claim in card.claims:
        if claim.use.authorization_id != fact.id:
            claims.append(claim)
        elif not fact.approved:
            is_known = True
            claims.append(claim.released())
        else:
            is_known = True
            is_decided = is_final or _has_decided(fact, claim)
            claims.append(
                _grown_by_others(claim, fact, card).confirmed(
                    fact.amount_minor, is_decided=is_decided
                )
            )
    if not is_known and fact.approved:
        claims.append(_after_the_fact(fact, card))
    dead = [claim for claim in claims if claim.state == "released"][:-_RELEASED_MAX]
    return evolve(card, claims=tuple([claim for claim in claims if claim not in dead]))


def _grown_by_others(claim: Claim, fact: AuthorizationFacts, card: CardRecord) -> Claim:
    """
    Return a probe that was raised without asking us as the purchase that it has become.
    """
    if not claim.use.is_probe or fact.amount_minor <= card.probe_max_minor:
        return claim
    total = Money(fact.amount_minor, card.amount.currency)
    return evolve(claim, use=evolve(claim.use, amount=total, is_probe=False))


def _has_decided(fact: AuthorizationFacts, claim: Claim) -> bool:
    """
    Tell whether Stripe has decided every question about it that we approved.

    An older snapshot knows fewer questions, or only some that were decided before ours was asked.
    """
    if fact.status != "pending":
        return True
    if claim.asked_at is None or len(fact.history) < claim.asked:
        return False
    return int(fact.history[-1].at.timestamp()) >= int(claim.asked_at.timestamp())


def _after_the_fact(fact: AuthorizationFacts, card: CardRecord) -> Claim:
    use = Use(
        authorization_id=fact.id,
        at=fact.created,
        amount=Money(fact.amount_minor, card.amount.currency),
        merchant_name=fact.merchant or None,
        is_probe=fact.amount_minor <= card.probe_max_minor,
    )
    return Claim(use=use, settled_minor=fact.amount_minor, state="confirmed")


def _grown(
    claim: Claim, request: AuthorizationRequest, approved_minor: int, card: Claimed
) -> Claim:
    if claim.state == "released":
        return _claim(request, Money(approved_minor, card.amount.currency), card)
    if request.is_increment:
        pending = claim.pending_minor + approved_minor
        total = claim.use.amount.minor + approved_minor
    else:  # asked twice for the same purchase, which must not count twice
        pending = max(claim.pending_minor, approved_minor - claim.settled_minor)
        total = max(claim.use.amount.minor, approved_minor)
    return evolve(
        claim,
        use=evolve(
            claim.use,
            amount=Money(total, card.amount.currency),
            is_probe=claim.use.is_probe and total <= card.probe_max_minor,
        ),
        pending_minor=pending,
        state="provisional" if pending else claim.state,
        asked_at=request.created,
        asked=claim.asked + request.is_increment,
    )


def _shrunk(claim: Claim, taken_minor: int, card: Claimed) -> Claim:
    if claim.asked <= 1:
        return claim.released()
    pending = max(0, claim.pending_minor - taken_minor)
    total = max(0, claim.use.amount.minor - taken_minor)
    return evolve(
        claim,
        use=evolve(claim.use, amount=Money(total, card.amount.currency)),
        pending_minor=pending,
        state="provisional" if pending else "confirmed",
        asked=claim.asked - 1,
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
    return Claim(
        use=use, settled_minor=before, pending_minor=asked.minor, asked_at=request.created,
        asked=1 + request.is_increment,
    )  # fmt: skip


def _money(minor: int, likely: Money) -> Money:
    """
    Return *minor* in the currency of *likely*, which it mostly is.
    """
    return likely if likely.minor == minor else Money(minor, likely.currency)
