"""
What does an annotation in the source of Stripe's SDK mean, now that the program runs?

Most annotations there are text or half text, and refer to names that only a type checker imports.
"""

import ast
import importlib
import inspect
import sys
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, ClassVar, Literal

import typing_extensions
from stripe._stripe_context import StripeContext
from stripe._stripe_object import StripeObject, UntypedStripeObject


class Names(dict[str, Any]):
    """
    What a name in an annotation means in *module*, imports for type checkers included.
    """

    _shared: ClassVar[dict[str, object]] = {
        "StripeContext": StripeContext,
        "UntypedStripeObject": UntypedStripeObject,
    }

    def __init__(self, module: ModuleType) -> None:
        super().__init__(vars(module))
        self._imports = _type_checking_imports(module)

    def __missing__(self, name: str) -> object:
        if name in self._imports:
            source, original = self._imports[name]
            return getattr(importlib.import_module(source), original)
        for library in (typing, typing_extensions):
            if hasattr(library, name):
                return getattr(library, name)
        return self._shared[name]


@cache
def _type_checking_imports(module: ModuleType) -> dict[str, tuple[str, str]]:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: (str(node.module), alias.name)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@cache
def _evaluated(text: str, module: ModuleType) -> object:
    # The text is an annotation in the source of the installed SDK, not input.
    return eval(text, {}, Names(module))  # noqa: S307 - see the line above


def fields_of(declared: type) -> Iterator[tuple[str, tuple[object, ModuleType]]]:
    """
    List the fields of a class of the SDK, each with the module in which its annotation is read.
    """
    for owner in reversed(declared.__mro__):
        if not issubclass(owner, StripeObject) or owner is StripeObject:
            continue
        for name, annotation in inspect.get_annotations(owner).items():
            if not name.startswith("_") and typing.get_origin(annotation) is not ClassVar:
                yield name, (annotation, sys.modules[owner.__module__])


@cache
def branches_of(annotation: object, module: ModuleType) -> tuple[object, ...]:
    """
    Resolve *annotation* to its alternatives, without the ``str`` that keeps an enum open.
    """
    while True:
        if isinstance(annotation, typing.ForwardRef):
            annotation = annotation.__forward_arg__
        elif isinstance(annotation, str):
            annotation = _evaluated(annotation, module)
        elif typing.get_origin(annotation) in {
            typing_extensions.NotRequired,
            typing_extensions.Required,
        }:
            (annotation,) = typing.get_args(annotation)
        else:
            break
    if typing.get_origin(annotation) not in {typing.Union, UnionType}:
        return (NoneType if annotation is None else annotation,)
    branches = [b for inner in typing.get_args(annotation) for b in branches_of(inner, module)]
    values = {v for b in branches if typing.get_origin(b) is Literal for v in typing.get_args(b)}
    return tuple(b for b in branches if b is not str or not values - {""})
