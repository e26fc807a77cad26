"""
Which questions would a merchant, or a tester who means it badly, put to a policy?

Needs Hypothesis.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from issuing_disburse.decision import Allotment, AuthorizationRequest, Use
from issuing_disburse.money import Money
from issuing_disburse.terms import AmountRule, Terms
from issuing_disburse.vocabulary import CARD_CURRENCIES

from .policy_kit import NOW, make_allotment, make_request, make_use

_CURRENCIES = sorted(CARD_CURRENCIES)
_CATEGORIES = ("bakeries", "taxicabs_limousines", "hotels_motels_and_resorts")
_COUNTRIES = ("US", "FR", "JP")
_CHECKS = st.sampled_from([None, "match", "mismatch", "not_provided"])
_AMOUNT_MAX = 500_000


def amount_rules() -> SearchStrategy[AmountRule]:
    """
    Generate what a purchase may cost, with and without tolerance.
    """
    tolerances = st.fixed_dictionaries(
        {},
        optional={
            "under_minor": st.integers(0, 500),
            "over_minor": st.integers(0, 500),
            "under_basis_points": st.integers(0, 1_000),
            "over_basis_points": st.integers(0, 1_000),
        },
    )
    exact = tolerances.map(lambda sides: AmountRule.exact().with_tolerance(**sides))
    ranges = st.tuples(st.integers(1, 9_000), st.integers(0, 9_000)).map(
        lambda pair: AmountRule.between(pair[0], pair[0] + pair[1])
    )
    return st.one_of(exact, st.just(AmountRule.up_to()), ranges)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    """
    Generate terms, most of them with few restrictions.
    """
    amount = draw(amount_rules())
    uses = 1 if amount.kind == "exact" else draw(st.integers(1, 5))
    lists: dict[str, Any] = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "allowed_network_ids": st.just(("4445001",)),
                draw(st.sampled_from(["allowed_categories", "blocked_categories"])): st.lists(
                    st.sampled_from(_CATEGORIES), min_size=1
                ),
                draw(st.sampled_from(["allowed_countries", "blocked_countries"])): st.lists(
                    st.sampled_from(_COUNTRIES), min_size=1
                ),
            },
        )
    )
    return Terms(
        amount=amount,
        uses=uses,
        lock_to_first_merchant=uses > 1 and draw(st.booleans()),
        card_presence=draw(st.sampled_from(["any", "any", "present", "not_present"])),
        **lists,
    )


def uses(currency: str = "usd") -> SearchStrategy[Use]:
    """
    Generate one approved use in *currency*.
    """
    return st.builds(
        make_use,
        st.integers(0, _AMOUNT_MAX),
        currency=st.just(currency),
        ago=st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds)),
        authorization_id=st.sampled_from(["iauth_1", "iauth_2", "iauth_3"]),
        merchant_network_id=st.sampled_from([None, "4445001", "9990002"]),
        is_probe=st.booleans(),
    )


def requests(
    currency: str | None = None, amounts: SearchStrategy[int] | None = None
) -> SearchStrategy[AuthorizationRequest]:
    """
    Generate what merchants may ask, in any of the card currencies unless told.
    """
    counts = st.one_of(st.integers(0, 200), st.integers(0, 10**9))
    return st.builds(
        make_request,
        counts if amounts is None else amounts,
        currency=st.sampled_from(_CURRENCIES) if currency is None else st.just(currency),
        already_approved=st.one_of(st.just(0), st.integers(0, 10**6)),
        created=st.integers(-(10**7), 10**7).map(lambda seconds: NOW + timedelta(seconds=seconds)),
        is_amount_controllable=st.booleans(),
        is_livemode=st.booleans(),
        card_id=st.sampled_from([*["ic_example"] * 9, "ic_other"]),
        merchant_network_id=st.sampled_from([None, "4445001", "9990002"]),
        merchant_name=st.one_of(st.none(), st.text(max_size=30)),
        merchant_country=st.sampled_from([None, *_COUNTRIES, "??"]),
        category=st.sampled_from([None, *_CATEGORIES, "a_category_of_tomorrow"]),
        mcc=st.sampled_from([None, "4121", "6011", "5542"]),
        authorization_method=st.sampled_from([None, "online", "chip", "by_thought"]),
        card_presence=st.sampled_from([None, "present", "not_present"]),
        wallet=st.sampled_from([None, "apple_pay", "some_pay"]),
        cvc_check=_CHECKS,
        expiry_check=_CHECKS,
        address_line1_check=_CHECKS,
        postal_code_check=_CHECKS,
        three_d_secure=st.sampled_from([None, "authenticated", "failed"]),
        network_risk_score=st.one_of(st.none(), st.integers(1, 99)),
    )


@st.composite
def allotments(draw: st.DrawFn, currency: str | None = None) -> Allotment:
    """
    Generate what cards may still do: open and closed, fresh and used up.
    """
    if currency is None:
        currency = draw(st.sampled_from(_CURRENCIES))
    amount = Money(draw(st.integers(1, _AMOUNT_MAX)), currency)
    found = draw(terms())
    history = draw(st.lists(uses(currency), max_size=3))
    allotment = make_allotment(amount, terms=found, history=history)
    most = found.most(amount).minor
    return make_allotment(
        amount,
        terms=found,
        history=history,
        remaining=draw(st.one_of(st.just(allotment.remaining.minor), st.integers(-500, most))),
        uses_left=draw(st.one_of(st.just(allotment.uses_left), st.integers(0, found.uses))),
        probes_left=draw(st.one_of(st.just(allotment.probes_left), st.just(0))),
        is_open=draw(st.sampled_from([True, True, True, False])),
        expires_at=NOW + timedelta(days=draw(st.integers(-3, 40))),
        account_history=draw(st.one_of(st.none(), st.just(tuple(history)))),
        recipient_history=draw(st.one_of(st.none(), st.just(tuple(history)))),
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[AuthorizationRequest, Allotment]:
    """
    Generate a request together with the allotment it meets, close to the edges of what fits.
    """
    allotment = draw(allotments())
    low, high = allotment.terms.amount.bounds(allotment.amount)
    edges = [0, 1, 50, allotment.probe_max_minor, low, high, allotment.remaining.minor]
    near = sorted({max(0, edge + step) for edge in edges for step in (-1, 0, 1)})
    currency = draw(st.sampled_from([*[allotment.amount.currency] * 9, None]))
    request = draw(requests(currency, st.one_of(st.sampled_from(near), st.integers(0, 10**9))))
    return request, allotment
