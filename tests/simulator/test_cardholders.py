"""
Are cardholders checked, screened and changed as documented?
"""

import pytest
import stripe

from issuing_disburse.simulator import Behaviour

NOBODY = {"dob": {"day": 1, "month": 1, "year": 1900}, "first_name": "A", "last_name": "B"}


def test_missing_fields_are_past_due_until_given(bench):
    """A US individual is told what is missing; once it is there, nothing is."""
    holder = bench.holder(individual={"first_name": "Jenny"})
    updated = bench.client.v1.issuing.cardholders.update(
        holder.id,
        {
            "individual": {
                "last_name": "Rosen",
                "card_issuing": {"user_terms_acceptance": {"date": 1, "ip": "203.0.113.1"}},
            }
        },
        bench.opt,
    )

    assert [
        "individual.last_name",
        "individual.card_issuing.user_terms_acceptance.date",
        "individual.card_issuing.user_terms_acceptance.ip",
    ] == list(holder.requirements.past_due)
    assert updated.requirements.disabled_reason is None
    assert "Jenny" == updated.individual.first_name


def test_company_needs_no_person(bench):
    """A company has a tax id that is only said to be there."""
    holder = bench.holder(type="company", individual=None, company={"tax_id": "000000000"})

    assert holder.company.tax_id_provided
    assert [] == list(holder.requirements.past_due)


def test_company_is_refused_when_the_program_says_so(make_bench):
    """Programs may want individuals only."""
    bench = make_bench(Behaviour(company_cardholders=False))
    with pytest.raises(stripe.InvalidRequestError, match="must be individual"):
        bench.holder(type="company", individual=None)


def test_watchlist_hit_blocks_every_authorization(bench):
    """The documented birth date is listed at once; a confirmed hit blocks for good."""
    holder = bench.holder(individual=NOBODY)
    bench.sim.set_screening(holder.id, "rejected.listed")
    blocked = bench.client.v1.issuing.cardholders.retrieve(holder.id, {}, bench.opt)
    for change in ({"status": "active"}, {"individual": {"first_name": "C"}}):
        if "status" in change:
            with pytest.raises(stripe.InvalidRequestError):
                bench.client.v1.issuing.cardholders.update(holder.id, change, bench.opt)
        else:
            bench.client.v1.issuing.cardholders.update(holder.id, change, bench.opt)

    assert "listed" == holder.requirements.disabled_reason
    assert "individual.verification.document" in holder.requirements.past_due
    assert ("blocked", "rejected.listed") == (blocked.status, blocked.requirements.disabled_reason)


def test_screening_takes_seconds_when_switched_on(make_bench):
    """Under review first, then clear, and told so."""
    bench = make_bench(Behaviour(screening_seconds=20))
    receiver = bench.receiver()
    holder = bench.holder()
    bench.sim.clock.sleep(20)
    later = bench.client.v1.issuing.cardholders.retrieve(holder.id, {}, bench.opt)
    again = bench.holder()
    bench.sim.set_screening(again.id, None)
    bench.sim.clock.sleep(20)

    assert "under_review" == holder.requirements.disabled_reason
    assert later.requirements.disabled_reason is None
    assert ["issuing_cardholder.created", "issuing_cardholder.updated"] == receiver.types()[:2]


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"name": "A" * 25}, "name"),
        ({"name": "Jenny*Rosen"}, "name"),
        ({"individual": {"first_name": "123"}}, "individual[first_name]"),
        ({"email": "no"}, "email"),
        ({"phone_number": "12"}, "phone_number"),
        ({"phone_number": "+1800CALLNOW"}, "phone_number"),
        ({"individual": {"dob": {"day": 1, "month": 1, "year": 2020}}}, "individual[dob]"),
        ({"individual": {"dob": {"day": 40, "month": 1, "year": 2000}}}, "individual[dob][day]"),
        ({"type": "company"}, "individual"),
        ({"billing": {"address": {"line1": "1"}}}, "billing[address][city]"),
        (
            {"spending_controls": {"spending_limits_currency": "dollars"}},
            "spending_controls[spending_limits_currency]",
        ),
    ],
)
def test_holder_is_refused_when_a_parameter_is_wrong(bench, changes, param):
    """A wrong parameter is named, and nobody is made."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.holder(**changes)
    bench.contract.problems.clear()  # The wrong values are wrong by the SDK's types, too.

    assert param == caught.value.param
    assert [] == bench.sim.objects("cardholder")


@pytest.mark.parametrize(
    ("country", "given", "stored"),
    [
        ("US", "800 867-5309", "+18008675309"),
        ("DE", "+49 (30) 12345678", "+493012345678"),
        ("DE", "493012345678", "+493012345678"),
    ],
)
def test_phone_number_becomes_international(make_bench, country, given, stored):
    """Numbers are kept in E.164."""
    bench = make_bench(country=country)

    assert stored == bench.holder(phone_number=given).phone_number


def test_update_changes_what_it_may(bench):
    """Address, e-mail, phone and languages change; lists follow the new e-mail."""
    holders, opt = bench.client.v1.issuing.cardholders, bench.opt
    holder = bench.holder()
    other = bench.holder()
    bench.raw("POST", f"/v1/issuing/cardholders/{holder.id}", b"phone_number=")
    updated = holders.update(
        holder.id,
        {
            "email": "new@example.com",
            "preferred_locales": ["de", "en"],
            "metadata": {"k": "v"},
            "billing": {
                "address": {"line1": "2", "city": "C", "postal_code": "1", "country": "US"}
            },
        },
        opt,
    )

    assert ("new@example.com", None, "2") == (
        updated.email,
        updated.phone_number,
        updated.billing.address.line1,
    )
    assert [holder.id] == [each.id for each in holders.list({"email": "new@example.com"}, opt)]
    assert [other.id] == [each.id for each in holders.list({"email": "jenny@example.com"}, opt)]
    back = holders.update(holder.id, {"email": "jenny@example.com"}, opt)
    assert [other.id, holder.id] == [each.id for each in holders.list({"email": back.email}, opt)]
    bench.raw("POST", f"/v1/issuing/cardholders/{holder.id}", b"email=")
    assert [other.id] == [each.id for each in holders.list({"email": back.email}, opt)]


def test_name_and_type_cannot_be_changed(bench):
    """Neither is an update parameter."""
    holder = bench.holder()
    for body in (b"name=X", b"type=company"):
        answer = bench.raw("POST", f"/v1/issuing/cardholders/{holder.id}", body)
        assert 400 == answer.status
        assert b"parameter_unknown" in answer.body
