"""
How was the card presented, and what did the network make of it?
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import Attribute, field, frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection
from issuing_disburse.exceptions import InvalidInputError

from .words import shown, words

_CARD_IN_HAND = frozenset({"chip", "contactless", "swipe"})
_CHANNELS = _CARD_IN_HAND | {"keyed_in", "online"}
_WALLETS = frozenset({"apple_pay", "google_pay", "samsung_pay"})
_SCORE_MAX = 99


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
        if wanted == "any":
            return None
        if wanted == request.card_presence:
            return None
        return Objection("wrong_card_presence", f"the terms want the card {wanted}")


def _channel_words(values: str | Iterable[str]) -> frozenset[str]:
    return words("Channel", values, known=_CHANNELS)


@frozen
class Channel:
    """
    Object when the card was used in another way than these.

    Stripe's words are ``chip``, ``contactless``, ``keyed_in``, ``online`` and ``swipe``.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> Channel("online")(make_request(authorization_method="swipe"), make_allotment()).code
    'channel_not_allowed'
    """

    methods: frozenset[str] = field(converter=_channel_words, repr=shown)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.authorization_method in self.methods:
            return None
        return Objection(
            "channel_not_allowed", f"{request.authorization_method or 'unknown'} is not allowed"
        )


def _wallet_words(values: str | Iterable[str]) -> frozenset[str]:
    return words("Wallet", values, known=_WALLETS)


@frozen
class Wallet:
    """
    Object when the card was not used through one of these wallets.

    Args:
        wallets: ``apple_pay``, ``google_pay`` or ``samsung_pay``.
        or_none: Let purchases without any wallet pass.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> Wallet(["apple_pay"])(make_request(wallet="google_pay"), make_allotment()).code
    'wallet_not_allowed'
    """

    wallets: frozenset[str] = field(converter=_wallet_words, repr=shown)
    or_none: bool = field(default=False, kw_only=True)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.wallet in self.wallets or (self.or_none and request.wallet is None):
            return None
        return Objection("wallet_not_allowed", f"{request.wallet or 'no wallet'} is not allowed")


@frozen
class CVCMatch:
    """
    Object when the CVC was wrong or, unless *or_not_provided*, not given.

    Later charges of a merchant that stored the card come without one, and so do chip and wallet
    purchases.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> CVCMatch()(make_request(cvc_check="not_provided"), make_allotment()).message
    'the CVC check says not_provided'
    """

    or_not_provided: bool = field(default=False, kw_only=True)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if _is_match(request.cvc_check, or_not_provided=self.or_not_provided):
            return None
        return Objection("cvc_mismatch", f"the CVC check says {request.cvc_check or 'nothing'}")


@frozen
class AddressMatch:
    """
    Object when the billing address was wrong or, unless *or_not_provided*, not given.

    Args:
        line1: Look at street and number.
        postal_code: Look at the postal code.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> AddressMatch()(make_request(postal_code_check="mismatch"), make_allotment()).code
    'postal_code_mismatch'
    """

    line1: bool = field(default=False, kw_only=True)
    postal_code: bool = field(default=True, kw_only=True)
    or_not_provided: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not self.line1 and not self.postal_code:
            raise InvalidInputError("AddressMatch", "looks at nothing", "set line1 or postal_code")

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        lenient = self.or_not_provided
        if self.line1 and not _is_match(request.address_line1_check, or_not_provided=lenient):
            return Objection("address_mismatch", "the first address line does not match")
        if self.postal_code and not _is_match(request.postal_code_check, or_not_provided=lenient):
            return Objection("postal_code_mismatch", "the postal code does not match")
        return None


@frozen
class ThreeDSecure:
    """
    Object to an online purchase that was not authenticated with 3D Secure.

    Args:
        or_attempted: Let it pass when the merchant tried and the issuer's side only took note
            (``attempt_acknowledged``).

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> ThreeDSecure()(make_request(three_d_secure=None), make_allotment()).code
    'not_authenticated'
    >>> ThreeDSecure()(make_request(authorization_method="chip"), make_allotment()) is None
    True
    """

    or_attempted: bool = field(default=False, kw_only=True)

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if request.authorization_method in _CARD_IN_HAND:
            return None
        if request.three_d_secure == "authenticated":
            return None
        if self.or_attempted and request.three_d_secure == "attempt_acknowledged":
            return None
        return Objection("not_authenticated", f"3D Secure: {request.three_d_secure or 'not used'}")


@frozen
class NetworkRiskAtMost:
    """
    Object when the network's risk score, 1 to 99, is above *score_max*.

    Many requests come without a score; they pass unless *or_unknown* is switched off.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> NetworkRiskAtMost(70)(make_request(network_risk_score=71), make_allotment()).message
    'the network rates the risk at 71'
    """

    score_max: int = field()
    or_unknown: bool = field(default=True, kw_only=True)

    @score_max.validator
    def _is_a_score(self, attribute: Attribute[int], value: object) -> None:
        if type(value) is not int or not 0 <= value <= _SCORE_MAX:
            raise InvalidInputError("NetworkRiskAtMost", "needs 0 to 99", "scores run from 1 to 99")

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        score = request.network_risk_score
        if score is None:
            return None if self.or_unknown else Objection("risk_unknown", "the network is silent")
        if score <= self.score_max:
            return None
        return Objection("risk_too_high", f"the network rates the risk at {score}")


def _is_match(check: str | None, *, or_not_provided: bool) -> bool:
    return check == "match" or (or_not_provided and check in {"not_provided", None})
