"""
How is an answer given the old way, by a call to Stripe while the webhook waits?

``POST …/approve`` and ``…/decline`` are deprecated, but accounts that were set up for them must go on
using them. The webhook is answered with the same words in any case: if both arrive, the call wins, and
if the call is lost, the reply is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

import orjson
from attrs import frozen

from .decision import AuthorizationRequest
from .exceptions import DisburseError
from .policy.isolation import OverdueError, Workers
from .ports import Timer

TELLING_WORKERS = Workers(64, is_patient=True)
"""The threads on which Stripe is called while a webhook waits, in this process."""

TOLD_BY_SECONDS = 1.6
"""When the webhook is answered at the latest; Stripe waits two seconds, network included."""

Post: TypeAlias = Callable[[str, Mapping[str, Any], str | None, str], None]
"""Sends one POST, once: path, parameters, account, idempotency key."""


@frozen(kw_only=True)
class Teller:
    """
    Tells Stripe an answer by the deprecated endpoints.

    Attributes:
        post: Sends one call and waits for its answer.
        account: Whose authorization it is when the event does not say.
    """

    post: Post
    timer: Timer
    account: str | None

    def tell(self, request: AuthorizationRequest, body: bytes, *, started: float) -> str | None:
        """
        Tell what the reply *body* says; return what went wrong, if something did. Never raises.

        Stripe: ``POST /v1/issuing/authorizations/:id/approve``, ``…/decline``
        """
        said = orjson.loads(body)
        verb = "approve" if said.pop("approved") else "decline"
        name = quote(request.authorization_id, safe="")
        path = f"/v1/issuing/authorizations/{name}/{verb}"
        key = f"{request.authorization_id}/{request.event_id}/{verb}"[:255]
        account = request.account or self.account
        seconds = max(0.0, started + TOLD_BY_SECONDS - self.timer())
        try:
            TELLING_WORKERS.run(
                lambda: self.post(path, said, account, key), timeout_seconds=seconds
            )
        except OverdueError:
            return "Stripe did not answer the call in time"
        except DisburseError as problem:
            return str(problem)
        except Exception as broken:  # noqa: BLE001 - the webhook must be answered
            return type(broken).__name__
        return None
