"""
Which rules does a team put between its money and a merchant?
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from datetime import timedelta
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve, field, frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Decision, Rule
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.rules.amounts import (
    OrderAmount,
    OrderCurrency,
    PartialApproval,
    WithinRemaining,
)
from issuing_disburse.rules.categories import OrderCategories
from issuing_disburse.rules.checks import OrderCardPresence
from issuing_disburse.rules.countries import OrderCountries
from issuing_disburse.rules.merchants import FirstMerchantOnly, OrderMerchants
from issuing_disburse.rules.status import NotExpired, OpenDisbursement, SameCard
from issuing_disburse.rules.uses import UsesLeft
from issuing_disburse.rules.velocity import Scope

from .fingerprint import fingerprint
from .history import history_needed
from .isolation import WORKERS, OverdueError
from .judging import APPROVED, Asking, checked_rules, failed, judge, late, rule_name, sound
from .shadow import Decides, Shadow, ShadowVerdict, verdict
from .standing_in import StandIn, stand_in_decision

if TYPE_CHECKING:
    from . import declaration, explanation

DEADLINE_SECONDS = 0.8
"""How long a decision may take; Stripe waits two seconds, network included."""

_DEADLINE_SECONDS_MAX = 1.8

_SECONDS_LEFT: ContextVar[float] = ContextVar("seconds_left", default=float("inf"))


@frozen(kw_only=True)
class AuthorizationPolicy:
    """
    Decides on purchases: every rule is asked, none may object.

    A value: the methods return new policies. A rule can only object or limit, so adding one never
    approves more. To decide in another way altogether, override `decide` in a subclass.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request
    >>> policy = AuthorizationPolicy.default()
    >>> policy.decide(make_request(12_500), make_allotment(12_500)).approved
    True
    >>> policy.decide(make_request(99_900), make_allotment(12_500)).code
    'wrong_amount'

    Attributes:
        rules: Asked in this order. None at all declines everything.
        deadline_seconds: A rule that is still busy then makes the answer a decline.
        stand_in: Decides when the store does not answer in time; ``None`` declines.
        shadows: Asked after the decision, only recorded.
        isolated: Ask the rules in another thread, so that even one that never comes back cannot
            delay the answer. Costs a thread hand-off (tens of microseconds) for each decision.
        timer: Monotonic seconds.
    """

    rules: tuple[Rule, ...] = field(default=(), converter=checked_rules)
    deadline_seconds: float = DEADLINE_SECONDS
    stand_in: StandIn | None = None
    shadows: tuple[Shadow, ...] = ()
    isolated: bool = False
    timer: Callable[[], float] = field(default=time.monotonic, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        if not 0 < self.deadline_seconds <= _DEADLINE_SECONDS_MAX:
            raise InvalidInputError(
                "policy.deadline_seconds",
                f"must be above 0 and at most {_DEADLINE_SECONDS_MAX}",
                "Stripe waits two seconds, network included; keep the default",
            )
        if self.stand_in is not None and not callable(self.stand_in):
            raise InvalidInputError(
                "policy.stand_in", "cannot be called", "pass a callable of (request), or None"
            )

    @classmethod
    def default(cls, *, partial_approval: bool = False) -> Self:
        """
        Return the policy that holds each card to its order's terms.

        Args:
            partial_approval: Approve a part where the merchant takes one, instead of objecting.
        """
        amounts: tuple[Rule, ...] = (OrderAmount(), WithinRemaining())
        return cls(
            rules=(
                SameCard(),
                OpenDisbursement(),
                NotExpired(),
                OrderCurrency(),
                *((PartialApproval(),) if partial_approval else amounts),
                UsesLeft(),
                OrderMerchants(),
                FirstMerchantOnly(),
                OrderCategories(),
                OrderCountries(),
                OrderCardPresence(),
            )
        )

    @classmethod
    def from_dict(cls, found: Mapping[str, Any], *, known: declaration.Known | None = None) -> Self:
        """
        Make the policy that *found* declares.

        Args:
            found: ``base`` (``default`` or ``none``), ``rules``, ``shadows``, ``deadline_seconds``,
                ``isolated``, ``partial_approval``. A rule is a table of its settings with its name
                under ``rule``.
            known: Rules of your own, by the name that *found* uses.

        >>> policy = AuthorizationPolicy.from_dict(
        ...     {"base": "none", "rules": [{"rule": "AmountAtMost", "amount_max_minor": 50_000}]}
        ... )
        >>> policy.rules
        (AmountAtMost(amount_max_minor=50000),)

        Raises:
            InvalidInputError: With the path to the bad key.
        """
        from . import declaration  # noqa: PLC0415 - few policies are declared

        declared = declaration.read(found, known or {})
        policy = (
            cls.default(partial_approval=declared.partial_approval)
            if declared.is_default_based
            else cls()
        )
        policy = evolve(policy, **declared.settings).with_rules(*declared.rules)
        for name, rule in declared.shadows:
            policy = policy.with_shadow(rule, name=name)
        return policy

    @classmethod
    def from_toml(
        cls, source: str | PathLike[str], *, known: declaration.Known | None = None
    ) -> Self:
        """
        Make the policy that a TOML file, or a text in that language, declares; see `from_dict`.

        Raises:
            InvalidInputError: No TOML, or with the path to the bad key.
        """
        import tomllib  # noqa: PLC0415 - who answers webhooks seldom reads a file

        if isinstance(source, str):
            text = source
        else:
            with open(source, encoding="utf-8") as file:  # noqa: PTH123 - any path-like thing
                text = file.read()
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidInputError("policy", f"is no TOML: {error}", "correct it") from None
        return cls.from_dict(found, known=known)

    def with_rules(self, *rules: Rule) -> Self:
        """
        Return this policy with *rules* asked after those it has.
        """
        return evolve(self, rules=(*self.rules, *rules))

    def with_shadow(self, judge: Rule | Decides, *, name: str | None = None) -> Self:
        """
        Return this policy with a rule or policy beside it that is recorded and decides nothing.
        """
        shadow = Shadow(judge, rule_name(judge) if name is None else name)
        return evolve(self, shadows=(*self.shadows, shadow))

    def decide(self, request: AuthorizationRequest, allotment: Allotment) -> Decision:
        """
        Answer *request*; never raises, and approves no more than asked.

        Stripe: ``issuing_authorization.request``
        """
        timer = self.timer
        seconds = min(self.deadline_seconds, _SECONDS_LEFT.get())
        ends_at = timer() + seconds
        if not self.isolated:
            return judge(self.rules, request, allotment, timer=timer, ends_at=ends_at)
        asking = Asking(self.rules)
        try:
            return WORKERS.run(
                lambda: judge(asking, request, allotment, timer=timer, ends_at=ends_at),
                timeout_seconds=seconds,
            )
        except OverdueError:
            return late(asking.now or self)

    def answer(
        self,
        request: AuthorizationRequest,
        allotment: Allotment,
        *,
        seconds: float = float("inf"),
    ) -> Decision:
        """
        Return what `decide` says, or a decline if a subclass's own `decide` raises, is late, or
        approves what it must not.

        Args:
            seconds: What is left of the deadline after looking things up.
        """
        seconds = min(seconds, self.deadline_seconds)
        before: Token[float] | None = None
        try:
            timer = self.timer
            ends_at = timer() + seconds
            if type(self).decide is AuthorizationPolicy.decide and not self.isolated:
                decision = judge(self.rules, request, allotment, timer=timer, ends_at=ends_at)
                if decision is APPROVED:  # in time: it was looked at after the last rule
                    return decision
            else:
                before = _SECONDS_LEFT.set(seconds)
                decision = self.decide(request, allotment)
            decision = sound(decision, request, self)
            is_late = decision.approved and timer() > ends_at
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a policy that breaks must not approve
            return failed(self, f"raised {type(error).__name__}")
        finally:
            if before is not None:
                _SECONDS_LEFT.reset(before)
        return late(self) if is_late else decision

    def decide_with_shadows(
        self, request: AuthorizationRequest, allotment: Allotment
    ) -> tuple[Decision, tuple[ShadowVerdict, ...]]:
        """
        Return the answer and, never part of it, what the shadows make of the request.

        Shadows take their own time, after the decision: answer first where every millisecond counts
        (`decide`, then `shadow_verdicts`).
        """
        decision = self.answer(request, allotment)
        return decision, self.shadow_verdicts(request, allotment, decision)

    def shadow_verdicts(
        self, request: AuthorizationRequest, allotment: Allotment, decision: Decision
    ) -> tuple[ShadowVerdict, ...]:
        """
        Ask the shadows about a request that was answered with *decision*.
        """
        return tuple(
            verdict(
                shadow,
                request,
                allotment,
                decision,
                timer=self.timer,
                deadline_seconds=self.deadline_seconds,
            )
            for shadow in self.shadows
        )

    def decide_without_store(
        self, request: AuthorizationRequest, *, seconds: float = float("inf")
    ) -> Decision:
        """
        Let the stand-in answer, because nothing is known about the card; without one, decline.

        Args:
            seconds: What is left of the deadline; a stand-in that takes longer declines.
        """
        return stand_in_decision(
            self.stand_in,
            request,
            seconds=max(0.0, min(seconds, self.deadline_seconds)),
            timer=self.timer,
            isolated=self.isolated,
        )

    def explain(
        self, request: AuthorizationRequest, allotment: Allotment
    ) -> explanation.Explanation:
        """
        Show every rule's view: what it looked at, what it said, how long it took.

        Asks each rule twice more, so it belongs on a desk and not into the answer.
        """
        from . import explanation  # noqa: PLC0415 - on a desk, not while a merchant waits

        return explanation.explain(
            self.rules,
            request,
            allotment,
            self.answer(request, allotment),
            timer=time.perf_counter,
        )

    @cached_property
    def fingerprint(self) -> str:
        """
        Which rules, in which order, with which settings: 16 hexadecimal digits.

        The same in every process on the same Python and library; shadows do not count.
        """
        return fingerprint(
            (
                type(self).__qualname__,
                type(self).decide,
                self.rules,
                self.deadline_seconds,
                self.isolated,
                self.stand_in,
            )
        )

    @cached_property
    def history_needed(self) -> dict[Scope, timedelta]:
        """
        How far back velocity rules look, by scope: what the allotment must bring along.
        """
        return history_needed(self)
