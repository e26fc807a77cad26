"""
Who may show a card's number in a browser, and for how long?
"""

from typing import ClassVar

from attrs import define

from issuing_disburse.simulator.cards import Card
from issuing_disburse.simulator.errors import ApiError, no_such, parameter_missing
from issuing_disburse.simulator.schema import Text, params
from issuing_disburse.simulator.world import Call, Resource, Wire, World

LIFE_SECONDS = 15 * 60
OLDEST_VERSION = "2020-03-02"


@define(eq=False, kw_only=True)
class EphemeralKey(Resource):
    """
    Be one key for one card; its secret is shown once.
    """

    noun: ClassVar[str] = "ephemeral key"
    indexed: ClassVar[tuple[str, ...]] = ("nonce",)

    card: str
    nonce: str
    expires: int

    def wire(self, world: World) -> Wire:
        return {
            "id": self.id,
            "object": "ephemeral_key",
            "created": self.created,
            "expires": self.expires,
            "livemode": False,
        }


CREATE = params(
    {
        "customer": Text(),
        "issuing_card": Text(),
        "nonce": Text(),
        "verification_session": Text(),
    }
)
DELETE = params()


def create(call: Call) -> Wire:
    """
    Stripe: ``POST /v1/ephemeral_keys`` for an Issuing card.
    """
    world, asked = call.world, call.params
    if not call.version_given or call.version[:10] < OLDEST_VERSION:
        raise ApiError(
            "You must set the Stripe-Version header on this request to a version from"
            f" {OLDEST_VERSION} on."
        )
    if "issuing_card" not in asked:
        raise ApiError(
            "This simulator makes ephemeral keys for issuing cards only.", param="issuing_card"
        )
    if not (world.behaviour.issuing_elements and call.account.issuing_elements):
        raise ApiError(
            "This account is not authorized to use Issuing Elements.",
            status=403,
            param="issuing_card",
        )
    card = world.find(
        Card, asked["issuing_card"], call.account.id, param="issuing_card", status=400
    )
    nonce = asked.get("nonce")
    if nonce is None:
        raise parameter_missing("nonce")
    if world.found(EphemeralKey, call.account.id, "nonce", nonce):
        raise ApiError("This nonce has already been used.", param="nonce")
    key = EphemeralKey(
        id=world.ids.new("ephkey"),
        account=call.account.id,
        created=world.seconds,
        card=card.id,
        nonce=nonce,
        expires=world.seconds + LIFE_SECONDS,
    )
    world.add(key)
    return {**key.wire(world), "secret": "ek_test_" + world.ids.text(48)}


def delete(call: Call) -> EphemeralKey:
    """
    Stripe: ``DELETE /v1/ephemeral_keys/:id``.
    """
    key = call.world.find(EphemeralKey, call.names[0], call.account.id)
    if key.expires <= call.world.seconds:
        raise no_such(EphemeralKey.noun, key.id)
    key.expires = call.world.seconds
    key.changed()
    return key
