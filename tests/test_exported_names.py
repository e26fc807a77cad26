"""
Is what users may import what we promised, and does importing cost only what is used?
"""

import ast
import json
import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import issuing_disburse
import issuing_disburse.policy

PROMISED = {
    "Address",
    "Allotment",
    "AmountRule",
    "AsyncDisburser",
    "AuthorizationPolicy",
    "AuthorizationRequest",
    "BalanceFunder",
    "CardFactory",
    "CardReference",
    "CardholderManager",
    "Decision",
    "Delivery",
    "Disbursement",
    "Disburser",
    "ElementsKey",
    "FundingReceipt",
    "Limit",
    "Money",
    "Objection",
    "Order",
    "Outcome",
    "Preflight",
    "Receipt",
    "Recipient",
    "Reclaimer",
    "Reclamation",
    "Reconciliation",
    "Reply",
    "Statement",
    "Status",
    "Store",
    "Terms",
    "UserTerms",
}
HEAVY = {
    "stripe",
    "sqlalchemy",
    "requests",
    "httpx",
    "urllib3",
    "aiohttp",
    "psycopg",
    "rich",
    "typer",
}


def modules_after(statement: str) -> set[str]:
    """
    Run *statement* in a fresh interpreter, and name the top-level packages it has imported.
    """
    program = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run(  # noqa: S603 - the interpreter of this test, and text from this file
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    return {name.partition(".")[0] for name in json.loads(answer.stdout)}


def test_the_names_are_sorted_when_the_package_lists_them() -> None:
    """The list of public names is sorted and names nothing twice."""
    assert sorted(set(issuing_disburse.__all__)) == list(issuing_disburse.__all__)


def test_every_promised_name_is_there_when_the_package_is_imported() -> None:
    """What the design pins can be imported from the package itself."""
    assert PROMISED - set(issuing_disburse.__all__) == set()


@pytest.mark.parametrize("name", issuing_disburse.__all__)
def test_a_name_leads_to_something_when_it_is_listed(name: str) -> None:
    """Each listed name can be had, and shows up in `dir`."""
    assert getattr(issuing_disburse, name) is not None
    assert name in dir(issuing_disburse)


def test_nothing_else_is_public_when_the_package_is_looked_at() -> None:
    """Besides submodules, the package has no public name that is not listed."""
    for name in issuing_disburse.__all__:
        getattr(issuing_disburse, name)

    public = {
        name
        for name, value in vars(issuing_disburse).items()
        if not name.startswith("_")
        and type(value).__module__ != "__future__"
        and not isinstance(value, ModuleType)
    }

    assert public - set(issuing_disburse.__all__) == set()


@pytest.mark.parametrize(
    "package", [issuing_disburse, issuing_disburse.policy, issuing_disburse.rules]
)
def test_type_checkers_see_what_is_loaded_when_they_read_a_package(package: ModuleType) -> None:
    """The imports that only type checkers read, the list of names, and what is loaded on demand agree."""
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    seen = {
        (node.module or one.name, one.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module != "on_demand"
        for one in node.names
    }

    assert {name for _, name in seen} == set(package.__all__)
    for room, name in seen:
        module = import_module(f"{package.__name__}.{room}")
        there = module if name == room else getattr(module, name)
        assert there is getattr(package, name)


def test_type_checkers_try_every_name() -> None:
    """Each public name is used in `tests/typing` as a user would."""
    used = {
        one.name
        for file in (Path(__file__).parent / "typing").glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "issuing_disburse"
        for one in node.names
    }

    assert set() == set(issuing_disburse.__all__) - used


def test_everything_comes_along_when_a_star_is_imported() -> None:
    """A star brings exactly the listed names."""
    names: dict[str, object] = {}
    exec("from issuing_disburse import *", names)  # noqa: S102 - a star is not allowed in a function

    assert set(issuing_disburse.__all__) == names.keys() - {"__builtins__"}


def test_a_value_comes_back_when_it_was_pickled_before_its_class_was_loaded() -> None:
    """A pickle of a public value is read by a process that has imported nothing yet."""
    program = f"import pickle\nprint(pickle.loads({pickle.dumps(issuing_disburse.Money(1_050, 'usd'))!r}))"
    answer = subprocess.run(  # noqa: S603 - the interpreter of this test, and text from this file
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert "10.50 usd" == answer.stdout.strip()


def test_nothing_of_the_library_is_loaded_when_only_the_package_is_imported() -> None:
    """An import alone costs nothing: neither a module of ours nor one of those that we use."""
    program = "import sys\nbefore = set(sys.modules)\nimport issuing_disburse\nprint(*sorted(set(sys.modules) - before - {'__future__'}))"
    answer = subprocess.run(  # noqa: S603 - the interpreter of this test, and text from this file
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert ["issuing_disburse", "issuing_disburse.on_demand"] == answer.stdout.split()


def test_an_unknown_name_is_an_attribute_error_when_it_is_asked_for() -> None:
    """A misspelt name fails like on any module."""
    with pytest.raises(AttributeError, match="Disburserr"):
        issuing_disburse.Disburserr  # noqa: B018 - the look-up is what is tested


def test_the_version_is_the_installed_one_when_it_is_asked_for() -> None:
    """The version is read from what is installed."""
    assert issuing_disburse.__version__.count(".") >= 2


@pytest.mark.parametrize(
    "statement", ["import issuing_disburse", "from issuing_disburse import Money, Order, Terms"]
)
def test_nothing_heavy_is_imported_when_only_values_are_used(statement: str) -> None:
    """Neither the SDK nor a database layer nor an HTTP client comes with the package."""
    assert modules_after(statement) & HEAVY == set()


def test_the_pci_package_stays_out_when_the_facade_is_imported() -> None:
    """Only an import of its own brings in what may touch a card number."""
    program = "import sys\nfrom issuing_disburse import Disburser\nprint('issuing_disburse.pci' in sys.modules)"
    answer = subprocess.run(  # noqa: S603 - the interpreter of this test, and text from this file
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert answer.stdout.strip() == "False"
