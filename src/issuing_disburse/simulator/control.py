"""
How does a test in any language drive the simulator over HTTP?
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orjson import JSONDecodeError, dumps, loads

from issuing_disburse.simulator.errors import SimulatorError
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
VERBS = frozenset(
    {
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
        "refund",
        "reverse",
        "set_screening",
        "settle_payout",
        "settle_topup",
        "take_back_issuing",
        "unlinked_refund",
    }
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
    simulator: "IssuingSimulator", method: str, path: str, headers: Mapping[str, str], body: bytes
) -> Response:
    """
    Answer one request to the control API; JSON in, JSON out.

    Only ``application/json`` is taken, so that no page in a browser can post here unasked.
    """
    try:
        return _dispatch(simulator, method, path.removeprefix(PREFIX).strip("/"), headers, body)
    except SimulatorError as problem:
        return _answer(400, {"error": str(problem), "code": problem.code, "param": problem.param})
    except (JSONDecodeError, KeyError, TypeError, ValueError) as problem:
        return _answer(400, {"error": str(problem)})


def _dispatch(
    simulator: "IssuingSimulator", method: str, verb: str, headers: Mapping[str, str], body: bytes
) -> Response:
    if (method, verb) == ("GET", ""):
        return _answer(200, _state(simulator))
    if (method, verb) == ("DELETE", "faults"):
        simulator.faults.clear()
        return _answer(200, {})
    if method != "POST":
        return _answer(404, {"error": f"There is no {method} {PREFIX}/{verb}."})
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return _answer(415, {"error": "Send application/json."})
    given = loads(body or b"{}")
    if not isinstance(given, dict):
        message = "Send a JSON object."
        raise TypeError(message)
    return _post(simulator, verb, given)


def _post(simulator: "IssuingSimulator", verb: str, given: dict[str, Any]) -> Response:
    if verb == "advance_clock":
        simulator.clock.advance(timedelta(seconds=float(given["seconds"])))
        return _answer(200, {"now": simulator.clock.now().isoformat()})
    if verb == "faults":
        action = dict(given.pop("action", {}))
        make = ACTIONS.get(action.pop("kind", ""))
        if make is None:
            return _answer(400, {"error": f"An action has a kind: {', '.join(sorted(ACTIONS))}."})
        simulator.faults.add(Fault(action=make(**action), **given))
        return _answer(200, {"faults": len(simulator.faults)})
    if verb == "webhooks":
        return _answer(200, {"endpoints": deliver_to(simulator, str(given["url"]))})
    if verb not in VERBS:
        return _answer(404, {"error": f"There is no verb {verb!r}.", "verbs": sorted(VERBS)})
    return _answer(200, {"result": getattr(simulator, verb)(**given)})


def deliver_to(simulator: "IssuingSimulator", url: str) -> list[str]:
    """
    Register *url* for everything, as `IssuingSimulator.deliver_webhooks_to` does for a handler.
    """
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
    return {
        "accounts": [each["id"] for each in simulator.objects("account")],
        "api_key": simulator.api_key,
        "now": simulator.clock.now().isoformat(),
        "platform_account": simulator.platform_account,
        "webhook_secret": simulator.webhook_secret,
    }


def _answer(status: int, content: dict[str, object]) -> Response:
    return Response(status, {"Content-Type": "application/json"}, dumps(content))
