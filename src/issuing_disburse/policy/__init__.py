"""
Who may spend: which rules are asked, in which order, and for how long?
"""

from __future__ import annotations

from .authorization import DEADLINE_SECONDS, AuthorizationPolicy, StandIn
from .explanation import Explanation
from .shadow import Decides, Shadow, ShadowVerdict

__all__ = [
    "DEADLINE_SECONDS",
    "AuthorizationPolicy",
    "Decides",
    "Explanation",
    "Shadow",
    "ShadowVerdict",
    "StandIn",
]
