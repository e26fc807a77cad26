"""
Does arithmetic with money lose or find a cent, for any amounts?
"""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import EXPONENTS, Money
from strategies import currencies, money


@st.composite
def same_currency(draw: st.DrawFn) -> tuple[Money, Money, Money]:
    """
    Generate three amounts of one currency.
    """
    one = draw(currencies)
    return tuple(draw(money(currency=st.just(one))) for _ in range(3))  # type: ignore[return-value]  # three


def plain(value: Money) -> str:
    """
    Write an amount as a caller would, by decimal arithmetic and not by ours.
    """
    return format(Decimal(value.minor).scaleb(-EXPONENTS[value.currency]), "f")


def read(amount: str | Decimal, currency: str) -> Money | None:
    """
    Return what `Money.of` reads, ``None`` for the one error that it may raise.
    """
    try:
        return Money.of(amount, currency)
    except InvalidInputError:
        return None


@given(money())
def test_of_reads_back_what_was_written(value: Money) -> None:
    """Every amount survives being written in major units, as text and as a decimal."""
    text = plain(value)

    assert value == Money.of(text, value.currency)
    assert value == Money.of(Decimal(text), value.currency.upper())


@given(money())
def test_str_is_what_of_reads_when_the_grouping_is_taken_out(value: Money) -> None:
    """What people see is the same amount."""
    number, code = str(value).split(" ")

    assert value == Money.of(number.replace(",", ""), code)


@given(same_currency())
def test_sums_are_those_of_whole_numbers(values: tuple[Money, Money, Money]) -> None:
    """Adding, subtracting and comparing are exact, in any order."""
    a, b, c = values
    zero = Money.zero(a.currency)

    assert (a + b) + c == a + (b + c) == c + (b + a)
    assert a.minor + b.minor == (a + b).minor
    assert a - b == a + -b == -(b - a)
    assert zero == a - a == a + -a
    assert a == a + zero
    assert (a < b, a <= b, a > b, a >= b) == (
        a.minor < b.minor,
        a.minor <= b.minor,
        a.minor > b.minor,
        a.minor >= b.minor,
    )


@given(st.text(max_size=20), currencies)
def test_of_reads_a_plain_number_or_refuses_when_given_any_text(text: str, currency: str) -> None:
    """Whatever the text, the answer is an exact amount or the one error with a remedy."""
    value = read(text, currency)

    assert value is None or Decimal(text.strip()) == Decimal(plain(value))


@given(st.decimals(allow_nan=True, allow_infinity=True), currencies)
def test_of_never_rounds_when_given_any_decimal(amount: Decimal, currency: str) -> None:
    """A decimal is taken exactly, or refused."""
    value = read(amount, currency)

    assert value is None or amount == Decimal(plain(value))


@given(st.integers(0, 10**12), st.integers(1, 9), currencies)
def test_of_refuses_when_one_digit_is_too_fine(minor: int, digit: int, currency: str) -> None:
    """One non-zero digit behind the minor unit is one too many."""
    text = plain(Money(minor, currency))
    finer = (text if "." in text else f"{text}.") + str(digit)

    with pytest.raises(InvalidInputError):
        Money.of(finer, currency)
