"""
Where do tests get a PostgreSQL server from?

They start one: a scratch cluster on a free loopback port, run by a user other than root, stopped by
the process id that was started. Import the fixtures by name into a conftest:
``from postgres import postgres_server, postgres_url``.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Self

import psycopg
import pytest
from attrs import define, field

START_SECONDS = 60


class NoServerError(Exception):
    """
    This machine has no PostgreSQL server to start.
    """


def _programs() -> Path:
    found = shutil.which("initdb")
    if found is not None and shutil.which("postgres") is not None:
        return Path(found).parent
    for folder in sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True):  # noqa: PTH207 - a pattern from the root
        if Path(folder, "initdb").exists() and Path(folder, "postgres").exists():
            return Path(folder)
    raise NoServerError("no PostgreSQL: neither on PATH nor under /usr/lib/postgresql")


def _server_user() -> str | None:
    """
    Return whom the server must run as; ``None`` is ourselves. It refuses to run as root.
    """
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return name
    raise NoServerError("no user other than root to run PostgreSQL as")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@define
class Server:
    """
    A PostgreSQL server of our own, with default settings.
    """

    port: int
    _programs: Path
    _folder: Path
    _user: str | None
    _process: subprocess.Popen[bytes] | None = None
    _schemas: count[int] = field(factory=lambda: count(1))
    _emptied: list[str] = field(factory=list)

    @classmethod
    def started(cls) -> Self:
        """
        Make a cluster and start it.

        Raises:
            NoServerError: There is no PostgreSQL here.
        """
        programs, user = _programs(), _server_user()
        folder = Path(tempfile.mkdtemp(prefix="issuing-disburse-pg-"))
        if user is not None:
            shutil.chown(folder, user)
        server = cls(port=_free_port(), programs=programs, folder=folder, user=user)
        try:
            server._initialise()
            server.start()
        except BaseException:
            server.remove()
            raise
        return server

    def _initialise(self) -> None:
        subprocess.run(  # noqa: S603 - found by ourselves
            [
                f"{self._programs}/initdb", "-D", f"{self._folder}/data", "-U", "tester",
                "-A", "trust", "-E", "UTF8", "--no-sync",
            ],
            cwd=self._folder, check=True, capture_output=True, user=self._user,
        )  # fmt: skip

    def start(self) -> None:
        """
        Start the server and wait until it answers.
        """
        command = [
            f"{self._programs}/postgres", "-D", f"{self._folder}/data", "-p", str(self.port),
            "-c", "listen_addresses=127.0.0.1", "-k", str(self._folder),
        ]  # fmt: skip
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - found above
                command, cwd=self._folder, stdout=log, stderr=log, user=self._user
            )
        patience = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > patience:
                raise NoServerError((self._folder / "log").read_text()[-2_000:])
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """
        Stop the server: SIGINT rolls transactions back, SIGQUIT is a crash. Twice is fine.
        """
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait(START_SECONDS)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """
        Stop every process of the server where it is, connections and all, and let it go on afterwards.
        """
        assert self._process is not None
        parent = self._process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        everybody = [parent, *map(int, children)]
        for pid in everybody:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in everybody:
                os.kill(pid, signal.SIGCONT)

    def remove(self) -> None:
        """
        Stop the server and forget its data.
        """
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def url(self) -> str:
        """
        Of the database, with the schema ``public``.
        """
        return f"postgresql://tester@127.0.0.1:{self.port}/postgres"

    def new_schema_url(self) -> str:
        """
        Return a URL whose tables nobody else sees.
        """
        name = f"s{os.getpid()}_{next(self._schemas)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"create schema {name}")
        return f"{self.url}?options=-csearch_path%3D{name}"

    def empty_schema_url(self) -> str:
        """
        Return the URL of a schema that was emptied, or else of a new one.
        """
        return self._emptied.pop() if self._emptied else self.new_schema_url()

    def empty(self, url: str) -> None:
        """
        Delete every row, so that the tables (dozens of files) need not be made again.
        """
        with psycopg.connect(url) as connection:
            connection.execute("set lock_timeout = '10s'")
            tables = "select tablename from pg_tables where schemaname = current_schema()"
            for (table,) in connection.execute(tables).fetchall():
                connection.execute(f'delete from "{table}"')  # noqa: S608 - the server named it
        self._emptied.append(url)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """
    One server for the whole run; tests that need none never start it.
    """
    try:
        server = Server.started()
    except NoServerError as exc:
        pytest.skip(str(exc))
    yield server
    server.remove()


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """
    A database whose tables only this test sees, all empty. Tests that break tables make their own.
    """
    url = postgres_server.empty_schema_url()
    yield url
    postgres_server.empty(url)
