"""
How far is one question to the policy, until when, and who answers it in the end?
"""

from __future__ import annotations

import threading
from typing import Literal, TypeAlias

from .card_records import Answer
from .decision import AuthorizationRequest
from .exceptions import StoreTimeoutError
from .ports import Timer

Stage: TypeAlias = Literal["store", "policy", "over"]


class Asking:
    """
    One question on its way: how far it is, until when, and who answers it in the end.

    Either the working thread hands in its answer, or the asking one leaves with another one: exactly
    one of them, and both know which.
    """

    __slots__ = (
        "_lock",
        "_timer",
        "answer",
        "ends_at",
        "is_contended",
        "is_left",
        "request",
        "stage",
    )

    def __init__(self, request: AuthorizationRequest, ends_at: float, timer: Timer) -> None:
        self.request = request
        self.ends_at = ends_at
        self.stage: Stage = "store"
        self.answer: Answer | None = None
        self.is_left = False
        self.is_contended = False
        self._timer = timer
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        return self.ends_at - self._timer()

    def seconds_for_store(self) -> float:
        """
        Return what is left of the time.

        Raises:
            StoreTimeoutError: Nothing is.
        """
        seconds = self.seconds
        if seconds <= 0 or self.is_left:
            msg = "no time left to ask the store"
            raise StoreTimeoutError(msg)
        return seconds

    def hand_in(self, answer: Answer) -> Answer:
        """
        Return *answer*, or what was answered meanwhile.
        """
        with self._lock:
            if self.answer is None:
                self.stage, self.answer = "over", answer
            return self.answer

    def leave(self, answer: Answer) -> Answer:
        """
        Return what was handed in, or *answer*, which then stands.
        """
        with self._lock:
            if self.answer is None:
                self.answer, self.is_left = answer, True
            return self.answer
