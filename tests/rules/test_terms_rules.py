"""
Do the rules of the default policy hold a card to its order's terms?
"""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given

from issuing_disburse.decision import Allotment, AuthorizationRequest, Limit, Objection, Rule
from issuing_disburse.money import Money
from issuing_disburse.rules import (
    FirstMerchantOnly,
    NotExpired,
    OpenDisbursement,
    OrderAmount,
    OrderCardPresence,
    OrderCategories,
    OrderCountries,
    OrderCurrency,
    OrderMerchants,
    PartialApproval,
    SameCard,
    UsesLeft,
    WithinRemaining,
)
from issuing_disburse.terms import AmountRule, Terms
from issuing_disburse.testing.policy_kit import NOW, make_allotment, make_request, make_use
from strategies import questions

ALLOTMENT = make_allotment(12_500)
SECOND = timedelta(seconds=1)
SEVERAL = Terms(uses=3, amount=AmountRule.up_to())
LOCKED = Terms(uses=3, amount=AmountRule.up_to(), lock_to_first_merchant=True)


def said(rule: Rule, request: AuthorizationRequest, allotment: Allotment) -> str | None:
    """
    Return the code of what *rule* says, or ``None`` when it has nothing to say.
    """
    answer = rule(request, allotment)
    return None if answer is None else answer.code


def with_terms(**terms: Any) -> Allotment:
    """
    Return a fresh card's allotment under *terms*.
    """
    return make_allotment(12_500, terms=Terms(**terms))


CASES: list[tuple[Rule, AuthorizationRequest, Allotment, str | None]] = [
    (SameCard(), make_request(), ALLOTMENT, None),
    (SameCard(), make_request(card_id="ic_2"), ALLOTMENT, "wrong_card"),
    (OpenDisbursement(), make_request(), ALLOTMENT, None),
    (OpenDisbursement(), make_request(), make_allotment(is_open=False), "not_open"),
    (NotExpired(), make_request(created=ALLOTMENT.expires_at - SECOND), ALLOTMENT, None),
    (NotExpired(), make_request(created=ALLOTMENT.expires_at), ALLOTMENT, "expired"),
    (OrderCurrency(), make_request(), ALLOTMENT, None),
    (OrderCurrency(), make_request(merchant_currency="jpy"), ALLOTMENT, None),
    (OrderCurrency(), make_request(currency="eur"), ALLOTMENT, "wrong_currency"),
    (
        OrderCurrency(),
        make_request(),
        make_allotment(remaining=Money(1, "eur")),
        "wrong_currency",
    ),
    # the exact amount and nothing else
    (OrderAmount(), make_request(12_500), ALLOTMENT, None),
    (OrderAmount(), make_request(12_499), ALLOTMENT, "wrong_amount"),
    (OrderAmount(), make_request(12_501), ALLOTMENT, "wrong_amount"),
    (OrderAmount(), make_request(12_500, currency="eur"), ALLOTMENT, "wrong_currency"),
    # probes are not judged by amount; an increment is never a probe
    (OrderAmount(), make_request(0), ALLOTMENT, None),
    (OrderAmount(), make_request(100), ALLOTMENT, None),
    (OrderAmount(), make_request(101), ALLOTMENT, "wrong_amount"),
    (OrderAmount(), make_request(50, already_approved=1_000), ALLOTMENT, "wrong_amount"),
    # increments are judged by the new total
    (OrderAmount(), make_request(2_500, already_approved=10_000), ALLOTMENT, None),
    (OrderAmount(), make_request(2_501, already_approved=10_000), ALLOTMENT, "wrong_amount"),
    # the other kinds of amount, and tolerance on either side
    (OrderAmount(), make_request(101), with_terms(amount=AmountRule.up_to()), None),
    (OrderAmount(), make_request(12_501), with_terms(amount=AmountRule.up_to()), "wrong_amount"),
    (
        OrderAmount(),
        make_request(12_812),
        with_terms(amount=AmountRule.exact().with_tolerance(over_basis_points=250)),
        None,
    ),
    (
        OrderAmount(),
        make_request(12_813),
        with_terms(amount=AmountRule.exact().with_tolerance(over_basis_points=250)),
        "wrong_amount",
    ),
    (
        OrderAmount(),
        make_request(12_300),
        with_terms(amount=AmountRule.exact().with_tolerance(under_minor=200)),
        None,
    ),
    (
        OrderAmount(),
        make_request(12_299),
        with_terms(amount=AmountRule.exact().with_tolerance(under_minor=200)),
        "wrong_amount",
    ),
    (
        OrderAmount(),
        make_request(9_999),
        with_terms(amount=AmountRule.between(10_000, 13_000)),
        "wrong_amount",
    ),
    (
        OrderAmount(),
        make_request(13_000),
        with_terms(amount=AmountRule.between(10_000, 13_000)),
        None,
    ),
    # what is left
    (WithinRemaining(), make_request(12_500), ALLOTMENT, None),
    (WithinRemaining(), make_request(0), make_allotment(remaining=0), None),
    (WithinRemaining(), make_request(0), make_allotment(remaining=-1), "over_remaining"),
    (WithinRemaining(), make_request(50), make_allotment(remaining=49), "over_remaining"),
    (WithinRemaining(), make_request(1, currency="eur"), ALLOTMENT, "wrong_currency"),
    (WithinRemaining(), make_request(2_500, already_approved=10_000), ALLOTMENT, None),
    # uses
    (UsesLeft(), make_request(), ALLOTMENT, None),
    (UsesLeft(), make_request(), make_allotment(uses_left=0), "no_uses_left"),
    (UsesLeft(), make_request(50), make_allotment(uses_left=0), None),
    (UsesLeft(), make_request(50), make_allotment(probes_left=0), "no_probes_left"),
    (UsesLeft(), make_request(500, already_approved=9_000), make_allotment(uses_left=0), None),
    (
        UsesLeft(),
        make_request(9_000, already_approved=100),
        make_allotment(uses_left=0),
        "no_uses_left",
    ),
    (UsesLeft(), make_request(9_000, already_approved=100), make_allotment(uses_left=1), None),
    # merchants
    (OrderMerchants(), make_request(merchant_network_id=None), ALLOTMENT, None),
    (OrderMerchants(), make_request(), with_terms(allowed_network_ids=["4445001"]), None),
    (
        OrderMerchants(),
        make_request(merchant_network_id=None),
        with_terms(allowed_network_ids=["4445001"]),
        "wrong_merchant",
    ),
    (FirstMerchantOnly(), make_request(), make_allotment(terms=LOCKED), None),
    (
        FirstMerchantOnly(),
        make_request(),
        make_allotment(terms=LOCKED, history=[make_use()]),
        None,
    ),
    (
        FirstMerchantOnly(),
        make_request(merchant_network_id="9990002"),
        make_allotment(terms=LOCKED, history=[make_use()]),
        "other_merchant",
    ),
    (
        FirstMerchantOnly(),
        make_request(merchant_network_id="9990002"),
        make_allotment(terms=SEVERAL, history=[make_use()]),
        None,
    ),
    (
        FirstMerchantOnly(),
        make_request(merchant_network_id="9990002"),
        make_allotment(terms=LOCKED, history=[make_use(50, is_probe=True)]),
        None,
    ),
    (
        FirstMerchantOnly(),
        make_request(merchant_network_id=None),
        make_allotment(terms=LOCKED, history=[make_use()]),
        None,
    ),
    (
        FirstMerchantOnly(),
        make_request(merchant_network_id=None, merchant_name="Racket Rides"),
        make_allotment(terms=LOCKED, history=[make_use()]),
        "other_merchant",
    ),
    (
        FirstMerchantOnly(),
        make_request(merchant_network_id=None, merchant_name=None),
        make_allotment(
            terms=LOCKED, history=[make_use(merchant_network_id=None, merchant_name=None)]
        ),
        "other_merchant",
    ),
    # categories, countries, presence
    (OrderCategories(), make_request(category=None), ALLOTMENT, None),
    (
        OrderCategories(),
        make_request(),
        with_terms(allowed_categories=["bakeries"]),
        "wrong_category",
    ),
    (OrderCategories(), make_request(), with_terms(blocked_categories=["bakeries"]), None),
    (
        OrderCategories(),
        make_request(category="bakeries"),
        with_terms(allowed_categories=["bakeries"]),
        None,
    ),
    (
        OrderCategories(),
        make_request(category="bakeries"),
        with_terms(blocked_categories=["bakeries"]),
        "wrong_category",
    ),
    (
        OrderCategories(),
        make_request(category=None),
        with_terms(blocked_categories=["bakeries"]),
        "wrong_category",
    ),
    (OrderCountries(), make_request(merchant_country=None), ALLOTMENT, None),
    (OrderCountries(), make_request(), with_terms(allowed_countries=["US"]), None),
    (OrderCountries(), make_request(), with_terms(allowed_countries=["FR"]), "wrong_country"),
    (OrderCountries(), make_request(), with_terms(blocked_countries=["US"]), "wrong_country"),
    (OrderCountries(), make_request(), with_terms(blocked_countries=["FR"]), None),
    (
        OrderCountries(),
        make_request(merchant_country=None),
        with_terms(blocked_countries=["FR"]),
        "wrong_country",
    ),
    (OrderCardPresence(), make_request(card_presence=None), ALLOTMENT, None),
    (OrderCardPresence(), make_request(), with_terms(card_presence="not_present"), None),
    (
        OrderCardPresence(),
        make_request(),
        with_terms(card_presence="present"),
        "wrong_card_presence",
    ),
    (
        OrderCardPresence(),
        make_request(card_presence=None),
        with_terms(card_presence="present"),
        "wrong_card_presence",
    ),
]


@pytest.mark.parametrize(("rule", "request_", "allotment", "expected"), CASES)
def test_terms_rule_objects_when_the_terms_say_so(
    rule: Rule, request_: AuthorizationRequest, allotment: Allotment, expected: str | None
) -> None:
    """Each rule of the default policy objects to what the terms exclude, and to nothing else."""
    assert expected == said(rule, request_, allotment)


def partial(asked: int, allotment: Allotment = ALLOTMENT, **changes: Any) -> object:
    """
    Ask `PartialApproval` about a merchant who takes a part.
    """
    request = make_request(asked, **{"is_amount_controllable": True, **changes})
    return PartialApproval()(request, allotment)


def code_of(answer: object) -> object:
    """
    Return an objection's code, or a limit's minor units.
    """
    if isinstance(answer, Limit):
        return answer.amount.minor
    return answer.code if isinstance(answer, Objection) else answer


UP_TO = with_terms(amount=AmountRule.up_to())


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (partial(12_500), None),
        (partial(0), None),
        (partial(20_000), 12_500),
        (partial(20_000, is_amount_controllable=False), "wrong_amount"),
        (partial(20_000, currency="eur"), "wrong_currency"),
        (partial(12_400), "wrong_amount"),
        (partial(20_000, make_allotment(remaining=10_000)), "wrong_amount"),
        (partial(12_500, make_allotment(remaining=10_000)), "over_remaining"),
        (partial(20_000, UP_TO), 12_500),
        (partial(20_000, make_allotment(terms=UP_TO.terms, remaining=300)), 300),
        (partial(20_000, make_allotment(terms=UP_TO.terms, remaining=0)), "wrong_amount"),
        (partial(5_000, make_allotment(terms=UP_TO.terms, remaining=-1)), "over_remaining"),
        (partial(5_000, UP_TO, already_approved=10_000), 2_500),
        (partial(5_000, UP_TO, already_approved=12_500), "wrong_amount"),
        (partial(20_000, UP_TO, cashback=Money(12_500, "usd")), 12_500),
        (partial(20_000, UP_TO, cashback=Money(12_501, "usd")), "cashback_over_limit"),
    ],
)
def test_partial_approval_cuts_to_what_may_be_spent(answer: object, expected: object) -> None:
    """What is too much is cut where the merchant takes a part that satisfies the terms."""
    assert expected == code_of(answer)


@given(questions())
def test_partial_approval_is_never_laxer_when_nothing_is_too_much(
    question: tuple[AuthorizationRequest, Allotment],
) -> None:
    """It is silent exactly when the two rules it stands in for, and the currency's, are."""
    strict = (OrderCurrency(), OrderAmount(), WithinRemaining())
    is_fine = all(rule(*question) is None for rule in strict)

    assert is_fine == (PartialApproval()(*question) is None)


def test_rules_show_what_they_are_when_printed() -> None:
    """A rule's repr can be read in a log, and is the same in every process."""
    assert "OrderAmount()" == repr(OrderAmount())
    assert "WithinRemaining()" == repr(WithinRemaining())


def test_not_expired_says_until_when_the_card_was_good() -> None:
    """The message carries the end of the terms, in UTC."""
    answer = NotExpired()(make_request(created=NOW + timedelta(days=90)), ALLOTMENT)

    assert Objection("expired", "the terms ended at 2026-12-02 09:00 UTC") == answer
