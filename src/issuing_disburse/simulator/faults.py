"""
How is the simulator told to misbehave, and when does it?
"""

from collections.abc import Mapping
from random import Random
from typing import Literal, TypeAlias, get_args

from attrs import define, field, frozen
from attrs.validators import instance_of

from issuing_disburse.simulator.errors import ApiError, SimulatorError
from issuing_disburse.simulator.fault_checks import (
    flag,
    headers,
    number,
    one_of,
    optional,
    text,
    whole,
)

LONGEST_SECONDS = 86_400.0


@frozen(kw_only=True)
class Refuse:
    """
    Answer with an error instead of carrying the request out.

    *recorded* says that the endpoint itself refused, so the answer belongs to the idempotency key.
    """

    status: int = field(default=400, validator=whole(400, 599))
    type: str = field(default="invalid_request_error", validator=text)
    code: str | None = field(default=None, validator=optional(text))
    message: str = field(default="Refused by a scripted fault.", validator=text)
    param: str | None = field(default=None, validator=optional(text))
    headers: Mapping[str, str] = field(factory=dict, validator=headers)
    recorded: bool = field(default=True, validator=flag)

    def error(self) -> ApiError:
        """
        Return the error to answer with.
        """
        return ApiError(
            self.message, self.status, self.type, self.code, self.param, dict(self.headers)
        )


def rate_limited(reason: str | None = "endpoint-rate") -> Refuse:
    """
    Answer 429 as a rate limiter does: before anything else, and on no record.

    Args:
        reason: What ``Stripe-Rate-Limited-Reason`` says; with ``None`` there is no such header.
    """
    return Refuse(
        status=429,
        code="rate_limit",
        message="Request rate limit exceeded. Learn more about rate limits in the documentation.",
        headers={} if reason is None else {"Stripe-Rate-Limited-Reason": reason},
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

    after_commit: bool = field(default=False, validator=flag)
    recorded: bool = field(default=True, validator=flag)
    should_retry: bool | None = field(default=None, validator=optional(flag))
    status: int = field(default=500, validator=whole(500, 599))


@frozen(kw_only=True)
class LoseConnection:
    """
    Break the connection before the request is seen, or after it was carried out.
    """

    after_commit: bool = field(default=True, validator=flag)


@frozen(kw_only=True)
class Hang:
    """
    Never answer; the caller's own time-out ends it. In process it ends at once.
    """

    after_commit: bool = field(default=False, validator=flag)
    seconds: float = field(default=3600.0, validator=number(0, LONGEST_SECONDS))


@frozen(kw_only=True)
class Slow:
    """
    Answer late: in process the clock moves by *seconds*, over HTTP they really pass.
    """

    seconds: float = field(validator=number(0, LONGEST_SECONDS))


@frozen(kw_only=True)
class Webhook:
    """
    Treat deliveries badly.

    ``late`` waits *seconds* on the clock (a real-time request then counts as unanswered);
    ``twice`` delivers again; ``shuffled`` holds *group* events and sends them in another order;
    ``never`` does not deliver at all.
    """

    how: Literal["late", "twice", "shuffled", "never"] = field(
        validator=one_of("late", "twice", "shuffled", "never")
    )
    seconds: float = field(default=3.0, validator=number(0, LONGEST_SECONDS))
    group: int = field(default=3, validator=whole(1, 1_000))


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

    action: Action = field(validator=instance_of(get_args(Action)))
    endpoint: str = field(default="*", validator=text)
    event: str = field(default="*", validator=text)
    nth: int | None = field(default=None, validator=optional(whole(1)))
    times: int = field(default=1, validator=whole(0))
    probability: float = field(default=1.0, validator=number(0, 1))
    account: str | None = field(default=None, validator=optional(text))


@define
class Scripted:
    """
    Count how many calls a fault has *seen* that it was meant for, and to how many it was *done*.
    """

    fault: Fault
    seen: int = 0
    done: int = 0


@define
class Faults:
    """
    Be the script of misbehaviour of one simulator.

    What goes wrong with requests and with deliveries is drawn from a generator each, so that one
    does not move the other, and neither moves ids.
    """

    seed: int
    endpoints: frozenset[str]
    dice: Random = field(init=False)
    delivery_dice: Random = field(init=False)
    _scripted: list[Scripted] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.reseed(self.seed)

    def reseed(self, seed: int) -> None:
        """
        Start the dice anew.
        """
        self.seed = seed
        self.dice = Random(f"{seed} requests")  # noqa: S311 - repeatable on purpose
        self.delivery_dice = Random(f"{seed} deliveries")  # noqa: S311 - repeatable on purpose

    def add(self, fault: Fault) -> None:
        """
        Add one line to the script.

        Raises:
            SimulatorError: There is no such endpoint, so the fault would never strike; or it is
                to strike requests for an event, or deliveries for an endpoint.
        """
        wrong, right = ("endpoint", "event") if _is_of_deliveries(fault) else ("event", "endpoint")
        if getattr(fault, wrong) != "*":
            message = f"{type(fault.action).__name__} strikes by {right}; leave {wrong} out."
            raise SimulatorError(message, param=wrong)
        if fault.endpoint != "*" and fault.endpoint not in self.endpoints:
            message = (
                f"There is no endpoint {fault.endpoint!r}; name it like"
                " 'POST /v1/issuing/cards' or 'POST /v1/issuing/cards/:id', or '*' for all."
            )
            raise SimulatorError(message, param="endpoint")
        self._scripted.append(Scripted(fault))

    @property
    def script(self) -> tuple[Scripted, ...]:
        """
        Return what was added, with what has become of it.
        """
        return tuple(self._scripted)

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
                not _is_of_deliveries(fault)
                and fault.endpoint in {"*", endpoint}
                and fault.account in {None, account}
                and self._strikes(scripted, self.dice)
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
                and self._strikes(scripted, self.delivery_dice)
            ):
                return fault.action
        return None

    @staticmethod
    def _strikes(scripted: Scripted, dice: Random) -> bool:
        fault = scripted.fault
        scripted.seen += 1
        if fault.nth is not None and scripted.seen != fault.nth:
            return False
        if fault.times and scripted.done >= fault.times:
            return False
        if fault.probability < 1 and dice.random() >= fault.probability:
            return False
        scripted.done += 1
        return True


def _is_of_deliveries(fault: Fault) -> bool:
    return isinstance(fault.action, Webhook)
