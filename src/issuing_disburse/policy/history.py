"""
How far back do the rules of a policy look?
"""

from __future__ import annotations

from datetime import timedelta

from issuing_disburse.rules.velocity import Scope, Velocity


def history_needed(policy: object) -> dict[Scope, timedelta]:
    """
    Return the longest window of the velocity rules in *policy*, by scope, shadows included.
    """
    needed: dict[Scope, timedelta] = {}
    waiting: list[object] = [policy]
    seen: dict[int, object] = {}  # rules may hold each other
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen[id(one)] = one
        if isinstance(one, Velocity):
            needed[one.scope] = max(needed.get(one.scope, one.per), one.per)
        for name in ("rules", "exception", "shadows", "judge"):
            inner = getattr(one, name, ())
            waiting.extend(inner if isinstance(inner, tuple) else (inner,))
    return needed
