"""
How is a file of YAML or JSON read and written, so that nothing in it is made into an object?
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, NoReturn

from .refusals import CassetteError


def read_document(content: bytes, suffix: str) -> dict[str, Any]:
    """
    Parse a file of YAML, or of JSON if its name says so.

    Raises:
        ValueError: It is none, or holds no table.
    """
    for document in documents_in(content, suffix, is_strict=False):
        if isinstance(document, dict):
            return document
    raise ValueError("no document")


def documents_in(content: bytes, suffix: str, *, is_strict: bool = True) -> list[Any]:  # Any: files
    """
    Parse everything in a file of YAML, or of JSON if its name says so.

    Raises:
        ValueError: It is none, or, strictly, names something twice: whoever reads it sees only one of both.
        CassetteError: PyYAML is not installed.
    """
    if suffix == ".json":
        return [json.loads(content, object_pairs_hook=_once if is_strict else None)]
    yaml = _yaml()
    plain = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return list(yaml.load_all(content, Loader=_strict(yaml, plain) if is_strict else plain))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise ValueError("no YAML that can be read safely") from None


def written_document(document: Mapping[str, Any], suffix: str) -> bytes:
    """
    Write a document as YAML, or as JSON if its file's name says so.
    """
    if suffix == ".json":
        return (json.dumps(document, indent=1, default=_no_json) + "\n").encode()
    yaml = _yaml()
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(dict(document), Dumper=dumper, width=2_000, sort_keys=False)
    return str(text).encode()


def _no_json(value: object) -> NoReturn:
    raise CassetteError(
        f"JSON carries no body of {type(value).__name__}: let the cassette's name end in .yaml",
        code="cassette_json",
    )


def _yaml() -> Any:  # Any: a module
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise CassetteError(
            "PyYAML is not installed: run pip install 'issuing-disburse[testing]'",
            code="yaml_missing",
        ) from None
    return yaml


@functools.cache
def _strict(yaml: Any, plain: Any) -> Any:  # Any: yaml's loaders have no common type
    """
    Return a safe loader that refuses a name that stands there twice.
    """

    class Loader(plain):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            names = [name.value for name, _ in node.value if hasattr(name, "value")]
            if len({str(one) for one in names}) != len(names):
                raise yaml.constructor.ConstructorError(None, None, "a name stands there twice")
            return super().construct_mapping(node, deep=deep)

        def construct_content(self, _: str, node: Any) -> Any:
            # vcrpy marks files and iterators so; nothing is made of them here but their content.
            if isinstance(node, yaml.MappingNode):
                return self.construct_mapping(node, deep=True)
            if isinstance(node, yaml.SequenceNode):
                return self.construct_sequence(node, deep=True)
            return self.construct_scalar(node)

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", Loader.construct_content)
    return Loader


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("JSON in which a name stands twice")
    return found
