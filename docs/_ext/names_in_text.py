"""
Where does a name in backquotes lead?

Docstrings and pages name things as one says them: `connect`, `Terms.on_void`, `BalanceLow`. On the site such a name leads to
its entry in the reference if there is one. In a docstring, a name that nothing of ours has is a mistake, and a warning.
"""

import inspect
import pkgutil
import re
from functools import cache
from importlib import import_module
from types import FunctionType, ModuleType

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

import issuing_disburse

_NAME = re.compile(r"(?:issuing_disburse\.)?([A-Za-z_][\w.]*)(?:\(.*\))?", re.DOTALL)
_PAGES_WITH_ENTRIES = "api/"


def _modules() -> list[ModuleType]:
    rooms = pkgutil.walk_packages(issuing_disburse.__path__, "issuing_disburse.")
    names = [one.name for one in rooms if not one.name.endswith("__main__")]
    return [issuing_disburse, *map(import_module, names)]


@cache
def _known_names() -> frozenset[str]:
    """
    Name all that modules and classes of ours hold, private rooms and imported types included.
    """
    names: set[str] = set()
    for module in _modules():
        names.update(module.__name__.split("."))
        for name, value in list(vars(module).items()):
            names.add(name)
            if issubclass(type(value), type):  # not `isinstance`: it wakes Flask's proxies
                names.update(dir(value))
                names.update(getattr(value, "__annotations__", ()))
            if issubclass(type(value), type | FunctionType):
                names.update(_parameters(value))
    return frozenset(names)


def _parameters(value: object) -> set[str]:
    try:
        return set(inspect.signature(value).parameters)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return set()


def _find(env: BuildEnvironment, name: str) -> tuple[str, str, str] | None:
    """
    Find the page, the anchor and the full name of the one entry whose name ends in *name*.
    """
    objects = env.domains.python_domain.objects
    ends = [
        full
        for full, entry in objects.items()
        if (full == name or full.endswith(f".{name}")) and entry.objtype != "module"
    ]
    classes = [
        full for full in ends if objects[full].objtype in {"class", "exception", "function", "data"}
    ]
    best = classes or ends
    if len(best) != 1:
        return None
    entry = objects[best[0]]
    return entry.docname, entry.node_id, best[0]


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.TextElement
) -> nodes.reference | nodes.TextElement | None:
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"].removesuffix("()")
    parts = target.split(".")
    for name in (target, ".".join(parts[-2:]), parts[-1], ".".join(parts[:-1])):
        found = _find(env, name) if name else None
        if found is not None:
            page, anchor, title = found
            return make_refnode(app.builder, node["refdoc"], page, anchor, shown, title)
    return shown if set(parts) & _known_names() or parts[0] in {"stripe", "datetime"} else None


class NamesInText(SphinxPostTransform):
    """
    Makes links of the names of ours that a page writes as code.
    """

    default_priority = 700

    def run(self, **kwargs: object) -> None:
        """
        Look at each piece of inline code outside of headings, links and entries.
        """
        page = self.env.current_document.docname
        if page.startswith(_PAGES_WITH_ENTRIES):
            return
        for literal in list(self.document.findall(nodes.literal)):
            if isinstance(literal.parent, nodes.title | nodes.reference | pending_xref):
                continue
            written = _NAME.fullmatch(literal.astext())
            name = written[1] if written else ""
            if "." not in name and not name[:1].isupper():
                continue  # a word like `store` is rarely the thing of that name
            found = _find(self.env, name)
            if found is not None:
                there, anchor, title = found
                link = make_refnode(
                    self.app.builder, page, there, anchor, literal.deepcopy(), title
                )
                literal.replace_self(link)


def setup(app: Sphinx) -> dict[str, bool]:
    """
    Resolve names in docstrings and on pages.
    """
    app.connect("missing-reference", _resolve)
    app.add_post_transform(NamesInText)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
