"""
What do many opinions come to, in time?
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import TypeAlias

from attrs import evolve

from issuing_disburse.decision import (
    Allotment,
    AuthorizationRequest,
    Decision,
    Limit,
    Objection,
    Rule,
)
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import Money

APPROVED = Decision(approved=True, code="approved")
"""All of it is approved."""

NO_RULES = Decision(approved=False, code="no_rules", message="the policy has no rules")
"""Nobody was asked, so nobody can have agreed."""


class Asking:
    """
    Rules in their order, and which one is being asked.
    """

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self.now: Rule | None = None

    def __len__(self) -> int:
        return len(self._rules)

    def __iter__(self) -> Iterator[Rule]:
        for rule in self._rules:
            self.now = rule
            yield rule


_Heard: TypeAlias = tuple[int, Rule, Limit]


def rule_name(rule: object) -> str:
    """
    Name *rule* for people and records: what it calls itself, or else its function or class.
    """
    for attribute in ("name", "__name__"):
        try:
            value = getattr(rule, attribute, None)
        except Exception:  # noqa: BLE001 - its name is not worth an answer
            value = None
        if isinstance(value, str) and value:
            return value
    return type(rule).__name__


def checked_rules(values: Iterable[Rule]) -> tuple[Rule, ...]:
    """
    Return *values* as the rules of a policy.

    Raises:
        InvalidInputError: One of them cannot be asked.
    """
    rules = tuple(values)
    for index, rule in enumerate(rules):
        if not callable(rule):
            raise InvalidInputError(
                f"policy.rules[{index}]",
                f"{type(rule).__name__} cannot be called",
                "a rule is a callable of (request, allotment)",
            )
        if isinstance(rule, type):
            raise InvalidInputError(
                f"policy.rules[{index}]",
                f"{rule.__name__} is a class, calling it would judge nothing",
                f"pass an instance: {rule.__name__}(…)",
            )
    return rules


def judge(
    rules: tuple[Rule, ...] | Asking,
    request: AuthorizationRequest,
    allotment: Allotment,
    *,
    timer: Callable[[], float],
    ends_at: float,
) -> Decision:
    """
    Ask *rules* in order; the first objection decides, and approval needs all of them.

    Args:
        timer: Monotonic seconds.
        ends_at: On that timer; looked at after each rule.

    Returns:
        A decision, whatever the rules do: one that raises, answers with anything but ``None``, an
        `Objection` or a `Limit`, or takes too long, declines.
    """
    if not rules:
        return NO_RULES
    heard: list[_Heard] = []
    for rule in rules:
        try:
            said = rule(request, allotment)
            is_late = timer() > ends_at
        except KeyboardInterrupt:
            raise  # somebody stops the process; there is nobody left to answer to
        except BaseException as error:  # noqa: BLE001 - a rule that breaks must not approve
            return failed(rule, f"raised {type(error).__name__}")
        if said is not None or is_late:
            understood = late(rule) if is_late else _understood(rule, said, request)
            if isinstance(understood, Decision):
                return understood
            heard.append((understood.amount.minor, rule, understood))
    heard = [one for one in heard if one[0] < request.amount.minor]
    if not heard:
        return APPROVED
    _, rule, limit = min(heard, key=itemgetter(0))
    return _in_part(rules, request, allotment, limit, rule, timer=timer, ends_at=ends_at)


def _understood(rule: Rule, said: object, request: AuthorizationRequest) -> Limit | Decision:
    # By `type` first: `isinstance` alone also believes what an object says of itself.
    kind = type(said)
    if issubclass(kind, Objection) and isinstance(said, Objection):
        if not (_is_writable(said.code) and _is_writable(said.message)):
            return failed(rule, "objected without words")
        return _declined(rule, said)
    if not issubclass(kind, Limit) or not isinstance(said, Limit):
        return failed(rule, f"answered with {kind.__name__}")
    if type(said.amount) is not Money or not (
        _is_writable(said.code) and _is_writable(said.message)
    ):
        return failed(rule, "limited without an amount")
    if said.amount.currency != request.amount.currency:
        return failed(rule, "limited another currency")
    return said


def _in_part(
    rules: tuple[Rule, ...] | Asking,
    request: AuthorizationRequest,
    allotment: Allotment,
    limit: Limit,
    limited_by: Rule,
    *,
    timer: Callable[[], float],
    ends_at: float,
) -> Decision:
    refusal = _why_not_in_part(request, allotment, limit)
    if refusal is not None:
        return _declined(limited_by, refusal)
    # Nobody has agreed to the smaller purchase yet: ask again. What limits it has been heard.
    smaller = evolve(request, amount=limit.amount)
    objections = tuple(_Again(rule) for rule in rules)
    decision = judge(objections, smaller, allotment, timer=timer, ends_at=ends_at)
    if not decision.approved:
        return decision
    return Decision(
        approved=True,
        code=limit.code,
        message=limit.message,
        amount=limit.amount,
        rule=rule_name(limited_by),
    )


def _why_not_in_part(
    request: AuthorizationRequest, allotment: Allotment, limit: Limit
) -> Objection | None:
    part = limit.amount
    if part.minor <= 0:
        return Objection(limit.code, limit.message or "nothing may be spent")
    if not request.is_amount_controllable:
        return Objection(
            "not_controllable", f"{part} would be allowed, the merchant takes all or nothing"
        )
    if request.cashback is not None and part.minor < request.cashback.minor:
        return Objection("cashback_over_limit", "the cashback alone is more than may be spent")
    if not request.is_increment and part.minor <= allotment.probe_max_minor:
        return Objection("part_too_small", f"{part} would count as a probe, not as a purchase")
    return None


class _Again:
    """
    A rule asked once more, about less: only objections count now.
    """

    __slots__ = ("name", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.name = rule_name(rule)

    def __call__(
        self, request: AuthorizationRequest, allotment: Allotment
    ) -> Objection | Limit | None:
        said = self.rule(request, allotment)
        return None if isinstance(said, Limit) else said


def _declined(rule: Rule, objection: Objection) -> Decision:
    return Decision(
        approved=False, code=objection.code, message=objection.message, rule=rule_name(rule)
    )


def failed(rule: object, problem: str) -> Decision:
    """
    Decline because *rule* itself is broken.
    """
    name = rule_name(rule)
    return Decision(
        approved=False, code="rule_error", message=f"{name} {problem}", rule=name, source="error"
    )


def late(rule: object) -> Decision:
    """
    Decline because *rule* was still thinking when the deadline passed.
    """
    name = rule_name(rule)
    return Decision(
        approved=False,
        code="deadline",
        message=f"{name} overran the deadline",
        rule=name,
        source="deadline",
    )


def sound(decision: object, request: AuthorizationRequest, decider: object) -> Decision:
    """
    Return *decision* if it is one that may be given, and otherwise a decline.

    Policies and stand-ins of a team's own decide as they like; what must hold all the same is that
    nobody is given more than was asked, or a part where the merchant takes none.
    """
    if not isinstance(decision, Decision):
        return failed(decider, f"answered with {type(decision).__name__}")
    problem = _unsound(decision, request)
    return decision if problem is None else failed(decider, problem)


def _is_writable(text: object) -> bool:
    return type(text) is str and (text.isascii() or text == text.encode(errors="replace").decode())


def _unsound(decision: Decision, request: AuthorizationRequest) -> str | None:
    if type(decision.approved) is not bool:
        return "neither approved nor declined"
    texts = decision.code, decision.rule, decision.message
    if not (_is_writable(texts[0]) and _is_writable(texts[1]) and _is_writable(texts[2])):
        return "gave no reason that can be written down"
    return _unsound_part(decision, request)


def _unsound_part(decision: Decision, request: AuthorizationRequest) -> str | None:
    part = decision.amount
    if not decision.approved or part is None or part == request.amount:
        return None
    if type(part) is not Money or part.currency != request.amount.currency:
        return "approved something else than was asked"
    if not 0 < part.minor < request.amount.minor:
        return "approved more than was asked, or nothing"
    if not request.is_amount_controllable:
        return "approved a part where the merchant takes all or nothing"
    is_short = request.cashback is not None and part.minor < request.cashback.minor
    return "approved less than the cashback" if is_short else None
