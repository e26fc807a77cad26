"""
What do shadows say, without taking a moment from the answer?
"""

from __future__ import annotations

import os
import queue
import threading
from typing import TypeAlias

from .decision import Allotment, AuthorizationRequest, Decision
from .exceptions import StoreError
from .policy import AuthorizationPolicy
from .ports import Store, Transaction
from .recording_records import ShadowRecord

WAITING_MAX = 10_000
"""How many decided requests may wait for the shadows; what comes on top is not shown to them."""

_Shown: TypeAlias = tuple[AuthorizationRequest, Allotment, Decision]


class Onlookers:
    """
    Asks a policy's shadows on a thread of their own, after the decision, and keeps what they say.

    Attributes:
        missed: How many requests they were not shown, or could not be written down.
    """

    def __init__(
        self, policy: AuthorizationPolicy, store: Store, *, waiting_max: int = WAITING_MAX
    ) -> None:
        self._policy = policy
        self._waiting_max = waiting_max
        self._store = store
        self.missed = 0
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._waiting: queue.Queue[_Shown | threading.Event] = queue.Queue(self._waiting_max)
        self._thread: threading.Thread | None = None

    def show(self, request: AuthorizationRequest, allotment: Allotment, decision: Decision) -> None:
        """
        Let the shadows see a request that was answered with *decision*; returns at once.
        """
        self._put((request, allotment, decision))

    def flush(self, *, timeout_seconds: float = 5.0) -> bool:
        """
        Wait until all that was shown is written down; tell whether it was.
        """
        done = threading.Event()
        return self._put(done) and done.wait(timeout_seconds)

    def _put(self, one: _Shown | threading.Event) -> bool:
        if self._process != os.getpid():
            self._begin()  # in a forked child there is no thread, and nothing of its own waits
        try:
            self._waiting.put_nowait(one)
        except queue.Full:
            self.missed += 1
            return False
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="issuing-disburse-shadows", daemon=True
                )
                self._thread.start()
        return True

    def _run(self) -> None:
        while True:
            one = self._waiting.get()
            if isinstance(one, threading.Event):
                one.set()
                continue
            try:
                self._keep(*one)
            except StoreError:
                self.missed += 1

    def _keep(
        self, request: AuthorizationRequest, allotment: Allotment, decision: Decision
    ) -> None:
        verdicts = self._policy.shadow_verdicts(request, allotment, decision)
        records = [
            ShadowRecord(
                account=allotment.account,
                at=request.created,
                authorization_id=request.authorization_id,
                event_id=request.event_id,
                card_id=request.card_id,
                name=one.name,
                asked=request.amount,
                approved=one.decision.approved,
                code=one.decision.code,
                rule=one.decision.rule,
                changes=one.changes,
                was_approved=decision.approved,
            )
            for one in verdicts
        ]

        def work(tx: Transaction) -> None:
            for record in records:
                if tx.get(ShadowRecord, record.key) is None:
                    tx.put(record)

        self._store.transact(work)
