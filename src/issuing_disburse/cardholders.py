"""
Which Stripe cardholder is this recipient, and may it hold a card?
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from attrs import frozen

from .cardholder_params import (
    RECIPIENT_METADATA,
    cardholder_details,
    cardholder_params,
    details_digest,
)
from .exceptions import RecipientNotReadyError, WaitingError
from .journal import StepJournal
from .ports import Call, Clock, Outcome, Sleep, Store, Transaction
from .prepared import Answer, PreparedCall
from .recipient import Recipient
from .records import RecipientRecord, account_key
from .revision import revised
from .stripe_api import StripeAPI

_SKEW = timedelta(hours=1)
"""How far Stripe's clock may be behind ours."""

_FOR_GOOD = frozenset({"blocked", "listed", "rejected.listed"})
"""Why Stripe holds a cardholder back in a way that no new name may get around."""

_PAGE = 100
_SCREENING_WAITS_SECONDS = (1.0, 2.0, 4.0)


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
        return self.ready(recipient, account=account)

    def ready(self, recipient: Recipient, *, account: str | None) -> str:
        """
        Do as `ensure` for a recipient that is checked.
        """
        known = self.introduce(recipient, account=account)
        if known.disabled_reason == "under_review":
            known = self._reviewed(known)
        check_ready(known)
        return known.cardholder_id

    def introduce(self, recipient: Recipient, *, account: str | None) -> RecipientRecord:
        """
        Find or create the cardholder of a checked recipient, up to date, whatever Stripe has against it.

        Raises:
            RecipientNotReadyError: Stripe has blocked the same recipient under another name.

        Stripe: ``POST /v1/issuing/cardholders``
        """
        identity = recipient.identity(account_key(account))
        digest = details_digest(recipient, identity)
        key = f"{account_key(account)}/{identity}"
        known = self.store.read(lambda tx: tx.get(RecipientRecord, key))
        if known is None:
            self._check_no_way_around(recipient, account)
            known = self._create(recipient, identity, digest, account)
        elif known.details != digest:
            known = self._update(recipient, known, digest)
        elif known.disabled_reason not in {None, "under_review"}:
            known = self.refresh(known)
        return known

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
            path, cardholder_details(recipient), account=known.account, keep=cardholder_outcome
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

    def _reviewed(self, known: RecipientRecord) -> RecipientRecord:
        """
        Ask after one cardholder, a few times within seconds.
        """
        known = self.refresh(known)
        for seconds in _SCREENING_WAITS_SECONDS:
            if known.disabled_reason != "under_review":
                break
            self.sleep(seconds)
            known = self.refresh(known)
        return known

    def review(self, waiting: Iterable[RecipientRecord]) -> dict[str, RecipientRecord]:
        """
        Ask after many cardholders that Stripe screens, a few times within seconds, by id.

        The newest of the account are listed, a page for every hundred; only one that is not among them
        is asked for by itself. What an event has told meanwhile is not asked for.

        Stripe: ``GET /v1/issuing/cardholders``
        """
        known = {one.cardholder_id: one for one in waiting}
        for seconds in _SCREENING_WAITS_SECONDS:
            self.sleep(seconds)
            known = self._as_stored(known)
            still = {name for name, one in known.items() if one.disabled_reason == "under_review"}
            if still:
                known.update(self._listed({name: known[name] for name in still}))
            if all(one.disabled_reason != "under_review" for one in known.values()):
                break
        return known

    def _as_stored(self, known: dict[str, RecipientRecord]) -> dict[str, RecipientRecord]:
        def work(tx: Transaction) -> dict[str, RecipientRecord]:
            return {name: tx.get(RecipientRecord, one.key) or one for name, one in known.items()}

        return self.store.read(work)

    def _listed(self, known: dict[str, RecipientRecord]) -> dict[str, RecipientRecord]:
        account = next(iter(known.values())).account
        pages = -(-len(known) // _PAGE)
        listed = self.api.pages("/v1/issuing/cardholders", {}, account=account)
        found = {
            one["id"]: cardholder_outcome(one)
            for one in islice(listed, pages * _PAGE)
            if one["id"] in known
        }

        def work(tx: Transaction) -> dict[str, RecipientRecord]:
            now = self.clock()
            return {name: _stored(tx, known[name], told, now) for name, told in found.items()}

        seen = self.store.transact(work) if found else {}
        return {name: seen.get(name) or self.refresh(one) for name, one in known.items()}


def check_ready(known: RecipientRecord) -> None:
    """
    Refuse a cardholder that may not hold a card.

    Raises:
        WaitingError: Stripe still screens it.
        RecipientNotReadyError: Stripe wants more, or does not allow it.
    """
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
