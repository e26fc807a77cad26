"""
How does everything public get its entry in the reference, with its docstring?

A page of ``api/`` says ``.. public:: module``, and gets an entry for each public name of that module; or
``.. public:: module.Name``, and gets that one. What the package exports and no page has asked for stands on the page
that says ``.. public-rest:: package``: nothing is left out because somebody forgot it.
"""

import ast
import inspect
import re
import sys
from enum import EnumType
from importlib import import_module
from pathlib import Path
from types import ModuleType

from attrs import fields, has
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging

_PUBLIC = re.compile(r"^\.\. public:: ([\w.]+)$", re.MULTILINE)
_ATTRS_DEFAULT = re.compile(r"attr_dict\['(\w+)'\]\.default")
_LONGEST_DEFAULT = 60
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
    told = "\n".join(f"   {line}" for line in _told(module, name, value))
    return f".. py:data:: {name}\n   :module: {module.__name__}\n\n{told}\n\n"


def _told(module: ModuleType, name: str, value: object) -> list[str]:
    """
    Return what stands behind a constant in the room that defines it; packages only export it.
    """
    rooms = [room for room in list(sys.modules) if f"{room}.".startswith(f"{module.__name__}.")]
    for room in rooms:
        if vars(sys.modules[room]).get(name) is value:
            lines = ModuleAnalyzer.for_module(room).find_attr_docs().get(("", name))
            if lines:
                return lines
    logging.getLogger(__name__).warning("nothing says what %s.%s is", module.__name__, name)
    return []


def _entries(target: str, asked_for: set[str]) -> str:
    module_name, _, name = target.rpartition(".")
    try:
        module = import_module(target)
    except ModuleNotFoundError:
        return _entry(import_module(module_name), name)
    heading = f".. automodule:: {target}\n\n"
    listed = [one for one in public_names(module) if f"{target}.{one}" not in asked_for]
    return heading + "".join(_entry(module, one) for one in listed)


def _asked_for(folder: Path) -> set[str]:
    return {one for page in folder.rglob("*.rst") for one in _PUBLIC.findall(page.read_text())}


def _has_entry(asked_for: set[str]) -> set[int]:
    """
    Tell by their ids the objects that some page asks for.
    """
    ids = set()
    for target in asked_for:
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

    asked_for = _asked_for(Path(app.srcdir) / "api")

    def rest(found: re.Match[str]) -> str:
        package = import_module(found[1])
        there = _has_entry(asked_for)
        left = [one for one in public_names(package) if id(getattr(package, one)) not in there]
        return "".join(_entry(package, one) for one in left)

    shown: set[str] = set()

    def once(found: re.Match[str]) -> str:
        if found[1] in shown:
            return ""
        shown.add(found[1])
        return _entries(found[1], asked_for)

    text = _PUBLIC.sub(once, content[0])
    content[0] = _REST.sub(rest, text)


def _signature(
    app: Sphinx, what: str, name: str, obj: type, options: object, arguments: str, returned: str
) -> tuple[str, str] | None:
    if what != "class":
        return None
    if name.rpartition(".")[2] in _MADE_FOR_YOU:
        return "", ""  # made by `connect`, or by a disburser: who reads the reference calls none
    if not has(obj) or arguments is None:
        return None
    defaults = {one.name: one.default for one in fields(obj)}
    shown = _ATTRS_DEFAULT.sub(lambda found: _default(defaults[found[1]]), arguments)
    return shown.replace("= NOTHING", "= ..."), returned


def _default(value: object) -> str:
    shown = getattr(value, "__qualname__", repr(value))
    try:
        ast.parse(shown, mode="eval")  # Sphinx reads a signature as Python does
    except SyntaxError:
        return "..."
    return shown if len(shown) <= _LONGEST_DEFAULT else "..."


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Have the two lines replaced by entries.
    """
    app.connect("source-read", _expand)
    app.connect("autodoc-process-signature", _signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
