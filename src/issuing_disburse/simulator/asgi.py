"""
How does an HTTP request become one of the simulator's, and its answer an HTTP response?
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import define, field
from orjson import dumps

from issuing_disburse.simulator.access import LARGEST_BODY
from issuing_disburse.simulator.control import PREFIX, control
from issuing_disburse.simulator.exchange import Response

if TYPE_CHECKING:
    from issuing_disburse.simulator.simulator import IssuingSimulator

Message: TypeAlias = Mapping[str, Any]
MOST_READ = 16 * LARGEST_BODY
WAITING_MAX = 64
_LOOPBACK = re.compile(rb"(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?\Z", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[^\t\x20-\x7e\xa0-\xff]")
ABORT = "issuing_disburse.abort"


@define(eq=False)
class App:
    """
    Be the ASGI application: no framework, one door to the API and one to the control API.

    A request that can be answered at once is answered on the event loop. One that may wait (for
    a webhook's answer, for the clock, for a fault that is slow) gets a thread.
    """

    simulator: "IssuingSimulator"
    is_local: bool = True
    is_changed: Event = field(factory=Event)
    _threads: ThreadPoolExecutor = field(
        factory=lambda: ThreadPoolExecutor(WAITING_MAX, "simulator-request")
    )

    async def __call__(
        self, scope: Message, receive: Callable[[], Any], send: Callable[[Message], Any]
    ) -> None:
        """
        Serve one connection's request.
        """
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        body = await _read(headers, receive)
        response = await self._answer(scope, headers, body)
        if response.lost is not None:
            await _lose(response, scope, receive, send)
            return
        if len(body) > LARGEST_BODY:
            response.headers["Connection"] = "close"  # what follows may not have been read
        await _respond(response, send)

    async def _answer(self, scope: Message, headers: dict[str, str], body: bytes) -> Response:
        method = str(scope["method"])
        path = (scope.get("raw_path") or str(scope["path"]).encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        simulator = self.simulator
        if path == PREFIX or path.startswith(PREFIX + "/"):
            if self.is_local and not _LOOPBACK.match(dict(scope["headers"]).get(b"host", b"")):
                return _not_here()
            work = partial(control, simulator, method, path, query, headers, body)
        else:
            target = f"{path}?{query}" if query else path
            work = partial(simulator.handle, method, target, headers, body)
            if not simulator.may_wait(path):
                response = work()
                self._note(method)
                return response
        response = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        self._note(method)
        return response

    def _note(self, method: str) -> None:
        if method != "GET":
            self.is_changed.set()

    def close(self) -> None:
        """
        Let go of the threads.
        """
        self._threads.shutdown(wait=False, cancel_futures=True)


def _not_here() -> Response:
    message = f"{PREFIX} answers to loopback names only, so that no web page can reach it."
    return Response(403, {"Content-Type": "application/json"}, dumps({"error": message}))


async def _live(receive: Callable[[], Any], send: Callable[[Message], Any]) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _read(headers: Mapping[str, str], receive: Callable[[], Any]) -> bytes:
    """
    Return the body, or as much of it as shows that it is too large.

    Somewhat too large a body is read to its end, because few clients look at an answer before
    they have sent everything; a huge one, or one without end, is not.
    """
    announced = headers.get("content-length", "0")
    if announced.isdigit() and int(announced[:20]) > MOST_READ:
        return b" " * (LARGEST_BODY + 1)
    parts: list[bytes] = []
    size = 0
    while size <= MOST_READ:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= LARGEST_BODY + len(part):
            parts.append(part)
        if not message.get("more_body", False):
            break
    return b"".join(parts)


async def _lose(
    response: Response, scope: Message, receive: Callable[[], Any], send: Callable[[Message], Any]
) -> None:
    """
    Break the connection without a word: at once, or after a silence that the caller may end.
    """
    if response.lost == "hang":
        try:
            async with asyncio.timeout(response.seconds):
                while (await receive())["type"] != "http.disconnect":
                    continue
        except TimeoutError:
            pass
    abort = scope.get("extensions", {}).get(ABORT)
    if abort is not None:
        abort()
        await asyncio.sleep(0)  # so that the server knows, and does not try to answer
        return
    # Another server than ours can only break off in the middle of an answer.
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]}
    )


async def _respond(response: Response, send: Callable[[Message], Any]) -> None:
    headers = [
        (name.lower().encode("latin-1"), _UNPRINTABLE.sub("?", value).encode("latin-1"))
        for name, value in response.headers.items()
    ]
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
