"""
Which endpoint does a method and a path belong to?
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias
from urllib.parse import unquote

from attrs import define, field

from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.schema import Hash
from issuing_disburse.simulator.world import Call, Resource, Wire

Handler: TypeAlias = Callable[[Call], Resource | Wire]
NAME = ":id"


@define(eq=False)
class Endpoint:
    """
    Be one named operation: method, path with ``:id`` places, what it does, what it accepts.

    *locks_itself* is for the few that must not hold the lock all the time.
    """

    method: str
    path: str
    handler: Handler
    params: Hash
    locks_itself: bool = False
    name: str = field(init=False)
    is_issuing: bool = field(init=False)

    @name.default
    def _name(self) -> str:
        return f"{self.method} {self.path}"

    @is_issuing.default
    def _is_issuing(self) -> bool:
        return self.path.startswith(("/v1/issuing/", "/v1/test_helpers/issuing/"))


@define
class Router:
    """
    Find endpoints by literal path, then by path with ids.
    """

    _literal: dict[tuple[str, str], Endpoint] = field(factory=dict)
    _masks: dict[int, list[tuple[int, ...]]] = field(factory=dict)

    @classmethod
    def of(cls, endpoints: Iterable[Endpoint]) -> "Router":
        """
        Build the tables of *endpoints*.
        """
        router = cls()
        for endpoint in endpoints:
            router._literal[endpoint.method, endpoint.path] = endpoint
            parts = endpoint.path.split("/")
            mask = tuple(place for place, part in enumerate(parts) if part == NAME)
            masks = router._masks.setdefault(len(parts), [])
            if mask and mask not in masks:
                masks.append(mask)
        return router

    def find(self, method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
        """
        Return the endpoint and the ids in the path.

        Raises:
            ApiError: There is no such endpoint.
        """
        found = self._literal.get((method, path))
        if found is not None:
            return found, ()
        parts = path.split("/")
        for mask in self._masks.get(len(parts), ()):
            general = parts.copy()
            for place in mask:
                general[place] = NAME
            found = self._literal.get((method, "/".join(general)))
            if found is not None and all(parts[place] for place in mask):
                return found, tuple(unquote(parts[place]) for place in mask)
        raise ApiError(
            f"Unrecognized request URL ({method}: {path[:200]}). Please see"
            " https://stripe.com/docs or we can help at https://support.stripe.com/.",
            status=404,
        )
