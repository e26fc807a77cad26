"""
Is a person described well enough for Stripe, and shown to nobody?
"""

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.recipient import Address, Recipient, UserTerms, latinised
from world import ADDRESS, TERMS, make_recipient

TODAY = date(2026, 11, 2)
BERLIN = Address(line1="Torstr. 1", city="Berlin", postal_code="10119", country="DE")
LONDON = Address(line1="1 High St", city="London", postal_code="N1 9GU", country="GB")


def refusal(make: Any, *args: Any, **kwargs: Any) -> InvalidInputError:
    """
    Return the error that making something ends with; it must say what to do.
    """
    with pytest.raises(InvalidInputError) as caught:
        make(*args, **kwargs)
    assert caught.value.remedy
    assert caught.value.field in str(caught.value)
    return caught.value


def test_individual_keeps_what_it_is_told() -> None:
    """A whole description comes back as it was, with the name made of its parts."""
    person = make_recipient()

    assert ("individual", "Jenny Rosen") == (person.type, person.name)
    assert ("Jenny", "Rosen") == (person.first_name, person.last_name)
    assert ("+18008675309", "jenny@example.com") == (person.phone_number, person.email)
    assert (date(1985, 3, 14), TERMS) == (person.date_of_birth, person.user_terms)
    assert ADDRESS == person.billing


@pytest.mark.parametrize(
    ("name", "latin"),
    [
        ("Zoë", "Zoe"),
        ("Łukasiewicz-Groß", "Lukasiewicz-Gross"),
        ("Ørsted", "Orsted"),
        ("\N{LATIN CAPITAL LETTER O WITH STROKE AND ACUTE}rn", "Orn"),
        ("Æsa", "Aesa"),
        ("O\N{RIGHT SINGLE QUOTATION MARK}Brien", "O'Brien"),
        ("Anne\N{NON-BREAKING HYPHEN}Marie", "Anne-Marie"),
        ("Anne\N{EN DASH}Marie", "Anne-Marie"),
        ("Jose\N{COMBINING ACUTE ACCENT}", "Jose"),
        ("\N{LATIN SMALL LIGATURE FI}ona", "fiona"),
        ("D'Arcy, Jr.", "D'Arcy, Jr."),
        ("  Jenny ", "Jenny"),
    ],
)
def test_names_lose_their_accents_when_sent(name: str, latin: str) -> None:
    """Stripe takes Latin letters; what has a plain form is written in it."""
    assert latin == make_recipient(first_name=name).first_name


@given(st.text(max_size=40))
def test_latinised_changes_nothing_more_when_it_is_done_twice(text: str) -> None:
    """A latinised text is its own latinised form."""
    assert latinised(text) == latinised(latinised(text))


@pytest.mark.parametrize("part", ["first_name", "last_name"])
@pytest.mark.parametrize(
    "name", ["", "  ", None, 7, "R2D2", "李", "Иван", "a\x00b", ".", "x" * 201]
)
def test_individual_refuses_when_a_name_is_unusable(part: str, name: object) -> None:
    """Missing names, digits, other scripts and control characters name the field."""
    assert f"recipient.{part}" == refusal(make_recipient, **{part: name}).field


def test_name_on_card_takes_24_characters_and_no_more() -> None:
    """The 25th character is refused with its count; a shorter name_on_card is the remedy."""
    fits = make_recipient(first_name="A" * 12, last_name="B" * 11)
    error = refusal(make_recipient, first_name="A" * 12, last_name="B" * 12)

    assert 24 == len(fits.name)
    assert "recipient.name_on_card" == error.field
    assert "has 25 characters, a card carries 24" == error.problem
    assert "name_on_card=" in error.remedy
    short = make_recipient(first_name="A" * 12, last_name="B" * 12, name_on_card="A. B.")
    assert ("A. B.", "B" * 12) == (short.name, short.last_name)


def test_name_on_card_leaves_out_the_comma_when_a_name_has_one() -> None:
    """Stripe takes a comma in a name, and none on a card."""
    person = make_recipient(first_name="Sam", last_name="Gold, Jr.")

    assert ("Sam Gold Jr.", "Gold, Jr.") == (person.name, person.last_name)
    assert "recipient.name_on_card" == refusal(make_recipient, name_on_card="A, B").field


@pytest.mark.parametrize("name", ["R2D2", "...", "\N{SNOWMAN}", "a\nb"])
def test_name_on_card_is_refused_when_no_card_can_carry_it(name: str) -> None:
    """Letters, space and a few marks are all that a card carries."""
    assert "recipient.name_on_card" == refusal(make_recipient, name_on_card=name).field


@pytest.mark.parametrize(
    "email", ["", "x", "a@b", "a b@c.de", "a@b@c.de", "@b.de", 7, "a\x00@b.de"]
)
def test_email_is_refused_when_it_is_none(email: object) -> None:
    """An address without a local part, a domain or a dot is none."""
    assert "recipient.email" == refusal(make_recipient, email=email).field


@pytest.mark.parametrize(
    "number", ["", "8008675309", "+0800867530", "+1800CALLME", "+12345", "+1" * 9, 18008675309]
)
def test_phone_is_refused_when_it_is_not_international(number: object) -> None:
    """A number without its country code, or with letters, names the field and the form."""
    error = refusal(make_recipient, phone_number=number)

    assert "recipient.phone_number" == error.field
    assert "+18008675309" in error.remedy


def test_phone_is_compacted_when_it_is_written_for_people() -> None:
    """Spaces, brackets, dots and dashes are for people."""
    assert "+18008675309" == make_recipient(phone_number="+1 (800) 867-53.09").phone_number


def test_individual_refuses_when_the_terms_are_missing_in_the_us() -> None:
    """A person in the US must have accepted the Authorized User Terms; one in Germany need not."""
    error = refusal(make_recipient, user_terms=None)

    assert "recipient.user_terms" == error.field
    assert "Authorized User Terms" in error.remedy
    assert make_recipient(user_terms=None, billing=BERLIN).user_terms is None


@pytest.mark.parametrize("terms", ["yes", True, {"ip": "203.0.113.7"}])
def test_individual_refuses_when_the_terms_are_none(terms: object) -> None:
    """A box that was ticked somewhere is no proof of when and where."""
    assert "recipient.user_terms" == refusal(make_recipient, user_terms=terms).field


@pytest.mark.parametrize("at", [datetime(2026, 11, 1), date(2026, 11, 1), 1_793_000_000, None])  # noqa: DTZ001  # a naive one is the point
def test_user_terms_refuse_when_the_time_has_no_zone(at: object) -> None:
    """A naive time could be any of a day's."""
    error = refusal(UserTerms, accepted_at=at, ip="203.0.113.7")

    assert "recipient.user_terms.accepted_at" == error.field
    assert "tzinfo=UTC" in error.remedy


@pytest.mark.parametrize("ip", ["", "localhost", "203.0.113", "203.0.113.256", 3_405_803_783, None])
def test_user_terms_refuse_when_the_ip_is_none(ip: object) -> None:
    """The address is text, of IPv4 or IPv6; a number is no address."""
    assert (
        "recipient.user_terms.ip" == refusal(UserTerms, accepted_at=TERMS.accepted_at, ip=ip).field
    )


def test_user_terms_take_the_newer_addresses() -> None:
    """IPv6 is fine."""
    assert "2001:db8::7" == UserTerms(accepted_at=TERMS.accepted_at, ip="2001:db8::7").ip


@pytest.mark.parametrize("born", [datetime(1985, 3, 14, tzinfo=UTC), "1985-03-14", 1985])
def test_birth_date_is_refused_when_it_is_no_date(born: object) -> None:
    """A time of day in a birth date is a mistake."""
    error = refusal(make_recipient, date_of_birth=born)

    assert "recipient.date_of_birth" == error.field
    assert "datetime.date(1985, 3, 14)" in error.remedy


@pytest.mark.parametrize(
    ("born", "is_old_enough"),
    [
        (date(2013, 11, 1), True),
        (date(2013, 11, 2), False),
        (date(2014, 1, 1), False),
        (TODAY, False),
        (TODAY + timedelta(days=1), False),
        (date(2999, 1, 1), False),
        (date(1926, 11, 2), True),
    ],
)
def test_check_refuses_when_younger_than_stripe_allows(born: date, *, is_old_enough: bool) -> None:
    """A cardholder is older than 13; a birth date in the future is younger than that."""
    person = make_recipient(date_of_birth=born)
    if is_old_enough:
        person.check_for("usd", today=TODAY)
    else:
        error = refusal(person.check_for, "usd", today=TODAY)
        assert "recipient.date_of_birth" == error.field


def test_check_counts_a_leap_day_when_the_year_has_none() -> None:
    """Who was born on 29 February is 13 from 1 March."""
    person = make_recipient(date_of_birth=date(2012, 2, 29))

    assert refusal(person.check_for, "usd", today=date(2025, 2, 28))
    person.check_for("usd", today=date(2025, 3, 1))


@pytest.mark.parametrize(
    ("billing", "currency"),
    [(BERLIN, "eur"), (LONDON, "gbp"), (BERLIN, "usd"), (LONDON, "usd"), (ADDRESS, "eur")],
)
def test_check_refuses_when_the_phone_is_missing_where_3d_secure_needs_it(
    billing: Address, currency: str
) -> None:
    """A card in the EEA or the UK is unusable without its holder's phone."""
    without = make_recipient(billing=billing, phone_number=None)
    error = refusal(without.check_for, currency, today=TODAY)

    assert "recipient.phone_number" == error.field
    assert "phone_number=" in error.remedy
    make_recipient(billing=billing).check_for(currency, today=TODAY)


def test_check_asks_for_no_phone_when_the_card_is_a_us_one() -> None:
    """A dollar card of somebody in the US needs no phone, nor a birth date."""
    make_recipient(phone_number=None, date_of_birth=None).check_for("usd", today=TODAY)


def make_address(**changes: Any) -> Address:
    """
    Make an address with something changed.
    """
    whole = {"line1": "1 Main St", "city": "Columbus", "postal_code": "43004", "country": "US"}
    return Address(**{**whole, **changes})


@pytest.mark.parametrize("country", ["us", "USA", "XX", "UK", "", None, "CA", "JP"])
def test_address_refuses_when_no_program_reaches_the_country(country: object) -> None:
    """Unknown spellings, and countries without an Issuing program, name the field."""
    error = refusal(make_address, country=country)

    assert "recipient.billing.country" == error.field


@pytest.mark.parametrize("name", ["line1", "city", "postal_code", "line2", "state"])
@pytest.mark.parametrize("text", ["", "   ", "a\nb", "x" * 201, 43004])
def test_address_refuses_when_a_line_is_unusable(name: str, text: object) -> None:
    """Empty, endless and odd lines name the field."""
    assert f"recipient.billing.{name}" == refusal(make_address, **{name: text}).field


def test_company_needs_a_name_and_an_address_only() -> None:
    """A company has no terms, no birth date and no first name."""
    company = Recipient.company(name="Rocket Rides", billing=ADDRESS, tax_id="12-3456789")

    assert ("company", "Rocket Rides", None) == (company.type, company.name, company.first_name)
    company.check_for("usd", today=TODAY)
    error = refusal(Recipient.company, name="R" * 25, billing=ADDRESS)
    assert "recipient.name_on_card" == error.field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "alien"}, "recipient.type"),
        ({"billing": None}, "recipient.billing"),
        ({"billing": {"country": "US"}}, "recipient.billing"),
        ({"reference": ""}, "recipient.reference"),
        ({"reference": "x" * 201}, "recipient.reference"),
        ({"reference": "a\x1fb"}, "recipient.reference"),
    ],
)
def test_recipient_refuses_when_made_by_hand(changes: dict[str, Any], field: str) -> None:
    """The plain constructor checks as much as the two that should be used."""
    whole = {"type": "company", "name": "Rocket Rides", "billing": ADDRESS}

    assert field == refusal(Recipient, **{**whole, **changes}).field


def test_identity_is_the_same_when_only_details_change() -> None:
    """A new phone, address or e-mail updates the cardholder; it does not make another one."""
    before = make_recipient().identity("acct_1")
    moved = make_recipient(billing=BERLIN, phone_number="+491701234567", email="j@example.org")

    assert before == moved.identity("acct_1")


@pytest.mark.parametrize(
    "changes",
    [
        {"reference": "supplier-18"},
        {"reference": None},
        {"first_name": "Jane"},
        {"last_name": "Rose"},
        {"name_on_card": "J Rosen"},
    ],
)
def test_identity_changes_when_reference_or_name_change(changes: dict[str, Any]) -> None:
    """Stripe cannot rename a cardholder: another name is another one."""
    assert make_recipient().identity("acct_1") != make_recipient(**changes).identity("acct_1")


def test_identity_takes_birth_date_and_email_when_there_is_no_reference() -> None:
    """Without a reference, two people of one name differ by birth date or e-mail."""
    nameless = {"reference": None}
    first = make_recipient(**nameless).identity("acct_1")

    assert first == make_recipient(**nameless, email="JENNY@example.com").identity("acct_1")
    assert first != make_recipient(**nameless, email="other@example.com").identity("acct_1")
    born = date(1985, 3, 15)
    assert first != make_recipient(**nameless, date_of_birth=born).identity("acct_1")


def test_identity_differs_between_accounts() -> None:
    """Names on one account cannot be matched with those on another."""
    one, other = make_recipient().identity("acct_1"), make_recipient().identity("acct_2")

    assert one != other
    assert (32, 32) == (len(one), len(other))
    assert not {"jenny", "rosen"} & {one, other}


def test_reprs_show_no_personal_data() -> None:
    """Country, type and reference are all that a log may see."""
    person = make_recipient()

    assert "<Recipient individual supplier-17>" == repr(person)
    assert "<Recipient individual without reference>" == repr(make_recipient(reference=None))
    assert ("<Address US>", "<UserTerms>") == (repr(ADDRESS), repr(TERMS))


def test_refusals_show_no_personal_data_and_survive_pickling() -> None:
    """The text of a refusal names the field, not its value, and is the same in another process."""
    error = refusal(make_recipient, phone_number="0171 5550123", last_name="Rosen")
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes

    assert "5550123" not in str(error)
    assert (str(error), error.field, error.remedy) == (str(copied), copied.field, copied.remedy)


def test_terms_accepted_elsewhere_are_the_same_moment() -> None:
    """A time with another zone is fine: it is one moment."""
    there = TERMS.accepted_at.astimezone(timezone(timedelta(hours=9)))

    assert TERMS == UserTerms(accepted_at=there, ip="203.0.113.7")
