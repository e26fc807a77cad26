"""
What does the webhook need to know about a card?
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from attrs import evolve, frozen

from .decision import Decision, Use
from .money import Money
from .rows import Row, account_key
from .terms import PROBE_MAX_MINOR, Terms


@frozen(kw_only=True)
class Claim:
    """
    A use of a card that was promised to one authorization.

    Attributes:
        settled_minor: What Stripe has confirmed as approved in all, minor units; in the ledger.
        pending_minor: What was approved by us beyond that and is not confirmed yet.
        state: ``provisional`` until ``.created`` confirms or releases it, and again while an
            increment is pending.
        asked_at: UTC; when the latest question was asked that we approved.
        asked: How many questions of this authorization we approved.
    """

    use: Use
    settled_minor: int = 0
    pending_minor: int = 0
    state: Literal["provisional", "confirmed", "released"] = "provisional"
    asked_at: datetime | None = None
    asked: int = 1

    def confirmed(self, approved_minor: int, *, is_decided: bool = False) -> Claim:
        """
        Return the claim after Stripe said that *approved_minor* is approved in all.

        An older snapshot does not take away what was approved after it.

        Args:
            is_decided: Whether Stripe has decided every question that we approved, so that what it
                does not count was declined, or timed out, after all.
        """
        total = self.settled_minor + self.pending_minor
        settled = max(self.settled_minor, approved_minor)
        pending = 0 if is_decided else max(0, total - settled)
        return evolve(
            self,
            settled_minor=settled,
            pending_minor=pending,
            state="provisional" if pending else "confirmed",
        )

    def released(self) -> Claim:
        """
        Return the claim that promises nothing any more.
        """
        return evolve(self, pending_minor=0, state="released")


@frozen(kw_only=True)
class Answer:
    """
    What was answered to one delivery, so that the same delivery gets the same answer.

    Attributes:
        question: What a first question asked for; empty for an increment, which may be asked again.
        policy: The fingerprint of the policy that decided.
    """

    event_id: str
    authorization_id: str
    decision: Decision
    question: str = ""
    policy: str = ""


@frozen(kw_only=True)
class CardRecord(Row):
    """
    What the webhook needs to decide about one card, without looking anywhere else.

    Attributes:
        remaining_minor: The balance of the card's ledger account: neither held nor spent; what open
            probes hold counts as there.
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
        """When the oldest question was asked whose claim is still provisional."""
        waiting = [c.asked_at or c.use.at for c in self.claims if c.state == "provisional"]
        return min(waiting, default=None)
