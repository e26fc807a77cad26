"""
How does a package give out its names without loading all of them?

Making a class costs about as much as answering ten merchants. So the package's `__getattr__` loads the
room of a name when it is first asked for; type checkers read imports that never run.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what `typing` has, without loading it

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def names_of(
    package: dict[str, object], names_by_room: Mapping[str, str]
) -> Callable[[str], object]:
    """
    Return the `__getattr__` of a *package*, whose globals these are.

    Args:
        names_by_room: The names in each submodule, with spaces between; its own stands for itself.
    """
    rooms = {name: room for room, names in names_by_room.items() for name in names.split()}

    def found(name: str) -> object:
        room = rooms.get(name)
        if room is None:
            raise AttributeError(f"module {package['__name__']!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - only when something is asked for

        module = import_module(f"{package['__name__']}.{room}")
        package[name] = module if name == room else getattr(module, name)
        return package[name]

    return found
