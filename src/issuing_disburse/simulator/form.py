"""
What did the caller send, once the form encoding is undone?
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import quote_plus, unquote

from issuing_disburse.simulator.errors import ApiError

Tree: TypeAlias = Any
"""
Decoded form data: a string, a dict of trees (also for ``a[0]``), or a list of trees (``a[]``).
"""

MAX_PARAMETERS = 2_000
MAX_DEPTH = 8
LONGEST_KEPT = 200


def decode(raw: bytes) -> dict[str, Tree]:
    """
    Return the tree of an ``application/x-www-form-urlencoded`` body or query string.

    Nested (``a[b]=1``), indexed (``a[0]=1``) and appended (``a[]=1``, also of hashes) keys are
    understood, with brackets raw or percent-encoded.

    Raises:
        ApiError: The text is no form data, too deep, or has too many parameters.
    """
    tree: dict[str, Tree] = {}
    if not raw:
        return tree
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise _not_utf8() from None
    is_escaped = "%" in text or "+" in text
    pairs = text.split("&", MAX_PARAMETERS)
    if len(pairs) > MAX_PARAMETERS:
        raise ApiError(f"Too many parameters: at most {MAX_PARAMETERS} are accepted.")
    for pair in pairs:
        key, _, value = pair.partition("=")
        if is_escaped and ("%" in value or "+" in value):
            value = _unescape(value)
        if "[" in key or "%" in key or "+" in key:
            _put(tree, *_steps(key) if len(key) <= LONGEST_KEPT else _read_steps(key), value)
        elif key:
            _set(tree, key, value, key)
    return tree


def encode(params: Mapping[str, object]) -> bytes:
    """
    Return *params* as the official SDKs would send them: indexed lists, no ``None``.
    """
    return "&".join(
        f"{quote_plus(key)}={quote_plus(value)}" for key, value in _flat("", params)
    ).encode()


def _flat(prefix: str, value: object) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        items = [(f"{prefix}[{key}]" if prefix else str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        items = [(f"{prefix}[{index}]", item) for index, item in enumerate(value)]
    elif isinstance(value, bool):
        return [(prefix, "true" if value else "false")]
    else:
        return [(prefix, str(value))]
    return [pair for key, item in items for pair in _flat(key, item)]


def _unescape(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _not_utf8() from None


def _not_utf8() -> ApiError:
    return ApiError("Invalid request: the parameters are not valid UTF-8.")


def _read_steps(sent: str) -> tuple[str, tuple[str, ...]]:
    """
    Return a parameter's name without escapes, and the way that its brackets describe.
    """
    key = _unescape(sent)
    head, bracket, rest = key.partition("[")
    if not bracket:
        return key, (key,)
    if not rest.endswith("]") or not head:
        raise ApiError(f"Invalid parameter name: {key[:100]}", param=key[:100])
    steps = rest[:-1].split("][")
    if len(steps) > MAX_DEPTH:
        raise ApiError(f"Parameters are nested too deeply: {key[:100]}", param=key[:100])
    return key, (head, *steps)


_steps = lru_cache(2_048)(_read_steps)  # names come again and again


def _put(tree: dict[str, Tree], key: str, steps: tuple[str, ...], value: str) -> None:
    node: Tree = tree
    step = steps[0]
    for following in steps[1:]:
        child = node.get(step) if type(node) is dict else None
        node = child if type(child) is dict and following else _descend(node, step, following, key)
        step = following
    if type(node) is dict and step not in node:
        node[step] = value
    else:
        _set(node, step, value, key)


def _descend(node: Tree, step: str, following: str, key: str) -> Tree:
    """
    Return the container under *step*, making it when it is new.
    """
    kind = dict if following else list
    if isinstance(node, list):
        # ``a[][b]=1&a[][c]=2`` is one hash; a key that is there already starts the next one.
        if step or kind is list:
            raise _clash(key)
        if not node or following in node[-1]:
            node.append({})
        if not isinstance(node[-1], dict):
            raise _clash(key)
        return node[-1]
    child = node.get(step)
    if child is None:
        child = node[step] = kind()
    if type(child) is not kind:
        raise _clash(key)
    return child


def _set(node: Tree, step: str, value: str, key: str) -> None:
    if isinstance(node, list):
        if step != "":
            raise _clash(key)
        node.append(value)
        return
    if step in node and not isinstance(node[step], str):
        raise _clash(key)
    node[step] = value


def _clash(key: str) -> ApiError:
    return ApiError(f"Invalid parameter: {key[:100]} has two shapes.", param=key[:100])
