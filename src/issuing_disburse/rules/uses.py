"""
May this card be used once more?
"""

from __future__ import annotations

from attrs import frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection


@frozen
class UsesLeft:
    """
    Object when all purchases under the terms are made, or too many probes.

    A probe takes no use but one of the few probes that Stripe lets pass. An increment belongs to a
    purchase that has its use; only one that turns a probe into a purchase takes a use now.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> UsesLeft()(make_request(), make_allotment(uses_left=0)).code
    'no_uses_left'
    >>> UsesLeft()(make_request(50), make_allotment(probes_left=0)).code
    'no_probes_left'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if allotment.is_probe(request):
            if allotment.probes_left > 0:
                return None
            return Objection("no_probes_left", "the card was tested often enough")
        if allotment.uses_left > 0 or request.already_approved.minor > allotment.probe_max_minor:
            return None
        return Objection("no_uses_left", "the card has been used as often as it may")
