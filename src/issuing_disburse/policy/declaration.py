"""
Which policy does a file describe?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, TypeAlias, cast

from attrs import Attribute, fields, frozen, has

from issuing_disburse import rules as built_in
from issuing_disburse.decision import Rule
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.rules import combine

Known: TypeAlias = Mapping[str, Rule | Callable[..., Rule]]
"""Rules of a team's own, by the name that its files use: functions as they are, or attrs classes."""

_POLICY_KEYS = ("base", "partial_approval", "deadline_seconds", "isolated", "rules", "shadows")
_DURATION_KEYS = ("weeks", "days", "hours", "minutes", "seconds")


@frozen(kw_only=True)
class Declared:
    """
    What a declaration says, ready to be made into a policy.
    """

    is_default_based: bool
    partial_approval: bool
    settings: dict[str, Any]
    rules: tuple[Rule, ...]
    shadows: tuple[tuple[str, Rule], ...]


def read(found: object, known: Known) -> Declared:
    """
    Read a declaration, strictly.

    Raises:
        InvalidInputError: With the path to the bad key: ``policy.rules[2].count_max``.
    """
    found = _table("policy", found, _POLICY_KEYS)
    base = found.get("base", "default")
    if base not in ("default", "none"):
        raise InvalidInputError("policy.base", "is unknown", "use 'default' or 'none'")
    partial = _boolean("policy.partial_approval", found.get("partial_approval", False))
    if partial and base == "none":
        raise InvalidInputError(
            "policy.partial_approval", "needs base 'default'", "use the rule PartialApproval"
        )
    settings: dict[str, Any] = {}
    if "isolated" in found:
        settings["isolated"] = _boolean("policy.isolated", found["isolated"])
    if "deadline_seconds" in found:
        settings["deadline_seconds"] = _number("policy.deadline_seconds", found["deadline_seconds"])
    return Declared(
        is_default_based=base == "default",
        partial_approval=partial,
        settings=settings,
        rules=_rules("policy.rules", found.get("rules", []), known),
        shadows=_shadows(found.get("shadows", []), known),
    )


def _shadows(found: object, known: Known) -> tuple[tuple[str, Rule], ...]:
    shadows: list[tuple[str, Rule]] = []
    for index, one in enumerate(_list("policy.shadows", found)):
        path = f"policy.shadows[{index}]"
        table = _table(path, one, ("name", "rule"))
        name = table.get("name")
        if not isinstance(name, str) or not name:
            raise InvalidInputError(f"{path}.name", "is missing", "name the shadow")
        shadows.append((name, _rule(f"{path}.rule", table.get("rule"), known)))
    return tuple(shadows)


def _rules(path: str, found: object, known: Known) -> tuple[Rule, ...]:
    return tuple(
        _rule(f"{path}[{index}]", one, known) for index, one in enumerate(_list(path, found))
    )


def _rule(path: str, found: object, known: Known) -> Rule:
    if isinstance(found, str):
        found = {"rule": found}
    table = _table(path, found, None)
    name = table.pop("rule", None)
    if not isinstance(name, str):
        raise InvalidInputError(
            f"{path}.rule", "is missing", "name the rule: rule = 'AmountAtMost'"
        )
    if name in known:
        kind = known[name]
    elif name in built_in.__all__:
        kind = getattr(built_in, name)
    else:
        raise InvalidInputError(
            f"{path}.rule",
            f"{name!r} is unknown",
            "see issuing_disburse.rules, or pass it as known=",
        )
    if kind in (built_in.any_of, built_in.all_of, built_in.unless):
        return _combined(path, name, table, known)
    if isinstance(kind, type):
        return _made(path, kind, table)
    _table(path, table, ())
    return cast("Rule", kind)


def _combined(path: str, name: str, table: dict[str, Any], known: Known) -> Rule:
    settings = ("exception", "rules") if name == "unless" else ("rules",)
    _table(path, table, settings)
    parts = _rules(f"{path}.rules", table.get("rules", []), known)
    if not parts:
        raise InvalidInputError(f"{path}.rules", "is empty", "name at least one rule")
    if name == "unless":
        return combine.Unless(_rule(f"{path}.exception", table.get("exception"), known), parts)
    return combine.AnyOf(parts) if name == "any_of" else combine.AllOf(parts)


def _made(path: str, kind: type[Any], table: dict[str, Any]) -> Rule:
    if not has(kind):
        raise InvalidInputError(
            path, f"{kind.__name__} is no attrs class", "pass an instance as known="
        )
    settings = {one.alias: one for one in fields(kind) if one.init}
    _table(path, table, tuple(settings))
    arguments = {
        name: _argument(f"{path}.{name}", settings[name], value) for name, value in table.items()
    }
    try:
        return cast("Rule", kind(**arguments))
    except InvalidInputError as error:
        setting = error.field.rpartition(".")[2]
        where = f"{path}.{setting}" if setting in settings else path
        raise InvalidInputError(where, error.problem, error.remedy) from None
    except TypeError:
        missing = [name for name in settings if name not in table]
        raise InvalidInputError(
            path, f"{kind.__name__} lacks a setting", f"it also takes {', '.join(missing)}"
        ) from None


def _argument(path: str, setting: Attribute[Any], value: Any) -> Any:
    wanted = (
        setting.type if isinstance(setting.type, str) else getattr(setting.type, "__name__", "")
    )
    if wanted == "bool":
        return _boolean(path, value)
    if wanted == "timedelta" and isinstance(value, Mapping):
        parts = _table(path, value, _DURATION_KEYS)
        numbers = {key: _number(f"{path}.{key}", part) for key, part in parts.items()}
        try:
            return timedelta(**numbers)
        except (OverflowError, ValueError):
            raise InvalidInputError(path, "is no length of time", "write { hours = 24 }") from None
    if wanted == "date" and isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise InvalidInputError(path, "is no date", "write 2026-12-01") from None
    return value


def _table(path: str, value: object, keys: tuple[str, ...] | None) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInputError(path, "is no table", "write key = value pairs")
    for key in value:
        if keys is not None and key not in keys:
            remedy = f"it takes {', '.join(keys)}" if keys else "it takes none"
            raise InvalidInputError(f"{path}.{key}", "is no setting here", remedy)
    return dict(value)


def _list(path: str, value: object) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise InvalidInputError(path, "is no list", "write a list of tables")
    return list(value)


def _boolean(path: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInputError(path, "is neither true nor false", "write one of them")
    return value


def _number(path: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInputError(path, "is no number", "write a number")
    return value
