"""
Which questions would a merchant, or a tester who means it badly, put to a policy?

Needs Hypothesis.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeAlias

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from issuing_disburse.decision import Allotment, AuthorizationRequest, Use
from issuing_disburse.money import Money
from issuing_disburse.terms import AmountRule, Terms
from issuing_disburse.vocabulary import CARD_CURRENCIES

from .policy_kit import NOW, make_allotment, make_request, make_use

Twist: TypeAlias = tuple[str, Any]
"""A field of an otherwise ordinary value, and what stands there instead."""

_CURRENCIES = sorted(CARD_CURRENCIES)
_AMOUNT_MAX = 500_000
_USE_MAX = 2_000
_CHECKS = (None, "mismatch", "not_provided")

# An ordinary question with a few twists finds as much as one that is odd all over; it is made in a
# fraction of the time, and what is found can be read.
_REQUEST_TWISTS: tuple[Twist, ...] = (
    *(("already_approved", minor) for minor in (1, 100, 101, 5_000, 10**6)),
    *(("created", NOW + timedelta(days=days)) for days in (-400, -1, 1, 29, 30, 31, 400)),
    ("is_amount_controllable", True),
    ("is_livemode", True),
    ("account", None),
    *(("authorization_id", name) for name in ("iauth_1", "iauth_2")),
    *(("merchant_network_id", name) for name in (None, "9990002")),
    *(("merchant_name", name) for name in (None, "", "Racket Rides", "\0", "x" * 200)),
    *(("merchant_country", code) for code in (None, "FR", "JP", "??")),
    *(("merchant_currency", code) for code in (None, "jpy", "zzz")),
    *(("category", name) for name in (None, "bakeries", "a_category_of_tomorrow")),
    *(("mcc", code) for code in (None, "6011", "5542")),
    *(("authorization_method", name) for name in (None, "chip", "by_thought")),
    *(("card_presence", name) for name in (None, "present")),
    *(("wallet", name) for name in ("apple_pay", "some_pay")),
    *(("cvc_check", word) for word in _CHECKS),
    *(("address_line1_check", word) for word in _CHECKS),
    *(("postal_code_check", word) for word in _CHECKS),
    *(("three_d_secure", word) for word in ("authenticated", "failed")),
    *(("network_risk_score", score) for score in (1, 50, 99)),
)
_TERMS_TWISTS: tuple[Twist, ...] = (
    ("allowed_network_ids", ("4445001",)),
    ("allowed_categories", ("taxicabs_limousines",)),
    ("blocked_categories", ("bakeries",)),
    ("allowed_countries", ("US", "CA")),
    ("blocked_countries", ("FR",)),
    ("card_presence", "present"),
    ("card_presence", "not_present"),
)
_ALLOTMENT_TWISTS: tuple[Twist, ...] = (
    ("is_open", False),
    *(("expires_at", NOW + timedelta(days=days)) for days in (-30, 0, 1)),
    *[("uses_left", 0)] * 3,
    *[("probes_left", 0)] * 2,
    *(("remaining", minor) for minor in (-500, 0, 1, 99, 101, 5_000)),
)


def _twisted(twists: tuple[Twist, ...], most: int) -> SearchStrategy[dict[str, Any]]:
    return st.lists(st.sampled_from(twists), max_size=most).map(dict)


def amount_rules() -> SearchStrategy[AmountRule]:
    """
    Generate what a purchase may cost, with and without tolerance.
    """
    minor, points = st.sampled_from([0, 1, 500]), st.sampled_from([0, 1, 1_000])
    tolerant = st.builds(
        AmountRule.exact().with_tolerance,
        under_minor=minor,
        over_minor=minor,
        under_basis_points=points,
        over_basis_points=points,
    )
    ranges = st.tuples(st.integers(1, 9_000), st.integers(0, 9_000)).map(
        lambda pair: AmountRule.between(pair[0], pair[0] + pair[1])
    )
    return st.one_of(st.just(AmountRule.exact()), st.just(AmountRule.up_to()), tolerant, ranges)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """
    Generate terms, most of them with few restrictions.
    """
    amount = draw(_AMOUNT_RULES)
    twists = draw(_SOME_TERMS)
    for name in ("categories", "countries"):  # Stripe takes one list of each
        if f"allowed_{name}" in twists:
            twists.pop(f"blocked_{name}", None)
    if amount.kind != "exact":
        twists["uses"] = draw(_USES)
        twists["lock_to_first_merchant"] = twists["uses"] > 1 and draw(_COIN)
    return Terms(amount=amount, **twists)


def uses(currency: str = "usd") -> SearchStrategy[Use]:
    """
    Generate one approved use in *currency*.
    """
    return st.builds(
        make_use,
        st.integers(0, _USE_MAX),
        currency=st.just(currency),
        ago=st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(days=2)]),
        authorization_id=st.sampled_from(["iauth_1", "iauth_2", "iauth_3"]),
        merchant_network_id=st.sampled_from(["4445001", "9990002", None]),
        is_probe=st.booleans(),
    )


@st.composite
def requests(
    draw: st.DrawFn, currency: str | None = None, amounts: SearchStrategy[int] | None = None
) -> AuthorizationRequest:
    """
    Generate what merchants may ask, in any of the card currencies unless told.
    """
    if amounts is None:
        amounts = st.one_of(st.integers(0, 200), st.integers(0, 10**9))
    if currency is None:
        currency = draw(_CURRENCY)
    amount = draw(amounts)
    return make_request(amount, currency=currency, **draw(_SOME_FIELDS))


@st.composite
def allotments(draw: st.DrawFn, currency: str | None = None) -> Allotment:
    """
    Generate what cards may still do: open and closed, fresh and used up.
    """
    if currency is None:
        currency = draw(_CURRENCY)
    history = tuple(evolve(use, amount=Money(use.amount.minor, currency)) for use in draw(_HISTORY))
    is_known = draw(_COIN)
    return make_allotment(
        Money(draw(_AMOUNT), currency),
        terms=draw(_TERMS),
        history=history,
        recipient_history=history if is_known else None,
        account_history=history if is_known else None,
        **draw(_SOME_CARD),
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[AuthorizationRequest, Allotment]:
    """
    Generate a request together with the allotment it meets, close to the edges of what fits.
    """
    allotment = draw(_ALLOTMENTS)
    low, high = allotment.terms.amount.bounds(allotment.amount)
    edges = [high, low, allotment.remaining.minor, 0, allotment.probe_max_minor]
    edge, step, is_near = draw(_EDGE), draw(_STEP), draw(_MOSTLY)
    amount = max(0, edges[edge] + step) if is_near else draw(_ANY_AMOUNT)
    currency = allotment.amount.currency if draw(_MOSTLY) else "jpy"
    twists = draw(_SOME_FIELDS)
    if not draw(_MOSTLY):
        twists["card_id"] = "ic_other"
    return make_request(amount, currency=currency, **twists), allotment


# Made once: making a strategy costs more than drawing from it.
_COIN = st.booleans()
_MOSTLY = st.sampled_from([True] * 9 + [False])
_EDGE = st.integers(0, 4)
_STEP = st.sampled_from([0, -1, 1])
_USES = st.integers(1, 5)
_AMOUNT = st.integers(1, _AMOUNT_MAX)
_ANY_AMOUNT = st.integers(0, 10**9)
_CURRENCY = st.sampled_from(_CURRENCIES)
_AMOUNT_RULES = amount_rules()
_SOME_TERMS = _twisted(_TERMS_TWISTS, most=2)
_SOME_FIELDS = _twisted(_REQUEST_TWISTS, most=3)
_SOME_CARD = _twisted(_ALLOTMENT_TWISTS, most=1)
_HISTORY = st.lists(uses(), max_size=2)
_TERMS = terms()
_ALLOTMENTS = allotments()
