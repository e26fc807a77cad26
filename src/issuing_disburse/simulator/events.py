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

RETENTION_SECONDS = 30 * 24 * 3600

_HEAD = (
    b'{"id":"%b","object":"event",%b"api_version":"%b","context":null,"created":%d,'
    b'"data":{"object":'
)

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
    Keep one event as the bytes it was born with.
    """

    noun: ClassVar[str] = "event"
    indexed: ClassVar[tuple[str, ...]] = ("type",)

    type: str
    receivers: int = 0
    undelivered: int = 0
    head: bytes = b""
    about: bytes = b""
    tail: bytes = b""

    def show(self, world: World) -> Fragment:
        return Fragment(self.bytes_shown(world))

    def bytes_shown(self, world: World) -> bytes:
        if self.undelivered == self.receivers:
            return self.payload()
        then, now = (b'"pending_webhooks":%d' % n for n in (self.receivers, self.undelivered))
        return self.head + self.about + self.tail.replace(then, now)

    def payload(self) -> bytes:
        """
        Return the whole event; the object it is about is shared with the answer that showed it.
        """
        return self.head + self.about + self.tail


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
    call: Call, kind: str, resource: Resource, before: Wire | None = None, *, outbox: bool = True
) -> Event:
    """
    Record an event about *resource* and address it to every endpoint that wants it.

    Args:
        before: The wire form from before an update, for ``previous_attributes``.
        outbox: Leave out for the real-time request, which goes its own way.
    """
    world = call.world
    account = call.account.id
    tail = b"}"
    if before is not None:
        resource.changed()
        tail = b',"previous_attributes":%b}' % to_json(difference(before, resource.wire(world)))
    about = resource.bytes_shown(world)
    name = world.ids.new("evt")
    receivers = [e for e in world.endpoints if e.wants(kind, account)] if world.endpoints else []
    origin = b"" if account == world.platform else b'"account":"%b",' % account.encode()
    end = {
        "livemode": False,
        "pending_webhooks": len(receivers),
        "request": {"id": call.request_id, "idempotency_key": call.idempotency_key},
        "type": kind,
    }
    event = Event(
        id=name,
        account=account,
        created=world.seconds,
        type=kind,
        receivers=len(receivers),
        undelivered=len(receivers),
        head=_HEAD
        % (name.encode(), origin, world.behaviour.account_api_version.encode(), world.seconds),
        about=about,
        tail=b"%b,%b" % (tail, to_json(end)[1:]),
    )
    world.add(event)
    if outbox:
        call.outbox.extend((name, endpoint.id, 0) for endpoint in receivers)
    return event


def payload_for(event: Event, version: str | None, behaviour: Behaviour) -> bytes:
    """
    Return the event's bytes as an endpoint of API *version* sees them; ``None``: the account's.

    Before basil a lapsed authorization was shown as reversed.
    """
    version = version or behaviour.account_api_version
    if version[:10] < behaviour.expired_since_version:
        return to_json(for_version(loads(event.payload()), version))
    if version == behaviour.account_api_version:
        return event.payload()
    own, shown = (
        b'"api_version":"%b"' % each.encode() for each in (behaviour.account_api_version, version)
    )
    return event.head.replace(own, shown) + event.about + event.tail


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
