"""
How does each call with an effect happen once, whatever crashes in between?

Before the call the store has its idempotency key and its encoded request; after it, the outcome and
whatever else belongs to it, in one transaction. In between, a crash leaves an *intended* step, and the
next worker sends the same bytes under the same key. Two things end a key: Stripe has recorded an
error under it (repeating could only repeat the error), or it is so old that Stripe may have forgotten
it. Then Stripe is looked at first, and only if nothing is there, the next generation begins.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeAlias, TypeGuard, runtime_checkable

import orjson
from attrs import frozen

from .disbursement import idempotency_key
from .exceptions import NotPermittedError, RefusedError, UnavailableError, UnknownOutcomeError
from .ports import Call, Clock, Outcome, Store, Transaction
from .prepared import PreparedCall
from .records import StepRecord
from .revision import revised

KEY_LIFE = timedelta(hours=23)
"""Stripe may forget a key after 24 hours; ours counts as forgotten one hour earlier."""

_GENERATIONS_MAX = 3
"""How many new keys one worker begins before it leaves the step to a later one."""

Look: TypeAlias = Callable[[], Outcome | None]
Then: TypeAlias = Callable[[Transaction, Outcome], None]
Guard: TypeAlias = Callable[[Transaction], None]


@runtime_checkable
class StoredCall(Protocol):
    """
    A call whose request can be stored and sent again byte for byte.
    """

    @property
    def encoded(self) -> bytes:
        """
        The request in the form in which it is stored.
        """
        ...

    def as_stored(self, encoded: bytes) -> Call:
        """
        Return the call that sends what was stored.
        """
        ...


@runtime_checkable
class PerishableCall(Protocol):
    """
    A call that can be told when its key is too old to be sent once more.
    """

    def while_alive(self, is_key_alive: Callable[[], bool]) -> Call:
        """
        Return the call that asks before each try.
        """
        ...


def _is_stored(call: Call) -> TypeGuard[StoredCall]:
    return type(call) is PreparedCall or isinstance(
        call, StoredCall
    )  # asking a protocol takes long


def _nothing(tx: Transaction, outcome: Outcome) -> None:
    pass


def _anyone(tx: Transaction) -> None:
    pass


def _looked(look: Look) -> Outcome | None:
    """
    Look; a look that is refused tells nothing about what it was to find.
    """
    try:
        return look()
    except RefusedError as refusal:
        msg = f"what an earlier try did could not be looked up: {refusal}"
        raise UnknownOutcomeError(
            msg, code=refusal.code, stripe_request_id=refusal.stripe_request_id
        ) from refusal


@frozen(kw_only=True)
class StepJournal:
    """
    The journal of one scope: a disbursement attempt, a recipient, a funding or a reclaim.

    Attributes:
        scope: Part of every key; two scopes never share one.
        guard: Raises inside the transaction when this worker may not write any more.
    """

    store: Store
    clock: Clock
    scope: str
    guard: Guard = _anyone

    def once(self, step: str, call: Call, look: Look, *, then: Then = _nothing) -> Outcome:
        """
        Have one effect once; see `issuing_disburse.ports.Journal`.

        Stripe records each failure of its own under the key: while it is down, every new key would
        be spent at once. So after a few of them the step waits, with nothing at Stripe, to be tried
        again.

        Args:
            then: What is to be written in the same transaction as the outcome.
        """
        record, is_fresh = self._intend(step, call)
        begun = 0
        while record.progress != "done":
            outcome = self._attempt(record, call, look, is_fresh=is_fresh)
            is_fresh = True
            if outcome is not None:
                return self._finish(record, outcome, then)
            if begun == _GENERATIONS_MAX:
                msg = f"{step} failed under {begun + 1} keys in a row; resume it later"
                raise UnknownOutcomeError(msg, code="keys_spent")
            record = self._next_generation(record, call)
            begun += 1
        kept: Outcome = orjson.loads(record.outcome)
        return kept

    def _attempt(
        self, record: StepRecord, call: Call, look: Look, *, is_fresh: bool
    ) -> Outcome | None:
        """
        Return the outcome, or ``None`` when the key is spent and nothing is at Stripe.
        """
        if self.clock() - record.started_at >= KEY_LIFE:
            return _looked(look)
        try:
            return self._run(record, call)
        except NotPermittedError as refusal:
            # Keys are checked before Stripe looks at what it remembers: an earlier try under this
            # idempotency key may have worked. Only a first try, or a replayed refusal, is definite.
            if is_fresh:
                self._refuse(record)
                refusal.is_definite = True
                raise
            if not refusal.is_recorded:
                raise
            return _looked(look)
        except RefusedError as refusal:
            found = _looked(look)
            if found is None:
                if is_fresh and refusal.is_replayed:
                    return None  # said to a store that is lost: the key was spent before we had it
                self._refuse(record)
                raise
            return found
        except UnavailableError as unknown:
            if not unknown.is_recorded:
                raise
            return _looked(look)

    def begun(self, step: str) -> datetime | None:
        """
        Return when *step* was first sent, or may have been (UTC); ``None`` if it never was.
        """
        record = self.store.read(lambda tx: tx.get(StepRecord, self._key(step)))
        return record.started_at if record is not None else None

    def is_refused(self, step: str) -> bool:
        """
        Tell whether Stripe has refused *step* for certain, so that nothing of it is there.
        """
        record = self.store.read(lambda tx: tx.get(StepRecord, self._key(step)))
        return record is not None and record.progress == "refused"

    def peek(self, step: str) -> Outcome | None:
        """
        Return the outcome of a step that is done, without doing anything.
        """
        record = self.store.read(lambda tx: tx.get(StepRecord, self._key(step)))
        if record is None or record.progress != "done":
            return None
        outcome: Outcome = orjson.loads(record.outcome)
        return outcome

    def _key(self, step: str) -> str:
        return f"{self.scope}#{step}"

    def _run(self, record: StepRecord, call: Call) -> Outcome:
        if record.request and _is_stored(call):  # else only a hash of it was to be kept
            call = call.as_stored(record.request)
        if type(call) is PreparedCall or isinstance(call, PerishableCall):
            call = call.while_alive(lambda: self.clock() - record.started_at < KEY_LIFE)
        return call(record.idempotency_key)

    def _new(self, step: str, call: Call, generation: int) -> StepRecord:
        return StepRecord(
            scope=self.scope,
            name=step,
            generation=generation,
            idempotency_key=idempotency_key(self.scope, step, generation),
            request=call.encoded if _is_stored(call) else b"",
            started_at=self.clock(),
        )

    def _intend(self, step: str, call: Call) -> tuple[StepRecord, bool]:
        """
        Write the intent down, or return the one that is there; and whether this one is new.
        """

        def work(tx: Transaction) -> tuple[StepRecord, bool]:
            self.guard(tx)
            known = tx.get(StepRecord, self._key(step))
            if known is None:
                return tx.put(self._new(step, call, 1)), True
            if known.progress == "refused":
                again = self._new(step, call, known.generation + 1)
                return tx.put(revised(again, version=known.version)), True
            return known, False

        return self.store.transact(work)

    def _next_generation(self, record: StepRecord, call: Call) -> StepRecord:
        def work(tx: Transaction) -> StepRecord:
            self.guard(tx)
            known = tx.get(StepRecord, record.key)
            if known is None or known.progress == "done" or known.generation != record.generation:
                return known or tx.put(self._new(record.name, call, 1))
            return tx.put(
                revised(self._new(record.name, call, record.generation + 1), version=known.version)
            )

        return self.store.transact(work)

    def _finish(self, record: StepRecord, outcome: Outcome, then: Then) -> Outcome:
        def work(tx: Transaction) -> Outcome:
            self.guard(tx)
            known = tx.get(StepRecord, record.key)
            if known is not None and known.progress == "done":
                kept: Outcome = orjson.loads(known.outcome)
                return kept
            tx.put(
                revised(
                    known or revised(record, version=0),
                    progress="done",
                    outcome=orjson.dumps(outcome),
                    request=b"",
                    finished_at=self.clock(),
                )
            )
            then(tx, outcome)
            return outcome

        return self.store.transact(work)

    def _refuse(self, record: StepRecord) -> None:
        def work(tx: Transaction) -> None:
            self.guard(tx)
            known = tx.get(StepRecord, record.key)
            if known and known.progress == "intended" and known.generation == record.generation:
                tx.put(revised(known, progress="refused", request=b"", finished_at=self.clock()))

        self.store.transact(work)
