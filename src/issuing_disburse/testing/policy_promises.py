"""
What must hold for every policy, whatever it decides?
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from issuing_disburse.decision import Allotment, AuthorizationRequest, Decision
from issuing_disburse.policy import DEADLINE_SECONDS, Decides


def keeps_calm(policy: Decides, request: AuthorizationRequest, allotment: Allotment) -> str | None:
    """
    It never raises, and what it returns is a decision.
    """
    try:
        decision = policy.decide(request, allotment)
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        return f"decide raised {type(error).__name__}: {error}"
    if not isinstance(decision, Decision) or type(decision.approved) is not bool:
        return f"decide returned {decision!r}, no decision"
    return None


def keeps_its_word(
    policy: Decides, request: AuthorizationRequest, allotment: Allotment
) -> str | None:
    """
    It says the same thing twice: clocks, counters and chance have no place in a policy.
    """
    first, second = policy.decide(request, allotment), policy.decide(request, allotment)
    if first != second and "deadline" not in {first.code, second.code}:
        return f"the same question was answered with {first} and then with {second}"
    return None


def stays_within_what_was_asked(
    policy: Decides, request: AuthorizationRequest, allotment: Allotment
) -> str | None:
    """
    It approves all of what was asked, or a part that the merchant takes.
    """
    decision = policy.decide(request, allotment)
    if not decision.approved or decision.amount is None or decision.amount == request.amount:
        return None
    part = decision.amount
    if part.currency != request.amount.currency or not 0 < part.minor < request.amount.minor:
        return f"{request.amount} was asked, {part} was approved"
    if not request.is_amount_controllable:
        return f"{part} was approved, and the merchant takes all or nothing"
    if request.cashback is not None and part.minor < request.cashback.minor:
        return f"{part} was approved, which does not cover the cashback"
    return None


def stays_within_what_is_left(
    policy: Decides, request: AuthorizationRequest, allotment: Allotment
) -> str | None:
    """
    It approves no more than is neither spent, held nor claimed.
    """
    decision = policy.decide(request, allotment)
    approved = decision.amount or request.amount
    if not decision.approved or approved.currency != allotment.remaining.currency:
        return None
    if approved.minor > allotment.remaining.minor:
        return f"{approved} was approved, {allotment.remaining} remains"
    return None


def declines_what_is_over(
    policy: Decides, request: AuthorizationRequest, allotment: Allotment
) -> str | None:
    """
    It declines closed, expired and used-up cards.
    """
    is_used_up = allotment.uses_left <= 0 and not request.is_increment
    causes = {
        "the disbursement is closed": not allotment.is_open,
        "the terms have ended": request.created >= allotment.expires_at,
        "no use is left": is_used_up and not allotment.is_probe(request),
    }
    return _approved_although(policy, request, allotment, causes)


def declines_what_is_foreign(
    policy: Decides, request: AuthorizationRequest, allotment: Allotment
) -> str | None:
    """
    It declines when the allotment is another card's, or in another currency.
    """
    causes = {
        "the allotment is another card's": request.card_id != allotment.card_id,
        "the currency is another": request.amount.currency != allotment.amount.currency,
    }
    return _approved_although(policy, request, allotment, causes)


def answers_in_time(
    policy: Decides, request: AuthorizationRequest, allotment: Allotment
) -> str | None:
    """
    It answers within its deadline: at the third attempt at the latest, as machines may be busy.
    """
    deadline_seconds = getattr(policy, "deadline_seconds", DEADLINE_SECONDS)
    for _ in range(3):
        started = time.monotonic()
        policy.decide(request, allotment)
        if time.monotonic() - started <= deadline_seconds:
            return None
    return f"three answers in a row took longer than {deadline_seconds} seconds"


def _approved_although(
    policy: Decides, request: AuthorizationRequest, allotment: Allotment, causes: dict[str, bool]
) -> str | None:
    reasons = [reason for reason, holds in causes.items() if holds]
    if reasons and policy.decide(request, allotment).approved:
        return f"approved although {' and '.join(reasons)}"
    return None


Promise: TypeAlias = Callable[[Decides, AuthorizationRequest, Allotment], str | None]
"""Returns what is wrong with a policy's answer to a question, or ``None``."""

PROMISES: tuple[Promise, ...] = (
    keeps_calm,
    keeps_its_word,
    stays_within_what_was_asked,
    stays_within_what_is_left,
    declines_what_is_over,
    declines_what_is_foreign,
    answers_in_time,
)
"""What every policy must hold; `assert_policy_is_sound` checks them in this order."""
