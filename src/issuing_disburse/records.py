"""
What does a store keep?

Every kind, in one place. What all have in common is in `issuing_disburse.rows`, what belongs to a card
in `issuing_disburse.card_records`, to money on its way in `issuing_disburse.funding_records`, to what merchants asked
in `issuing_disburse.recording_records`, and to
numbers that were handed out in `issuing_disburse.delivery_records`.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from attrs import evolve, field, frozen

from .alerts import AlertRecord
from .card_records import Answer, CardRecord, Claim
from .delivery_records import DeliveryRecord
from .disbursement import CardReference, Reason, Status
from .exceptions import LedgerError
from .facts import Facts
from .funding_records import FundingRecord, Moved, PoolRecord, Share
from .ledger import GENESIS
from .line_records import LineRecord
from .money import Money
from .order import Order
from .parked_records import ParkedEvent
from .recording_records import Recording, ShadowRecord, UsedCard
from .rows import Lease, Row, account_key
from .terms import Terms

__all__ = [
    "RECORDS",
    "AccountRecord",
    "AlertRecord",
    "Answer",
    "CardRecord",
    "Claim",
    "DeliveryRecord",
    "DisbursementRecord",
    "FundingRecord",
    "Lease",
    "LineRecord",
    "Moved",
    "ParkedEvent",
    "PoolRecord",
    "RecipientRecord",
    "Recording",
    "Row",
    "ShadowRecord",
    "Share",
    "StepRecord",
    "StoreIdentity",
    "UsedCard",
    "account_key",
]


@frozen(kw_only=True)
class StoreIdentity(Row):
    """
    Whose books these are: recorded at first use, any other platform or mode is refused.
    """

    KIND: ClassVar[str] = "identity"

    platform_account: str
    is_livemode: bool
    recorded_at: datetime

    @property
    def key(self) -> str:
        """Always the same: there is one."""
        return "identity"


@frozen(kw_only=True)
class AccountRecord(Row):
    """
    What was found out about one connected account.

    Attributes:
        funding_checked_at: UTC; when its payout schedule and capabilities were last seen fit.
        funding_refused: Why balance transfers cannot be used, until a probe clears it.
        is_admitted: Whether it was made sure that this store knows the account's cards.
        is_rebuilding: Whether a rebuild was begun and has not come to its end.
        spare: Shared fundings of which a rebuild found more than the cards that exist are for.
    """

    KIND: ClassVar[str] = "account"

    account: str | None
    funding_checked_at: datetime | None = None
    funding_refused: Reason | None = None
    is_admitted: bool = False
    is_rebuilding: bool = False
    spare: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The account id."""
        return account_key(self.account)

    @property
    def state(self) -> str:
        """``refused`` or ``open``."""
        return "refused" if self.funding_refused else "open"


@frozen(kw_only=True)
class DisbursementRecord(Row):
    """
    One order, its state, the facts about it and the head of its ledger chain.

    Attributes:
        order: The content; ``None`` once only the fingerprint is kept.
        generation: Counts cards: a reissue is the next generation.
        share: What of a shared funding is this order's; ``None`` with a funding of its own.
        to_spend: What a reissued card is for; ``None`` for the order's amount.
        failing: Why the order fails, from the decision on until what was moved is back.
        giving_back: The funding record of a rest that is on its way back.
        is_reclaimed: Whether somebody asked for the rest back: no further card is issued.
        is_to_lower: Whether a capture on a replaced card has taken from the current one, and
            Stripe's limits do not say so yet.
        is_rebuilt: Whether it was read back from Stripe, and its terms are only what Stripe carries;
            handing the order in again brings them back.
        look_at: UTC; when `resume_all` or `reclaim_expired` should look at it.
        entries: How many ledger entries its chain has; *digest* is the last one's hash.
    """

    KIND: ClassVar[str] = "disbursement"

    account: str | None
    order_id: str
    fingerprint: str
    status: Status
    amount: Money
    terms: Terms
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    order: Order | None = None
    attempt: int = 1
    generation: int = 1
    recipient_key: str = ""
    cardholder_id: str | None = None
    cards: tuple[CardReference, ...] = ()
    facts: Facts | None = None
    fundings: tuple[str, ...] = ()
    promised: Money | None = None
    share: Share | None = None
    to_spend: Money | None = None
    reason: Reason | None = None
    failing: Reason | None = None
    giving_back: str | None = None
    lease: Lease | None = None
    is_reclaimed: bool = False
    is_to_lower: bool = False
    is_rebuilt: bool = False
    look_at: datetime | None = None
    entries: int = 0
    digest: str = GENESIS

    def become(self, status: Status) -> DisbursementRecord:
        """
        Return the record with another status.

        Raises:
            LedgerError: A disbursement cannot go there from here: a bug.
        """
        if not self.status.can_become(status):
            msg = f"order {self.order_id!r} cannot go from {self.status.value} to {status.value}"
            raise LedgerError(msg, order_id=self.order_id)
        return evolve(self, status=status)

    @property
    def key(self) -> str:
        """Account and order id."""
        return f"{account_key(self.account)}/{self.order_id}"

    @property
    def group(self) -> str:
        """The account."""
        return account_key(self.account)

    @property
    def state(self) -> str:
        """The status."""
        return self.status.value

    @property
    def due_at(self) -> datetime | None:
        """When to look at it."""
        return self.look_at


@frozen(kw_only=True)
class StepRecord(Row):
    """
    One call with an effect: its intent before, its outcome after.

    Attributes:
        scope: What it belongs to: the key of a disbursement attempt, a recipient or a funding.
        idempotency_key: Sent with every try of this generation.
        request: The encoded request, byte for byte what is sent; empty once it is done.
        started_at: UTC; from here Stripe remembers the key for 24 hours.
        outcome: What came back, reduced to what is needed, as JSON.
    """

    KIND: ClassVar[str] = "step"

    scope: str
    name: str
    generation: int
    idempotency_key: str
    request: bytes = field(default=b"", repr=False)
    started_at: datetime
    finished_at: datetime | None = None
    progress: Literal["intended", "done", "refused"] = "intended"
    outcome: bytes = field(default=b"", repr=False)
    fence: int = 0

    @property
    def key(self) -> str:
        """Scope and name."""
        return f"{self.scope}#{self.name}"

    @property
    def group(self) -> str:
        """The scope."""
        return self.scope

    @property
    def state(self) -> str:
        """How far it got."""
        return self.progress

    @property
    def due_at(self) -> datetime | None:
        """When it was started, while it is open."""
        return self.started_at if self.progress == "intended" else None


@frozen(kw_only=True)
class RecipientRecord(Row):
    """
    The cardholder that a recipient is on one account.

    Attributes:
        details: Fingerprint of what can be updated (address, phone, e-mail), keyed.
    """

    KIND: ClassVar[str] = "recipient"

    account: str | None
    identity: str
    cardholder_id: str
    details: str
    disabled_reason: str | None = None
    past_due: tuple[str, ...] = ()
    checked_at: datetime | None = None

    @property
    def key(self) -> str:
        """Account and identity."""
        return f"{account_key(self.account)}/{self.identity}"

    @property
    def group(self) -> str:
        """The cardholder id."""
        return self.cardholder_id

    @property
    def state(self) -> str:
        """Why Stripe holds it back, if it does."""
        return self.disabled_reason or "ready"


RECORDS: tuple[type[Row], ...] = (
    StoreIdentity,
    AccountRecord,
    DisbursementRecord,
    CardRecord,
    StepRecord,
    RecipientRecord,
    PoolRecord,
    FundingRecord,
    ParkedEvent,
    DeliveryRecord,
    Recording,
    AlertRecord,
    UsedCard,
    ShadowRecord,
    LineRecord,
)
"""Every kind, in the order of their tables."""
