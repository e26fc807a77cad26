"""
How do an order's terms become one virtual card, and how is it cancelled?
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from .disbursement import CardReference
from .journal import Look, StepJournal, Then
from .money import Money
from .ports import Outcome
from .prepared import Answer, PreparedCall
from .records import DisbursementRecord, Share
from .routes import FUNDING_METADATA
from .stripe_api import StripeAPI
from .terms import PER_AUTHORIZATION_MAX_MINOR, PROBE_MAX_MINOR, Terms, card_expiry

ORDER_METADATA = "issuing_disburse_order"
GENERATION_METADATA = "issuing_disburse_generation"
AMOUNT_METADATA = "issuing_disburse_amount"
EXPIRES_METADATA = "issuing_disburse_expires"
FINGERPRINT_METADATA = "issuing_disburse_fingerprint"
ATTEMPT_METADATA = "issuing_disburse_attempt"
WAITS_METADATA = "issuing_disburse_waits_for"
"""Says ``sink`` until the card is activated for the first time."""

SHARE_METADATA = "issuing_disburse_share"


def card_params(
    record: DisbursementRecord, cardholder_id: str, amount: Money, *, status: str = "active"
) -> dict[str, Any]:
    """
    Compile the terms of an order into Stripe's own controls.

    ``per_authorization`` is the most that one purchase may cost; ``all_time`` is the promise plus
    room for the probes that Stripe lets pass; both are always set, because without limits Stripe
    allows 500 a day.

    Args:
        amount: The order's amount, or what is left of it for a reissued card.
        status: ``active``, or ``inactive`` until a sink has stored the card's number.

    Stripe: ``POST /v1/issuing/cards``
    """
    terms = record.terms
    year, month = card_expiry(record.created_at, record.expires_at)
    return {
        "cardholder": cardholder_id,
        "currency": amount.currency,
        "type": "virtual",
        "status": status,
        "exp_month": month,
        "exp_year": year,
        "lifecycle_controls": {"cancel_after": {"payment_count": terms.uses}},
        "spending_controls": spending_controls(terms, amount),
        "metadata": {
            ORDER_METADATA: record.order_id,
            GENERATION_METADATA: str(record.generation),
            AMOUNT_METADATA: str(amount.minor),
            EXPIRES_METADATA: str(int(record.expires_at.timestamp())),
            FINGERPRINT_METADATA: record.fingerprint,
            ATTEMPT_METADATA: str(record.attempt),
            **({WAITS_METADATA: "sink"} if status == "inactive" else {}),
            **_share_metadata(record.share),
        },
    }


def _share_metadata(share: Share | None) -> dict[str, str]:
    """
    Say which shared funding pays for a card, and how much of it: a rebuild has nothing else for that.
    """
    if share is None:
        return {}
    return {FUNDING_METADATA: share.funding, SHARE_METADATA: f"{share.minor} of {share.of_minor}"}


def spending_controls(
    terms: Terms, amount: Money, *, most_minor: int | None = None
) -> dict[str, Any]:
    """
    Return Stripe's controls for a card that is for *amount*.

    Args:
        most_minor: A ceiling below what the terms allow, in minor units.
    """
    presence = [] if terms.card_presence == "any" else [terms.card_presence]
    most = min(terms.most(amount).minor, most_minor or PER_AUTHORIZATION_MAX_MINOR * terms.uses)
    high = min(terms.amount.bounds(amount).high, most)
    return {
        "allowed_categories": terms.allowed_categories,
        "blocked_categories": terms.blocked_categories,
        "allowed_merchant_countries": terms.allowed_countries,
        "blocked_merchant_countries": terms.blocked_countries,
        "allowed_card_presences": presence,
        "spending_limits": [
            {"amount": high, "interval": "per_authorization"},
            {"amount": most + PROBE_MAX_MINOR * terms.uses, "interval": "all_time"},
        ],
    }


def card_outcome(answer: Answer) -> Outcome:
    """
    Reduce a card of Stripe's to what may be kept: no number, no cardholder's data.
    """
    return {
        "id": answer["id"],
        "last4": answer["last4"],
        "brand": answer["brand"],
        "exp_month": answer["exp_month"],
        "exp_year": answer["exp_year"],
        "currency": answer["currency"],
        "status": answer["status"],
        "livemode": answer["livemode"],
    }


def card_reference(outcome: Outcome, account: str | None) -> CardReference:
    """
    Return the masked reference of the card in *outcome*.
    """
    return CardReference(
        id=outcome["id"],
        last4=outcome["last4"],
        brand=outcome["brand"],
        exp_month=outcome["exp_month"],
        exp_year=outcome["exp_year"],
        currency=outcome["currency"],
        account=account,
    )


@frozen(kw_only=True)
class CardFactory:
    """
    Issues and cancels cards.
    """

    api: StripeAPI

    def issue(
        self,
        record: DisbursementRecord,
        cardholder_id: str,
        amount: Money,
        *,
        journal: StepJournal,
        then: Then,
        status: str = "active",
    ) -> Outcome:
        """
        Issue the card of one order; its number never leaves Stripe.

        Args:
            status: ``active`` makes it usable at once; ``inactive`` leaves that to `activate`.
            then: What is to be stored together with the outcome.

        Raises:
            RecipientNotReadyError: Requirements are past due; nothing was created.
            UnknownOutcomeError: The card may exist; resume the same order.

        Stripe: ``POST /v1/issuing/cards``
        """
        call = self.api.prepare(
            "/v1/issuing/cards",
            card_params(record, cardholder_id, amount, status=status),
            account=record.account,
            keep=card_outcome,
        )
        look = self._look(record, cardholder_id)
        return journal.once(f"card-{record.generation}", call, look, then=then)

    def activate(
        self, card_id: str, *, account: str | None, journal: StepJournal, then: Then
    ) -> Outcome:
        """
        Make a card usable whose number is where it belongs.

        Raises:
            RefusedError: Stripe said no; the card is not active.
            UnknownOutcomeError: It may be active; resume the same order.

        Stripe: ``POST /v1/issuing/cards/:id``
        """

        def look() -> Outcome | None:
            outcome = self.read(card_id, account=account)
            return outcome if outcome["status"] == "active" else None

        call = self.api.prepare(
            f"/v1/issuing/cards/{card_id}",
            {"status": "active", "metadata": {WAITS_METADATA: ""}},
            account=account,
            keep=card_outcome,
        )
        return journal.once(f"activate-{card_id}", call, look, then=then)

    def _look(self, record: DisbursementRecord, cardholder_id: str) -> Look:
        """
        Return the look for the card of this attempt: an earlier one may have left a cancelled card.
        """

        def look() -> Outcome | None:
            pages = self.api.pages(
                "/v1/issuing/cards", {"cardholder": cardholder_id}, account=record.account
            )
            for card in pages:
                metadata = card.get("metadata") or {}
                if (
                    metadata.get(ORDER_METADATA) == record.order_id
                    and metadata.get(GENERATION_METADATA) == str(record.generation)
                    and metadata.get(FINGERPRINT_METADATA) == record.fingerprint
                    and metadata.get(ATTEMPT_METADATA, "1") == str(record.attempt)
                ):
                    return card_outcome(card)
            return None

        return look

    def read(self, card_id: str, *, account: str | None) -> Outcome:
        """
        Return how the card stands at Stripe, masked.

        Stripe: ``GET /v1/issuing/cards/:id``
        """
        return card_outcome(self.api.get(f"/v1/issuing/cards/{card_id}", account=account))

    def cancel(self, card_id: str, *, account: str | None, journal: StepJournal) -> None:
        """
        Cancel the card, for good. Captures of what was approved may still come.

        Stripe: ``POST /v1/issuing/cards/:id``
        """

        def look() -> Outcome | None:
            outcome = self.read(card_id, account=account)
            return outcome if outcome["status"] == "canceled" else None

        journal.once(f"cancel-{card_id}", self._cancellation(card_id, account), look)

    def lower(
        self, card_id: str, *, account: str | None, controls: dict[str, Any], journal: StepJournal
    ) -> None:
        """
        Lower Stripe's own limits of a card; sending the same ones twice changes nothing.

        Stripe: ``POST /v1/issuing/cards/:id``
        """
        call = self.api.prepare(
            f"/v1/issuing/cards/{card_id}",
            {"spending_controls": controls},
            account=account,
            keep=card_outcome,
        )
        most = controls["spending_limits"][-1]["amount"]
        journal.once(f"lower-{card_id}-{most}", call, lambda: None)

    def _cancellation(self, card_id: str, account: str | None) -> PreparedCall:
        return self.api.prepare(
            f"/v1/issuing/cards/{card_id}",
            {"status": "canceled"},
            account=account,
            keep=card_outcome,
        )
