"""
What is asked, what may be spent, and what can be said about it?
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias

from attrs import frozen

from .money import Money
from .terms import Terms


@frozen(kw_only=True, slots=False)  # made for each question: without slots in half the time
class AuthorizationRequest:
    """
    What a merchant asks for, read from ``issuing_authorization.request``.

    Attributes:
        amount: What is asked now, in the card's currency, minor units; for an increment only the
            additional sum.
        already_approved: What this authorization was approved for before (zero unless an
            increment).
        created: UTC; when the event was made.
        is_amount_controllable: Whether a smaller amount may be approved.
        network_risk_score: 1 to 99, if the network gave one.
    """

    event_id: str
    authorization_id: str
    card_id: str
    amount: Money
    already_approved: Money
    created: datetime
    account: str | None = None
    is_livemode: bool = False
    is_amount_controllable: bool = False
    cashback: Money | None = None
    merchant_amount: int | None = None
    merchant_currency: str | None = None
    merchant_name: str | None = None
    merchant_network_id: str | None = None
    merchant_city: str | None = None
    merchant_country: str | None = None
    merchant_postal_code: str | None = None
    category: str | None = None
    mcc: str | None = None
    authorization_method: str | None = None
    card_presence: str | None = None
    wallet: str | None = None
    cvc_check: str | None = None
    expiry_check: str | None = None
    address_line1_check: str | None = None
    postal_code_check: str | None = None
    three_d_secure: str | None = None
    network_risk_score: int | None = None

    @classmethod
    def of_checked(cls, values: dict[str, Any]) -> Self:
        """
        Make one of all its fields, which nobody looks at again: in half the time, while a merchant waits.
        """
        new = cls.__new__(cls)
        object.__setattr__(new, "__dict__", values)
        return new

    @property
    def total(self) -> Money:
        """
        What the authorization would stand at if this were approved.
        """
        return self.already_approved + self.amount

    @property
    def is_increment(self) -> bool:
        """
        Whether the authorization was approved before and asks for more.
        """
        return self.already_approved.is_positive


@frozen(kw_only=True)
class Use:
    """
    One approved use of a card, as rules that look back need it.

    Attributes:
        at: UTC.
        amount: In minor units of the card's currency.
    """

    authorization_id: str
    at: datetime
    amount: Money
    merchant_name: str | None = None
    merchant_network_id: str | None = None
    is_probe: bool = False


@frozen(kw_only=True, slots=False)  # made for each question: without slots in half the time
class Allotment:
    """
    What one card may still do, at the moment of the question.

    Attributes:
        amount: The order's amount.
        remaining: What is neither spent, held nor claimed, in minor units; what a probe holds counts as
            there.
        uses_left: Purchases left under the terms; probes do not count.
        is_open: Whether the disbursement is active and the card not cancelled.
        expires_at: UTC.
        history: Approved uses, oldest first, bounded.
        recipient_history: Likewise, of all the recipient's cards; ``None`` when nobody looked it up.
        account_history: Likewise, of all cards of the account.
    """

    order_id: str
    card_id: str
    account: str | None
    amount: Money
    remaining: Money
    uses_left: int
    is_open: bool
    expires_at: datetime
    terms: Terms
    probe_max_minor: int
    probes_left: int
    history: tuple[Use, ...] = ()
    recipient_history: tuple[Use, ...] | None = None
    account_history: tuple[Use, ...] | None = None

    @property
    def first_merchant(self) -> Use | None:
        """
        The first real use, which `Terms.lock_to_first_merchant` locks to.
        """
        return next((use for use in self.history if not use.is_probe), None)

    def is_probe(self, request: AuthorizationRequest) -> bool:
        """
        Tell whether *request* only tests the card (0 up to ``probe_max_minor`` minor units).
        """
        return not request.is_increment and 0 <= request.amount.minor <= self.probe_max_minor

    def taken_minor(self, request: AuthorizationRequest) -> int:
        """
        Return what *request* would take from ``remaining``, in minor units.

        An increment takes its own sum, and what was approved before as well where that was a probe.
        """
        asked = request.amount.minor
        if request.is_increment and any(
            use.is_probe and use.authorization_id == request.authorization_id
            for use in self.history
        ):
            asked += request.already_approved.minor
        return asked


@frozen
class Objection:
    """
    A rule says no. *code* is stable and machine-readable, *message* is for people.
    """

    code: str
    message: str = ""


@frozen
class Limit:
    """
    A rule allows at most *amount*, in minor units, of what is asked now (a partial approval).
    """

    amount: Money
    code: str = "limited"
    message: str = ""


Rule: TypeAlias = Callable[[AuthorizationRequest, Allotment], Objection | Limit | None]
"""Objects, limits, or has nothing to say; it can never approve."""

Source: TypeAlias = Literal[
    "policy", "stand_in", "deadline", "error", "unknown_card", "unreadable", "remembered"
]


@frozen(kw_only=True)
class Decision:
    """
    The answer to one authorization request.

    Attributes:
        approved: Whether the purchase may go on.
        amount: What is approved when it is less than asked; ``None`` means all of it.
        code: ``approved``, or the objection's code.
        rule: Name of the rule that decided.
        source: What decided: the policy, or what stood in for it.
        message: For people.
    """

    approved: bool
    code: str
    message: str = ""
    amount: Money | None = None
    rule: str = ""
    source: Source = "policy"
