"""
How does the recipient see the number in a browser, without our server seeing it?
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

from attrs import evolve, frozen

from .disbursement import CardReference, idempotency_key
from .exceptions import InvalidInputError, NotPermittedError, RefusedError, UnknownOutcomeError
from .hidden import Hidden
from .ports import Clock, Store, Transaction
from .prepared import Answer
from .records import DeliveryRecord, account_key
from .stripe_api import StripeAPI

ELEMENTS = "issuing-elements"
"""What stands in the place of a sink's name where a browser got a key."""

_NONCE = re.compile(r"[!-~]{8,512}", re.ASCII)

_NOT_ENABLED = (
    "Stripe does not let this key make ephemeral keys for cards of this account: on a Connect platform "
    "Issuing Elements must be switched on by Stripe's support, and a restricted key needs write "
    "permission for ephemeral keys; until then show the card by a PCI sink of yours"
)
_NONCE_USED = (
    "this nonce was used before: each one is good for one key, so let the page call "
    "createEphemeralKeyNonce again"
)


@frozen(kw_only=True, repr=False)
class ElementsKey:
    """
    A key by which one browser may show one card, for fifteen minutes.

    Attributes:
        card_id: The card it shows.
        account: The ``stripeAccount`` that Stripe.js is initialised with; ``None`` for the platform.
        expires_at: UTC.
        secret: Hidden; its ``revealed()`` goes to the page that made the nonce, and nowhere else.
    """

    card_id: str
    account: str | None
    expires_at: datetime
    secret: Hidden

    def __repr__(self) -> str:
        return f"<ElementsKey for {self.card_id} until {self.expires_at:%Y-%m-%d %H:%M} UTC>"


@frozen(kw_only=True)
class Elements:
    """
    Makes keys for Stripe's Issuing Elements, one per nonce.
    """

    api: StripeAPI
    store: Store
    clock: Clock

    def key(self, order_id: str, card: CardReference, nonce: str) -> ElementsKey:
        """
        Make a key for *card*. See `issuing_disburse.Disburser.issuing_elements_key`.
        """
        if not isinstance(nonce, str) or not _NONCE.fullmatch(nonce):
            raise InvalidInputError(
                "nonce",
                "is no nonce of Stripe.js",
                "pass what stripe.createEphemeralKeyNonce({issuingCard}) gave the page",
            )
        fingerprint = hashlib.sha256(nonce.encode()).hexdigest()[:40]
        record = self._claim(order_id, card, fingerprint)
        refusal: RefusedError
        try:
            answer, secret = self.api.create_ephemeral_key(
                {"issuing_card": card.id, "nonce": nonce},
                account=card.account,
                key=idempotency_key(account_key(card.account), order_id, "elements", fingerprint),
            )
        except RefusedError as exc:
            refusal = exc
        else:
            return self._made(record, answer, secret)
        self._finish(record, code=refusal.code or type(refusal).__name__)
        raise _mapped(refusal, order_id)

    def _made(self, record: DeliveryRecord, answer: Answer, secret: Hidden | None) -> ElementsKey:
        if secret is None:
            self._finish(record, code="no_secret")
            msg = "Stripe's answer holds no secret; let the page make a new nonce and ask again"
            raise UnknownOutcomeError(msg, order_id=record.order_id, code="no_secret")
        self._finish(record, reference=str(answer.get("id") or ""))
        expires = answer.get("expires")
        at = datetime.fromtimestamp(expires, UTC) if isinstance(expires, int) else self.clock()
        return ElementsKey(
            card_id=record.card_id, account=record.account, expires_at=at, secret=secret
        )

    def _claim(self, order_id: str, card: CardReference, fingerprint: str) -> DeliveryRecord:
        record = DeliveryRecord(
            account=card.account,
            order_id=order_id,
            number=f"nonce-{fingerprint}",
            card_id=card.id,
            last4=card.last4,
            sink=ELEMENTS,
            owner="the cardholder",
            environment="browser",
            begun_at=self.clock(),
        )

        def work(tx: Transaction) -> DeliveryRecord | None:
            return None if tx.get(DeliveryRecord, record.key) is not None else tx.put(record)

        claimed = self.store.transact(work)
        if claimed is None:
            raise RefusedError(_NONCE_USED, order_id=order_id, code="nonce_used", param="nonce")
        return claimed

    def _finish(self, record: DeliveryRecord, *, code: str = "", reference: str = "") -> None:
        at = self.clock()

        def work(tx: Transaction) -> None:
            current = tx.get(DeliveryRecord, record.key) or record
            tx.put(
                evolve(
                    current,
                    progress="failed" if code else "delivered",
                    finished_at=at,
                    reference=reference,
                    code=code,
                )
            )

        self.store.transact(work)


def _mapped(refusal: RefusedError, order_id: str) -> RefusedError:
    kind = type(refusal)
    code, message = refusal.code, str(refusal)
    if isinstance(refusal, NotPermittedError):
        code, message = "issuing_elements_not_enabled", f"{message} {_NOT_ENABLED}"
    elif refusal.param == "nonce":
        code, message = "nonce_refused", f"{message} {_NONCE_USED}"
    return kind(
        message,
        order_id=order_id,
        stripe_request_id=refusal.stripe_request_id,
        code=code,
        param=refusal.param,
    )
