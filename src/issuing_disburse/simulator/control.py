"""
How does a test in any language drive the simulator over HTTP?
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from attrs import asdict
from orjson import JSONDecodeError, dumps, loads

from issuing_disburse.simulator.access import LARGEST_BODY
from issuing_disburse.simulator.arguments import check_arguments, check_names, is_web_address
from issuing_disburse.simulator.errors import ApiError, SimulatorError
from issuing_disburse.simulator.exchange import Response
from issuing_disburse.simulator.faults import (
    Fault,
    Hang,
    LoseConnection,
    Refuse,
    ServerError,
    Slow,
    Webhook,
    conflict,
    lock_timeout,
    rate_limited,
)
from issuing_disburse.simulator.webhook_endpoints import REALTIME, register

if TYPE_CHECKING:
    from issuing_disburse.simulator.simulator import IssuingSimulator

PREFIX = "/_simulator"
LONGEST_ADVANCE_SECONDS = 10 * 366 * 86_400
SHOWN_REQUESTS = 100
VERBS = (
    "authorize",
    "capture",
    "create_account",
    "decide_dispute",
    "disable_issuing",
    "expire",
    "finalize",
    "force_capture",
    "fund_issuing",
    "fund_platform",
    "increment",
    "limit_requests",
    "live_key",
    "refund",
    "restricted_key",
    "reverse",
    "rotate_endpoint_secret",
    "rotate_webhook_secret",
    "set_screening",
    "settle",
    "settle_payout",
    "settle_topup",
    "take_back_issuing",
    "take_back_refund",
    "unlinked_refund",
)
"""
The simulator's methods that ``POST /_simulator/<verb>`` calls with the keys of a JSON object.
"""

ACTIONS: Mapping[str, Callable[..., Any]] = {
    "conflict": conflict,
    "hang": Hang,
    "lock_timeout": lock_timeout,
    "lose_connection": LoseConnection,
    "rate_limited": rate_limited,
    "refuse": Refuse,
    "server_error": ServerError,
    "slow": Slow,
    "webhook": Webhook,
}


def control(
    simulator: "IssuingSimulator",
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Response:
    """
    Answer one request to the control API; JSON in, JSON out, errors in Stripe's shape.

    Only ``application/json`` is taken, so that no page in a browser can post here unasked. When
    the answer comes, the webhooks that the request led to have been delivered.
    """
    verb = path.removeprefix(PREFIX).strip("/")
    try:
        return _answer(200, _dispatch(simulator, (method, verb), query, (headers, body)))
    except ApiError as error:
        return _refuse(error)
    except SimulatorError as problem:
        return _refuse(ApiError(str(problem), code=problem.code, param=problem.param))


def _dispatch(
    simulator: "IssuingSimulator",
    asked: tuple[str, str],
    query: str,
    sent: tuple[Mapping[str, str], bytes],
) -> dict[str, object]:
    method, verb = asked
    if method == "POST":
        return _post(simulator, verb, _object(*sent))
    if asked == ("DELETE", "faults"):
        simulator.faults.clear()
        return {"faults": []}
    if asked == ("GET", ""):
        return _state(simulator)
    if asked == ("GET", "faults"):
        return {"faults": _script(simulator)}
    if asked == ("GET", "requests"):
        return {"requests": _requests(simulator, query)}
    raise ApiError(f"There is no {method[:20]} {PREFIX}/{verb[:60]}.", 404)


def _object(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise ApiError("Send application/json.", 415)
    if len(body) > LARGEST_BODY:
        raise ApiError(f"Request body is larger than {LARGEST_BODY} bytes.", 413)
    try:
        given = loads(body or b"{}")
    except JSONDecodeError as problem:
        raise ApiError(f"The body is no JSON: {problem}.") from None
    if not isinstance(given, dict):
        raise ApiError("Send a JSON object.")
    return given


def _post(simulator: "IssuingSimulator", verb: str, given: dict[str, Any]) -> dict[str, object]:
    special = _SPECIAL.get(verb)
    if special is not None:
        action = partial(special, simulator)
        check_arguments(verb, action, given)
        return action(**given)
    if verb not in VERBS:
        verbs = ", ".join(sorted((*VERBS, *_SPECIAL)))
        raise ApiError(f"There is no verb {verb[:60]!r}; there are {verbs}.", 404)
    method = getattr(simulator, verb)
    check_arguments(verb, method, given)
    result = method(**given)
    simulator.settle()
    return {"result": result}


def advance_clock(simulator: "IssuingSimulator", seconds: float) -> dict[str, object]:
    """
    Move the clock; everything due on the way has happened, and was delivered.
    """
    if not 0 <= seconds <= LONGEST_ADVANCE_SECONDS:
        message = f"seconds is {seconds}; give 0 to {LONGEST_ADVANCE_SECONDS} (ten years)."
        raise SimulatorError(message, param="seconds")
    simulator.settle()
    try:
        simulator.clock.advance(timedelta(seconds=seconds))
    except ValueError as problem:
        raise SimulatorError(str(problem), param="seconds") from None
    return {"now": simulator.clock.now().isoformat()}


def faults(
    simulator: "IssuingSimulator",
    action: Mapping[str, Any],
    endpoint: str = "*",
    event: str = "*",
    nth: int | None = None,
    times: int = 1,
    probability: float = 1.0,
    account: str | None = None,
) -> dict[str, object]:
    """
    Add one line to the script of misbehaviour.
    """
    details = dict(action)
    kind = details.pop("kind", None)
    make = ACTIONS.get(kind) if isinstance(kind, str) else None
    if make is None:
        message = f"An action has a kind: {', '.join(sorted(ACTIONS))}."
        raise SimulatorError(message, param="action[kind]")
    check_names(str(kind), make, details)
    made = make(**details)
    simulator.faults.add(
        Fault(
            action=made,
            endpoint=endpoint,
            event=event,
            nth=nth,
            times=times,
            probability=probability,
            account=account,
        )
    )
    return {"faults": _script(simulator)}


def webhooks(simulator: "IssuingSimulator", url: str) -> dict[str, object]:
    """
    Deliver everything to *url* from now on, decisions on authorizations included.
    """
    return {"endpoints": deliver_to(simulator, url)}


_SPECIAL: Mapping[str, Callable[..., dict[str, object]]] = {
    "advance_clock": advance_clock,
    "faults": faults,
    "webhooks": webhooks,
}


def deliver_to(simulator: "IssuingSimulator", url: str) -> list[str]:
    """
    Register *url* for everything, as `IssuingSimulator.deliver_webhooks_to` does for a handler.

    Raises:
        SimulatorError: It is no address of a web server.
    """
    if not is_web_address(url):
        raise SimulatorError(f"{url!r:.80} is no http:// or https:// address.", param="url")
    world = simulator.world
    with world.lock:
        return [
            register(
                world,
                simulator.platform_account,
                url=url,
                enabled_events=["*", REALTIME],
                secret=simulator.webhook_secret,
                connect=connect,
            ).id
            for connect in (True, False)
        ]


def _state(simulator: "IssuingSimulator") -> dict[str, object]:
    accounts = [each["id"] for each in simulator.objects("account")]
    connected = [each for each in accounts if each != simulator.platform_account]
    return {
        "account": connected[0] if connected else None,
        "accounts": accounts,
        "api_key": simulator.api_key,
        "now": simulator.clock.now().isoformat(),
        "platform_account": simulator.platform_account,
        "webhook_secret": simulator.webhook_secret,
    }


def _script(simulator: "IssuingSimulator") -> list[dict[str, object]]:
    return [
        {
            **asdict(each.fault),
            "action": {"is": type(each.fault.action).__name__, **asdict(each.fault.action)},
            "seen": each.seen,
            "done": each.done,
        }
        for each in simulator.faults.script
    ]


def _requests(simulator: "IssuingSimulator", query: str) -> list[dict[str, object]]:
    limit = parse_qs(query).get("limit", [str(SHOWN_REQUESTS)])[-1]
    if not (limit.isascii() and limit.isdigit() and 0 < int(limit[:9]) <= 10 * SHOWN_REQUESTS):
        raise ApiError(f"limit is a number from 1 to {10 * SHOWN_REQUESTS}.", param="limit")
    return [
        {
            "method": each.method,
            "path": each.path,
            "account": each.account,
            "idempotency_key": each.idempotency_key,
            "status": each.status,
            "request_id": each.request_id,
            "params": each.params,
        }
        for each in simulator.requests[-int(limit[:9]) :]
    ]


def _refuse(error: ApiError) -> Response:
    return Response(error.status, {"Content-Type": "application/json"}, error.body("req_control"))


def _answer(status: int, content: dict[str, object]) -> Response:
    return Response(status, {"Content-Type": "application/json"}, dumps(content))
