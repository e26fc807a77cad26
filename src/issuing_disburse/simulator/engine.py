"""
How does a request become a response, from bytes to bytes?
"""

from collections.abc import Callable, Mapping

from attrs import define, field
from orjson import loads

from issuing_disburse.simulator.access import authenticate, check_body, check_key, choose_account
from issuing_disburse.simulator.accounts import Account
from issuing_disburse.simulator.catalogue import ENDPOINTS
from issuing_disburse.simulator.delivery import Postman
from issuing_disburse.simulator.encoding import to_json
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.events import for_version
from issuing_disburse.simulator.exchange import Request, Response
from issuing_disburse.simulator.expansion import check_paths, expand
from issuing_disburse.simulator.faults import (
    Action,
    Faults,
    Hang,
    LoseConnection,
    Refuse,
    ServerError,
    Slow,
)
from issuing_disburse.simulator.form import decode
from issuing_disburse.simulator.idempotency import (
    LONGEST_KEY,
    Replies,
    StoredReply,
    fingerprint,
    too_long,
)
from issuing_disburse.simulator.issuing import require_set_up
from issuing_disburse.simulator.limits import RateLimiter
from issuing_disburse.simulator.recorded import RequestLog
from issuing_disburse.simulator.router import Endpoint, Router
from issuing_disburse.simulator.versions import is_version
from issuing_disburse.simulator.world import Call, Resource, World


@define
class Engine:
    """
    Take requests in and give responses out; never raise.
    """

    world: World
    postman: Postman
    faults: Faults
    replies: Replies
    limiter: RateLimiter
    sleep: Callable[[float], None]
    router: Router = field(factory=lambda: Router.of(ENDPOINTS))
    requests: RequestLog = field(factory=RequestLog)

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """
        Answer one request: *target* is the path with its query.
        """
        if not target.isascii():
            target = _clean(target)
        path, _, query = target.partition("?")
        world = self.world
        lowered = {
            name.lower(): value if value.isascii() else _clean(value)
            for name, value in headers.items()
        }
        with world.lock:
            request = Request(
                world.ids.new("req"),
                method.upper(),
                path,
                query.encode("utf-8", "replace"),
                lowered,
                body,
                world.get(Account, world.platform),
                world.behaviour.account_api_version,
            )
        outbox: list[tuple[str, str, int]] = []
        try:
            status, answer, extra = self._answer(request, outbox)
        except ApiError as error:
            status, answer, extra = error.status, error.body(request.id), error.headers
        except Exception as problem:  # noqa: BLE001 - a bug of ours must look like Stripe's 500
            status, extra = 500, {}
            answer = ApiError(
                f"The simulator failed: {type(problem).__name__}: {problem}", 500, "api_error"
            ).body(request.id)
        response = self._respond(request, status, answer, extra)
        self.requests.add(request, response.status)
        if outbox:
            self.postman.deliver(outbox)
        return response

    def _respond(
        self, request: Request, status: int, body: bytes, extra: Mapping[str, str]
    ) -> Response:
        headers = {
            "Content-Type": "application/json",
            "Request-Id": request.id,
            "Stripe-Version": request.version,
        }
        if request.key is not None:
            headers["Idempotency-Key"] = request.key
            if request.replayed:
                headers["Idempotent-Replayed"] = "true"
        if request.should_retry is not None:
            headers["Stripe-Should-Retry"] = "true" if request.should_retry else "false"
        headers.update(extra)
        return Response(status, headers, body, request.lost, request.seconds)

    def _answer(
        self, request: Request, outbox: list[tuple[str, str, int]]
    ) -> tuple[int, bytes, Mapping[str, str]]:
        key = authenticate(self.world, request)
        choose_account(self.world, request, key)
        version = request.headers.get("stripe-version")
        if version is not None:
            if not is_version(version, self.world.behaviour.newest_preview_version):
                raise ApiError(f"Invalid Stripe API version: {version[:60]}")
            request.version = version
        endpoint, names = self.router.find(request.method, request.path)
        check_key(self.world, key, request, names)
        by_platform = self.world.behaviour.rate_limited_account == "platform"
        charged = key.account if by_platform else request.account.id
        self.limiter.admit(endpoint.name, charged)
        fault = None
        if len(self.faults):
            with self.world.lock:
                fault = self.faults.for_request(endpoint.name, request.account.id)
        if fault is not None:
            self._fail_before(request, fault)
        if request.method == "POST":
            name = request.headers.get("idempotency-key")
            check_body(request)
            if name:
                if len(name) > LONGEST_KEY:
                    raise too_long()
                request.key = name
                return self._once(endpoint, names, request, outbox, fault)
        return self._run(endpoint, names, request, outbox, fault)[:3]

    def _fail_before(self, request: Request, fault: Action) -> None:
        if isinstance(fault, Refuse) and not fault.recorded:
            raise fault.error()
        if isinstance(fault, LoseConnection) and not fault.after_commit:
            request.lost = "lost"
            raise ApiError("The connection was lost.", 500, "api_error")
        if isinstance(fault, Hang) and not fault.after_commit:
            request.lost, request.seconds = "hang", fault.seconds
            raise ApiError("There was no answer.", 500, "api_error")
        if isinstance(fault, ServerError) and not fault.after_commit and not fault.recorded:
            raise self._server_error(request, fault)

    def _server_error(self, request: Request, fault: ServerError) -> ApiError:
        default = None if not fault.recorded else False
        request.should_retry = default if fault.should_retry is None else fault.should_retry
        return ApiError("An unknown error occurred", fault.status, "api_error")

    def _once(
        self,
        endpoint: Endpoint,
        names: tuple[str, ...],
        request: Request,
        outbox: list[tuple[str, str, int]],
        fault: Action | None,
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """
        Carry a request out unless its key has an answer already, and keep the answer.
        """
        key = request.key or ""
        by_account = self.world.behaviour.idempotency_scope == "account"
        scope = request.account.id if by_account else ""
        print_ = fingerprint(request.method, request.path, request.sent)
        replies = self.replies
        with self.world.lock:
            stored = replies.begin(scope, key, print_, self.world.seconds)
        if stored is not None:
            request.replayed = True
            _, _, status, body, request_id = stored
            if status >= 500:  # noqa: PLR2004 - it was recorded, so repeating is no use
                request.should_retry = False
            return status, body, {"Original-Request": request_id}
        reply: StoredReply | None = None
        try:
            status, body, extra, is_recorded = self._run(endpoint, names, request, outbox, fault)
            if is_recorded:
                reply = (print_, self.world.seconds, status, body, request.id)
        finally:
            with self.world.lock:
                replies.finish(scope, key, reply)
        return status, body, extra

    def _run(
        self,
        endpoint: Endpoint,
        names: tuple[str, ...],
        request: Request,
        outbox: list[tuple[str, str, int]],
        fault: Action | None,
    ) -> tuple[int, bytes, Mapping[str, str], bool]:
        """
        Return status, body, headers, and whether the answer belongs to the key.

        Parameters that fail their declaration end the request before it has begun.
        """
        call = self._read(endpoint, names, request, outbox)
        extra: Mapping[str, str] = {}
        recorded = not isinstance(fault, ServerError) or fault.recorded
        try:
            if isinstance(fault, Refuse):
                raise fault.error()
            if isinstance(fault, ServerError) and not fault.after_commit:
                raise self._server_error(request, fault)
            if endpoint.is_issuing:
                require_set_up(call)
            status, body = 200, self.execute(endpoint, call)
            if isinstance(fault, ServerError):
                raise self._server_error(request, fault)
        except ApiError as error:
            status, body, extra = error.status, error.body(request.id), error.headers
            if error.is_validation and not isinstance(fault, Refuse):
                recorded = False
        if isinstance(fault, LoseConnection):
            request.lost = "lost"
        elif isinstance(fault, Hang):
            request.lost, request.seconds = "hang", fault.seconds
        elif isinstance(fault, Slow):
            self.sleep(fault.seconds)
        return status, body, extra, recorded

    def _read(
        self,
        endpoint: Endpoint,
        names: tuple[str, ...],
        request: Request,
        outbox: list[tuple[str, str, int]],
    ) -> Call:
        """
        Judge what was sent by what the endpoint declares; nothing has happened yet.
        """
        params = endpoint.params.read(decode(request.sent), "") or {}
        paths = tuple(params.pop("expand", None) or ())
        if paths:
            refuse = self.world.behaviour.list_refuses_secrets
            check_paths(endpoint.method, endpoint.path, paths, refuse_secrets=refuse)
        return Call(
            world=self.world,
            account=request.account,
            params=params,
            names=names,
            expand=paths,
            request_id=request.id,
            idempotency_key=request.key,
            version=request.version,
            version_given="stripe-version" in request.headers,
            ask=self.postman.ask,
            outbox=outbox,
        )

    def execute(self, endpoint: Endpoint, call: Call) -> bytes:
        """
        Carry out a call whose parameters have been read, and return the JSON of its result.
        """
        world = self.world
        if endpoint.locks_itself:
            result = endpoint.handler(call)
            with world.lock:
                return self._render(result, call)
        with world.lock:
            return self._render(endpoint.handler(call), call)

    def _render(self, result: Resource | dict[str, object], call: Call) -> bytes:
        body = result.bytes_shown(self.world) if isinstance(result, Resource) else to_json(result)
        if call.expand:
            body = expand(self.world, body, call.expand)
        if call.version[:10] < self.world.behaviour.expired_since_version:
            body = to_json(for_version(loads(body), call.version))
        return body


def _clean(text: str) -> str:
    """
    Return *text* without what JSON could not carry.
    """
    return text.encode("utf-8", "replace").decode()
