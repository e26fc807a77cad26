"""
How does a card's number reach the one sink that was chosen for it, and who can tell later?

A delivery is written down before the number is asked for, and finished with the sink's receipt. The
number itself is in no variable here: it is sealed until the sink opens it, and wiped when it returns.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from attrs import evolve, fields, frozen

from .disbursement import CardReference
from .exceptions import DisburseError, InvalidInputError, SinkError
from .hidden import Opener, Sealed
from .paging import every, every_in
from .ports import Clock, Store, Transaction
from .receiving import received
from .records import DeliveryRecord, account_key
from .stripe_api import StripeAPI

if TYPE_CHECKING:
    from .pci import SecretSink

_NAME_MAX = 100
_RETRY = "mend the sink, then resume the order or call reveal again"


@frozen(kw_only=True)
class Receipt:
    """
    What a sink answered, and who answers for it. Everything here may be logged.

    Attributes:
        sink: The sink's name.
        owner: Who answers for the sink, and in which *environment* it runs.
        delivered_at: UTC.
        reference: What the sink returned; its SHA-256 where the digits of the CVC stood in it by chance.
    """

    order_id: str
    card: CardReference
    sink: str
    owner: str
    environment: str
    delivered_at: datetime
    reference: str


@frozen(kw_only=True)
class Delivery:
    """
    One entry of the list of who got a card's number, or a key to it. Never the secret.

    Attributes:
        sink: The sink's name; ``issuing-elements`` where a browser got a key.
        owner: Who answers for the sink, and in which *environment* it runs.
        begun_at: UTC; written before the number was asked for.
        finished_at: UTC; ``None`` when the process died in between: the sink may have it.
        progress: ``begun``, ``delivered`` or ``failed``; then *code* says why.
        reference: The sink's receipt.
    """

    order_id: str
    account: str | None
    card_id: str
    last4: str
    sink: str
    owner: str
    environment: str
    begun_at: datetime
    finished_at: datetime | None
    progress: Literal["begun", "delivered", "failed"]
    reference: str
    code: str

    @classmethod
    def of(cls, record: DeliveryRecord) -> Delivery:
        """
        Return what callers see of *record*.
        """
        return cls(**{one.name: getattr(record, one.name) for one in fields(cls)})


def check_sink(sink: object) -> None:
    """
    Refuse what is no PCI sink, before anything is asked for.

    Raises:
        InvalidInputError: Naming what is missing.
    """
    if not isinstance(getattr(sink, "scope", None), Opener):
        raise InvalidInputError(
            "sink.scope",
            "is no PCIScope",
            "card numbers go only to a sink with "
            "scope = issuing_disburse.pci.PCIScope(owner='…', environment='…')",
        )
    if not callable(getattr(sink, "deliver", None)):
        raise InvalidInputError(
            "sink.deliver", "is missing", "give it deliver(secrets, *, card, order_id) -> receipt"
        )


def sink_name(sink: object) -> str:
    """
    Return the name under which deliveries to *sink* are stored.
    """
    name = getattr(sink, "name", None)
    return (name if isinstance(name, str) and name else type(sink).__name__)[:_NAME_MAX]


@frozen(kw_only=True)
class Deliveries:
    """
    Hands numbers to sinks, and keeps who got which card when.
    """

    api: StripeAPI
    store: Store
    clock: Clock

    def deliver(
        self, sink: SecretSink, *, card: CardReference, order_id: str, consequence: str = ""
    ) -> Receipt:
        """
        Fetch number and CVC of *card* for *sink*, let it store them, and keep its receipt.

        Args:
            consequence: What a failure means for the card; ends the message.

        Raises:
            SinkError: It failed, returned too early, or its receipt may not be kept.
            DisburseError: Stripe refused or could not be reached; the sink was not called.

        Stripe: ``GET /v1/issuing/cards/:id`` with ``expand=number`` and ``cvc``
        """
        record = self._begin(sink, card, order_id)
        failure: DisburseError
        try:
            answer, sealed = self.api.read_card(card.id, account=card.account)
        except DisburseError as exc:
            failure = exc
        else:
            if sealed is not None and answer.get("id") == card.id:
                return self._hand_over(sink, sealed, record, card, consequence)
            failure = SinkError(
                f"Stripe did not hand out the number of card {card.id}",
                order_id=order_id,
                code="no_number",
            )
        self._finish(record, code=failure.code or type(failure).__name__)
        raise failure

    def _hand_over(
        self,
        sink: SecretSink,
        sealed: Sealed,
        record: DeliveryRecord,
        card: CardReference,
        consequence: str,
    ) -> Receipt:
        was_read = self._was_read(record)
        try:
            reference, problem = received(sink, sealed, record, card, was_read=was_read)
            is_read = sealed.is_taken
        except BaseException as exc:  # an interrupt: the frames in between may hold the number
            traceback.clear_frames(exc.__traceback__)
            raise
        finally:
            sealed.wipe()
        if problem is not None:
            code, message = problem
            self._finish(record, code=code, is_read=is_read)
            message = f"{message}; {consequence}" if consequence else message
            failure = SinkError(message, order_id=record.order_id, code=code)
            failure.remedy = _RETRY
            raise failure
        done = self._finish(record, reference=reference, is_read=is_read)
        return Receipt(
            order_id=record.order_id,
            card=card,
            sink=record.sink,
            owner=record.owner,
            environment=record.environment,
            delivered_at=done.finished_at or self.clock(),
            reference=reference,
        )

    def _was_read(self, record: DeliveryRecord) -> bool:
        """
        Tell whether this sink may have stored the card before: it read it, or a process died there.
        """
        return any(
            one.card_id == record.card_id
            and one.sink == record.sink
            and one.key != record.key
            and (one.is_read or one.progress == "begun")
            for one in self.of(record.account, record.order_id)
        )

    def of(self, account: str | None, order_id: str) -> Iterator[DeliveryRecord]:
        """
        Return every delivery of one order, oldest first.
        """
        return every(self.store, DeliveryRecord, group=f"{account_key(account)}/{order_id}")

    def all(self) -> Iterator[DeliveryRecord]:
        """
        Return every delivery of this store, by account and order.
        """
        return every(self.store, DeliveryRecord)

    def _begin(self, sink: SecretSink, card: CardReference, order_id: str) -> DeliveryRecord:
        name, scope, at = sink_name(sink), sink.scope, self.clock()
        group = f"{account_key(card.account)}/{order_id}"

        def work(tx: Transaction) -> DeliveryRecord:
            made = every_in(tx, DeliveryRecord, group=group, after=f"{group}#")
            count = sum(one.number.isdigit() for one in made)
            return tx.put(
                DeliveryRecord(
                    account=card.account,
                    order_id=order_id,
                    number=f"{count + 1:08}",
                    card_id=card.id,
                    last4=card.last4,
                    sink=name,
                    owner=scope.owner,
                    environment=scope.environment,
                    begun_at=at,
                )
            )

        return self.store.transact(work)

    def _finish(
        self, record: DeliveryRecord, *, code: str = "", reference: str = "", is_read: bool = False
    ) -> DeliveryRecord:
        at = self.clock()

        def work(tx: Transaction) -> DeliveryRecord:
            current = tx.get(DeliveryRecord, record.key) or record
            return tx.put(
                evolve(
                    current,
                    progress="failed" if code else "delivered",
                    finished_at=at,
                    reference=reference,
                    is_read=is_read,
                    code=code,
                )
            )

        return self.store.transact(work)
