"""
What would another policy have made of the same requests?
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import define, evolve, field

from issuing_disburse.claims import allotment_of, claims_with
from issuing_disburse.decision import Allotment, AuthorizationRequest, Decision, Use
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import Money
from issuing_disburse.policy import AuthorizationPolicy, Decides
from issuing_disburse.policy.judging import failed, sound
from issuing_disburse.recordings import (
    Recorded,
    RecordedCard,
    RecordedOutcome,
    RecordedRequest,
)
from issuing_disburse.records import Claim
from issuing_disburse.terms import Terms

from .result import EXAMPLES_MAX, Backtest, Tally

_HISTORY_MAX = 1_000
_TELL_EVERY = 1_000

Answer: TypeAlias = Callable[[AuthorizationRequest, Allotment], Decision]


def backtest(
    policy: Decides,
    recorded: Iterable[Recorded],
    *,
    examples_max: int = EXAMPLES_MAX,
    progress: Callable[[int], None] | None = None,
) -> Backtest:
    """
    Put recorded requests to *policy*, each to the card as it would stand had it decided so far.

    What is left, how many uses, and the history follow from the policy's own answers, from what Stripe
    decided alone, and from what was captured or reversed later. Merchants are taken to ask the same again.
    Time stands still, so nothing is late and the same input gives the same result.

    Args:
        policy: With ``decide``; shadows and the stand-in are not asked.
        recorded: In the order of time, each card before its first request.
        progress: Told every thousand requests how many are done.

    Raises:
        InvalidInputError: It is no policy.
    """
    replay = _Replay(_answering(policy), _windows(policy), examples_max)
    for one in recorded:
        if isinstance(one, RecordedRequest):
            replay.ask(one)
            if progress is not None and replay.seen % _TELL_EVERY == 0:
                progress(replay.seen)
        elif isinstance(one, RecordedOutcome):
            replay.settle(one)
        else:
            replay.issue(one)
    if progress is not None:
        progress(replay.seen)
    return replay.result(policy)


def _answering(policy: Decides) -> Answer:
    if isinstance(policy, AuthorizationPolicy):
        return evolve(policy, timer=float, isolated=False).answer  # float() is 0.0, always
    decide = getattr(policy, "decide", None)
    if decide is None or not callable(decide) or isinstance(policy, type):
        raise InvalidInputError(
            "policy", f"{policy!r} decides nothing", "pass an AuthorizationPolicy"
        )

    def answer(request: AuthorizationRequest, allotment: Allotment) -> Decision:
        try:
            return sound(decide(request, allotment), request, policy)
        except Exception as error:  # noqa: BLE001 - a policy that breaks must not approve
            return failed(policy, f"raised {type(error).__name__}")

    return answer


def _windows(policy: Decides) -> dict[str, timedelta]:
    found = getattr(policy, "history_needed", {})
    return {scope: per for scope, per in found.items() if scope != "card"}


@define
class _Card:
    """
    A card as it stands after what was replayed so far; to rules it looks like a `CardRecord`.
    """

    card_id: str
    account: str | None
    order_id: str
    amount: Money
    remaining_minor: int
    terms: Terms
    expires_at: datetime
    probe_max_minor: int
    recipient: str
    is_open: bool = True
    claims: tuple[Claim, ...] = ()
    settled: dict[str, int] = field(factory=dict)


class _Replay:
    """
    Everything that a run has to remember.
    """

    def __init__(self, answer: Answer, windows: dict[str, timedelta], examples_max: int) -> None:
        self._answer = answer
        self._windows = windows
        self._tally = Tally(examples_max)
        self._cards: dict[str, _Card] = {}
        self._shared: dict[tuple[str, str], deque[Use]] = {}
        self.seen = self._unknown = self._others = 0

    def issue(self, card: RecordedCard) -> None:
        """
        Take note of a card; one that is known stays as it stands.
        """
        if card.card_id not in self._cards:
            self._cards[card.card_id] = _Card(
                card_id=card.card_id,
                account=card.account,
                order_id=card.order_id,
                amount=card.amount,
                remaining_minor=card.terms.most(card.amount).minor,
                terms=card.terms,
                expires_at=card.expires_at,
                probe_max_minor=card.probe_max_minor,
                recipient=card.recipient,
            )

    def ask(self, one: RecordedRequest) -> None:
        """
        Put one request to the policy, and remember what it approves.
        """
        self.seen += 1
        request = one.request
        card = self._cards.get(request.card_id)
        if card is None:
            self._unknown += 1
        elif one.was_asked:
            allotment = self._allotment(card, one)
            decision = self._answer(request, allotment)
            self._tally.compare(one, decision, order_id=card.order_id)
            if decision.approved:
                self._use(card, request, decision)
        else:
            self._others += 1
            if one.approved:
                part = Money(one.approved_minor, request.amount.currency)
                self._use(card, request, Decision(approved=True, code=one.code, amount=part))

    def settle(self, one: RecordedOutcome) -> None:
        """
        Let an authorization that was approved here, too, cost what it came to.
        """
        card = self._cards.get(one.card_id)
        if card is None:
            return
        for index, claim in enumerate(card.claims):
            if claim.use.authorization_id == one.authorization_id:
                # What was asked of it since is in there, too: nothing of it is pending.
                done = evolve(claim, settled_minor=one.minor, pending_minor=0, state="confirmed")
                card.claims = (*card.claims[:index], done, *card.claims[index + 1 :])
                card.remaining_minor -= one.minor - card.settled.get(one.authorization_id, 0)
                card.settled[one.authorization_id] = one.minor
                return

    def _allotment(self, card: _Card, one: RecordedRequest) -> Allotment:
        if one.code == "not_open":
            card.is_open = False  # it was over, whatever is asked of it, and stays so
        allotment = allotment_of(card)
        for scope in self._windows:
            uses = self._shared.get(self._scope(scope, card), ())
            start = one.at - self._windows[scope]
            history = tuple([use for use in uses if use.at > start])
            if scope == "recipient":
                allotment = evolve(allotment, recipient_history=history if card.recipient else None)
            else:
                allotment = evolve(allotment, account_history=history)
        return allotment

    def _scope(self, scope: str, card: _Card) -> tuple[str, str]:
        account = card.account or ""
        return (scope, f"{account}/{card.recipient}" if scope == "recipient" else account)

    def _use(self, card: _Card, request: AuthorizationRequest, decision: Decision) -> None:
        card.claims = claims_with(card, request, decision)
        if not self._windows:
            return
        mine = request.authorization_id
        use = next(one.use for one in card.claims if one.use.authorization_id == mine)
        for scope in self._windows:
            uses = self._shared.setdefault(self._scope(scope, card), deque(maxlen=_HISTORY_MAX))
            if request.is_increment:
                kept = [one for one in uses if one.authorization_id != mine]
                uses.clear()
                uses.extend(kept)
            uses.append(use)

    def result(self, policy: Decides) -> Backtest:
        """
        Sum up.
        """
        fingerprint = getattr(policy, "fingerprint", "")
        return self._tally.result(
            policy=fingerprint if isinstance(fingerprint, str) else "",
            unknown=self._unknown,
            decided_by_others=self._others,
        )
