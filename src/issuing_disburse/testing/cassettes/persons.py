"""
Which fields say something about a person, and what stands in their place in a cassette?

Pseudonyms are numbered in the order in which people turn up, so nothing about anybody can be computed
from them, by whatever dictionary. The same value gets the same pseudonym throughout one cassette.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from attrs import define, field

FORMS = {
    "agent": "agent-{}",
    "city": "City-{}",
    "email": "person-{}@example.com",
    "family": "Family-{}",
    "given": "Given-{}",
    "ip": "203.0.113.{}",
    "line": "Street-{}",
    "name": "Person-{}",
    "phone": "+1555000{}",
    "postal": "Zip-{}",
    "state": "State-{}",
    "tax": "tax-{}",
}
"""How the pseudonyms of each kind look; a value of that look is its own pseudonym."""

_LOOKS = {
    kind: re.compile(re.escape(form).replace(r"\{\}", "[1-9][0-9]{0,5}"))
    for kind, form in FORMS.items()
}
_ANYWHERE = re.compile("|".join(rf"(?<!\w){look.pattern}(?!\w)" for look in _LOOKS.values()))
# A state may be two letters, which mean something else in another field.
_WORDS = tuple(kind for kind in FORMS if kind != "state")
_KINDS = {
    "account_holder_name": "name",
    "cardholder_name": "name",
    "email": "email",
    "first_name": "given",
    "full_name": "name",
    "id_number": "tax",
    "ip": "ip",
    "ip_address": "ip",
    "last_name": "family",
    "line1": "line",
    "line2": "line",
    "maiden_name": "family",
    "name_on_card": "name",
    "phone": "phone",
    "phone_number": "phone",
    "postal_code": "postal",
    "receipt_email": "email",
    "ssn_last_4": "tax",
    "tax_id": "tax",
    "user_agent": "agent",
    "vat_id": "tax",
}
_OF_SOMEBODY = {"city": "city", "name": "name", "state": "state"}
_SOMEBODY = frozenset(
    {"address", "billing", "billing_details", "cardholder", "company", "customer", "individual"}
    | {"owner", "person", "recipient", "representative", "shipping"}
)
_NOBODY = frozenset({"business_profile", "merchant_data"})
_BORN = {"day": 1, "month": 1, "year": 1970}
_BORN_ON = "1970-01-01"
_PEOPLE = re.compile(r"/(?:cardholders|customers|persons)(?:/[^/?]+)?/?$")
_OBJECTS = frozenset({"customer", "issuing.cardholder", "person"})
_SLOT = "\ue000{}"  # a mark that nobody has in a name
_SOMEBODY_IN_TEXT = _SLOT.format("somebody")
_LONG = 5  # shorter texts count as whole words only: somebody's name may be "An"


def kind_of(path: Sequence[str], *, is_somebody: bool) -> str | None:
    """
    Return which kind of personal data stands under *path*, ``None`` for none.

    Args:
        path: The names from the outermost to the innermost, without the numbers of a list.
        is_somebody: Whether the whole object, or the whole request, is about a person.

    >>> kind_of(("billing", "address", "city"), is_somebody=False)
    'city'
    >>> kind_of(("merchant_data", "city"), is_somebody=True)
    """
    if not path or not _NOBODY.isdisjoint(path):
        return None
    last = path[-1]
    if last in _KINDS:
        return _KINDS[last]
    if last in _OF_SOMEBODY and (
        (is_somebody and len(path) == 1) or not _SOMEBODY.isdisjoint(path[:-1])
    ):
        return _OF_SOMEBODY[last]
    return None


def birth_part(path: Sequence[str]) -> int | str | None:
    """
    Return what stands in the place of a birth date, or of a part of it; ``None`` elsewhere.
    """
    if len(path) > 1 and path[-2] in {"birthdate", "dob"}:
        return _BORN.get(path[-1])
    return _BORN_ON if path and path[-1] in {"birthdate", "date_of_birth", "dob"} else None


def is_about_somebody(url_path: str) -> bool:
    """
    Tell whether requests for this path are about a person.
    """
    return _PEOPLE.search(url_path) is not None


def is_somebody(name: object) -> bool:
    """
    Tell whether objects that Stripe calls *name* are persons.
    """
    return isinstance(name, str) and name in _OBJECTS


class Naming(Protocol):
    """
    Whoever says what stands in the place of personal data.
    """

    def of(self, kind: str, value: str) -> str:
        """
        Return what stands for *value*.
        """

    def in_text(self, text: str) -> str:
        """
        Return *text* with what is known of people taken out.
        """

    def __len__(self) -> int:
        """
        Return how much is known of people.
        """


@define
class Pseudonyms:
    """
    Gives out the pseudonyms of one cassette.

    >>> names = Pseudonyms()
    >>> names.of("email", "jenny@example.org"), names.of("email", "person-1@example.com")
    ('person-1@example.com', 'person-1@example.com')
    """

    known: dict[tuple[str, str], str] = field(factory=dict, repr=False)
    _counts: dict[str, int] = field(factory=dict)

    def of(self, kind: str, value: str) -> str:
        """
        Return the pseudonym of *value*, a new one at its first time.
        """
        if not value or _ANYWHERE.fullmatch(value):
            return value
        found = self.known.get((kind, value))
        if found is None:
            self._counts[kind] = count = self._counts.get(kind, 0) + 1
            found = self.known[kind, value] = FORMS[kind].format(count)
        return found

    def __len__(self) -> int:
        return len(self.known)

    def in_text(self, text: str) -> str:
        """
        Return *text* with everybody who is known by then under their pseudonyms.
        """
        if _is_word(text):
            found = (self.known[one, text] for one in _WORDS if (one, text) in self.known)
            return next(found, text)
        for kind, value in _named_in(text, self.known):
            by = self.known[kind, value]
            pieces = _ANYWHERE.split(text)  # pseudonyms stay, whatever somebody is called
            kept = [*_ANYWHERE.findall(text), ""]
            text = "".join(
                "".join(_replaced(piece, value, by)) + pseudonym
                for piece, pseudonym in zip(pieces, kept, strict=True)
            )
        return text


@define
class Slots:
    """
    Leaves the kind of personal data in its place, and keeps the values in order: for comparing.

    Args:
        bound: Values of the test, and what stands for them in the cassette, as far as that is known.
    """

    bound: Mapping[tuple[str, str], str] = field(factory=dict, repr=False)
    values: list[tuple[str, str]] = field(factory=list, repr=False)

    def of(self, kind: str, value: str) -> str:
        """
        Keep *value*, and return its kind.
        """
        slot = _SLOT.format(kind)
        if not value or value == slot:
            return value
        self.values.append((kind, value))
        return slot

    def __len__(self) -> int:
        return len(self.values)

    def in_text(self, text: str) -> str:
        """
        Return *text* with one word for whatever stands for a person in it.
        """
        text = _ANYWHERE.sub(_SOMEBODY_IN_TEXT, text)
        if _is_word(text):
            here = set(self.values)
            is_known = any((one, text) in self.bound or (one, text) in here for one in _WORDS)
            return _SOMEBODY_IN_TEXT if is_known else text
        for _, value in _named_in(text, {*self.bound, *self.values}):
            text = "".join(_replaced(text, value, _SOMEBODY_IN_TEXT))
        return text


def _named_in(text: str, known: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """
    Return who of those *known* may be named in *text*, the longest first.
    """
    lowered = text.lower()
    found = [one for one in known if one[1].lower() in lowered]
    return sorted(found, key=lambda one: (-len(one[1]), one))


def _is_word(text: str) -> bool:
    """
    Tell whether *text* is one word: somebody's whole value, or nobody's.
    """
    return " " not in text and "@" not in text


def _replaced(text: str, wanted: str, by: str) -> Iterator[str]:
    lowered, sought = text.lower(), wanted.lower()
    if len(lowered) != len(text) or len(sought) != len(wanted):
        lowered, sought = text, wanted  # a letter that has no small form of its own
    at = 0
    while (found := lowered.find(sought, at)) >= 0:
        end = found + len(sought)
        is_word = not (lowered[:found][-1:].isalnum() or lowered[end : end + 1].isalnum())
        is_theirs = is_word or len(sought) >= _LONG
        yield text[at:found] + (by if is_theirs else text[found:end])
        at = end
    yield text[at:]
