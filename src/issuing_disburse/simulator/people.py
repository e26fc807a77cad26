"""
Is this a name, an e-mail address, a phone number that Stripe takes?
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

from issuing_disburse.simulator.errors import ApiError

LONGEST_NAME = 24
YOUNGEST_YEARS = 13


_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ.,\-' ]*[A-Za-zÀ-ÖØ-öø-ɏ][A-Za-zÀ-ÖØ-öø-ɏ.,\-' ]*\Z")


_PRINTABLE = re.compile(r"[A-Za-zÀ-ÖØ-öø-ɏ0-9/\-&:().' ]+\Z")


_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+\Z")


def check_name(value: str, name: str) -> None:
    if len(value) > LONGEST_NAME:
        raise ApiError(
            f"Invalid {name}: must be at most {LONGEST_NAME} characters long.", param=name
        )
    if not _PRINTABLE.match(value):
        raise ApiError(f"Invalid {name}: it must not contain special characters.", param=name)


def check_person(value: str, name: str) -> None:
    if not _LATIN.match(value):
        raise ApiError(
            f"Invalid {name}: must contain at least one letter, and may only contain Latin letters"
            " and the characters . , - ' and space.",
            param=name,
        )


def check_email(value: str, name: str) -> None:
    if not _EMAIL.match(value):
        raise ApiError(f"Invalid email address: {value[:80]}", code="email_invalid", param=name)


def check_birth(birth: Mapping[str, int], now: int) -> None:
    """
    Refuse a date that there is none, and who is not yet thirteen at *now* (Unix seconds).
    """
    param = "individual[dob]"
    try:
        day = date(birth["year"], birth["month"], birth["day"])
    except ValueError:
        raise ApiError("Invalid dob: there is no such day.", param=param) from None
    today = datetime.fromtimestamp(now, UTC).date()
    age = today.year - day.year - ((today.month, today.day) < (day.month, day.day))
    if age < YOUNGEST_YEARS:
        raise ApiError(
            f"Invalid dob: cardholders must be at least {YOUNGEST_YEARS} years old.", param=param
        )


def e164(number: str, country: str) -> str:
    digits = re.sub(r"[^0-9]", "", number)
    if not 7 <= len(digits) <= 15 or re.search(r"[^0-9+() .\-]", number):  # noqa: PLR2004 - E.164
        raise ApiError(f'"{number}" is not a valid phone number', param="phone_number")
    if number.lstrip().startswith("+"):
        return "+" + digits
    if country == "US":
        return "+1" + digits[-10:]
    return "+" + digits
