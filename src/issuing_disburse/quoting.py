"""
What does an error of Stripe's quote of the person it is about, and how is that taken out?

Stripe's messages may repeat what they were sent, in another case, percent-encoded, or, with phone
numbers and dates, written in another way. No pattern is made of anybody's data: the interpreter would
keep it in its cache.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, quote_plus

from attrs import frozen

PERSONAL = "[personal]"
"""What stands in the place of somebody's data."""

_NAMES = frozenset(
    {"city", "email", "first_name", "ip", "last_name", "line1", "line2", "name", "nonce"}
    | {"phone_number", "postal_code", "state", "tax_id", "user_agent"}
)
_LONG = 5  # shorter texts count as whole words only: somebody's name may be "An"
_PHONE = re.compile(r"[+(]{0,2}\d(?:[\s().\-]{0,3}\d){6,}", re.ASCII)
_PHONE_DIGITS = 7
_DATE = re.compile(r"(?<!\d)(?:\d{1,2}[-/. ]){0,2}\d{4}(?:[-/. ]\d{1,2}){0,2}(?!\d)", re.ASCII)


@frozen(kw_only=True, repr=False)
class Quoted:
    """
    What one request said about a person, to be taken out of the error that answers it.
    """

    texts: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    years: tuple[str, ...] = ()

    @classmethod
    def of(cls, sent: bytes) -> Quoted:
        """
        Read it from the body of a request.
        """
        texts: set[str] = set()
        phones: set[str] = set()
        years: set[str] = set()
        for name, text in parse_qsl(sent.decode(errors="replace")):
            last = name.rpartition("[")[2].rstrip("]")
            if last in _NAMES and len(text) > (2 if last == "state" else 1):
                texts |= {text.lower(), quote(text, safe="").lower(), quote_plus(text).lower()}
            if last == "phone_number":
                phones.add("".join(mark for mark in text if mark.isdigit())[-_PHONE_DIGITS:])
            if last == "year" and "dob" in name:
                years.add(text)
        return cls(
            texts=tuple(sorted(texts, key=len, reverse=True)),
            phones=tuple(phones),
            years=tuple(years),
        )

    def taken_out_of(self, text: str) -> str:
        """
        Return *text* without it.
        """
        for one in self.texts:
            text = "".join(_without(text, one))
        if self.phones:
            text = _PHONE.sub(self._phone, text)
        return _DATE.sub(self._date, text) if self.years else text

    def _phone(self, found: re.Match[str]) -> str:
        digits = "".join(mark for mark in found[0] if mark.isdigit())
        return PERSONAL if any(one in digits for one in self.phones) else found[0]

    def _date(self, found: re.Match[str]) -> str:
        return PERSONAL if any(one in found[0] for one in self.years) else found[0]


def _without(text: str, wanted: str) -> Iterator[str]:
    """
    Yield the parts of *text*, with what stands for *wanted*, in whatever case it is written.
    """
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter that has no small form of its own: as it is written
        lowered = text
    at = 0
    while (found := lowered.find(wanted, at)) >= 0:
        end = found + len(wanted)
        is_word = not (lowered[:found][-1:].isalnum() or lowered[end : end + 1].isalnum())
        is_theirs = is_word or len(wanted) >= _LONG
        yield text[at:found] + (PERSONAL if is_theirs else text[found:end])
        at = end
    yield text[at:]
