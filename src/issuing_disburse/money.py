"""
How much, exactly, and in which currency?
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self

from attrs import Attribute, field, frozen

from .exceptions import CurrencyMismatchError, InvalidInputError

if TYPE_CHECKING:
    from decimal import Decimal

_TWO_DECIMALS = (
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad "
    "cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl "
    "htg huf idr ils inr isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop "
    "mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar "
    "sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah usd uyu uzs wst xcd "
    "xcg yer zar zmw"
)
_NO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf"
_THREE_DECIMALS = "bhd jod kwd omr tnd"

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}
"""How many decimals each currency has at Stripe."""

_MINOR_MAX = 10**15
_DECIMAL_TEXT = re.compile(r"([+-]?)(\d{1,15})(?:\.(\d{1,30}))?", re.ASCII)
_DIGITS_MAX = 50


@frozen(order=False)
class Money:
    """
    An exact, signed amount, counted in the currency's minor unit.

    ``Money(12_500, "usd")`` is $125.00. Orders and ledger postings ask for a positive one.
    Amounts of different currencies do not mix.

    >>> Money.of("125.00", "usd")
    Money(12500, 'usd')
    >>> Money.of("500", "jpy") + Money(1, "jpy")
    Money(501, 'jpy')
    >>> print(Money(-1_050, "eur"))
    -10.50 eur

    Raises:
        InvalidInputError: A fraction of a minor unit, a float, or an unknown currency.
    """

    minor: int = field()
    currency: str = field()

    @minor.validator
    def _is_a_count(self, attribute: Attribute[int], value: object) -> None:
        if type(value) is not int:  # bool is an int, too
            raise InvalidInputError(
                "amount.minor",
                f"must be a whole number of minor units, got {value!r}",
                "count in minor units (Money(12_500, 'usd')) or use Money.of('125.00', 'usd')",
            )
        if abs(value) > _MINOR_MAX:
            raise InvalidInputError(
                "amount.minor", "is beyond 10^15 minor units", "check the unit of the amount"
            )

    @currency.validator
    def _is_known(self, attribute: Attribute[str], value: object) -> None:
        if not isinstance(value, str) or value not in EXPONENTS:
            raise InvalidInputError(
                "amount.currency",
                f"{value!r} is no currency that Stripe knows",
                "use a lower-case ISO 4217 code such as 'usd'",
            )

    @classmethod
    def of(cls, amount: str | Decimal, currency: str) -> Self:
        """
        Read an amount in major units, exactly.

        Args:
            amount: Text or `decimal.Decimal` in major units: ``"125.00"``. Never a float.
            currency: ISO 4217 code; upper case is accepted here.

        Raises:
            InvalidInputError: Not a plain decimal number, or finer than the minor unit.
        """
        code = currency.lower() if isinstance(currency, str) else currency
        zero = cls(0, code)  # judges the currency
        exponent = EXPONENTS[zero.currency]
        from decimal import Decimal  # noqa: PLC0415 - who answers webhooks reads no decimals

        if isinstance(amount, Decimal):
            is_short = amount.is_finite() and abs(amount.adjusted()) < _DIGITS_MAX
            text = format(amount, "f") if is_short else str(amount)
        elif isinstance(amount, str):
            text = amount.strip()
        else:
            raise InvalidInputError(
                "amount",
                f"{type(amount).__name__} is not accepted, it may not be exact",
                "write the amount as text: Money.of('125.00', 'usd')",
            )
        read = _DECIMAL_TEXT.fullmatch(text)
        if read is None:
            raise InvalidInputError(
                "amount",
                f"{text[:40]!r} is no plain decimal number",
                "write digits and a point, like '1250.00'",
            )
        # Digit by digit: decimal arithmetic would round to the context of whoever calls.
        sign, whole, decimals = read[1], read[2], (read[3] or "").rstrip("0")
        if len(decimals) > exponent:
            raise InvalidInputError(
                "amount",
                f"{text!r} is finer than the minor unit of {code}",
                f"{code} has {exponent} decimals; round before paying",
            )
        return cls(int(f"{sign}{whole}{decimals:0<{exponent}}"), code)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """
        Return nothing, in *currency*.
        """
        return cls(0, currency)

    @property
    def is_zero(self) -> bool:
        """
        Whether there is nothing.
        """
        return self.minor == 0

    @property
    def is_positive(self) -> bool:
        """
        Whether there is more than nothing.
        """
        return self.minor > 0

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            msg = f"{self.currency} and {other.currency} do not mix"
            raise CurrencyMismatchError(msg)
        return other.minor

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor >= self._same(other)

    def __repr__(self) -> str:
        return f"Money({self.minor}, {self.currency!r})"

    def __str__(self) -> str:
        exponent = EXPONENTS[self.currency]
        sign = "-" if self.minor < 0 else ""
        whole, rest = divmod(abs(self.minor), 10**exponent)
        decimals = f".{rest:0{exponent}d}" if exponent else ""
        return f"{sign}{whole:,}{decimals} {self.currency}"
