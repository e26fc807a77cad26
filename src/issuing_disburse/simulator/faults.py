"""
How is the simulator told to misbehave, and when does it?
"""

from collections.abc import Mapping
from random import Random
from typing import Literal, TypeAlias

from attrs import Factory, define, field, frozen

from issuing_disburse.simulator.errors import ApiError


@frozen(kw_only=True)
class Refuse:
    """
    Answer with an error instead of carrying the request out.

    *recorded* says that the endpoint itself refused, so the answer belongs to the idempotency key.
    """

    status: int = 400
    type: str = "invalid_request_error"
    code: str | None = None
    message: str = "Refused by a scripted fault."
    param: str | None = None
    headers: Mapping[str, str] = Factory(dict)
    recorded: bool = True

    def error(self) -> ApiError:
        """
        Return the error to answer with.
        """
        return ApiError(
            self.message, self.status, self.type, self.code, self.param, dict(self.headers)
        )


def rate_limited(reason: str = "endpoint-rate") -> Refuse:
    """
    Answer 429 as a rate limiter does: before anything else, and on no record.
    """
    return Refuse(
        status=429,
        code="rate_limit",
        message="Request rate limit exceeded. Learn more about rate limits in the documentation.",
        headers={"Stripe-Rate-Limited-Reason": reason},
        recorded=False,
    )


def lock_timeout() -> Refuse:
    """
    Answer 429 as when another request holds the object.
    """
    return Refuse(
        status=429,
        code="lock_timeout",
        message="This object cannot be accessed right now because another API request or Stripe"
        " process is currently accessing it. If you see this error intermittently, retry the"
        " request.",
        recorded=False,
    )


def conflict() -> Refuse:
    """
    Answer 409 as when the same idempotency key is in use at this moment.
    """
    return Refuse(
        status=409,
        type="idempotency_error",
        code="idempotency_key_in_use",
        message="There is currently another in-progress request using this Idempotent Key (that"
        " probably means you submitted twice, and the other request is still going through).",
        recorded=False,
    )


@frozen(kw_only=True)
class ServerError:
    """
    Answer 500: before anything happened, or after everything did.

    A recorded 500 belongs to the idempotency key and comes with ``Stripe-Should-Retry: false``.
    """

    after_commit: bool = False
    recorded: bool = True
    should_retry: bool | None = None
    status: int = 500


@frozen(kw_only=True)
class LoseConnection:
    """
    Break the connection before the request is seen, or after it was carried out.
    """

    after_commit: bool = True


@frozen(kw_only=True)
class Hang:
    """
    Never answer; the caller's own time-out ends it. In process it ends at once.
    """

    after_commit: bool = False
    seconds: float = 3600.0


@frozen(kw_only=True)
class Slow:
    """
    Answer late: in process the clock moves by *seconds*, over HTTP they really pass.
    """

    seconds: float


@frozen(kw_only=True)
class Webhook:
    """
    Treat deliveries badly.

    ``late`` waits *seconds* on the clock (a real-time request then counts as unanswered);
    ``twice`` delivers again; ``shuffled`` holds *group* events and sends them in another order;
    ``never`` does not deliver at all.
    """

    how: Literal["late", "twice", "shuffled", "never"]
    seconds: float = 3.0
    group: int = 3


Action: TypeAlias = Refuse | ServerError | LoseConnection | Hang | Slow | Webhook


@frozen(kw_only=True)
class Fault:
    """
    Say what goes wrong, where, and how often.

    Args:
        action: What goes wrong.
        endpoint: ``"POST /v1/issuing/cards"``, with ``:id`` for any id, or ``"*"``.
        event: For webhooks: an event type, or ``"*"``.
        nth: Only the nth matching call, counted from 1 when the fault was added.
        times: At most so many times; 0 means every time.
        probability: Of each matching call, under the simulator's seed.
        account: Only calls on this account's behalf.
    """

    action: Action
    endpoint: str = "*"
    event: str = "*"
    nth: int | None = None
    times: int = 1
    probability: float = 1.0
    account: str | None = None


@define
class _Scripted:
    fault: Fault
    seen: int = 0
    done: int = 0


@define
class Faults:
    """
    Be the script of misbehaviour of one simulator.
    """

    _random: Random
    _scripted: list[_Scripted] = field(factory=list)

    def add(self, fault: Fault) -> None:
        """
        Add one line to the script.
        """
        self._scripted.append(_Scripted(fault))

    def clear(self) -> None:
        """
        Forget the whole script.
        """
        self._scripted.clear()

    def __len__(self) -> int:
        return len(self._scripted)

    def for_request(self, endpoint: str, account: str) -> Action | None:
        """
        Return what goes wrong with this request, if anything does.
        """
        for scripted in self._scripted:
            fault = scripted.fault
            if (
                not isinstance(fault.action, Webhook)
                and fault.endpoint in {"*", endpoint}
                and fault.account in {None, account}
                and self._strikes(scripted)
            ):
                return fault.action
        return None

    def for_event(self, kind: str, account: str) -> Webhook | None:
        """
        Return what goes wrong with delivering an event of this *kind*, if anything does.
        """
        for scripted in self._scripted:
            fault = scripted.fault
            if (
                isinstance(fault.action, Webhook)
                and fault.event in {"*", kind}
                and fault.account in {None, account}
                and self._strikes(scripted)
            ):
                return fault.action
        return None

    def _strikes(self, scripted: _Scripted) -> bool:
        fault = scripted.fault
        scripted.seen += 1
        if fault.nth is not None and scripted.seen != fault.nth:
            return False
        if fault.times and scripted.done >= fault.times:
            return False
        if fault.probability < 1 and self._random.random() >= fault.probability:
            return False
        scripted.done += 1
        return True
