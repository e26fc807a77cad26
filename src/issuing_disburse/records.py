"""
What does a store keep?

Every record is a frozen value with a *key* that is unique within its kind, a *version* that the store
counts up at each write (a write of an outdated version is refused), and three columns a store can be
asked by: *group*, *state* and *due_at*.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from attrs import evolve, field, frozen

from .decision import Decision, Use
from .disbursement import CardReference, Reason, Status
from .exceptions import LedgerError
from .facts import AuthorizationFacts, Facts, TransactionFacts
from .ledger import GENESIS
from .money import Money
from .order import Order
from .terms import PROBE_MAX_MINOR, Terms


def account_key(account: str | None) -> str:
    """
    Return the text that stands for *account* in keys; the platform itself is ``platform``.
    """
    return account or "platform"


@frozen(kw_only=True)
class Row:
    """
    What every record has.

    Attributes:
        version: 0 before the first write; the store counts it up.
    """

    KIND: ClassVar[str]
    version: int = 0

    @property
    def key(self) -> str:
        """What it is found by; unique within its kind."""
        raise NotImplementedError

    @property
    def group(self) -> str:
        """What it belongs to."""
        return ""

    @property
    def state(self) -> str:
        """How it stands."""
        return ""

    @property
    def due_at(self) -> datetime | None:
        """When somebody should look at it (UTC)."""
        return None


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
    """

    KIND: ClassVar[str] = "account"

    account: str | None
    funding_checked_at: datetime | None = None
    funding_refused: Reason | None = None

    @property
    def key(self) -> str:
        """The account id."""
        return account_key(self.account)

    @property
    def state(self) -> str:
        """``refused`` or ``open``."""
        return "refused" if self.funding_refused else "open"


@frozen(kw_only=True)
class Lease:
    """
    Who works on an order, until when (UTC), under which fencing number.
    """

    owner: str
    until: datetime
    fence: int


@frozen(kw_only=True)
class DisbursementRecord(Row):
    """
    One order, its state, the facts about it and the head of its ledger chain.

    Attributes:
        order: The content; ``None`` once only the fingerprint is kept.
        generation: Counts cards: a reissue is the next generation.
        to_spend: What a reissued card is for; ``None`` for the order's amount.
        failing: Why the order fails, from the decision on until what was moved is back.
        giving_back: The funding record of a rest that is on its way back.
        is_reclaimed: Whether somebody asked for the rest back: no further card is issued.
        is_to_lower: Whether a capture on a replaced card has taken from the current one, and
            Stripe's limits do not say so yet.
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
    to_spend: Money | None = None
    reason: Reason | None = None
    failing: Reason | None = None
    giving_back: str | None = None
    lease: Lease | None = None
    is_reclaimed: bool = False
    is_to_lower: bool = False
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
class Claim:
    """
    A use of a card that was promised to one authorization.

    Attributes:
        settled_minor: What Stripe has confirmed as approved in all, minor units; in the ledger.
        pending_minor: What was approved by us beyond that and is not confirmed yet.
        state: ``provisional`` until ``.created`` confirms or releases it.
    """

    use: Use
    settled_minor: int = 0
    pending_minor: int = 0
    state: Literal["provisional", "confirmed", "released"] = "provisional"

    def confirmed(self, approved_minor: int) -> Claim:
        """
        Return the claim after Stripe said that *approved_minor* is approved in all.

        An older snapshot does not take away what was approved after it.
        """
        total = self.settled_minor + self.pending_minor
        settled = max(self.settled_minor, approved_minor)
        return Claim(
            use=self.use,
            settled_minor=settled,
            pending_minor=max(0, total - settled),
            state="confirmed",
        )

    def released(self) -> Claim:
        """
        Return the claim that promises nothing any more.
        """
        return Claim(use=self.use, settled_minor=self.settled_minor, state="released")


@frozen(kw_only=True)
class Answer:
    """
    What was answered to one delivery, so that the same delivery gets the same answer.
    """

    event_id: str
    authorization_id: str
    decision: Decision


@frozen(kw_only=True)
class CardRecord(Row):
    """
    What the webhook needs to decide about one card, without looking anywhere else.

    Attributes:
        remaining_minor: The balance of the card's ledger account: neither held nor spent.
        is_open: Whether the disbursement is active.
        card_status: Stripe's ``inactive``, ``active`` or ``canceled``, as last seen.
    """

    KIND: ClassVar[str] = "card"

    card_id: str
    account: str | None
    order_id: str
    amount: Money
    remaining_minor: int
    terms: Terms
    expires_at: datetime
    is_open: bool
    card_status: str
    is_livemode: bool
    probe_max_minor: int = PROBE_MAX_MINOR
    claims: tuple[Claim, ...] = ()
    answers: tuple[Answer, ...] = ()

    @property
    def key(self) -> str:
        """The card id."""
        return self.card_id

    @property
    def group(self) -> str:
        """Account and order id: the key of the disbursement."""
        return f"{account_key(self.account)}/{self.order_id}"

    @property
    def state(self) -> str:
        """``open`` or ``closed``."""
        return "open" if self.is_open else "closed"

    @property
    def due_at(self) -> datetime | None:
        """When its oldest provisional claim was made."""
        return min((c.use.at for c in self.claims if c.state == "provisional"), default=None)


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


@frozen(kw_only=True)
class PoolRecord(Row):
    """
    The ledger's totals for one account and currency, in minor units.

    Attributes:
        available_minor: Balance of ``issuing:available``.
        cards_minor: Sum of all ``card:`` accounts: what cards may still spend.
        held_minor: Sum of all ``hold:`` accounts.
        promised_minor: Promised to orders that have no card yet.
    """

    KIND: ClassVar[str] = "pool"

    account: str | None
    currency: str
    available_minor: int = 0
    cards_minor: int = 0
    held_minor: int = 0
    promised_minor: int = 0

    @property
    def key(self) -> str:
        """Account and currency."""
        return f"{account_key(self.account)}/{self.currency}"

    @property
    def group(self) -> str:
        """The account."""
        return account_key(self.account)


@frozen(kw_only=True)
class Moved:
    """
    One Stripe object that moved money: ``transfer``, ``balance_transfer``, ``transfer_reversal``, …

    Attributes:
        balance_transaction: The movement on the Issuing balance, if Stripe named it.
        counterpart: The movement on the other balance, likewise.
    """

    object: str
    id: str
    minor: int
    balance_transaction: str | None = None
    counterpart: str | None = None


@frozen(kw_only=True)
class FundingRecord(Row):
    """
    Money moved for orders, once, whole, or given back.

    Attributes:
        members: Keys of the disbursements it pays for.
        direction: ``out`` when it takes back what another one brought.
        moved: What moved it, in order.
        brought_minor: What they bring to the Issuing balance; 0 for a route that moves nothing.
        available_at: UTC; when the money is expected; ``None`` when it arrived at once.
        has_arrived: Whether it is on the Issuing balance, and in the ledger.
        given_back_minor: Of *amount*, how much went back by the same route, minor units.
        returned: What moved it back, in order.
    """

    KIND: ClassVar[str] = "funding"

    id: str
    account: str | None
    amount: Money
    route: str
    members: tuple[str, ...]
    created_at: datetime
    direction: Literal["in", "out"] = "in"
    progress: Literal["moving", "moved", "failed", "given_back"] = "moving"
    moved: tuple[Moved, ...] = ()
    brought_minor: int = 0
    available_at: datetime | None = None
    has_arrived: bool = False
    given_back_minor: int = 0
    returned: tuple[Moved, ...] = ()
    entries: int = 0
    digest: str = GENESIS

    @property
    def key(self) -> str:
        """The funding's id."""
        return self.id

    @property
    def group(self) -> str:
        """The account."""
        return account_key(self.account)

    @property
    def state(self) -> str:
        """How far it got."""
        return self.progress

    @property
    def due_at(self) -> datetime | None:
        """When it was made, while money moves."""
        return self.created_at if self.progress == "moving" else None


@frozen(kw_only=True)
class ParkedEvent(Row):
    """
    An event for a card that is not recorded yet, on an account where one is being made.
    """

    KIND: ClassVar[str] = "parked"

    event_id: str
    card_id: str
    fact: AuthorizationFacts | TransactionFacts
    received_at: datetime

    @property
    def key(self) -> str:
        """The event id."""
        return self.event_id

    @property
    def group(self) -> str:
        """The card id."""
        return self.card_id

    @property
    def due_at(self) -> datetime | None:
        """When it came in."""
        return self.received_at


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
)
"""Every kind, in the order of their tables."""
