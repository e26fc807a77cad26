"""
Which of these files hold something that must not be in a file?
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from .detector import Leak, leaks_in_text, leaks_in_value
from .documents import documents_in
from .refusals import CassetteError
from .searching import leaks_in_document, leaks_in_path

SUFFIXES = frozenset({".json", ".yaml", ".yml"})
"""What is looked for in a folder; a file that is named is searched whatever it is."""

_MARK = re.compile(r"(?<![\w.])[&*!](\S+)")  # what YAML calls anchors and tags
_COMMENT = re.compile(r"(?:^|\s)#(.*)$", re.MULTILINE)


@frozen
class Checked:
    """
    What was found in one file.

    Attributes:
        problem: Why it could not be searched, ``""`` if it was.
    """

    path: Path
    leaks: tuple[Leak, ...] = ()
    problem: str = ""


def check(paths: Iterable[Path]) -> Iterator[Checked]:
    """
    Search files, and everything that could be a cassette in folders.

    >>> [one.problem for one in check([Path("absent.yaml")])]
    ['there is no such file']
    """
    for path in paths:
        if path.is_dir():
            for inner in sorted(path.rglob("*")):
                if (
                    inner.suffix.lower() in SUFFIXES
                    and inner.is_file()
                    and not _is_hidden(inner, path)
                ):
                    yield checked(inner)
        elif path.exists():
            yield checked(path)
        else:
            yield Checked(path, problem="there is no such file")


def _is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def checked(path: Path) -> Checked:
    """
    Search one file.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        return Checked(path, problem=f"it cannot be read: {problem.strerror}")
    leaks = list(leaks_in_path(path))
    try:
        if path.suffix.lower() in SUFFIXES:
            for document in documents_in(content, path.suffix.lower()):
                leaks += _leaks_in(document)
            leaks += _leaks_in_comments(content)
        else:
            leaks += leaks_in_text(content, "the file")
    except ValueError as problem:
        leaks += leaks_in_text(content, "the file")
        return Checked(path, tuple(dict.fromkeys(leaks)), f"it is {problem}")
    except RecursionError:
        leaks += leaks_in_text(content, "the file")
        return Checked(path, tuple(dict.fromkeys(leaks)), "it is nested too deeply")
    except CassetteError as problem:
        return Checked(path, tuple(leaks), str(problem))
    return Checked(path, tuple(dict.fromkeys(leaks)))


def _leaks_in(document: Any) -> Iterator[Leak]:  # Any: whatever a file holds
    if isinstance(document, dict):
        yield from leaks_in_document(document, "the file")
    else:
        yield from leaks_in_value(document, "the file")


def _leaks_in_comments(content: bytes) -> Iterator[Leak]:
    text = content.decode("utf-8", "replace")
    comments = "\n".join(_COMMENT.findall(text))
    yield from leaks_in_text(comments, "a comment", is_elsewhere=True)
    marks = "\n".join(_MARK.findall(text))
    yield from leaks_in_text(marks, "an anchor or a tag", is_elsewhere=True)
