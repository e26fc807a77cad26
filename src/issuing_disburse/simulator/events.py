"""
How is everything that happens written down, and who is to be told?
"""

from fnmatch import fnmatchcase
from typing import ClassVar

from attrs import define
from orjson import Fragment, loads

from issuing_disburse.simulator.behaviour import Behaviour
from issuing_disburse.simulator.encoding import to_json
from issuing_disburse.simulator.errors import no_such
from issuing_disburse.simulator.listing import page
from issuing_disburse.simulator.schema import Boolean, Sequence, Text, list_params, params
from issuing_disburse.simulator.world import Call, Resource, Wire, World

DAY_SECONDS = 24 * 3600
RETENTION_SECONDS = 30 * DAY_SECONDS
NOBODY = b'{"id":null,"idempotency_key":null}'

_HEAD = (
    '{"id":"%s","object":"event",%s"api_version":"%s","context":null,"created":%d,"data":{"object":'
)
_TAIL = '},"livemode":false,"pending_webhooks":%d,"request":%s,"type":"%s"}'

RETRIEVE = params()
LIST = params(
    {
        **list_params().fields,
        "type": Text(),
        "types": Sequence(Text()),
        "delivery_success": Boolean(),
    },
    exclusive=(("type", "types"), ("starting_after", "ending_before")),
)


@define(eq=False, kw_only=True)
class Event(Resource):
    """
    Keep what one event needs to be written down; the bytes are made when somebody asks.

    *about* is the object as it was then, shared with the answer that showed it; *previous* what
    an update changed, and *request* who asked for it, as JSON.
    """

    noun: ClassVar[str] = "event"
    indexed: ClassVar[tuple[str, ...]] = ("type",)

    type: str
    receivers: int = 0
    undelivered: int = 0
    is_platforms: bool = False
    about: bytes = b""
    previous: bytes = b""
    request: bytes = NOBODY

    def show(self, world: World) -> Fragment:
        return Fragment(self.bytes_shown(world))

    def bytes_shown(self, world: World) -> bytes:
        return self.payload(world.behaviour.account_api_version, self.undelivered)

    def payload(self, version: str, pending: int) -> bytes:
        """
        Return the whole event as API *version* with so many deliveries *pending*.
        """
        origin = "" if self.is_platforms else f'"account":"{self.account}",'
        head = _HEAD % (self.id, origin, version, self.created)
        tail = _TAIL % (pending, self.request.decode(), self.type)
        changes = b',"previous_attributes":' + self.previous if self.previous else b""
        return b"".join((head.encode(), self.about, changes, tail.encode()))


def difference(before: Wire, after: Wire) -> Wire:
    """
    Return every changed attribute with its old value; hashes key by key, lists as a whole.

    An object shown inside another one (a card inside its authorization) is not an attribute.
    """
    changed: Wire = {}
    for key, value in after.items():
        old = before.get(key)
        if old is value or old == value or isinstance(value, Fragment):
            continue
        if isinstance(old, dict) and isinstance(value, dict):
            changed[key] = difference(old, {**dict.fromkeys(old), **value})
        else:
            changed[key] = old
    return changed


def emit(
    call: Call,
    kind: str,
    resource: Resource,
    before: Wire | None = None,
    *,
    changed: Wire | None = None,
    outbox: bool = True,
) -> Event:
    """
    Record an event about *resource* and address it to every endpoint that wants it.

    Args:
        before: The wire form from before an update, for ``previous_attributes``.
        changed: Those themselves, where they are known.
        outbox: Leave out for the real-time request, which goes its own way.
    """
    world = call.world
    account = call.account.id
    previous = b""
    if before is not None:
        after = resource.wire(world)
        resource.show_as(world, after)
        changed = difference(before, after)
    if changed is not None:
        previous = to_json(changed)
    about = resource.bytes_shown(world)
    receivers = [e for e in world.endpoints if e.wants(kind, account)] if world.endpoints else []
    if not call.origin:
        call.origin = to_json({"id": call.request_id, "idempotency_key": call.idempotency_key})
    event = Event(
        id=world.ids.new("evt"),
        account=account,
        created=world.seconds,
        type=kind,
        receivers=len(receivers),
        undelivered=len(receivers),
        is_platforms=account == world.platform,
        about=about,
        previous=previous,
        request=call.origin,
    )
    world.add(event)
    if outbox:
        name = event.id
        call.outbox.extend((name, endpoint.id, 0) for endpoint in receivers)
    return event


def payload_for(event: Event, version: str | None, behaviour: Behaviour) -> bytes:
    """
    Return the event's bytes as an endpoint of API *version* sees them; ``None``: the account's.

    Before basil a lapsed authorization was shown as reversed.
    """
    version = version or behaviour.account_api_version
    payload = event.payload(version, event.receivers)
    if version[:10] < behaviour.expired_since_version:
        return to_json(for_version(loads(payload), version))
    return payload


def for_version(tree: object, version: str) -> object:
    """
    Return decoded JSON as an API *version* shows it that does not know ``expired``.
    """
    if isinstance(tree, list):
        return [for_version(item, version) for item in tree]
    if not isinstance(tree, dict):
        return tree
    result = {key: for_version(value, version) for key, value in tree.items()}
    if result.get("object") == "issuing.authorization" and result.get("status") == "expired":
        result["status"] = "reversed"
    return {**result, "api_version": version} if result.get("object") == "event" else result


def forget(world: World) -> None:
    """
    Drop what is too old to be shown, once a day, so that a server can run for months.
    """
    today = world.seconds // DAY_SECONDS
    if today != world.forgot_on:
        world.forgot_on = today
        world.forget(Event.noun, world.seconds - RETENTION_SECONDS)


def retrieve(call: Call) -> Event:
    """
    Stripe: ``GET /v1/events/:id``.
    """
    event = call.world.find(Event, call.names[0], call.account.id)
    if event.created < call.world.seconds - RETENTION_SECONDS:
        raise no_such(Event.noun, event.id)
    return event


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/events``, thirty days back.
    """
    oldest = call.world.seconds - RETENTION_SECONDS
    types = call.params.pop("types", None)
    if "*" in call.params.get("type", ""):
        types = [call.params.pop("type")]
    success = call.params.pop("delivery_success", None)

    def wanted(event: Event) -> bool:
        return (
            event.created >= oldest
            and (types is None or any(fnmatchcase(event.type, each) for each in types))
            and (success is None or success == (event.undelivered == 0))
        )

    return page(call, Event, "/v1/events", wanted=wanted)
