"""
Who decides when nothing is known about the card?
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import evolve

from issuing_disburse.decision import AuthorizationRequest, Decision

from .isolation import WORKERS, OverdueError
from .judging import failed, late, rule_name, sound

StandIn: TypeAlias = Callable[[AuthorizationRequest], Decision]
"""Decides from the question alone, when the store does not answer in time."""


def stand_in_decision(
    stand_in: StandIn | None,
    request: AuthorizationRequest,
    *,
    seconds: float,
    timer: Callable[[], float],
    isolated: bool,
) -> Decision:
    """
    Return what *stand_in* says, or a decline if there is none, or it raises, is late or unsound.
    """
    if stand_in is None:
        return Decision(
            approved=False,
            code="store_unavailable",
            message="the store did not answer in time",
            source="stand_in",
        )
    ends_at = timer() + seconds
    try:
        if isolated:
            said = WORKERS.run(lambda: stand_in(request), timeout_seconds=seconds)
        else:
            said = stand_in(request)
        decision = sound(said, request, stand_in)
        if decision.approved and timer() > ends_at:
            decision = late(stand_in)
    except OverdueError:
        decision = late(stand_in)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a stand-in that breaks must not approve
        decision = failed(stand_in, f"raised {type(error).__name__}")
    return evolve(decision, source="stand_in", rule=rule_name(stand_in))
