"""
Does a card number, a CVC, a key or a secret come out anywhere, on success or when something breaks?

Each channel is heard twice: with the bare SDK it must leak, so that the test is known to see; with the
library nothing may come out. Every program runs in a process of its own.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from attrs import frozen
from psycopg import sql

from leaks.wire import CANARIES, CVC, KEY, NUMBER, Wire, open_wire

pytestmark = [pytest.mark.long, pytest.mark.pci]

PROGRAM = Path(__file__).with_name("program.py")
FAULTS = ["", "raises", "returns", "dies", "cut", "broken", "failing"]

# What each channel must show of the bare SDK.
LOUD = {
    "values": {
        "repr": NUMBER, "str": NUMBER, "format": NUMBER, "debug": NUMBER, "vars": NUMBER,
        "slots": NUMBER, "dir": KEY, "asdict": NUMBER, "copy": NUMBER, "deepcopy": NUMBER,
        "pickle": KEY, "cattrs": NUMBER, "json": CVC,
    },
    "reports": {
        "capture_locals": NUMBER, "rich": NUMBER, "structlog": NUMBER, "opentelemetry": CVC,
    },
    "logs": {"logging": NUMBER, "urllib3 log": NUMBER, "stderr": CVC},
    "sentry": {"sentry": NUMBER},
    "cassette": {"vcr": KEY},
    "disk": {"disk": NUMBER},
    "memory": {"memory": NUMBER},
}  # fmt: skip


@frozen
class Heard:
    """
    What one program has shown.
    """

    stdout: str
    stderr: str
    asked: int

    def section(self, name: str) -> str:
        """
        Return what one channel has shown.
        """
        if name == "stderr":
            return self.stderr
        parts = [part for part in self.stdout.split("\n== ") if part.startswith(f"{name}\n")]
        assert parts, f"{name} was not heard: {self.stderr[-2_000:]}"
        return "\n".join(parts)

    def hits(self) -> list[str]:
        """
        Return the canaries that came out, with where.
        """
        return [
            f"{canary} in {name}: …{text[max(0, text.index(canary) - 200) : text.index(canary)]}"
            for canary in CANARIES
            for name, text in (("stdout", self.stdout), ("stderr", self.stderr))
            if canary in text
        ]


@pytest.fixture
def wire(request: pytest.FixtureRequest) -> Iterator[tuple[Wire, str, str]]:
    """
    A simulated Stripe on loopback, that breaks as the test says.
    """
    with open_wire(getattr(request, "param", "")) as found:
        yield found


def hear(
    wire: tuple[Wire, str, str],
    who: str,
    channel: str,
    folder: Path,
    *,
    store: str = "",
    client: str = "",
    environment: dict[str, str] | None = None,
) -> Heard:
    """
    Run one program, and listen.
    """
    server, account, card = wire
    folder.mkdir(exist_ok=True)
    store = store or f"sqlite:///{folder}/books.sqlite3"
    arguments = [server.address, account, card, str(folder), store, server.fault, client]
    answer = subprocess.run(  # noqa: S603 - the interpreter of this test, and a program beside it
        [sys.executable, str(PROGRAM), who, channel, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **(environment or {})},
    )
    assert 0 == answer.returncode, answer.stderr[-3_000:]
    return Heard(answer.stdout, answer.stderr, server.asked)


@pytest.mark.parametrize("channel", LOUD)
def test_the_bare_sdk_leaks_in_every_channel(
    channel: str, wire: tuple[Wire, str, str], tmp_path: Path
) -> None:
    """The controls: each channel shows the number, the CVC or the key of a program without us."""
    heard = hear(wire, "bare", channel, tmp_path)

    for name, canary in LOUD[channel].items():
        assert canary in heard.section(name), name


@pytest.mark.parametrize(
    ("channel", "wire"),
    [
        (channel, fault)
        for channel in LOUD
        for fault in FAULTS
        if channel != "cassette" or not fault  # a recorder is refused before anything can break
    ],
    indirect=["wire"],
)
def test_nothing_leaks_in_any_channel(
    channel: str, wire: tuple[Wire, str, str], tmp_path: Path
) -> None:
    """Whatever works or breaks, in every channel: 0 hits, and the number was really asked for."""
    heard = hear(wire, "ours", channel, tmp_path)

    assert [] == heard.hits()
    for name in LOUD[channel]:
        assert name == "stderr" or heard.section(name)
    assert (0 < heard.asked) == (channel != "cassette")  # a recorder is refused before it hears


@pytest.mark.parametrize("wire", ["", "cut", "raises"], indirect=True)
def test_nothing_leaks_through_another_client(wire: tuple[Wire, str, str], tmp_path: Path) -> None:
    """A client that the caller passes in is wrapped like our own: httpx and httpcore at DEBUG."""
    server, _, _ = wire
    fault, server.fault = server.fault, ""
    control = hear(wire, "bare", "logs", tmp_path / "bare", client="httpx")
    server.fault = fault
    heard = hear(wire, "ours", "logs", tmp_path / "ours", client="httpx")

    assert NUMBER in control.section("httpx log")
    assert "/v1/issuing/cards" in heard.section("httpx log")
    assert [] == heard.hits()


@pytest.mark.parametrize("wire", ["", "cut", "failing"], indirect=True)
def test_nothing_leaks_when_the_environment_wants_a_debug_log(
    wire: tuple[Wire, str, str], tmp_path: Path
) -> None:
    """STRIPE_LOG prints to stderr, past every logging filter; it sees nothing either."""
    debug = {"STRIPE_LOG": "debug"}
    server, _, _ = wire
    fault, server.fault = server.fault, ""
    control = hear(wire, "bare", "memory", tmp_path / "bare", environment=debug)
    server.fault = fault
    heard = hear(wire, "ours", "memory", tmp_path / "ours", environment=debug)

    assert NUMBER in control.stderr
    assert "Request to Stripe api" in heard.stderr
    assert [] == heard.hits()


def rows_of(url: str) -> str:
    """
    Return every row of every table of a database, as text.
    """
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        ).fetchall()
        texts = [f"{name}" for (name,) in tables]
        for (name,) in tables:
            query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name))
            texts += [text for (text,) in connection.execute(query).fetchall()]
    return "\n".join(texts)


@pytest.mark.parametrize("wire", ["", "raises", "cut"], indirect=True)
def test_nothing_leaks_into_rows_of_postgresql(
    wire: tuple[Wire, str, str], tmp_path: Path, postgres_url: str
) -> None:
    """Every row of every table is read: the delivery is there, the number is not."""
    server, _, _ = wire
    fault, server.fault = server.fault, ""
    control = hear(wire, "bare", "disk", tmp_path / "bare")
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE theirs (card text)")
        connection.execute("INSERT INTO theirs VALUES (%s)", [control.stdout.replace("\0", "")])
    assert NUMBER in rows_of(postgres_url)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("DROP TABLE theirs")
    server.fault = fault
    heard = hear(wire, "ours", "values", tmp_path / "ours", store=postgres_url)
    rows = rows_of(postgres_url)

    assert [] == heard.hits()
    assert "card-vault" in rows
    assert [] == [one for one in CANARIES if one in rows]


SUITE = """
import sys
sys.path.insert(0, {folder!r})
import program

def task():
    return program.task_from({arguments!r})

def test_value():
    (paid, *rest) = program.{who}(task())
    subjects = [paid, *rest]
    wanted = [None]
    assert subjects == wanted
{more}
"""
MORE = {
    "bare": """
def test_number():
    card, *rest = program.bare(task())
    assert card.number == "0000"
""",
    "ours": """
def test_card():
    disburser, order, held, paid, *rest = program.ours(task())
    assert paid == order
def test_secrets():
    disburser, order, (secrets, *more), *rest = program.ours(task())
    assert repr(secrets) == "0000"
def test_comparison():
    disburser, order, (secrets, *more), *rest = program.ours(task())
    assert secrets == "0000"
""",
}


@pytest.mark.parametrize("wire", ["", "raises", "cut"], indirect=True)
def test_nothing_leaks_in_the_assertion_diffs_of_pytest(
    wire: tuple[Wire, str, str], tmp_path: Path
) -> None:
    """Failing asserts with -vv, all variables, captured logs and output, and the report file."""
    server, account, card = wire

    def failing_suite(who: str) -> str:
        folder = tmp_path / who
        folder.mkdir()
        store = f"sqlite:///{folder}/books.sqlite3"
        arguments = [server.address, account, card, str(folder), store, server.fault, ""]
        (folder / "test_theirs.py").write_text(
            SUITE.format(folder=str(PROGRAM.parent), arguments=arguments, who=who, more=MORE[who])
        )
        answer = subprocess.run(
            [
                sys.executable, "-m", "pytest", "-vv", "--showlocals", "--log-level=DEBUG",
                "-p", "no:cacheprovider", "--junitxml=report.xml", "test_theirs.py",
            ],
            check=False, capture_output=True, text=True, cwd=folder, timeout=120,
        )  # fmt: skip
        return answer.stdout + answer.stderr + (folder / "report.xml").read_text()

    fault, server.fault = server.fault, ""
    control = failing_suite("bare")
    server.fault = fault
    printed = failing_suite("ours")

    assert NUMBER in control
    assert "4 failed" in printed
    assert [] == [one for one in CANARIES if one in printed]
