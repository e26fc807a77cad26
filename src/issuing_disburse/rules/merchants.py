"""
Is this the merchant that the card is for?
"""

from __future__ import annotations

from attrs import frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection


@frozen
class OrderMerchants:
    """
    Object when ``terms.allowed_network_ids`` names merchants and this is none of them.

    >>> from issuing_disburse import terms
    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> allotment = make_allotment(terms=terms.Terms(allowed_network_ids=["4445001"]))
    >>> OrderMerchants()(make_request(merchant_network_id="9990002"), allotment).code
    'wrong_merchant'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        allowed = allotment.terms.allowed_network_ids
        if not allowed or request.merchant_network_id in allowed:
            return None
        return Objection("wrong_merchant", "the terms do not name this merchant")


@frozen
class FirstMerchantOnly:
    """
    Object when ``terms.lock_to_first_merchant`` is set and this is not the first one's merchant.

    Merchants are compared by network id, and by name only where one of the two has no id.

    >>> from issuing_disburse import terms
    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request, make_use
    >>> locked = terms.Terms(uses=3, amount=terms.AmountRule.up_to(), lock_to_first_merchant=True)
    >>> allotment = make_allotment(terms=locked, history=[make_use(merchant_network_id="4445001")])
    >>> FirstMerchantOnly()(make_request(merchant_network_id="9990002"), allotment).code
    'other_merchant'
    """

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if not allotment.terms.lock_to_first_merchant:
            return None
        first = allotment.first_merchant
        if first is None:
            return None
        if request.merchant_network_id and first.merchant_network_id:
            is_same = request.merchant_network_id == first.merchant_network_id
        else:
            is_same = first.merchant_name is not None and (
                request.merchant_name == first.merchant_name
            )
        if is_same:
            return None
        return Objection("other_merchant", "the card belongs to the merchant that used it first")
