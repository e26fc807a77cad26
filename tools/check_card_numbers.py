"""
Does any file that we keep hold something that could be a real card number?

Digit runs that pass the Luhn check are refused, unless they belong to the ranges that are
published for tests. Simulated cards live under 4000 0099 9, like Stripe's own test cards.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from issuing_disburse.testing.cassettes.numbers import PUBLISHED, passes_luhn

# Runs of digits, alone or in groups; no part of a longer token, an id or a decimal fraction.
_RUN = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.]*\w)")


def card_numbers(text: str) -> Iterator[str]:
    """
    Find what could be a card number in *text*, masked so that a report repeats nothing.
    """
    for run in _RUN.findall(text):
        digits = re.sub(r"\D", "", run)
        if passes_luhn(digits) and set(digits) != {"0"} and not PUBLISHED.fullmatch(digits):
            yield f"{digits[:6]}…{digits[-4:]}"


def kept_files(root: Path) -> Iterator[Path]:
    """
    List what Git keeps under *root*; outside a checkout, everything that is not hidden.
    """
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "ls-files", "-z"]
        listed = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - no input in it
        yield from (root / name for name in listed.stdout.split("\0") if (root / name).is_file())
        return
    for file in root.rglob("*"):
        inner = file.relative_to(root)
        if file.is_file() and not any(part.startswith(".") for part in inner.parts[:-1]):
            yield file


def main(roots: list[str]) -> int:
    """
    Print what was found under *roots*; the exit code says whether any was.
    """
    problems = [
        f"{file}: {masked} could be a real card number"
        for root in roots
        for file in sorted(kept_files(Path(root)))
        for masked in card_numbers(file.read_text(encoding="utf-8", errors="replace"))
    ]
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
