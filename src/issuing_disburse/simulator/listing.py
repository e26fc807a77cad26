"""
Which page of a list does a caller get?
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import TypeVar

from issuing_disburse.simulator.errors import no_such
from issuing_disburse.simulator.world import Call, Resource, Wire

R = TypeVar("R", bound=Resource)

DEFAULT_LIMIT = 10
_PAGING = frozenset({"limit", "starting_after", "ending_before", "created", "expand"})


def page(
    call: Call,
    kind: type[R],
    url: str,
    *,
    wanted: Callable[[R], bool] | None = None,
    account: str | None = None,
) -> Wire:
    """
    Return one page of an account's objects, newest first.

    The remaining parameters of the call are filters by attribute. The shortest indexed list is
    walked, from a place found by bisection.

    Args:
        wanted: A further condition that is no plain attribute.
        account: Whose objects; the calling account's when left out.
    """
    owner = call.account.id if account is None else account
    params = call.params
    filters = {name: value for name, value in params.items() if name not in _PAGING}
    items = _shortest(call, kind, owner, filters)
    limit = params.get("limit", DEFAULT_LIMIT)
    low, high = _bounds(call, kind, owner, items)

    def matches(resource: Resource) -> bool:
        return (
            isinstance(resource, kind)
            and all(getattr(resource, name) == value for name, value in filters.items())
            and (wanted is None or wanted(resource))
        )

    backwards = "ending_before" in params
    places: Iterator[int] = iter(range(low, high) if backwards else range(high - 1, low - 1, -1))
    found: list[Resource] = []
    has_more = False
    for place in places:
        if matches(items[place]):
            if len(found) == limit:
                has_more = True
                break
            found.append(items[place])
    if backwards:
        found.reverse()
    return list_of([resource.show(call.world) for resource in found], url, has_more=has_more)


def list_of(data: list[object], url: str, *, has_more: bool = False) -> Wire:
    """
    Return Stripe's list envelope.
    """
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _shortest(call: Call, kind: type[R], owner: str, filters: dict[str, object]) -> list[Resource]:
    best = call.world.lists.get((owner, kind.noun), [])
    for name in kind.indexed:
        value = filters.get(name)
        if isinstance(value, str):
            candidate = call.world.found(kind, owner, name, value)
            if len(candidate) < len(best):
                best = candidate
    return best


def _bounds(call: Call, kind: type[R], owner: str, items: list[Resource]) -> tuple[int, int]:
    """
    Return the half-open range of places that the cursors and ``created`` leave over.
    """
    params = call.params
    low, high = 0, len(items)
    for name in ("starting_after", "ending_before"):
        cursor = params.get(name)
        if cursor is not None:
            found = call.world.by_id.get(cursor)
            if not isinstance(found, kind) or found.account != owner:
                raise no_such(kind.noun, cursor, param=name, status=400)
            if name == "starting_after":
                high = bisect_left(items, found.position, key=_position)
            else:
                low = bisect_right(items, found.position, key=_position)
    created = params.get("created") or {}
    if "gte" in created:
        low = max(low, bisect_left(items, created["gte"], key=_created))
    if "gt" in created:
        low = max(low, bisect_right(items, created["gt"], key=_created))
    if "lte" in created:
        high = min(high, bisect_right(items, created["lte"], key=_created))
    if "lt" in created:
        high = min(high, bisect_left(items, created["lt"], key=_created))
    return low, high


def _position(resource: Resource) -> int:
    return resource.position


def _created(resource: Resource) -> int:
    return resource.created
