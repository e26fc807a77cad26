"""
What moved before our books were opened?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import combinations

from .tally import Sum, Tally


def explain_openings(
    tally: Tally, openings: Mapping[str, tuple[int, datetime]], *, is_bounded: bool
) -> None:
    """
    Explain what moved before, if it adds up to what the balance held when the books were opened.

    Args:
        openings: Per currency, what it held in minor units, and when.
        is_bounded: A period that leaves something out cannot tell, and takes it as it is.
    """
    for currency, (opening, at) in openings.items():
        second = int(at.timestamp())
        left = opening - tally.earlier(currency, second)
        with_it = _adding_up_to(left, tally.within_second(currency, second))
        if with_it is None and not is_bounded:
            continue
        tally.explain_earlier(currency, second)
        for one in with_it or ():
            tally.explain(one)


def _adding_up_to(minor: int, some: Sequence[Sum]) -> Sequence[Sum] | None:
    """
    Return those of *some* that add up to *minor*, as few as possible; ``None`` if none do.

    Stripe counts whole seconds: what moved in the second in which the books were opened may have
    moved before or after.
    """
    for count in range(len(some) + 1):
        for chosen in combinations(some, count):
            if sum(one.there for one in chosen) == minor:
                return chosen
    return None
