"""
Which Stripe cardholder is this recipient, and may it hold a card?
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from .exceptions import RecipientNotReadyError, WaitingError
from .journal import StepJournal
from .ports import Call, Clock, Outcome, Sleep, Store, Transaction
from .prepared import Answer, PreparedCall
from .recipient import Recipient
from .records import RecipientRecord, account_key
from .revision import revised
from .stripe_api import StripeAPI

RECIPIENT_METADATA = "issuing_disburse_recipient"

_SKEW = timedelta(hours=1)
"""How far Stripe's clock may be behind ours."""

_FOR_GOOD = frozenset({"blocked", "listed", "rejected.listed"})
"""Why Stripe holds a cardholder back in a way that no new name may get around."""

_SCREENING_WAITS_SECONDS = (1.0, 2.0, 4.0)


def cardholder_params(recipient: Recipient, identity: str) -> dict[str, Any]:
    """
    Return the parameters that create the cardholder of *recipient*.

    Stripe: ``POST /v1/issuing/cardholders``
    """
    params: dict[str, Any] = {
        "type": recipient.type,
        "name": recipient.name,
        **_details(recipient),
        "metadata": {RECIPIENT_METADATA: identity},
    }
    if recipient.type == "company":
        params["company"] = {"tax_id": recipient.tax_id} if recipient.tax_id else None
        return params
    born, terms = recipient.date_of_birth, recipient.user_terms
    params["individual"] = {
        "first_name": recipient.first_name,
        "last_name": recipient.last_name,
        "dob": {"day": born.day, "month": born.month, "year": born.year} if born else None,
        "card_issuing": {
            "user_terms_acceptance": {
                "date": terms.accepted_at,
                "ip": terms.ip,
                "user_agent": terms.user_agent,
            }
        }
        if terms
        else None,
    }
    return params


def _details(recipient: Recipient) -> dict[str, Any]:
    address = recipient.billing
    return {
        "email": recipient.email,
        "phone_number": recipient.phone_number,
        "billing": {
            "address": {
                "line1": address.line1,
                "line2": address.line2,
                "city": address.city,
                "state": address.state,
                "postal_code": address.postal_code,
                "country": address.country,
            }
        },
    }


def _details_digest(recipient: Recipient, identity: str) -> str:
    address = recipient.billing
    parts = [
        identity, recipient.email, recipient.phone_number, address.line1, address.line2,
        address.city, address.state, address.postal_code, address.country,
    ]  # fmt: skip
    return hashlib.sha256("\x1f".join(part or "" for part in parts).encode()).hexdigest()[:32]


def reference_key(recipient: Recipient, account: str | None) -> str | None:
    """
    Return the opaque name of a recipient's reference alone, whatever name goes with it.
    """
    if recipient.reference is None:
        return None
    text = f"reference\x1f{recipient.reference}"
    digest = hmac.new(account_key(account).encode(), text.encode(), hashlib.sha256)
    return f"reference-{digest.hexdigest()[:32]}"


def _remember_reference(tx: Transaction, recipient: Recipient, known: RecipientRecord) -> None:
    """
    Keep which cardholder a reference had last, whatever name goes with it.
    """
    key = reference_key(recipient, known.account)
    if key is not None:
        pointer = revised(known, identity=key, version=0)
        earlier = tx.get(RecipientRecord, pointer.key)
        tx.put(revised(pointer, version=earlier.version if earlier is not None else 0))


def cardholder_outcome(answer: Answer) -> Outcome:
    """
    Reduce a cardholder of Stripe's to what may be kept: nothing personal.
    """
    requirements = answer.get("requirements") or {}
    return {
        "id": answer["id"],
        "status": answer.get("status"),
        "disabled_reason": requirements.get("disabled_reason"),
        "past_due": list(requirements.get("past_due") or ()),
    }


@frozen(kw_only=True)
class CardholderManager:
    """
    Finds or creates the one cardholder of a recipient on an account, and keeps it up to date.

    Attributes:
        keeps_orders: Whether a request with personal data is stored until it is answered.
    """

    api: StripeAPI
    store: Store
    clock: Clock
    sleep: Sleep
    keeps_orders: bool = True

    def ensure(self, recipient: Recipient, *, account: str | None, currency: str) -> str:
        """
        Return the id of the recipient's cardholder, ready to hold a card in *currency*.

        Two orders for one recipient, even at once, share one cardholder. A new address, phone or
        e-mail updates it. While Stripe screens it (``under_review``, usually seconds) this waits a
        few seconds.

        Raises:
            InvalidInputError: A field Stripe needs is missing; nothing was sent.
            RecipientNotReadyError: Stripe wants more, or does not allow it.
            WaitingError: Still being screened; the cardholder exists. Try again later.

        Stripe: ``POST /v1/issuing/cardholders``
        """
        recipient.check_for(currency, today=self.clock().date())
        identity = recipient.identity(account_key(account))
        digest = _details_digest(recipient, identity)
        key = f"{account_key(account)}/{identity}"
        known = self.store.read(lambda tx: tx.get(RecipientRecord, key))
        if known is None:
            self._check_no_way_around(recipient, account)
            known = self._create(recipient, identity, digest, account)
        elif known.details != digest:
            known = self._update(recipient, known, digest)
        elif known.disabled_reason is not None:
            known = self.refresh(known)
        self._wait_for_screening(known)
        return known.cardholder_id

    def _check_no_way_around(self, recipient: Recipient, account: str | None) -> None:
        """
        Refuse a new name for a reference whose cardholder Stripe has blocked or rejected.
        """
        key = reference_key(recipient, account)
        if key is None:
            return
        last = self.store.read(lambda tx: tx.get(RecipientRecord, f"{account_key(account)}/{key}"))
        if last is None or last.disabled_reason is None:
            return
        last = self.refresh(last)
        if last.disabled_reason in _FOR_GOOD:
            msg = (
                f"Stripe has {last.disabled_reason} cardholder {last.cardholder_id} of this recipient; "
                "another name does not change that: settle it with Stripe's support"
            )
            raise RecipientNotReadyError(msg, code=last.disabled_reason)

    def refresh(self, known: RecipientRecord) -> RecipientRecord:
        """
        Read the cardholder and store how it stands.

        Stripe: ``GET /v1/issuing/cardholders/:id``
        """
        answer = self.api.get(
            f"/v1/issuing/cardholders/{known.cardholder_id}", account=known.account
        )
        return self.store.transact(
            lambda tx: _stored(tx, known, cardholder_outcome(answer), self.clock())
        )

    def _create(
        self, recipient: Recipient, identity: str, digest: str, account: str | None
    ) -> RecipientRecord:
        blank = RecipientRecord(
            account=account, identity=identity, cardholder_id="", details=digest
        )
        journal = StepJournal(store=self.store, clock=self.clock, scope=f"recipient/{blank.key}")
        call = self.api.prepare(
            "/v1/issuing/cardholders",
            cardholder_params(recipient, identity),
            account=account,
            keep=cardholder_outcome,
        )

        def look() -> Outcome | None:
            # By time and not by e-mail: the address of a request is in everybody's log.
            begun = journal.begun("create") or self.clock()
            filters = {"created": {"gte": begun - _SKEW}}
            for one in self.api.pages("/v1/issuing/cardholders", filters, account=account):
                if (one.get("metadata") or {}).get(RECIPIENT_METADATA) == identity:
                    return cardholder_outcome(one)
            return None

        fresh: list[RecipientRecord] = []

        def then(tx: Transaction, outcome: Outcome) -> None:
            fresh[:] = [_stored(tx, blank, outcome, self.clock())]
            _remember_reference(tx, recipient, fresh[0])

        outcome = journal.once("create", self._kept_call(call), look, then=then)
        if fresh:
            return fresh[0]
        stored = self.store.read(lambda tx: tx.get(RecipientRecord, blank.key))
        return stored or self.store.transact(lambda tx: _stored(tx, blank, outcome, self.clock()))

    def _update(self, recipient: Recipient, known: RecipientRecord, digest: str) -> RecipientRecord:
        journal = StepJournal(store=self.store, clock=self.clock, scope=f"recipient/{known.key}")
        path = f"/v1/issuing/cardholders/{known.cardholder_id}"
        call = self.api.prepare(
            path, _details(recipient), account=known.account, keep=cardholder_outcome
        )
        changed = revised(known, details=digest)

        def then(tx: Transaction, outcome: Outcome) -> None:
            _stored(tx, changed, outcome, self.clock())

        # Each update is a step of its own: going back to an earlier address is an update, too.
        step = f"update-{known.version}-{digest}"
        journal.once(step, self._kept_call(call), lambda: None, then=then)
        stored = self.store.read(lambda tx: tx.get(RecipientRecord, known.key))
        return stored or changed

    def _kept_call(self, call: PreparedCall) -> Call:
        """
        Return the call as the journal may keep it: with its request, or without.
        """
        return call if self.keeps_orders else call.__call__

    def _wait_for_screening(self, known: RecipientRecord) -> None:
        for seconds in _SCREENING_WAITS_SECONDS:
            if known.disabled_reason != "under_review":
                break
            self.sleep(seconds)
            known = self.refresh(known)
        if known.disabled_reason is None:
            return
        if known.disabled_reason == "under_review":
            msg = f"Stripe is still screening cardholder {known.cardholder_id}"
            raise WaitingError(msg, code="cardholder_under_review")
        wanted = ", ".join(known.past_due) or "nothing that could be handed in"
        msg = (
            f"cardholder {known.cardholder_id} may not hold a card "
            f"({known.disabled_reason}); Stripe asks for: {wanted}"
        )
        raise RecipientNotReadyError(
            msg, code=known.disabled_reason, param=known.past_due[0] if known.past_due else None
        )


def recipient_reason(outcome: Outcome) -> str | None:
    """
    Return why a cardholder may not hold a card; ``None`` if it may.
    """
    reason: str | None = outcome["disabled_reason"]
    if outcome["status"] in {"blocked", "inactive"} and reason is None:
        reason = outcome["status"]
    return reason


def _stored(
    tx: Transaction, known: RecipientRecord, outcome: Outcome, now: datetime
) -> RecipientRecord:
    current = tx.get(RecipientRecord, known.key)
    return tx.put(
        revised(
            current or revised(known, version=0),
            cardholder_id=outcome["id"],
            details=known.details,
            disabled_reason=recipient_reason(outcome),
            past_due=tuple(outcome["past_due"]),
            checked_at=now,
        )
    )
