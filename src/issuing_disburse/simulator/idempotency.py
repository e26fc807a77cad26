"""
Has this request been carried out already, and what was the answer?
"""

from hashlib import blake2b
from typing import Final, TypeAlias

from attrs import define, field

from issuing_disburse.simulator.errors import ApiError

LONGEST_KEY = 255


StoredReply: TypeAlias = tuple[bytes, int, int, bytes, str]
"""
The answer that belongs to a key: fingerprint of the request, Unix time, status, body, request id.

A plain tuple, because the garbage collector leaves those of plain things alone.
"""
_FINGERPRINT: Final = 0
_SECONDS: Final = 1


@define
class Replies:
    """
    Keep the answers of one simulated Stripe by scope and key, oldest first.
    """

    lifetime_seconds: int
    stored: dict[tuple[str, str], StoredReply] = field(factory=dict)
    in_progress: set[tuple[str, str]] = field(factory=set)
    forgot_at: int = -1

    def begin(self, scope: str, key: str, fingerprint: bytes, now: int) -> StoredReply | None:
        """
        Claim *key* for a request, or return the answer that it already has.

        Raises:
            ApiError: The key is in use at this moment, or was used for something else.
        """
        self._forget(now)
        where = (scope, key)
        if where in self.in_progress:
            raise ApiError(
                "There is currently another in-progress request using this Idempotent Key (that"
                " probably means you submitted twice, and the other request is still going"
                f" through): {key}. Please try again later.",
                status=409,
                type="idempotency_error",
                code="idempotency_key_in_use",
            )
        reply = self.stored.get(where)
        if reply is None:
            self.in_progress.add(where)
            return None
        if reply[_FINGERPRINT] != fingerprint:
            raise ApiError(
                "Keys for idempotent requests can only be used with the same parameters they were"
                f" first used with. Try using a key other than '{key}' if you meant to execute a"
                " different request.",
                type="idempotency_error",
            )
        return reply

    def finish(self, scope: str, key: str, reply: StoredReply | None) -> None:
        """
        Give the key back, with the answer that belongs to it from now on, if there is one.
        """
        self.in_progress.discard((scope, key))
        if reply is not None:
            self.stored[scope, key] = reply

    def _forget(self, now: int) -> None:
        if now == self.forgot_at:
            return
        self.forgot_at = now
        oldest = now - self.lifetime_seconds
        gone = []
        for where, reply in self.stored.items():
            if reply[_SECONDS] > oldest:
                break
            gone.append(where)
        for where in gone:
            del self.stored[where]


def too_long() -> ApiError:
    """
    Refuse a key that no answer is kept for.
    """
    return ApiError(
        f"Idempotency keys must be at most {LONGEST_KEY} characters long.",
        type="idempotency_error",
    )


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """
    Return what two requests share when they ask the same; the order of parameters is free.
    """
    pairs = b"&".join(sorted(body.split(b"&"))) if b"&" in body else body
    return blake2b(b"%b %b\n%b" % (method.encode(), path.encode(), pairs), digest_size=16).digest()
