"""
Who is to be paid, and what must be known about them before Stripe is asked?
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import unicodedata
from datetime import date, datetime
from typing import Literal, Self

from attrs import field, frozen

from .exceptions import InvalidInputError
from .vocabulary import COUNTRIES, cardholders_live_in, needs_phone

NAME_ON_CARD_MAX = 24

_LATIN_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z .,'-]+")
_NAME_ON_CARD = re.compile(r"(?=.*[A-Za-z])[A-Za-z .'-]+")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")
_PHONE = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_PHONE_PUNCTUATION = re.compile(r"[\s().-]")
_LETTERS = str.maketrans(
    {
        "ß": "ss", "Æ": "Ae", "æ": "ae", "Ø": "O", "ø": "o", "Œ": "Oe", "œ": "oe", "Ł": "L",
        "ł": "l", "Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Þ": "Th", "þ": "th", "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{HYPHEN}": "-", "\N{EN DASH}": "-",
    }
)  # fmt: skip


def latinised(text: str) -> str:
    """
    Write *text* in the letters that Stripe takes for names, dropping accents.

    >>> latinised("Zoë Łukasiewicz-Groß")
    'Zoe Lukasiewicz-Gross'
    """
    marks = text if text.isascii() else unicodedata.normalize("NFKD", text)
    plain = marks if text.isascii() else [m for m in marks if not unicodedata.combining(m)]
    return "".join(plain).translate(_LETTERS).strip()


def _text(path: str, value: object, longest: int) -> str:
    if value is not None and not isinstance(value, str):
        raise InvalidInputError(path, f"is {type(value).__name__}, not text", "put it in quotes")
    if value is None or not value.strip():
        raise InvalidInputError(path, "is missing", "give a non-empty text")
    if len(value) > longest:
        raise InvalidInputError(path, f"is longer than {longest} characters", "shorten it")
    if re.search("[\x00-\x1f\x7f-\x9f\ud800-\udfff]", value):  # or half of a pair
        raise InvalidInputError(path, "holds a control character", "remove it")
    return value.strip()


@frozen(kw_only=True, repr=False)
class Address:
    """
    A billing address, usually the one of the business. Its repr shows the country only.

    Attributes:
        country: Two upper-case letters (ISO 3166-1 alpha-2), such as ``US``.
        state: As the country's post writes it, such as ``OH``.

    Raises:
        InvalidInputError: Naming the field and the remedy.
    """

    line1: str = field()
    city: str = field()
    postal_code: str = field()
    country: str = field()
    line2: str | None = None
    state: str | None = None

    def __attrs_post_init__(self) -> None:
        for name in ("line1", "city", "postal_code"):
            _text(f"recipient.billing.{name}", getattr(self, name), 200)
        for name in ("line2", "state"):
            if getattr(self, name) is not None:
                _text(f"recipient.billing.{name}", getattr(self, name), 200)
        if self.country not in COUNTRIES:
            raise InvalidInputError(
                "recipient.billing.country",
                f"{self.country!r} is no country",
                "use an upper-case ISO 3166-1 alpha-2 code such as 'US'",
            )
        if not cardholders_live_in(self.country):
            raise InvalidInputError(
                "recipient.billing.country",
                f"{self.country} is outside Stripe's local Issuing programs",
                "a cardholder's address is in the US, the UK or the EEA",
            )

    def __repr__(self) -> str:
        return f"<Address {self.country}>"


@frozen(kw_only=True, repr=False)
class UserTerms:
    """
    When and from where the card user accepted the Authorized User Terms.

    Attributes:
        accepted_at: Aware datetime; sent to Stripe as Unix seconds, which are UTC.
        ip: IPv4 or IPv6 address of the acceptance.

    Raises:
        InvalidInputError: A time without a zone, or no address.
    """

    accepted_at: datetime = field()
    ip: str = field()
    user_agent: str | None = None

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.accepted_at, datetime) or self.accepted_at.tzinfo is None:
            raise InvalidInputError(
                "recipient.user_terms.accepted_at",
                "has no time zone",
                "pass an aware datetime: datetime(2026, 11, 1, tzinfo=UTC)",
            )
        try:
            ipaddress.ip_address(str(self.ip))  # as text: a number would pass for an address
        except ValueError:
            raise InvalidInputError(
                "recipient.user_terms.ip", "is no IP address", "pass the address of the acceptance"
            ) from None

    def __repr__(self) -> str:
        return "<UserTerms>"


@frozen(kw_only=True, repr=False)
class Recipient:
    """
    Who is to be paid; becomes one Stripe cardholder per account.

    Make one with `individual` or `company`. Names lose their accents on the way to Stripe,
    which takes Latin letters only. The repr shows no personal data.
    """

    type: Literal["individual", "company"]
    name: str
    billing: Address
    reference: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone_number: str | None = None
    date_of_birth: date | None = None
    user_terms: UserTerms | None = None
    tax_id: str | None = None

    @classmethod
    def individual(
        cls,
        *,
        first_name: str,
        last_name: str,
        billing: Address,
        reference: str | None = None,
        name_on_card: str | None = None,
        email: str | None = None,
        phone_number: str | None = None,
        date_of_birth: date | None = None,
        user_terms: UserTerms | None = None,
    ) -> Self:
        """
        Describe a person.

        Args:
            reference: Yours; the same reference is the same cardholder for ever.
            name_on_card: At most 24 letters; needed when first and last name are longer.
            user_terms: Needed for every individual with a US address.
            phone_number: ``+`` and digits; needed in the EEA and the UK.

        Raises:
            InvalidInputError: Naming the field and the remedy. Nothing was sent.
        """
        return cls(
            type="individual",
            name=name_on_card or f"{first_name} {last_name}".replace(",", ""),
            billing=billing,
            reference=reference,
            first_name=first_name,
            last_name=last_name,
            email=email,
            phone_number=phone_number,
            date_of_birth=date_of_birth,
            user_terms=user_terms,
        )

    @classmethod
    def company(
        cls,
        *,
        name: str,
        billing: Address,
        reference: str | None = None,
        email: str | None = None,
        phone_number: str | None = None,
        tax_id: str | None = None,
    ) -> Self:
        """
        Describe a company. Some programs take individuals only; Stripe then refuses.

        Args:
            name: At most 24 letters, as printed on the card.

        Raises:
            InvalidInputError: Naming the field and the remedy. Nothing was sent.
        """
        return cls(
            type="company",
            name=name,
            billing=billing,
            reference=reference,
            email=email,
            phone_number=phone_number,
            tax_id=tax_id,
        )

    def __attrs_post_init__(self) -> None:
        if self.type not in {"individual", "company"}:
            raise InvalidInputError(
                "recipient.type", "is unknown", "use Recipient.individual(...) or .company(...)"
            )
        if not isinstance(self.billing, Address):
            raise InvalidInputError("recipient.billing", "is missing", "pass an Address(...)")
        if self.reference is not None:
            _text("recipient.reference", self.reference, 200)
        if self.email is not None and not _EMAIL.fullmatch(
            _text("recipient.email", self.email, 320)
        ):
            raise InvalidInputError(
                "recipient.email", "is no e-mail address", "correct it or leave it out"
            )
        if self.phone_number is not None:
            self._check_phone(self.phone_number)
        born = self.date_of_birth
        if born is not None and (not isinstance(born, date) or isinstance(born, datetime)):
            raise InvalidInputError(
                "recipient.date_of_birth", "is no date", "pass datetime.date(1985, 3, 14)"
            )
        if self.type == "individual":
            self._check_individual()
        object.__setattr__(self, "name", _name_on_card(self.name))

    def _check_phone(self, number: str) -> None:
        compact = _PHONE_PUNCTUATION.sub("", number) if isinstance(number, str) else ""
        if not _PHONE.fullmatch(compact):
            raise InvalidInputError(
                "recipient.phone_number",
                "is not in international form",
                "write it as '+' and country code and number: '+18008675309'",
            )
        object.__setattr__(self, "phone_number", compact)

    def _check_individual(self) -> None:
        for part in ("first_name", "last_name"):
            name = _person_name(f"recipient.{part}", getattr(self, part))
            object.__setattr__(self, part, name)
        if self.user_terms is not None and not isinstance(self.user_terms, UserTerms):
            raise InvalidInputError(
                "recipient.user_terms", "is no UserTerms", "pass UserTerms(accepted_at=…, ip=…)"
            )
        if self.billing.country == "US" and self.user_terms is None:
            raise InvalidInputError(
                "recipient.user_terms",
                "is missing for an individual in the US",
                "show the Authorized User Terms and pass UserTerms(accepted_at=…, ip=…)",
            )

    def check_for(self, currency: str, *, today: date) -> None:
        """
        Refuse what Stripe would only refuse at the card, or never make usable.

        Args:
            currency: Of the card to be issued.
            today: UTC date, for the minimum age of 13 years.

        Raises:
            InvalidInputError: Naming the field and the remedy. Nothing was sent.
        """
        if self.phone_number is None and needs_phone(self.billing.country, currency):
            raise InvalidInputError(
                "recipient.phone_number",
                "is missing; cards in the EEA and the UK need it for 3D Secure",
                "pass phone_number='+44…'",
            )
        born = self.date_of_birth
        if born is not None and (born.year + 13, born.month, born.day) >= (
            today.year,
            today.month,
            today.day,
        ):
            raise InvalidInputError(
                "recipient.date_of_birth", "is less than 13 years ago", "correct it"
            )

    def identity(self, account: str) -> str:
        """
        Return the opaque name under which this recipient is one cardholder of *account*.

        The reference decides if there is one, else type, name, birth date and e-mail. A new name
        makes a new one, because Stripe cannot rename a cardholder.
        """
        who = (
            ["reference", self.reference]
            if self.reference is not None
            else ["person", self.type, str(self.date_of_birth), (self.email or "").lower()]
        )
        text = "\x1f".join([*who, self.name, self.first_name or "", self.last_name or ""])
        return hmac.new(account.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]

    def __repr__(self) -> str:
        return f"<Recipient {self.type} {self.reference or 'without reference'}>"


def _person_name(path: str, value: str) -> str:
    name = latinised(_text(path, value, 200))
    if not _LATIN_NAME.fullmatch(name):
        raise InvalidInputError(
            path,
            "holds something other than letters, space and . , - '",
            "Stripe takes Latin letters only: transliterate it",
        )
    return name


def _name_on_card(value: str) -> str:
    name = latinised(_text("recipient.name_on_card", value, 400))
    if len(name) > NAME_ON_CARD_MAX:
        raise InvalidInputError(
            "recipient.name_on_card",
            f"has {len(name)} characters, a card carries {NAME_ON_CARD_MAX}",
            "pass a shorter name_on_card=",
        )
    if not _NAME_ON_CARD.fullmatch(name):
        raise InvalidInputError(
            "recipient.name_on_card",
            "holds something other than letters, space and . - '",
            "pass name_on_card= in Latin letters without digits",
        )
    return name
