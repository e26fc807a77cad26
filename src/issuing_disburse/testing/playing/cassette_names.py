"""
Where does the cassette of a test lie?
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_NAME_LONGEST = 100


def cassette_of(module: Path, nodeid: str, folder: str) -> Path:
    """
    Return the path of a test's cassette: two tests never share one, whatever their names are made of.

    >>> cassette_of(Path("tests/test_a.py"), "tests/test_a.py::test_it", "cassettes").as_posix()
    'tests/cassettes/test_a/test_it.yaml'
    """
    parts = nodeid.split("::")[1:]
    name = "-".join(parts)
    plain = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-")[:_NAME_LONGEST]
    if plain != parts[-1]:  # another name could have become the same
        plain += f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return module.parent / folder / module.stem / f"{plain}.yaml"
