"""
How does everything public get its entry in the reference, with its docstring?

A page of ``api/`` says ``.. public:: module``, and gets an entry for each public name of that module; or
``.. public:: module.Name``, and gets that one. What the package exports and no page has asked for stands on the page
that says ``.. public-rest:: package``: nothing is left out because somebody forgot it.
"""

import inspect
import re
from enum import EnumType
from importlib import import_module
from pathlib import Path
from types import ModuleType

from sphinx.application import Sphinx

_PUBLIC = re.compile(r"^\.\. public:: ([\w.]+)$", re.MULTILINE)
_REST = re.compile(r"^\.\. public-rest:: ([\w.]+)$", re.MULTILINE)

_MADE_FOR_YOU = {
    "BalanceFunder",
    "CardFactory",
    "CardholderManager",
    "Disburser",
    "Reclaimer",
    "Recordings",
}


def public_names(module: ModuleType) -> list[str]:
    """
    Name what a *module* offers: what it lists, or else the classes, functions and constants that it defines itself.
    """
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return list(listed)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def _is_private(base: type) -> bool:
    """
    Tell whether *base* is a part of the simulator that has no entry of its own.
    """
    package = base.__module__.rpartition(".")[0]
    is_part = base.__module__.startswith("issuing_disburse.simulator.")
    return is_part and base.__name__ not in public_names(import_module(package))


def _entry(module: ModuleType, name: str) -> str:
    value = getattr(module, name)
    full = f"{module.__name__}.{name}"
    if isinstance(value, ModuleType):
        return ""  # it has a page of its own
    if inspect.isclass(value):
        options = "   :members:\n"
        if any(base is not object and not _is_private(base) for base in value.__bases__):
            options += "   :show-inheritance:\n"
        if any(_is_private(base) for base in value.__mro__[1:]):
            options += "   :inherited-members: object\n"  # nobody else shows them
        if isinstance(value, EnumType):
            options += "   :undoc-members:\n"
        return f".. autoclass:: {full}\n{options}\n"
    if callable(value) and not hasattr(value, "__origin__"):
        return f".. autofunction:: {full}\n\n"
    return f".. autodata:: {full}\n   :no-value:\n\n"


def _entries(target: str) -> str:
    module_name, _, name = target.rpartition(".")
    try:
        module = import_module(target)
    except ModuleNotFoundError:
        return _entry(import_module(module_name), name)
    heading = f".. automodule:: {target}\n\n"
    return heading + "".join(_entry(module, one) for one in public_names(module))


def _has_entry(folder: Path) -> set[int]:
    """
    Tell by their ids the objects that some page of *folder* asks for.
    """
    ids = set()
    for target in {
        one for page in folder.rglob("*.rst") for one in _PUBLIC.findall(page.read_text())
    }:
        module_name, _, name = target.rpartition(".")
        try:
            module = import_module(target)
        except ModuleNotFoundError:
            ids.add(id(getattr(import_module(module_name), name)))
        else:
            ids.update(id(getattr(module, one)) for one in public_names(module))
    return ids


def _expand(app: Sphinx, docname: str, content: list[str]) -> None:
    if not docname.startswith("api/"):
        return

    def rest(found: re.Match[str]) -> str:
        package = import_module(found[1])
        there = _has_entry(Path(app.srcdir) / "api")
        left = [one for one in public_names(package) if id(getattr(package, one)) not in there]
        return "".join(_entry(package, one) for one in left)

    text = _PUBLIC.sub(lambda found: _entries(found[1]), content[0])
    content[0] = _REST.sub(rest, text)


def _hide_constructor(
    app: Sphinx, what: str, name: str, obj: object, options: object, arguments: str, returned: str
) -> tuple[str, str] | None:
    # Made by `connect`, or by a disburser: who reads the reference does not call these.
    is_made_for_one = name.rpartition(".")[2] in _MADE_FOR_YOU
    return ("", "") if what == "class" and is_made_for_one else None


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Have the two lines replaced by entries.
    """
    app.connect("source-read", _expand)
    app.connect("autodoc-process-signature", _hide_constructor)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
