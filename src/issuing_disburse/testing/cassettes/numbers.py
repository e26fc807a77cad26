"""
Which digits could be a card's number, and which are published for tests?
"""

from __future__ import annotations

import re

PUBLISHED = re.compile(
    r"400000999\d{7}"  # test cards of Stripe Issuing, and the simulator's
    r"|4242424242424242|4111111111111111|4000000000000077|5555555555554444|378282246310005"
)
"""The numbers that may stand in a file; whole numbers are compared."""

SHORTEST, LONGEST = 13, 19

# Lengths and first digits that the networks give out.
_NETWORKS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12,15}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"  # JCB
    r"|3(?:0[0-5]|[689]\d)\d{11}|3(?:095|[689]\d\d)\d{12}"  # Diners Club
    r"|(?:62|81)\d{14,17}"  # UnionPay
    r"|220[0-4]\d{12}"  # Mir
    r"|(?:5[06-9]|6\d)\d{14,17}",  # Maestro and kin
    re.ASCII,
)
_CLOCK = re.compile(r"1\d{12}(?:\d{3}(?:\d{3})?)?", re.ASCII)


def passes_luhn(digits: str) -> bool:
    """
    Tell whether the check digit of *digits* is right.
    """
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(sum(divmod(d, 10)) for d in doubled)) % 10 == 0


def is_card_number(digits: str, *, is_elsewhere: bool = False) -> bool:
    """
    Tell whether *digits* could be the number of a card that is none of the published test cards.

    Times in milli-, micro- and nanoseconds, which begin with 1, are none.

    Args:
        digits: ASCII digits, nothing between them.
        is_elsewhere: They stand where numbers of other kinds are usual: only what a network could
            have given out counts.

    >>> is_card_number("4000009990000013")
    False
    """
    if not SHORTEST <= len(digits) <= LONGEST or not passes_luhn(digits):
        return False
    if not digits.strip("0") or PUBLISHED.fullmatch(digits.lstrip("0")):
        return False
    if is_elsewhere:
        return _NETWORKS.fullmatch(digits.lstrip("0")) is not None
    return _CLOCK.fullmatch(digits) is None


def is_iban(letters: str, digits: str) -> bool:
    """
    Tell whether both together are the number of a bank account, by its check digits.

    >>> is_iban("DE", "89370400440532013000")
    True
    """
    if len(letters) != 2 or not (letters.isalpha() and letters.isupper()):  # noqa: PLR2004 - a country
        return False
    country = "".join(str(ord(letter) - 55) for letter in letters)
    return int(digits[2:] + country + digits[:2]) % 97 == 1


def stand_in(number: str) -> str:
    """
    Return the test number that stands for *number* in a cassette: it keeps the last four digits.

    >>> stand_in("4242424242424242"), stand_in(stand_in("4242424242424242"))
    ('4000009990054242', '4000009990054242')
    """
    last4 = "".join(mark for mark in number if mark.isdigit())[-4:].rjust(4, "0")
    return next(
        found for digit in "0123456789" if passes_luhn(found := f"40000099900{digit}{last4}")
    )
