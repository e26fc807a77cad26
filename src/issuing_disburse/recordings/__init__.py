"""
What was asked of our cards in the past, kept so that it can be asked again?
"""

from __future__ import annotations

from .archive import Recordings
from .at_stripe import recorded_at_stripe
from .happened import Recorded, RecordedCard, RecordedOutcome, RecordedRequest, happened, in_order
from .lines import LINES_VERSION, from_line, read_lines, to_line
from .recorder import Recorder

__all__ = [
    "LINES_VERSION",
    "Recorded",
    "RecordedCard",
    "RecordedOutcome",
    "RecordedRequest",
    "Recorder",
    "Recordings",
    "from_line",
    "happened",
    "in_order",
    "read_lines",
    "recorded_at_stripe",
    "to_line",
]
