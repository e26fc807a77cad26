"""
How does the key of Stripe's test mode stay out of what is told of a test that failed?

A traceback shows what functions were called with, and a short one only the ends of it; so parts of a key go, too.
"""

from __future__ import annotations

from typing import Any

from .stages import KEY

SCRUBBED = f"[{KEY}]"
_CUT = "..."  # what pytest puts in the place of the middle
_PREFIX = len("sk_test_") + 4
_END = 8


def without_key(text: str, key: str) -> str:
    """
    Return *text* without *key*, and without what is left of it where something was cut out.

    >>> without_key("a sk_test_abcdefghijkl b sk_test_abcdef...", "sk_test_abcdefghijkl")
    'a [STRIPE_TEST_KEY] b [STRIPE_TEST_KEY]...'
    """
    text = text.replace(key, SCRUBBED)
    if _CUT not in text:
        return text
    for size in range(len(key) - 1, _END - 1, -1):
        text = text.replace(f"{_CUT}{key[-size:]}", f"{_CUT}{SCRUBBED}")
        if size >= _PREFIX:
            text = text.replace(f"{key[:size]}{_CUT}", f"{SCRUBBED}{_CUT}")
    return text


def clear(report: Any, key: str) -> None:  # Any: one of pytest's reports
    """
    Take *key* out of a report: out of the traceback, and out of what was captured.
    """
    told = str(report.longrepr) if report.longrepr is not None else ""
    clean = without_key(told, key)
    if clean != told and not isinstance(report.longrepr, tuple):
        report.longrepr = clean
    elif clean != told:  # of a skipped test: file, line, reason
        report.longrepr = (*report.longrepr[:2], without_key(str(report.longrepr[2]), key))
    report.sections = [(name, without_key(text, key)) for name, text in report.sections]
