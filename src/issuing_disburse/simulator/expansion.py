"""
How are ids replaced by the objects they name, where a caller asks for it?
"""

from typing import Any

from orjson import loads

from issuing_disburse.simulator.encoding import to_json
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.world import World

DEEPEST = 4
NEVER = frozenset({"cvc", "number"})


def expand(world: World, body: bytes, paths: tuple[str, ...]) -> bytes:
    """
    Return *body* with every id at one of the dotted *paths* replaced by its object.

    Raises:
        ApiError: A path leads nowhere, is too deep, or names a secret.
    """
    tree = loads(body)
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEEPEST:
            raise ApiError(
                f"You cannot expand more than {DEEPEST} levels of a property ({path}).",
                param="expand",
            )
        if steps[-1] in NEVER:
            raise _unexpandable(path)
        _expand(world, tree, steps, path)
    return to_json(tree)


def _expand(world: World, node: Any, steps: list[str], path: str) -> None:
    if isinstance(node, list):
        for item in node:
            _expand(world, item, steps, path)
        return
    if not isinstance(node, dict):
        return
    step, rest = steps[0], steps[1:]
    if step not in node:
        raise _unexpandable(path)
    value = node[step]
    if isinstance(value, str):
        found = world.by_id.get(value)
        if found is None:
            raise _unexpandable(path)
        node[step] = loads(found.bytes_shown(world))
    elif not rest and not isinstance(value, dict) and value is not None:
        raise _unexpandable(path)
    if rest:
        _expand(world, node[step], rest, path)


def _unexpandable(path: str) -> ApiError:
    return ApiError(
        f"This property cannot be expanded ({path}).",
        param="expand",
    )
