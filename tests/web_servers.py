"""
How is each web framework served on loopback, as its users would serve it?
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import uvicorn
from attrs import frozen

from issuing_disburse.contrib.door import Handle

PATH = "/stripe/webhook"


@contextmanager
def asgi(application: Any) -> Iterator[int]:
    """
    Serve *application* by uvicorn, and return the port.
    """
    config = uvicorn.Config(application, port=0, log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.001)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def wsgi(server: Any) -> Iterator[int]:
    """
    Serve by a server of the standard library's kind, and return the port.
    """
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def starlette(handle: Handle, **limits: int) -> Iterator[int]:
    """
    A Starlette application with the route.
    """
    from starlette.applications import Starlette  # noqa: PLC0415 - an extra

    from issuing_disburse.contrib.starlette import webhook_route  # noqa: PLC0415 - likewise

    with asgi(Starlette(routes=[webhook_route(PATH, handle, **limits)])) as port:
        yield port


@contextmanager
def fastapi(handle: Handle, **limits: int) -> Iterator[int]:
    """
    A FastAPI application with the route beside its own.
    """
    from fastapi import FastAPI  # noqa: PLC0415 - not needed by the library

    from issuing_disburse.contrib.starlette import webhook_route  # noqa: PLC0415 - an extra

    application = FastAPI()
    application.router.routes.append(webhook_route(PATH, handle, **limits))
    with asgi(application) as port:
        yield port


@contextmanager
def flask(handle: Handle, **limits: int) -> Iterator[int]:
    """
    A Flask application with the blueprint, on werkzeug's server.
    """
    from flask import Flask  # noqa: PLC0415 - an extra
    from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415 - likewise

    from issuing_disburse.contrib.flask import webhook_blueprint  # noqa: PLC0415 - likewise

    class Silent(WSGIRequestHandler):
        def log(self, *_: object) -> None:
            return

    application = Flask("shop")
    application.register_blueprint(webhook_blueprint(PATH, handle, **limits))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Silent)
    with wsgi(server) as port:
        yield port


@contextmanager
def _django(view: Callable[..., Any]) -> Iterator[None]:
    # Django's settings are one for the process; the examples have some of their own.
    from django.conf import settings  # noqa: PLC0415 - an extra
    from django.urls import clear_url_caches, path  # noqa: PLC0415 - likewise
    from django.utils.functional import empty  # noqa: PLC0415 - likewise

    urls = ModuleType("urls")
    urls.urlpatterns = [path(PATH.removeprefix("/"), view)]  # type: ignore[attr-defined]  # Django's word
    before = settings._wrapped  # noqa: SLF001 - Django has no public way to forget settings
    settings._wrapped = empty  # noqa: SLF001 - likewise
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
        ROOT_URLCONF=urls,
        SECRET_KEY="only-for-tests",
    )
    clear_url_caches()
    try:
        yield
    finally:
        settings._wrapped = before  # noqa: SLF001 - likewise
        clear_url_caches()


@contextmanager
def django(handle: Handle, **limits: int) -> Iterator[int]:
    """
    A Django application with the view, on Django's own WSGI server.
    """
    from django.core.servers.basehttp import (  # noqa: PLC0415 - an extra
        ThreadedWSGIServer,
        WSGIRequestHandler,
    )
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 - likewise

    from issuing_disburse.contrib.django import webhook_view  # noqa: PLC0415 - likewise

    class Silent(WSGIRequestHandler):  # type: ignore[misc]  # Django has no types
        def log_message(self, *_: object) -> None:
            return

    with _django(webhook_view(handle, **limits)):
        server = ThreadedWSGIServer(("127.0.0.1", 0), Silent)
        server.set_app(get_wsgi_application())
        with wsgi(server) as port:
            yield port


@contextmanager
def django_asgi(handle: Handle, **limits: int) -> Iterator[int]:
    """
    The same on an ASGI server.
    """
    from django.core.asgi import get_asgi_application  # noqa: PLC0415 - an extra

    from issuing_disburse.contrib.django import async_webhook_view  # noqa: PLC0415 - likewise

    with _django(async_webhook_view(handle, **limits)), asgi(get_asgi_application()) as port:
        yield port


@frozen
class Framework:
    """
    One way to serve, and what it can do.
    """

    name: str
    serve: Callable[..., Any]
    is_async: bool
    reads_chunks: bool = True  # WSGI itself has no word for them, Werkzeug does


FRAMEWORKS = (
    Framework("starlette", starlette, is_async=True),
    Framework("fastapi", fastapi, is_async=True),
    Framework("flask", flask, is_async=False),
    Framework("django", django, is_async=False, reads_chunks=False),
    Framework("django-asgi", django_asgi, is_async=True),
)
