"""
What exists in the simulated Stripe, and how is it found and shown?
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import TYPE_CHECKING, ClassVar, Self, TypeAlias, TypeVar

from attrs import define, field, fields
from orjson import Fragment

from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.simulator.clock import SECOND, Agenda
from issuing_disburse.simulator.encoding import to_json
from issuing_disburse.simulator.errors import no_such
from issuing_disburse.simulator.ids import Ids
from issuing_disburse.simulator.schema import Params
from issuing_disburse.simulator.versions import API_VERSION

if TYPE_CHECKING:
    from issuing_disburse.simulator.accounts import Account
    from issuing_disburse.simulator.delivery import Answer
    from issuing_disburse.simulator.webhook_endpoints import WebhookEndpoint

Wire: TypeAlias = dict[str, object]
"""
An object as Stripe shows it, ready for the JSON encoder.
"""

NO_METADATA: dict[str, str] = {}
"""
Shared by every object without metadata: state that is shown is replaced, never changed in place.
"""


@define(eq=False, kw_only=True)
class Resource:
    """
    Hold what all objects share: an id, an owner, a moment, a place in the order of creation.

    State that is shown is replaced and never changed in place, so that a wire form taken before a
    change can be compared with the one after it.
    """

    noun: ClassVar[str] = "object"
    indexed: ClassVar[tuple[str, ...]] = ()

    id: str
    account: str
    created: int
    position: int = 0
    metadata: dict[str, str] = field(default=NO_METADATA)
    json: bytes = field(default=b"", repr=False)
    shown: Fragment | None = field(default=None, repr=False)
    shown_inside: Fragment | None = field(default=None, repr=False)

    def wire(self, world: "World") -> Wire:
        """
        Return the object as Stripe shows it.
        """
        raise NotImplementedError

    def inside(self, world: "World") -> "Resource | None":
        """
        Return the object that is shown in full inside this one, if there is one.
        """
        return None

    def show(self, world: "World") -> Fragment:
        """
        Return the JSON form, made once and kept until something in it changes.
        """
        inner = self.inside(world)
        if inner is None:
            if self.shown is None:
                self.json = to_json(self.wire(world))
                self.shown = Fragment(self.json)
            return self.shown
        inner_shown = inner.show(world)
        if self.shown is None or self.shown_inside is not inner_shown:
            self.json = to_json(self.wire(world))
            self.shown = Fragment(self.json)
            self.shown_inside = inner_shown
        return self.shown

    def bytes_shown(self, world: "World") -> bytes:
        """
        Return the JSON form as bytes.
        """
        self.show(world)
        return self.json

    def show_as(self, world: "World", wire: Wire) -> None:
        """
        Keep the JSON form of *wire*, which is what `wire` returns at this moment.
        """
        inner = self.inside(world)
        self.shown_inside = None if inner is None else inner.show(world)
        self.json = to_json(wire)
        self.shown = Fragment(self.json)

    def changed(self) -> None:
        """
        Forget the kept JSON form.
        """
        self.shown = None


R = TypeVar("R", bound=Resource)


@define(eq=False)
class World:
    """
    Be the whole state: objects by id, lists by owner and kind, the time, the generator.

    Lists hold objects in the order of creation; beside the full list of an account there is one
    list for each value of each indexed attribute, so no filter that matters walks everything.
    """

    behaviour: Behaviour
    ids: Ids
    now: int
    platform: str = ""
    by_id: dict[str, Resource] = field(factory=dict)
    lists: dict[tuple[str, str], list[Resource]] = field(factory=dict)
    indexes: dict[tuple[str, str, str, str], Resource | list[Resource]] = field(factory=dict)
    agenda: Agenda = field(factory=Agenda)
    positions: int = 0
    keeps_events: bool = True
    forgot_on: int = 0
    endpoints: list["WebhookEndpoint"] = field(factory=list)
    keys: dict[str, "Key"] = field(factory=dict)
    lock: RLock = field(factory=RLock, repr=False)

    @property
    def seconds(self) -> int:
        """
        Return the time as whole Unix seconds, the way objects show it.
        """
        return self.now // SECOND

    def add(self, resource: Resource) -> None:
        """
        Put a new object in its place: by id, and at the end of its lists.
        """
        self.positions += 1
        resource.position = self.positions
        self.by_id[resource.id] = resource
        try:
            self.lists[resource.account, resource.noun].append(resource)
        except KeyError:
            self.lists[resource.account, resource.noun] = [resource]
        for name in resource.indexed:
            self.index(resource, name)

    def index(self, resource: Resource, name: str) -> None:
        """
        Put an object at the end of the list of its value of one indexed attribute.

        Most values belong to a single object, which then stands for a list of its own.
        """
        value = getattr(resource, name)
        if value is None:
            return
        key = (resource.account, resource.noun, name, value)
        there = self.indexes.setdefault(key, resource)
        if there is resource:
            return
        if isinstance(there, list):
            there.append(resource)
        else:
            self.indexes[key] = [there, resource]

    def found(self, kind: type[Resource], owner: str, name: str, value: str) -> list[Resource]:
        """
        Return an account's objects of a kind with one value of an indexed attribute.
        """
        there = self.indexes.get((owner, kind.noun, name, value), [])
        return there if isinstance(there, list) else [there]

    def reindex(self, resource: Resource, name: str, old: str | None) -> None:
        """
        Move an object to the list of its new value after an indexed attribute has changed.
        """
        new = getattr(resource, name)
        if new == old:
            return
        if old is not None:
            key = (resource.account, resource.noun, name, old)
            staying = [
                each
                for each in self.found(type(resource), resource.account, name, old)
                if each is not resource
            ]
            self.indexes[key] = staying
        if new is not None:
            joined = [*self.found(type(resource), resource.account, name, new), resource]
            joined.sort(key=_position)
            self.indexes[resource.account, resource.noun, name, new] = joined

    def forget(self, noun: str, before: int) -> None:
        """
        Drop every object of a kind that was made before a moment (Unix seconds).
        """
        for owner, items in list(self.lists.items()):
            if owner[1] == noun:
                gone = bisect_left(items, before, key=_created)
                self.lists[owner] = items[gone:]
                for resource in items[:gone]:
                    del self.by_id[resource.id]
        for place, found in list(self.indexes.items()):
            if place[1] == noun:
                items = found if isinstance(found, list) else [found]
                self.indexes[place] = items[bisect_left(items, before, key=_created) :]

    def get(self, kind: type[R], name: str) -> R:
        """
        Return an object that is known to exist, whoever owns it.
        """
        found = self.by_id[name]
        if not isinstance(found, kind):
            raise no_such(kind.noun, name)
        return found

    def find(
        self, kind: type[R], name: str, account: str, *, param: str = "id", status: int = 404
    ) -> R:
        """
        Return an account's object by id.

        Raises:
            ApiError: There is none of that kind here; another account's is not told apart.
        """
        found = self.by_id.get(name)
        if not isinstance(found, kind) or found.account != account:
            raise no_such(kind.noun, name, param=param, status=status)
        return found

    def later(self, seconds: float, action: str, *arguments: str | int) -> None:
        """
        Let *action* happen by itself in *seconds*.
        """
        self.agenda.add(self.now + round(seconds * SECOND), action, *arguments)


def _position(resource: Resource) -> int:
    return resource.position


def _created(resource: Resource) -> int:
    return resource.created


@define(eq=False)
class Key:
    """
    Be one API key: whose it is, its mode, and what a restricted one may do.

    *allowed* is ``None`` for a full key, else a set of ``(method, path prefix)`` pairs.
    """

    secret: str
    account: str
    livemode: bool = False
    allowed: frozenset[tuple[str, str]] | None = None


@define(eq=False, kw_only=True)
class Call:
    """
    Be one request, or one thing that happens by itself, while it is carried out.

    What has to be delivered afterwards, outside the lock, collects in *outbox*.
    """

    world: World
    account: "Account"
    params: Params = field(factory=dict)
    names: tuple[str, ...] = ()
    expand: tuple[str, ...] = ()
    request_id: str | None = None
    idempotency_key: str | None = None
    version: str = API_VERSION
    version_given: bool = False
    ask: Callable[["Call", str, "WebhookEndpoint"], "Answer"] | None = None
    outbox: list[tuple[str, str, int]] = field(factory=list)
    origin: bytes = b""

    @classmethod
    def of_clock(cls, world: World, account: "Account") -> Self:
        """
        Start a call that nobody made: the time has come.
        """
        return cls(world=world, account=account)

    def for_account(self, account: "Account") -> "Call":
        """
        Go on with the same call on another account's behalf.
        """
        return Call(
            world=self.world,
            account=account,
            request_id=self.request_id,
            idempotency_key=self.idempotency_key,
            version=self.version,
            outbox=self.outbox,
        )


@contextmanager
def changing(resource: Resource, world: World) -> Iterator[Wire]:
    """
    Yield the wire form from before a change, and drop the kept JSON afterwards.

    A change that is refused half-way is undone: what is shown is replaced and never changed in
    place, so putting the old values back is enough.
    """
    before = resource.wire(world)
    names = _attributes(type(resource))  # type: ignore[arg-type]  # a class is hashable
    kept = [(name, getattr(resource, name)) for name in names]
    try:
        yield before
    except BaseException:
        for name, value in kept:
            setattr(resource, name, value)
        raise
    resource.changed()


@cache
def _attributes(kind: type[Resource]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))
