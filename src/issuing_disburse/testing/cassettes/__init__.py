"""
How is a test recorded once and played for ever, without a secret in any file?
"""

from __future__ import annotations

from issuing_disburse.on_demand import names_of as _names_of

TYPE_CHECKING = False  # what `typing` has, without loading it

if TYPE_CHECKING:
    from .detector import Leak
    from .refusals import CassetteError, LeakError, ReplayError
    from .session import CassetteClient, Recorded, recorded
    from .vcr_hooks import vcr_config

__all__ = [
    "CassetteClient",
    "CassetteError",
    "Leak",
    "LeakError",
    "Recorded",
    "ReplayError",
    "recorded",
    "vcr_config",
]

_NAMES_BY_ROOM = {
    "detector": "Leak",
    "refusals": "CassetteError LeakError ReplayError",
    "session": "CassetteClient Recorded recorded",
    "vcr_hooks": "vcr_config",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # so that a type checker still finds misspelt names
    __getattr__ = _names_of(globals(), _NAMES_BY_ROOM)

del TYPE_CHECKING
