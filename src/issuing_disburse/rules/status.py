"""
Is this card still allowed to do anything at all?
"""

from __future__ import annotations

from attrs import frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection


@frozen
class SameCard:
    """
    Object when the question is about another card than the one that was looked up.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> SameCard()(make_request(card_id="ic_other"), make_allotment()).code
    'wrong_card'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.card_id == allotment.card_id:
            return None
        return Objection("wrong_card", "the allotment belongs to another card")


@frozen
class OpenDisbursement:
    """
    Object when the disbursement is over, or its card cancelled.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> OpenDisbursement()(make_request(), make_allotment(is_open=False)).code
    'not_open'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if allotment.is_open:
            return None
        return Objection("not_open", "the disbursement is not open")


@frozen
class NotExpired:
    """
    Object when the question was asked at or after the end of the terms (UTC).

    Stripe counts card expiry in whole months; the exact end rests on this rule.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> allotment = make_allotment()
    >>> NotExpired()(make_request(created=allotment.expires_at), allotment).code
    'expired'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.created < allotment.expires_at:
            return None
        return Objection("expired", f"the terms ended at {allotment.expires_at:%Y-%m-%d %H:%M} UTC")
