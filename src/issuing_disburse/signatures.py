"""
Did Stripe sign these bytes, and just now?
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from attrs import field, frozen

from .exceptions import InvalidInputError, SignatureInvalidError
from .hidden import Hidden

TOLERANCE_SECONDS = 300
"""How far a signed timestamp may lie from our clock, on either side."""

_HEADER_LENGTH_MAX = 2_048
_SIGNATURES_MAX = 16
_COMMON = re.compile(r"t=([0-9]{1,11}),v1=([0-9a-f]{64})(?:,v0=[0-9a-f]{64})?", re.ASCII)
_TIMESTAMP = re.compile(r"[0-9]{1,11}", re.ASCII)

# One message for every cause: a forger learns nothing, an integrator learns where to look.
_MESSAGE = (
    "no valid Stripe-Signature for these bytes: pass the raw body and the header as received, "
    "the endpoint's own secret, and keep the clock right"
)


def _keyed(secrets: str | Hidden | Iterable[str | Hidden]) -> tuple[hmac.HMAC, ...]:
    hidden = Hidden.each(secrets)
    del secrets  # error reporters keep the variables of frames they find in a traceback
    each = hidden if isinstance(hidden, tuple) else (hidden,)
    if not all(_is_secret(one) for one in each):
        raise InvalidInputError(
            "webhook_secret",
            "is empty, has white space at its ends or is no ASCII text",
            "pass the endpoint's signing secret, which begins with 'whsec_'",
        )
    if not each:
        raise InvalidInputError(
            "webhook_secret", "is missing", "pass at least one endpoint's signing secret"
        )
    return tuple([hmac.new(one.revealed().encode(), digestmod="sha256") for one in each])


def _is_secret(one: Hidden) -> bool:
    text: object = one.revealed()
    return isinstance(text, str) and bool(text) and text == text.strip() and text.isascii()


def _tolerance(value: int) -> int:
    if type(value) is not int or value < 0:
        raise InvalidInputError(
            "tolerance_seconds", "must be a whole number from 0", f"use {TOLERANCE_SECONDS}"
        )
    return value


@frozen(eq=False, repr=False)
class Verifier:
    """
    Checks signatures against one or several secrets, with the keys prepared once.

    It keeps no secret, only hash states that were started with one. Safe to share between threads.

    Args:
        secrets: One secret, or those of every endpoint, and both during a rotation.
        tolerance_seconds: How old, and how far in the future, a signature may be.

    >>> at = datetime(2026, 11, 2, 9, tzinfo=UTC)
    >>> verifier = Verifier(["whsec_new", "whsec_old"])
    >>> verifier
    Verifier(<2 secrets>, tolerance_seconds=300)
    >>> verifier.verify(b"{}", sign(b"{}", "whsec_old", at), now=at) == at
    True

    Raises:
        InvalidInputError: No secret, or an empty one: anybody could sign with that.
    """

    _contexts: tuple[hmac.HMAC, ...] = field(alias="secrets", converter=_keyed)
    tolerance_seconds: int = field(default=TOLERANCE_SECONDS, kw_only=True, converter=_tolerance)

    def verify(self, payload: bytes, header: str, *, now: datetime) -> datetime:
        """
        Return when Stripe signed *payload*, in UTC.

        Whatever *payload* and *header* are, nothing but one exception with one message comes out.

        Args:
            payload: The raw body, before anything parsed it.
            header: The value of ``Stripe-Signature``.
            now: Aware time to judge the age by.

        Raises:
            SignatureInvalidError: Not signed with any of the secrets, or not about now.

        Stripe: ``Stripe-Signature: t=…,v1=…``
        """
        return datetime.fromtimestamp(self.check(payload, header, now=now), UTC)

    def check(self, payload: bytes, header: str, *, now: datetime) -> int:
        """
        Do what `verify` does, and return the signed seconds since 1970 as they are.
        """
        if type(payload) is not bytes or type(header) is not str:
            raise SignatureInvalidError(_MESSAGE)
        if len(header) > _HEADER_LENGTH_MAX or not header.isascii():
            raise SignatureInvalidError(_MESSAGE)
        common = _COMMON.fullmatch(header)
        timestamp, *signatures = common.groups() if common else _read(header)
        seconds = int(timestamp)
        if abs(now.timestamp() - seconds) > self.tolerance_seconds:
            raise SignatureInvalidError(_MESSAGE)
        if not self._is_signed(timestamp, payload, signatures):
            raise SignatureInvalidError(_MESSAGE)
        return seconds

    def _is_signed(self, timestamp: str, payload: bytes, signatures: list[str]) -> bool:
        signed = f"{timestamp}.".encode() + payload
        for context in self._contexts:
            digest = context.copy()
            digest.update(signed)
            expected = digest.hexdigest()
            for signature in signatures:
                if hmac.compare_digest(expected, signature):
                    return True
        return False

    def __repr__(self) -> str:
        count = len(
            getattr(self, "_contexts", ())
        )  # a report of its own refusal shows it half made
        secrets = "1 secret" if count == 1 else f"{count} secrets"
        tolerance = getattr(self, "tolerance_seconds", "?")
        return f"Verifier(<{secrets}>, tolerance_seconds={tolerance})"


def _read(header: str) -> list[str]:
    """
    Return the timestamp and every signature of a header in whatever order and company.
    """
    timestamps: list[str] = []
    signatures: list[str] = []
    for item in header.split(","):
        scheme, _, value = item.partition("=")
        if scheme == "v1":
            signatures.append(value)
        elif scheme == "t":
            timestamps.append(value)
    if len(timestamps) != 1 or not 0 < len(signatures) <= _SIGNATURES_MAX:
        raise SignatureInvalidError(_MESSAGE)
    if not _TIMESTAMP.fullmatch(timestamps[0]):  # int() also takes '+1' and '1_7'
        raise SignatureInvalidError(_MESSAGE)
    return timestamps + signatures


def verify(
    payload: bytes,
    header: str,
    secrets: Sequence[str],
    *,
    now: datetime,
    tolerance_seconds: int = TOLERANCE_SECONDS,
) -> datetime:
    """
    Return when Stripe signed *payload*, once; keep a `Verifier` to check many.

    Raises:
        SignatureInvalidError: Not signed with any of the secrets, or not about now.
        InvalidInputError: No secret, or an empty one.
    """
    verifier = Verifier(secrets, tolerance_seconds=tolerance_seconds)
    del secrets  # error reporters keep the variables of frames they find in a traceback
    return verifier.verify(payload, header, now=now)


def sign(payload: bytes, secret: str, at: datetime) -> str:
    """
    Return the header that Stripe would send with *payload*: the mirror of `verify`, for tests.

    >>> sign(b"{}", "whsec_example", datetime(2026, 11, 2, 9, tzinfo=UTC))[:20]
    't=1793610000,v1=5bb1'
    """
    (digest,) = _keyed(secret)
    timestamp = int(at.timestamp())
    digest.update(f"{timestamp}.".encode() + payload)
    return f"t={timestamp},v1={digest.hexdigest()}"
