"""
How does a simulated Stripe outlive its process?
"""

import os
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

from attrs import fields
from orjson import dumps, loads

from issuing_disburse.simulator.authorizations import Inquiry
from issuing_disburse.simulator.cards import Card
from issuing_disburse.simulator.errors import SimulatorError
from issuing_disburse.simulator.idempotency import Replies
from issuing_disburse.simulator.spending import Controls, Spend, SpendingLimit
from issuing_disburse.simulator.webhook_endpoints import WebhookEndpoint
from issuing_disburse.simulator.world import Key, Resource, World

FORMAT = 2
_DERIVED = frozenset({"json", "shown", "shown_inside", "states"})
"""
What objects work out again by themselves.
"""
_PARTS: tuple[type, ...] = (Controls, Inquiry, Key, Spend, SpendingLimit)


def save(world: World, replies: Replies, names: dict[str, str], path: Path) -> None:
    """
    Write everything to *path*, whole or not at all: a line of state, one for each object, a digest.

    Called with the simulator's lock held.
    """
    random = world.ids.random.getstate()
    state = {
        "format": FORMAT,
        "names": names,
        "now": world.now,
        "platform": world.platform,
        "positions": world.positions,
        "seed": world.ids.seed,
        "pool": [world.ids.pool, world.ids.used],
        "random": _encode(random),
        "agenda": _encode(world.agenda.entries),
        "counter": world.agenda.counter,
        "objects": len(world.by_id),
        "keys": _encode(list(world.keys.values())),
        "replies": _encode(list(replies.stored.items())),
    }
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        digest = blake2b()
        for part in (state, *sorted(world.by_id.values(), key=lambda each: each.position)):
            line = dumps(part if part is state else _encode(part)) + b"\n"
            digest.update(line)
            file.write(line)
        file.write(dumps({"digest": digest.hexdigest()}) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def load(world: World, replies: Replies, path: Path) -> dict[str, str]:
    """
    Fill an empty *world* from *path* and return the names that were saved with it.

    The file is data only: nothing in it is executed.

    Raises:
        SimulatorError: The file is none of ours, of another format, or not whole.
    """
    with path.open("rb") as file:
        lines = _undamaged(file)
        try:
            state = loads(next(lines))
            is_known = state["format"] == FORMAT
        except (ValueError, TypeError, KeyError, StopIteration):
            is_known = False
        if not is_known:
            message = f"{path} does not hold a simulator's state of format {FORMAT}."
            raise SimulatorError(message)
        try:
            _restore(world, replies, state)
            _restore_objects(world, lines)
            is_whole = len(world.by_id) == state["objects"]
        except (ValueError, TypeError, KeyError, AttributeError):
            is_whole = False
        if not is_whole:
            raise SimulatorError(f"{path} is damaged: it does not hold all that was saved.")
    world.positions = state["positions"]
    for found in world.by_id.values():  # Limits follow a replacement, so both count as one.
        if isinstance(found, Card) and found.replacement_for is not None:
            found.spend = world.get(Card, found.replacement_for).spend
    names: dict[str, str] = state["names"]
    return names


def _undamaged(lines: Iterable[bytes]) -> Iterator[bytes]:
    """
    Yield every line but the last, which holds the digest of the others.

    Raises:
        ValueError: At the end: they are not what was saved.
    """
    digest, line = blake2b(), b""
    for following in lines:
        if line:
            digest.update(line)
            yield line
        line = following
    if loads(line) != {"digest": digest.hexdigest()}:
        message = "The digest is another one."
        raise ValueError(message)


def _restore_objects(world: World, lines: Iterable[bytes]) -> None:
    kinds = {kind.__name__: kind for kind in _all_kinds()}
    for line in lines:
        resource = _decode(loads(line), kinds)
        world.positions = resource.position - 1
        world.add(resource)
        if isinstance(resource, WebhookEndpoint):
            world.endpoints.append(resource)


def _restore(world: World, replies: Replies, state: dict[str, Any]) -> None:
    world.now = state["now"]
    world.platform = state["platform"]
    world.ids.seed = state["seed"]
    world.ids.pool, world.ids.used = state["pool"]
    world.ids.random.setstate(_decode(state["random"], {}))
    world.agenda.entries = _decode(state["agenda"], {})
    world.agenda.counter = state["counter"]
    kinds = {kind.__name__: kind for kind in _PARTS}
    world.keys = {key.secret: key for key in _decode(state["keys"], kinds)}
    replies.stored = dict(_decode(state["replies"], {}))


def _all_kinds() -> Iterable[type]:
    yield from _PARTS
    waiting: list[type[Resource]] = [Resource]
    while waiting:
        kind = waiting.pop()
        if "__attrs_attrs__" in vars(kind):  # attrs leaves the class it replaces for the collector
            yield kind
        waiting.extend(kind.__subclasses__())


def _encode(value: object) -> object:
    """
    Return *value* as JSON can hold it: what JSON has no shape for gets a tag.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list):
        return [_encode(item) for item in value]
    if isinstance(value, dict):
        return {"d": [[_encode(key), _encode(item)] for key, item in value.items()]}
    if isinstance(value, bytes):
        return {"b": value.decode("latin-1")}
    return _encode_more(value)


def _encode_more(value: object) -> object:
    if isinstance(value, tuple):
        return {"t": [_encode(item) for item in value]}
    if isinstance(value, frozenset):
        return {"f": sorted((_encode(item) for item in value), key=str)}
    return {
        "a": type(value).__name__,
        "v": {
            each.name: _encode(getattr(value, each.name))
            for each in fields(type(value))  # type: ignore[arg-type]  # everything else is attrs
            if each.name not in _DERIVED
        },
    }


_CONTAINERS: dict[str, Callable[[Any], Any]] = {"t": tuple, "f": frozenset, "d": dict}


def _decode(value: Any, kinds: dict[str, type]) -> Any:
    if isinstance(value, list):
        return [_decode(item, kinds) for item in value]
    if not isinstance(value, dict):
        return value
    if "b" in value:
        return value["b"].encode("latin-1")
    if "a" in value:
        parts = {name: _decode(item, kinds) for name, item in value["v"].items()}
        return kinds[value["a"]](**parts)
    ((tag, items),) = value.items()
    return _CONTAINERS[tag](_decode(items, kinds))
