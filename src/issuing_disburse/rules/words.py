"""
How is a rule given a set of words, and how does it show them?
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable

from issuing_disburse.exceptions import InvalidInputError

_MCC = re.compile(r"([0-9]{4})(?:-([0-9]{4}))?", re.ASCII)


def words(
    rule: str,
    values: str | Iterable[str],
    *,
    known: Container[str] | None = None,
    fold: Callable[[str], str] | None = None,
) -> frozenset[str]:
    """
    Return one word or several as a set.

    Args:
        rule: The rule's name, for error messages.
        known: Words outside of it are refused; ``None`` accepts all.
        fold: Brings a word into the spelling that is compared.

    >>> sorted(words("CountryIn", ["us", "CA"], fold=str.upper))
    ['CA', 'US']

    Raises:
        InvalidInputError: No words, something that is none, or an unknown one.
    """
    texts = list(_listed(rule, values))
    for text in texts:
        if not isinstance(text, str) or not text:
            raise InvalidInputError(rule, f"{text!r} is no word", "pass texts")
    found = frozenset(map(fold, texts) if fold else texts)
    if not found:
        raise InvalidInputError(rule, "has no words", "name at least one")
    for word in sorted(found):
        if known is not None and word not in known:
            raise InvalidInputError(
                rule, f"{word!r} is unknown", "see issuing_disburse.vocabulary for the spelling"
            )
    return found


def shown(found: frozenset[str]) -> str:
    """
    Show a set of words in one order, whatever the process.
    """
    return repr(sorted(found))


def category_codes(rule: str, values: str | Iterable[str]) -> frozenset[str]:
    """
    Return merchant category codes (``"4121"``) and ranges of them (``"3000-3299"``) as a set.

    Raises:
        InvalidInputError: No codes, or something that is none.
    """
    found: set[str] = set()
    for text in _listed(rule, values):
        match = _MCC.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise InvalidInputError(
                rule, f"{text!r} is no merchant category code", "write '4121' or '3000-3299'"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last:
            raise InvalidInputError(rule, f"{text!r} runs backwards", "swap the two codes")
        found.update(f"{code:04d}" for code in range(first, last + 1))
    if not found:
        raise InvalidInputError(rule, "has no codes", "name at least one")
    return frozenset(found)


def codes_shown(codes: frozenset[str]) -> str:
    """
    Show merchant category codes in order, runs of them as ranges.

    >>> codes_shown(category_codes("MCCIn", ["4511", "3000-3002", "3003"]))
    "['3000-3003', '4511']"
    """
    numbers = {int(code) for code in codes}
    starts = sorted(number for number in numbers if number - 1 not in numbers)
    ends = sorted(number for number in numbers if number + 1 not in numbers)
    texts = [
        f"{first:04d}" if first == last else f"{first:04d}-{last:04d}"
        for first, last in zip(starts, ends, strict=True)
    ]
    return repr(texts)


def _listed(rule: str, values: str | Iterable[str]) -> Iterable[str]:
    if isinstance(values, str):
        return [values]
    if not isinstance(values, Iterable):
        raise InvalidInputError(rule, f"{values!r} is no list", "pass one text or a list of texts")
    return values
