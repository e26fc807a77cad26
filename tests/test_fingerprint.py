"""
Does the same content always have the same fingerprint, and other content another one?
"""

from datetime import date, timedelta, timezone
from typing import Any

import pytest
from attrs import evolve, fields
from hypothesis import given

import strategies
from issuing_disburse.fingerprint import fingerprint
from issuing_disburse.money import Money
from issuing_disburse.order import Order
from issuing_disburse.recipient import Address, Recipient, UserTerms
from issuing_disburse.terms import AmountRule, Terms
from world import ADDRESS, TERMS, make_order, make_recipient

LONDON = Address(line1="1 High St", city="London", postal_code="N1 9GU", country="GB")
COMPANY = Recipient.company(name="Rocket Rides", billing=ADDRESS, reference="supplier-17")

PEOPLE: list[dict[str, Any]] = [
    {"reference": "supplier-18"},
    {"reference": None},
    {"first_name": "Jane"},
    {"last_name": "Rose"},
    {"name_on_card": "J Rosen"},
    {"email": "other@example.com"},
    {"email": None},
    {"phone_number": "+18008675310"},
    {"date_of_birth": date(1985, 3, 15)},
    {"date_of_birth": None},
    {"user_terms": UserTerms(accepted_at=TERMS.accepted_at, ip="203.0.113.8")},
    {"user_terms": evolve(TERMS, accepted_at=TERMS.accepted_at + timedelta(seconds=1))},
    {"user_terms": evolve(TERMS, user_agent="curl")},
    {"billing": LONDON},
    {"billing": evolve(ADDRESS, line2="Suite 2")},
    {"billing": evolve(ADDRESS, state=None)},
]
TERMS_OTHERWISE: list[Terms] = [
    Terms(valid_for=timedelta(days=29)),
    Terms(valid_for=timedelta(days=30, microseconds=1)),
    Terms(amount=AmountRule.up_to()),
    Terms(amount=AmountRule.up_to(), uses=2),
    Terms(amount=AmountRule.between(1, 12_500)),
    Terms(amount=AmountRule.exact().with_tolerance(over_minor=1)),
    Terms(amount=AmountRule.exact().with_tolerance(over_basis_points=1)),
    Terms(allowed_categories=["bakeries"]),
    Terms(blocked_categories=["bakeries"]),
    Terms(allowed_countries=["US"]),
    Terms(blocked_countries=["US"]),
    Terms(allowed_network_ids=["1"]),
    Terms(card_presence="present"),
    Terms(amount=AmountRule.up_to(), uses=2, lock_to_first_merchant=True),
    Terms(on_void="reissue"),
    Terms(reissue_after=timedelta(days=30)),
]
OTHERS = [
    make_order("claim-8842"),
    make_order(amount="125.01"),
    make_order(currency="eur"),
    make_order(recipient=COMPANY),
    *[make_order(recipient=make_recipient(**changes)) for changes in PEOPLE],
    *[make_order(terms=terms) for terms in TERMS_OTHERWISE],
]


def test_fingerprints_differ_when_anything_differs() -> None:
    """Whatever can be changed in an order changes its fingerprint, each to another one."""
    found = {fingerprint(order) for order in [make_order(), *OTHERS]}

    assert 1 + len(OTHERS) == len(found)


def test_every_field_of_an_order_is_among_what_was_changed() -> None:
    """A field that is added to recipients or terms must be added to this test."""
    people = {name for changes in PEOPLE for name in changes} | {"name", "type", "tax_id"}
    differing = {
        field.name
        for terms in TERMS_OTHERWISE
        for field in fields(Terms)
        if getattr(terms, field.name) != getattr(Terms(), field.name)
    }

    assert {field.name for field in fields(Recipient)} == people - {"name_on_card"}
    assert {field.name for field in fields(Terms)} == differing
    assert fingerprint(make_order(recipient=COMPANY)) != fingerprint(
        make_order(recipient=evolve(COMPANY, tax_id="12-3456789"))
    )


@pytest.mark.parametrize(
    "same",
    [
        make_order(),
        make_order(terms=Terms()),
        make_order(terms=Terms(valid_for=timedelta(hours=720), uses=1, on_void="close")),
        make_order(amount="125"),
        make_order(recipient=make_recipient(phone_number="+1 (800) 867-5309")),
        make_order(
            recipient=make_recipient(
                user_terms=evolve(
                    TERMS, accepted_at=TERMS.accepted_at.astimezone(timezone(timedelta(hours=9)))
                )
            )
        ),
    ],
)
def test_fingerprint_is_the_same_when_the_order_says_the_same(same: Order) -> None:
    """Defaults spelled out, other time zones and other spellings are no other content."""
    assert fingerprint(make_order()) == fingerprint(same)


def test_fingerprint_is_the_same_in_every_version() -> None:
    """Orders that are stored already must be known again: this value never changes."""
    assert "8a39786ab4383e16ded7e5ec4959be5030c1a4d7" == fingerprint(make_order())


@given(strategies.orders())
def test_fingerprint_depends_on_the_content_alone(order: Order) -> None:
    """An equal order made anew has the same fingerprint; a cent more has another one."""
    again = Order(id=order.id, recipient=order.recipient, amount=order.amount, terms=order.terms)
    dearer = evolve(order, amount=order.amount + Money(1, order.amount.currency))

    assert fingerprint(order) == fingerprint(again) != fingerprint(dearer)
    assert 40 == len(fingerprint(order))
    assert "Rosen" not in fingerprint(order)
