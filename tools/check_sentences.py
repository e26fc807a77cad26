"""
Does every test say, in one sentence, what it promises?
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path


def silent_tests(file: Path) -> Iterator[str]:
    """
    Name each test in *file* whose docstring is missing or is no single sentence.
    """
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.name.startswith("test_"):
            continue
        sentence = ast.get_docstring(node) or ""
        if not sentence.endswith(".") or "\n\n" in sentence:
            yield f"{file}:{node.lineno}: {node.name} does not say its promise in one sentence"


def main(roots: list[str]) -> int:
    """
    Print what is missing under *roots*; the exit code says whether anything is.
    """
    files = sorted(file for root in roots for file in Path(root).rglob("test_*.py"))
    problems = [problem for file in files for problem in silent_tests(file)]
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
