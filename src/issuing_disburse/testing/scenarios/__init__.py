"""
Which stories of an order can a test have in one line?
"""

from __future__ import annotations

from .performing import SCENARIOS, scenario
from .values import Asked, Happened, Scenario

__all__ = ["SCENARIOS", "Asked", "Happened", "Scenario", "scenario"]
