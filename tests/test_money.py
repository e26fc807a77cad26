"""
Is an amount exact, or refused?
"""

import decimal
from decimal import Decimal
from fractions import Fraction

import pytest

from issuing_disburse.exceptions import CurrencyMismatchError, InvalidInputError
from issuing_disburse.money import EXPONENTS, Money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("125.00", "usd", 12_500),
        ("125", "usd", 12_500),
        ("125.5", "usd", 12_550),
        ("0.01", "usd", 1),
        ("-0.01", "usd", -1),
        ("+7", "eur", 700),
        ("007.10", "gbp", 710),
        (" 125.00\n", "USD", 12_500),
        ("500", "jpy", 500),
        ("500.00", "jpy", 500),
        ("1.234", "kwd", 1_234),
        ("125.0000", "usd", 12_500),
        ("-0", "usd", 0),
        (Decimal("125.00"), "usd", 12_500),
        (Decimal("125.0000"), "usd", 12_500),
        (Decimal("1E+2"), "usd", 10_000),
        (Decimal("1E-2"), "usd", 1),
        ("9999999999999.99", "usd", 10**15 - 1),
    ],
)
def test_of_reads_exactly_when_the_text_is_plain(
    text: str | Decimal, currency: str, minor: int
) -> None:
    """Plain decimals, trailing zeros included, become minor units without any rounding."""
    assert Money(minor, currency.lower()) == Money.of(text, currency)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".5",
        "5.",
        "1,250.00",
        "1 250",
        "1_250",
        "1e3",
        "1E+3",
        "0x10",
        "nan",
        "NaN",
        "inf",
        "Infinity",
        "-inf",
        "--1",
        "+-1",
        "$5",
        "5 usd",
        "१२५",
        "\N{FULLWIDTH DIGIT FIVE}",
        "1²",
        "\N{MINUS SIGN}5",
        "5\x00",
        "1" * 16,
        "9" * 5_000,
        "0." + "0" * 31,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("-Infinity"),
        Decimal("1E+15"),
        Decimal("1E+999999"),
        Decimal("1E-999999"),
    ],
)
def test_of_refuses_when_it_is_no_plain_number(text: str | Decimal) -> None:
    """Exponents, separators, other digits and numbers that are none are refused, in few words."""
    with pytest.raises(InvalidInputError) as caught:
        Money.of(text, "usd")

    assert ("amount", "write digits and a point, like '1250.00'") == (
        caught.value.field,
        caught.value.remedy,
    )
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("amount", [125.0, 125, True, None, b"125", Fraction(1, 2), ["1"]])
def test_of_refuses_when_the_type_may_be_inexact(amount: object) -> None:
    """A float is refused, and so is everything else that is no text and no decimal."""
    with pytest.raises(InvalidInputError) as caught:
        Money.of(amount, "usd")  # type: ignore[arg-type]  # that is what is tested

    assert "amount" == caught.value.field
    assert "Money.of('125.00', 'usd')" in caught.value.remedy
    assert type(amount).__name__ in caught.value.problem


@pytest.mark.parametrize(
    ("text", "currency"),
    [("0.001", "usd"), ("0.5", "jpy"), ("1.2345", "kwd"), ("-12.505", "eur"), ("1.00001", "usd")],
)
def test_of_refuses_when_finer_than_the_minor_unit(text: str, currency: str) -> None:
    """Half a cent is not rounded, it is refused."""
    with pytest.raises(InvalidInputError) as caught:
        Money.of(text, currency)

    assert "finer than the minor unit" in caught.value.problem
    assert f"{currency} has {EXPONENTS[currency]} decimals" in caught.value.remedy


def test_of_does_not_round_when_the_caller_has_a_narrow_decimal_context() -> None:
    """Whoever calls may work with six digits; the amount keeps all of them."""
    with decimal.localcontext() as context:
        context.prec = 6
        text = Money.of("1234567.89", "usd")
        number = Money.of(Decimal("1234567.89"), "usd")

    assert Money(123_456_789, "usd") == text == number


@pytest.mark.parametrize("currency", ["", "us", "xyz", "usdt", "btc", " usd", "u$d", None, 7, []])
def test_of_refuses_when_the_currency_is_unknown(currency: object) -> None:
    """Only Stripe's currencies count."""
    with pytest.raises(InvalidInputError) as caught:
        Money.of("1", currency)  # type: ignore[arg-type]  # that is what is tested

    assert "amount.currency" == caught.value.field
    assert "ISO 4217" in caught.value.remedy


def test_money_refuses_when_the_code_is_upper_case() -> None:
    """The constructor takes Stripe's spelling only, so that equal amounts are equal."""
    with pytest.raises(InvalidInputError):
        Money(1, "USD")


@pytest.mark.parametrize("minor", [1.0, 12_500.0, True, "1", None, Decimal(1), float("nan")])
def test_money_refuses_when_minor_is_no_count(minor: object) -> None:
    """Minor units are a whole number, and a boolean is none."""
    with pytest.raises(InvalidInputError) as caught:
        Money(minor, "usd")  # type: ignore[arg-type]  # that is what is tested

    assert "amount.minor" == caught.value.field
    assert "12_500" in caught.value.remedy


@pytest.mark.parametrize("sign", [1, -1])
def test_money_refuses_when_the_unit_must_be_wrong(sign: int) -> None:
    """Up to 10^15 minor units, either way, and not one more."""
    assert sign * 10**15 == Money(sign * 10**15, "usd").minor
    with pytest.raises(InvalidInputError):
        Money(sign * (10**15 + 1), "usd")
    with pytest.raises(InvalidInputError):
        Money(sign * 10**15, "usd") + Money(sign, "usd")


def test_money_does_not_mix_when_currencies_differ() -> None:
    """No sum and no comparison joins two currencies."""
    dollar, euro = Money(1, "usd"), Money(1, "eur")
    for mix in (
        lambda: dollar + euro,
        lambda: dollar - euro,
        lambda: dollar < euro,
        lambda: dollar <= euro,
        lambda: dollar > euro,
        lambda: dollar >= euro,
    ):
        with pytest.raises(CurrencyMismatchError, match="usd and eur do not mix"):
            mix()

    assert dollar != euro


def test_money_compares_by_amount() -> None:
    """Within one currency amounts are ordered like their minor units."""
    one, same, two = Money(1, "usd"), Money(1, "usd"), Money(2, "usd")

    assert [one, two] == sorted([two, one])
    assert (True, True, True, True) == (one < two, one <= same, two > one, one >= same)
    assert (False, False, False, False) == (two < one, two <= one, one > two, one >= two)
    assert (False, False) == (one < same, one > same)
    assert 1 == len({one, same})


def test_money_knows_nothing_and_more_than_nothing() -> None:
    """Zero is zero and not positive; a debt is neither."""
    values = [Money.zero("usd"), Money(1, "usd"), Money(-1, "usd")]

    assert [(True, False), (False, True), (False, False)] == [
        (value.is_zero, value.is_positive) for value in values
    ]
    assert Money(-1, "usd") == -Money(1, "usd")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Money(12_500, "usd"), "125.00 usd"),
        (Money(1_234_567, "usd"), "12,345.67 usd"),
        (Money(-5, "eur"), "-0.05 eur"),
        (Money(-1_050, "eur"), "-10.50 eur"),
        (Money(0, "gbp"), "0.00 gbp"),
        (Money(1_500, "jpy"), "1,500 jpy"),
        (Money(1_002, "kwd"), "1.002 kwd"),
    ],
)
def test_money_prints_with_the_decimals_of_its_currency(value: Money, text: str) -> None:
    """People see major units, grouped, with as many decimals as the currency has."""
    assert text == str(value)


def test_repr_is_how_it_was_made() -> None:
    """A repr in a log can be pasted into a test."""
    assert "Money(-12500, 'usd')" == repr(Money(-12_500, "usd"))


def test_money_and_a_number_do_not_mix() -> None:
    """A bare number has no currency, so adding or comparing it is a type error like any other."""
    with pytest.raises(TypeError, match="Money"):
        Money(1, "usd") + 1  # type: ignore[operator]  # this is the mistake
    with pytest.raises(TypeError, match="Money"):
        Money(1, "usd") < 1  # type: ignore[operator]  # noqa: B015  # likewise
