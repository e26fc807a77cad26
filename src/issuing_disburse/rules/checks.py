"""
How was the card presented, and what did the network make of it?
"""

from __future__ import annotations

from attrs import frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection


@frozen
class OrderCardPresence:
    """
    Object when the terms ask for the card to be present, or not present, and it is otherwise.

    Terms that ask refuse a purchase of which the network does not say.

    >>> from issuing_disburse import terms
    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> allotment = make_allotment(terms=terms.Terms(card_presence="not_present"))
    >>> OrderCardPresence()(make_request(card_presence="present"), allotment).code
    'wrong_card_presence'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        wanted = allotment.terms.card_presence
        if wanted in {"any", request.card_presence}:
            return None
        return Objection("wrong_card_presence", f"the terms want the card {wanted}")
