"""
Is this the merchant that the card is for?
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable

from attrs import Attribute, field, frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection
from issuing_disburse.exceptions import InvalidInputError

from .words import shown, words

_NAME_LENGTH_MAX = 100


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


def _merchant_network_id_words(values: str | Iterable[str]) -> frozenset[str]:
    return words("MerchantNetworkId", values)


@frozen
class MerchantNetworkId:
    """
    Object when the network's id for the merchant is none of these.

    The same merchant has another id with each card network.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> MerchantNetworkId("4445001")(make_request(merchant_network_id=None), make_allotment()).code
    'merchant_not_allowed'
    """

    network_ids: frozenset[str] = field(converter=_merchant_network_id_words, repr=shown)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.merchant_network_id in self.network_ids:
            return None
        return Objection("merchant_not_allowed", "this merchant is not on the list")


@frozen
class MerchantNameMatches:
    """
    Object when the merchant's name does not look like *pattern*.

    ``*`` stands for any text and ``?`` for one character; case and runs of white space do not
    matter. Regular expressions are not taken on purpose: merchants choose their names, and a
    careless expression can take minutes on the wrong one. A name proves nothing: prefer ids.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> rule = MerchantNameMatches("rocket rides*")
    >>> rule(make_request(merchant_name="ROCKET RIDES  0815"), make_allotment()) is None
    True
    >>> rule(make_request(merchant_name="Racket Rides"), make_allotment()).code
    'merchant_name_differs'
    """

    pattern: str = field()
    _matcher: re.Pattern[str] = field(init=False, repr=False, eq=False)

    @pattern.validator
    def _is_short(self, attribute: Attribute[str], value: object) -> None:
        if not isinstance(value, str) or not 0 < len(value.strip()) <= _NAME_LENGTH_MAX:
            raise InvalidInputError(
                "MerchantNameMatches",
                f"needs 1 to {_NAME_LENGTH_MAX} characters",
                "write a name with * and ?",
            )

    @_matcher.default
    def _compiled(self) -> re.Pattern[str]:
        # Each star takes as little as it can and never gives back, so time stays in bounds.
        return re.compile(fnmatch.translate(_plain(str(self.pattern)).replace("[", "[[]")))

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        name = request.merchant_name
        if name is not None and self._matcher.match(_plain(name[:_NAME_LENGTH_MAX])):
            return None
        return Objection("merchant_name_differs", f"the name is not like {self.pattern!r}")


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
