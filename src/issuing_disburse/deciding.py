"""
How is a question answered in time, and its use promised or not, whatever store and rules do?

The store is asked, the policy judges, the use is claimed: each within what is left of the deadline.
Where a store may keep its caller waiting, all of that runs on another thread, which is left alone when
the time is up; what it claims after that, it gives back itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Literal, TypeVar

from attrs import Factory, field, frozen

from .alerts import AuthorizationAlert, kind_of
from .asking import Asking
from .card_records import Answer, CardRecord
from .claims import (
    allotment_of,
    answer_for,
    answer_to,
    put_answer,
    with_answer,
    with_claim,
    without_claim,
)
from .decision import Allotment, AuthorizationRequest, Decision, Source
from .exceptions import StoreError, StoreTimeoutError
from .policy import AuthorizationPolicy
from .policy.isolation import OverdueError, Workers
from .ports import Store, Timer, Transaction
from .unstored import Unstored

STORE_WORKERS = Workers(64, is_patient=True)
"""The threads on which stores that may hang are asked, in this process."""

_RESERVE_SECONDS = 0.05  # for the stand-in, and for getting the answer out
_RELEASE_SECONDS = 10.0

T = TypeVar("T")


def declined(code: str, message: str, source: Source) -> Decision:
    """
    Decline for a reason that is no rule's.
    """
    return Decision(approved=False, code=code, message=message, source=source)


CONTENDED = declined("contended", "too many requests for one card at once", "deadline")
"""The time was up before a use could be promised: others were always faster."""


@frozen(kw_only=True)
class Decider:
    """
    Answers questions about the cards of a store.

    Attributes:
        unstored: What could not be written down yet.
    """

    store: Store
    policy: AuthorizationPolicy
    timer: Timer
    is_livemode: bool
    unstored: Unstored = field(factory=Unstored)
    # Looked up now, and not while a merchant waits: neither a policy nor a store changes.
    _fingerprint: str = field(
        init=False,
        repr=False,
        default=Factory(lambda self: _described(self.policy), takes_self=True),
    )
    _is_at_once: bool = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: getattr(self.store, "keeps_nobody_waiting", False), takes_self=True
        ),
    )

    def answer(self, request: AuthorizationRequest, *, started: float) -> Answer | None:
        """
        Return what is answered; ``None`` when the card is not one of ours.

        Args:
            started: When the question came in, by the timer.
        """
        deadline_seconds = self.policy.deadline_seconds
        reserve = min(_RESERVE_SECONDS, deadline_seconds / 10)
        asking = Asking(request, started + deadline_seconds - reserve, self.timer)
        try:
            known = self.unstored.answer_to(request)
            if known is not None:
                return known
            if self._is_at_once:
                found = self._answered(asking)
            else:
                found = STORE_WORKERS.run(
                    lambda: self._answered(asking), timeout_seconds=max(0.0, asking.seconds)
                )
        except Exception as problem:
            if asking.stage == "policy" and not isinstance(problem, OverdueError):
                raise  # nothing that the store did
            found = self._without_store(asking, problem, reserve)
        if found is not None:
            self.unstored.given(request, found)
            self.watch(request, found)
        return found

    def in_time(self, work: Callable[[], T], *, started: float) -> T:
        """
        Return what *work* returns, on another thread, within what is left of the deadline.

        Raises:
            OverdueError: It is still at it, and left alone.
        """
        deadline_seconds = self.policy.deadline_seconds
        ends_at = started + deadline_seconds - min(_RESERVE_SECONDS, deadline_seconds / 10)
        return STORE_WORKERS.run(work, timeout_seconds=max(0.0, ends_at - self.timer()))

    def settle_unstored(self, *, whole: bool = False) -> None:
        """
        Write down some of what waits for the store, or the whole; see `Unstored.store_in`.
        """
        while self.unstored:
            self.unstored.store_in(self.store)
            if not whole:
                return

    def watch(
        self, request: AuthorizationRequest, answer: Answer, *, not_told: str | None = None
    ) -> None:
        """
        List a decision that a person should look at.

        Args:
            not_told: Why the answer did not get through by the API.
        """
        decision = answer.decision
        kind = kind_of(decision) if not_told is None else "not_told"
        if kind is not None:
            self.unstored.keep_alert(
                AuthorizationAlert(
                    kind=kind,
                    object_id=request.authorization_id,
                    card_id=request.card_id,
                    code=_writable(decision.code),
                    at=request.created,
                    approved=decision.approved,
                    account=request.account,
                    amount=decision.amount or request.amount,
                    message=_writable(not_told or decision.message),
                    policy=answer.policy,
                )
            )

    def _without_store(self, asking: Asking, problem: Exception, reserve: float) -> Answer:
        """
        Answer although the store did not, or the rules are still thinking.
        """
        if asking.answer is not None:
            return asking.answer
        if asking.is_contended:
            decision = CONTENDED
        elif asking.stage == "policy":
            decision = declined("deadline", "the rules overran the deadline", "deadline")
        else:
            seconds = asking.seconds + reserve
            decision = self.policy.decide_without_store(asking.request, seconds=seconds)
        answer = asking.leave(self._remembered(asking.request, decision))
        if answer.decision is decision:
            self.unstored.keep_answer(asking.request, answer)
        if getattr(problem, "code", None) == "commit_unknown" and not answer.decision.approved:
            # The use may be promised all the same: give it back when the store is well again.
            with suppress(OverdueError):
                STORE_WORKERS.begin(lambda: self._correct(asking.request, answer))
        return answer

    def _remembered(self, request: AuthorizationRequest, decision: Decision) -> Answer:
        return answer_for(request, decision, self._fingerprint)

    # What follows may run on another thread, whose asker has left.

    def _answered(self, asking: Asking) -> Answer | None:
        request = asking.request
        card = self.store.read(
            lambda tx: tx.get(CardRecord, request.card_id),
            timeout_seconds=asking.seconds_for_store(),
        )
        while card is not None and self._is_ours(card, request):
            known = answer_to(card, request)
            if known is not None:
                return asking.hand_in(known)
            asking.stage = "policy"
            allotment = allotment_of(card)
            decision = self.policy.answer(request, allotment, seconds=asking.seconds)
            if asking.is_contended and decision.source == "deadline":
                decision = CONTENDED  # it was not the rules that took the time
            answer = self._remembered(request, decision)
            if asking.is_left:
                return asking.answer
            asking.stage = "store"
            if not decision.approved:
                return self._declined(asking, answer)
            current = self._claim(asking, card, allotment, answer)
            if current == "kept":
                return self._kept(asking, answer)
            card, asking.is_contended = current, True
        return None

    def _is_ours(self, card: CardRecord, request: AuthorizationRequest) -> bool:
        """
        Tell whether account and mode agree: test and live never mix.
        """
        same_account = request.account in {None, card.account}
        return same_account and request.is_livemode is self.is_livemode is card.is_livemode

    def _claim(
        self, asking: Asking, card: CardRecord, allotment: Allotment, answer: Answer
    ) -> Literal["kept"] | CardRecord | None:
        """
        Promise the use, unless the card can do something else than was judged: then return it.
        """
        request = asking.request

        def work(tx: Transaction) -> Literal["kept"] | CardRecord | None:
            current = tx.get(CardRecord, card.card_id, lock=True)
            if current is None:
                return None
            if current.version != card.version and (
                answer_to(current, request) is not None or allotment_of(current) != allotment
            ):
                return current
            if asking.is_left:  # somebody else has answered: promise nothing any more
                msg = "nobody waits for the claim any more"
                raise StoreTimeoutError(msg)
            tx.put(with_claim(current, request, answer))
            return "kept"

        return self.store.transact(work, timeout_seconds=asking.seconds_for_store())

    def _kept(self, asking: Asking, answer: Answer) -> Answer:
        """
        Hand in an approval whose use is promised; too late, it gives the use back.
        """
        if asking.seconds <= 0 and not asking.is_left:
            late = declined("deadline", "the claim was kept too late", "deadline")
            given = asking.hand_in(self._remembered(asking.request, late))
        else:
            given = asking.hand_in(answer)
        if given is not answer:
            with suppress(StoreError):  # Stripe's own word on the authorization settles it, too
                self._correct(asking.request, given)
        return given

    def _declined(self, asking: Asking, answer: Answer) -> Answer:
        """
        Remember a decline, so that the same delivery is declined again; it stands in any case.
        """
        given = asking.hand_in(answer)
        if given is answer:
            try:
                self.store.transact(
                    lambda tx: put_answer(tx, asking.request, answer),
                    timeout_seconds=asking.seconds_for_store(),
                )
            except StoreError:
                self.unstored.keep_answer(asking.request, answer)
        return given

    def _correct(self, request: AuthorizationRequest, instead: Answer) -> None:
        """
        Remember what was answered in the end; a use that it does not approve is given back.
        """

        def work(tx: Transaction) -> None:
            card = tx.get(CardRecord, request.card_id, lock=True)
            if card is not None:
                if not instead.decision.approved:
                    card = without_claim(card, request)
                tx.put(with_answer(card, instead))

        self.store.transact(work, timeout_seconds=_RELEASE_SECONDS)


def _described(policy: AuthorizationPolicy) -> str:
    try:
        return policy.fingerprint
    except Exception:  # noqa: BLE001 - a policy that cannot be described decides all the same
        return ""


def _writable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
