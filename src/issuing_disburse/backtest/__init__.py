"""
What would another policy have made of the same requests?
"""

from __future__ import annotations

from .replay import backtest
from .result import EXAMPLES_MAX, Backtest, Change, Group, Total

__all__ = ["EXAMPLES_MAX", "Backtest", "Change", "Group", "Total", "backtest"]
