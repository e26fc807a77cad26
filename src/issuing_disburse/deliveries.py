"""
How does a card's number reach the one sink that was chosen for it, and who can tell later?

A delivery is written down before the number is asked for, and finished with the sink's receipt. The
number itself is in no variable here: it is sealed until the sink opens it, and wiped when it returns.
"""

from __future__ import annotations

import hashlib
import os
import traceback
from collections.abc import Coroutine, Generator, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from attrs import evolve, fields, frozen

from .disbursement import CardReference
from .exceptions import DisburseError, InvalidInputError, SinkError
from .hidden import Opener, Sealed
from .ports import Clock, Store, Transaction
from .records import DeliveryRecord, account_key
from .stripe_api import StripeAPI

if TYPE_CHECKING:
    from .pci import SecretSink

RECEIPT_MAX = 512
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
            reference, problem = _received(sink, sealed, record, card, was_read=was_read)
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
        Yield every delivery of one order, oldest first.
        """
        yield from self._pages(group=f"{account_key(account)}/{order_id}")

    def all(self) -> Iterator[DeliveryRecord]:
        """
        Yield every delivery of this store, by account and order.
        """
        yield from self._pages(group=None)

    def _pages(self, *, group: str | None) -> Iterator[DeliveryRecord]:
        after = ""
        while page := self.store.read(
            lambda tx, after=after: tx.find(DeliveryRecord, group=group, after=after)  # type: ignore[misc]  # bound early on purpose
        ):
            yield from page
            after = page[-1].key

    def _begin(self, sink: SecretSink, card: CardReference, order_id: str) -> DeliveryRecord:
        name, scope, at = sink_name(sink), sink.scope, self.clock()
        group = f"{account_key(card.account)}/{order_id}"

        def work(tx: Transaction) -> DeliveryRecord:
            count = 0
            after = f"{group}#"
            while page := tx.find(DeliveryRecord, group=group, after=after):
                count += sum(one.number.isdigit() for one in page)
                after = page[-1].key
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


_Problem: TypeAlias = tuple[str, str]
"""Code and message."""


def _received(
    sink: SecretSink,
    sealed: Sealed,
    record: DeliveryRecord,
    card: CardReference,
    *,
    was_read: bool,
) -> tuple[str, _Problem | None]:
    """
    Call the sink, and return its receipt as it may be kept, or what speaks against it.

    This raises nothing of its own: what the sink returned, which may be the number, stays in here.
    """
    text, problem = _called(sink, sealed, record, card)
    if problem is None:
        problem = _problem_with(text, sealed, record.sink, was_read=was_read)
    if problem is not None:
        return "", problem
    reference = str(text)
    if sealed.has_digits_in(reference):
        reference = f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"
    return reference, None


def _problem_with(text: object, sealed: Sealed, sink: str, *, was_read: bool) -> _Problem | None:
    who = f"the sink {sink}"
    if type(text) is not str or not text.strip():  # a subclass may behave as it likes
        return "no_receipt", f"{who} returned no receipt: it may not have stored anything yet"
    if len(text) > RECEIPT_MAX or not text.isprintable():
        message = f"{who} returned a receipt that is not 1 to {RECEIPT_MAX} printable characters"
        return "receipt_unusable", message
    if sealed.is_told_by(text):
        return "receipt_tells", f"the receipt of {who} shows the card number or the CVC"
    if not sealed.is_taken and not was_read:
        message = f"{who} returned without reading the secrets, and it never got this card before"
        return "not_read", message
    return None


def _called(
    sink: SecretSink, sealed: Sealed, record: DeliveryRecord, card: CardReference
) -> tuple[object, _Problem | None]:
    """
    Call the sink, and return what it returned, or code and message of what went wrong.

    Nothing that it raises gets out: text, causes, notes and frames may all show the number.
    """
    interrupt: BaseException
    secrets = sink.scope.opened(sealed)
    try:
        text: object = sink.deliver(secrets, card=card, order_id=record.order_id)
        was_open = secrets.is_open
        if isinstance(text, Coroutine | Generator):
            text.close()  # nothing of it has run yet
    except Exception as exc:  # noqa: BLE001  # whatever it is, it may show the number
        where = _place_of(exc)
        _emptied(exc)
        message = f"the sink {record.sink} failed: {type(exc).__name__} in {where}"
        if sealed.is_told_by(message):
            message = f"the sink {record.sink} failed"
        return None, ("sink_failed", message)
    except BaseException as exc:  # noqa: BLE001  # an interrupt goes on, but empty
        _emptied(exc)
        interrupt = exc
    else:
        if was_open:
            message = f"the sink {record.sink} returned while it still held the secrets open"
            return None, ("still_open", message)
        return text, None
    finally:
        secrets.close()
    raise interrupt


def _place_of(exc: BaseException) -> str:
    *outer, (innermost, line) = traceback.walk_tb(exc.__traceback__)
    if not outer:  # ours: what was to be called could not be
        return "its call"
    code = innermost.f_code
    return f"{code.co_name} ({os.path.basename(code.co_filename)}:{line})"  # noqa: PTH119  # a name, no path


def _emptied(exc: BaseException) -> None:
    """
    Take everything from *exc*, and from what it was raised from, that could show a number.
    """
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [exc]
    while waiting:
        one = waiting.pop()
        if one is None or any(one is other for other in seen):
            continue
        seen.append(one)
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    for one in seen:
        traceback.clear_frames(one.__traceback__)
        one.__traceback__ = one.__cause__ = one.__context__ = None
        one.args = ()
        if isinstance(one, SystemExit):
            one.code = 1 if one.code else 0
        getattr(one, "__dict__", {}).clear()
