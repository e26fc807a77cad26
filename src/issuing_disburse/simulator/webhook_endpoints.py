"""
Where do events go, and which of them?
"""

from typing import ClassVar

from attrs import define, field

from issuing_disburse.simulator.arguments import is_web_address
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.listing import page
from issuing_disburse.simulator.metadata import Metadata, merge_metadata
from issuing_disburse.simulator.schema import Boolean, Node, Sequence, Text, list_params, params
from issuing_disburse.simulator.versions import is_version
from issuing_disburse.simulator.world import Call, Resource, Wire, World, changing

REALTIME = "issuing_authorization.request"
MAX_ENDPOINTS = 16
ROTATION_SECONDS = 24 * 3600


@define(eq=False, kw_only=True)
class WebhookEndpoint(Resource):
    """
    Be one registered address, with the secrets that sign for it.

    *retiring* is the secret before a rotation; it signs along until *retires*.
    """

    noun: ClassVar[str] = "webhook endpoint"

    url: str
    secret: str
    enabled_events: list[str]
    connect: bool = False
    api_version: str | None = None
    description: str | None = None
    status: str = "enabled"
    retiring: str | None = None
    retires: int = 0
    waiting: list[str] = field(factory=list)

    def wire(self, world: World) -> Wire:
        return {
            "id": self.id,
            "object": "webhook_endpoint",
            "api_version": self.api_version,
            "application": None,
            "created": self.created,
            "description": self.description,
            "enabled_events": self.enabled_events,
            "livemode": False,
            "metadata": self.metadata,
            "status": self.status,
            "url": self.url,
        }

    def wants(self, kind: str, account: str) -> bool:
        """
        Say whether an event of *kind* about *account* is to be sent here.

        ``*`` means everything except what must be asked for by name.
        """
        if self.status != "enabled" or self.connect == (account == self.account):
            return False
        return kind in self.enabled_events or (kind != REALTIME and "*" in self.enabled_events)

    def secrets(self, now: int) -> tuple[str, ...]:
        """
        Return the secrets that sign at *now* (Unix seconds): two during a rotation.
        """
        if self.retiring is not None and now < self.retires:
            return (self.secret, self.retiring)
        return (self.secret,)


def _check_event_name(value: str, name: str) -> None:
    if value != "*" and ("." not in value or value != value.lower()):
        raise ApiError(f"Invalid enabled_events: '{value[:60]}' is not an event type.", param=name)


def _check_url(value: str, name: str) -> None:
    if not value.startswith(("https://", "http://")):
        raise ApiError(
            "Invalid URL: An explicit scheme (such as https) must be provided.", param=name
        )
    if not is_web_address(value):
        raise ApiError("Invalid URL: it names no host.", param=name)


_EVENTS = Sequence(Text(check=_check_event_name), clearable=False)
_CHANGEABLE: dict[str, Node] = {
    "description": Text(clearable=True),
    "metadata": Metadata(),
}
CREATE = params(
    {
        "url": Text(required=True, check=_check_url),
        "enabled_events": Sequence(Text(check=_check_event_name), required=True, clearable=False),
        "api_version": Text(),
        "connect": Boolean(),
        **_CHANGEABLE,
    }
)
UPDATE = params(
    {
        "url": Text(check=_check_url),
        "enabled_events": _EVENTS,
        "disabled": Boolean(),
        **_CHANGEABLE,
    }
)
RETRIEVE = params()
LIST = list_params(created=False)


def register(
    world: World,
    account: str,
    *,
    url: str,
    enabled_events: list[str],
    secret: str | None = None,
    connect: bool = False,
) -> WebhookEndpoint:
    """
    Add an endpoint of *account*.
    """
    endpoint = WebhookEndpoint(
        id=world.ids.new("we"),
        account=account,
        created=world.seconds,
        url=url,
        secret=secret or "whsec_" + world.ids.text(32),
        enabled_events=list(enabled_events),
        connect=connect,
    )
    world.add(endpoint)
    world.endpoints.append(endpoint)
    return endpoint


def create(call: Call) -> Wire:
    """
    Stripe: ``POST /v1/webhook_endpoints``; the only answer that shows the secret.
    """
    owner, asked = call.account.id, call.params
    if sum(1 for e in call.world.endpoints if e.account == owner) >= MAX_ENDPOINTS:
        raise ApiError(f"You have reached the maximum of {MAX_ENDPOINTS} test webhook endpoints.")
    version = asked.get("api_version")
    if version is not None and not is_version(version, call.world.behaviour.newest_preview_version):
        raise ApiError(f"Invalid API version: {version[:60]}", param="api_version")
    endpoint = register(
        call.world,
        owner,
        url=asked["url"],
        enabled_events=asked["enabled_events"],
        connect=asked.get("connect", False),
    )
    endpoint.api_version = version
    endpoint.description = asked.get("description")
    endpoint.metadata = merge_metadata({}, asked.get("metadata"))
    return {**endpoint.wire(call.world), "secret": endpoint.secret}


def retrieve(call: Call) -> WebhookEndpoint:
    """
    Stripe: ``GET /v1/webhook_endpoints/:id``.
    """
    return call.world.find(WebhookEndpoint, call.names[0], call.account.id)


def update(call: Call) -> WebhookEndpoint:
    """
    Stripe: ``POST /v1/webhook_endpoints/:id``.
    """
    endpoint, asked = retrieve(call), call.params
    with changing(endpoint, call.world):
        if "metadata" in asked:
            endpoint.metadata = merge_metadata(endpoint.metadata, asked["metadata"])
        if "disabled" in asked:
            endpoint.status = "disabled" if asked["disabled"] else "enabled"
        for name in ("url", "enabled_events", "description"):
            if name in asked:
                setattr(endpoint, name, asked[name])
    return endpoint


def delete(call: Call) -> Wire:
    """
    Stripe: ``DELETE /v1/webhook_endpoints/:id``; what is under way to it is given up.
    """
    endpoint = retrieve(call)
    world = call.world
    world.endpoints.remove(endpoint)
    del world.by_id[endpoint.id]
    world.lists[endpoint.account, endpoint.noun].remove(endpoint)
    return {"id": endpoint.id, "object": "webhook_endpoint", "deleted": True}


def rotate(world: World, endpoint: WebhookEndpoint, *, overlap_seconds: int) -> str:
    """
    Give *endpoint* a new secret; the old one signs along for *overlap_seconds*.

    Stripe does this in the Dashboard only.
    """
    endpoint.retiring = endpoint.secret
    endpoint.retires = world.seconds + min(overlap_seconds, ROTATION_SECONDS)
    endpoint.secret = "whsec_" + world.ids.text(32)
    return endpoint.secret


def listing(call: Call) -> Wire:
    """
    Stripe: ``GET /v1/webhook_endpoints``.
    """
    return page(call, WebhookEndpoint, "/v1/webhook_endpoints")
