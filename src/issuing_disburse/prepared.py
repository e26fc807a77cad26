"""
What is one request to Stripe, before it is sent: encoded, stored, and sent again byte for byte?
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
from attrs import field, frozen

from .answers import kept
from .ports import Outcome
from .revision import revised

if TYPE_CHECKING:
    from .stripe_api import StripeAPI

Answer: TypeAlias = dict[str, Any]
"""A Stripe object, as parsed JSON; of a cardholder, only what the library reads."""


@frozen(kw_only=True)
class Request:
    """
    One request, encoded: what is stored before it is sent, and sent again byte for byte.
    """

    method: str
    path: str
    body: bytes = field(repr=False)
    account: str | None
    version: str

    def to_bytes(self) -> bytes:
        """
        Return the form in which it is stored.
        """
        return orjson.dumps(
            [self.method, self.path, self.body.decode(), self.account, self.version]
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> Request:
        """
        Read the stored form back.
        """
        method, path, body, account, version = orjson.loads(stored)
        return cls(method=method, path=path, body=body.encode(), account=account, version=version)


@frozen(kw_only=True)
class PreparedCall:
    """
    A request that a journal can store, send under a key, and send again unchanged.

    Attributes:
        keep: Reduces Stripe's answer to what is to be remembered.
        is_key_alive: Whether Stripe still remembers the key; asked before each try.
    """

    api: StripeAPI
    request: Request
    keep: Callable[[Answer], Outcome]
    is_key_alive: Callable[[], bool] | None = None

    def __call__(self, key: str) -> Outcome:
        """
        Send the request under *key*.
        """
        answer = self.api.send(self.request, key=key, is_key_alive=self.is_key_alive)
        return kept(self.keep, answer)

    def while_alive(self, is_key_alive: Callable[[], bool]) -> PreparedCall:
        """
        Return the call that is sent only while its key is remembered, however long we are frozen.
        """
        return revised(self, is_key_alive=is_key_alive)

    @property
    def encoded(self) -> bytes:
        """
        The request in the form in which it is stored.
        """
        return self.request.to_bytes()

    def as_stored(self, encoded: bytes) -> PreparedCall:
        """
        Return the call that sends what was stored, whatever this version of us would send.
        """
        return revised(self, request=Request.from_bytes(encoded))
