"""
What can be wrong with a cassette?
"""

from __future__ import annotations

from issuing_disburse.exceptions import RefusedError

from .detector import Leak


class CassetteError(RefusedError):
    """
    A cassette is missing, broken, or used in a way that it cannot be.
    """


class LeakError(CassetteError):
    """
    A recording still holds what must not be in a file. Nothing was written; an older one stays.

    Attributes:
        leaks: What was found where; never its value.
    """

    def __init__(self, leaks: tuple[Leak, ...]) -> None:
        told = "; ".join(dict.fromkeys(map(str, leaks)))
        super().__init__(
            f"the cassette was not saved: {told}. Take it out of what the test sends or is answered, "
            "or scrub it before it is recorded",
            code="cassette_leaks",
        )
        self.leaks = leaks

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.leaks,)


class ReplayError(CassetteError):
    """
    What the test does is not what was recorded: record it anew, or look what has changed.
    """
