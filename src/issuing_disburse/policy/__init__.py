"""
Who may spend: which rules are asked, in which order, and for how long?
"""

from __future__ import annotations

from issuing_disburse.on_demand import names_of as _names_of

TYPE_CHECKING = False  # what `typing` has, without loading it

if TYPE_CHECKING:
    from .authorization import DEADLINE_SECONDS, AuthorizationPolicy
    from .explanation import Explanation
    from .shadow import Decides, Shadow, ShadowVerdict
    from .standing_in import StandIn

__all__ = [
    "DEADLINE_SECONDS",
    "AuthorizationPolicy",
    "Decides",
    "Explanation",
    "Shadow",
    "ShadowVerdict",
    "StandIn",
]

_NAMES_BY_ROOM = {
    "authorization": "DEADLINE_SECONDS AuthorizationPolicy",
    "explanation": "Explanation",
    "shadow": "Decides Shadow ShadowVerdict",
    "standing_in": "StandIn",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # so that a type checker still finds misspelt names
    __getattr__ = _names_of(globals(), _NAMES_BY_ROOM)

del TYPE_CHECKING
