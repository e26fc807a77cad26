"""
What was answered and could not be written down yet, because the store was slow or gone?

Kept in the memory of this process, bounded, until the store can be written to again. A process that
dies before that takes it along; the decision itself is in the metadata of Stripe's authorization.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from itertools import islice

from attrs import evolve

from .alerts import AlertRecord, AuthorizationAlert, keep_alert
from .card_records import Answer, CardRecord
from .claims import put_answer
from .decision import AuthorizationRequest
from .ports import Store, Transaction

_MAX = 1_000
_AT_ONCE = 100

_Key = tuple[str, str]


class Unstored:
    """
    Answers and alerts that wait for the store; safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._answers: OrderedDict[_Key, tuple[AuthorizationRequest, Answer]] = OrderedDict()
        self._given: OrderedDict[_Key, Answer] = OrderedDict()
        self._alerts: OrderedDict[str, AuthorizationAlert] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._answers or self._alerts)

    def _held(self) -> threading.Lock:
        """
        Return the lock; a forked child may have inherited one that nobody will ever release.
        """
        if self._process != os.getpid():
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock

    def keep_answer(self, request: AuthorizationRequest, answer: Answer) -> None:
        """
        Remember an answer that the store does not.
        """
        with self._held():
            self._answers[request.authorization_id, request.event_id] = request, answer
            if len(self._answers) > _MAX:
                self._answers.popitem(last=False)

    def given(self, request: AuthorizationRequest, answer: Answer) -> None:
        """
        Remember that *answer* has gone out, whatever becomes of it in the store.
        """
        with self._held():
            self._given[request.authorization_id, request.event_id] = answer
            if len(self._given) > _MAX:
                self._given.popitem(last=False)

    def answer_to(self, request: AuthorizationRequest) -> Answer | None:
        """
        Return what this process answered to this delivery, if that was not long ago.
        """
        return self._given.get((request.authorization_id, request.event_id))

    def keep_alert(self, alert: AuthorizationAlert) -> None:
        """
        Remember an alert until it can be stored.
        """
        with self._held():
            self._alerts[AlertRecord(alert=alert).key] = alert
            if len(self._alerts) > _MAX:
                self._alerts.popitem(last=False)

    def store_in(self, store: Store, *, timeout_seconds: float | None = None) -> None:
        """
        Write down the first of what waits; what cannot be written goes on waiting.

        Raises:
            StoreError: The store cannot be written to.
        """
        with self._held():
            answers = dict(islice(self._answers.items(), _AT_ONCE))
            alerts = dict(islice(self._alerts.items(), _AT_ONCE))
        if not (answers or alerts):
            return

        def work(tx: Transaction) -> None:
            for request, answer in answers.values():
                put_answer(tx, request, answer)
            for alert in alerts.values():
                _store_alert(tx, alert)

        store.transact(work, timeout_seconds=timeout_seconds)
        with self._held():
            for key, answered in answers.items():
                if self._answers.get(key) is answered:
                    del self._answers[key]
            for name, alert in alerts.items():
                if self._alerts.get(name) is alert:
                    del self._alerts[name]


def _store_alert(tx: Transaction, alert: AuthorizationAlert) -> None:
    card = tx.get(CardRecord, alert.card_id)
    if card is not None:  # the event may not have said whose it is
        alert = evolve(alert, account=card.account, order_id=card.order_id)
    keep_alert(tx, alert)
