"""
What would another rule or policy have said, had it been asked?
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import field, frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Decision, Rule
from issuing_disburse.exceptions import InvalidInputError

from .judging import failed, judge, sound


class Decides(Protocol):
    """
    Anything with the one method that answers requests: a policy, or what acts like one.
    """

    def decide(self, request: AuthorizationRequest, allotment: Allotment) -> Decision:
        """
        Answer *request*.
        """
        ...


@frozen
class Shadow:
    """
    A rule or policy that runs beside the deciding one and is only recorded.
    """

    judge: Rule | Decides
    name: str = field()

    @name.validator
    def _is_a_name(self, attribute: object, value: object) -> None:
        if not isinstance(value, str) or not value:
            raise InvalidInputError("policy.shadows", "has no name", "pass name='stricter'")

    def __attrs_post_init__(self) -> None:
        if isinstance(self.judge, type) or not (
            callable(self.judge) or callable(getattr(self.judge, "decide", None))
        ):
            raise InvalidInputError(
                f"policy.shadows.{self.name}",
                f"{self.judge!r} is neither a rule nor a policy",
                "pass a callable of (request, allotment), or something with decide()",
            )


@frozen(kw_only=True)
class ShadowVerdict:
    """
    What one shadow said about a request that was decided without it.

    Attributes:
        decision: The shadow's own answer; of a rule, as if it were the only one.
        changes: Whether the answer would have been another: for a rule, had it been in the policy;
            for a policy, had it decided.
    """

    name: str
    decision: Decision
    changes: bool


def verdict(
    shadow: Shadow,
    request: AuthorizationRequest,
    allotment: Allotment,
    decided: Decision,
    *,
    timer: Callable[[], float],
    deadline_seconds: float,
) -> ShadowVerdict:
    """
    Ask *shadow* what it thinks; whatever it does, the answer *decided* stands.
    """
    decide = getattr(shadow.judge, "decide", None)
    if decide is None:
        decision = judge(
            (shadow.judge,),  # type: ignore[arg-type]  # what has no `decide` is a rule
            request,
            allotment,
            timer=timer,
            ends_at=timer() + deadline_seconds,
        )
        changes = _adds(decision, decided, request)
    else:
        try:
            decision = sound(decide(request, allotment), request, shadow.judge)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a shadow must not touch the answer
            decision = failed(shadow.judge, f"raised {type(error).__name__}")
        changes = (decision.approved, decision.amount) != (decided.approved, decided.amount)
    return ShadowVerdict(name=shadow.name, decision=decision, changes=changes)


def _adds(said: Decision, decided: Decision, request: AuthorizationRequest) -> bool:
    # A rule can only take away: nothing from a decline, nothing from what is less already.
    if not decided.approved:
        return False
    if not said.approved:
        return True
    if said.amount is None:
        return False
    return said.amount.minor < (decided.amount or request.amount).minor
