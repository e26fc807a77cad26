"""
A program that gets a card number, and everything that could show it: run in a process of its own.

It is written twice: with the bare SDK (`Bare`), as a control that must leak, and with the library
(`Ours`). It holds no canary; it prints what each channel shows, and its parent searches that.
"""

import contextlib
import copy
import gc
import io
import json
import logging
import pickle
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import cattrs
import stripe

Run = Callable[[], list[Any]]


@attrs.define
class Task:
    """
    What the program is to do.
    """

    address: str
    account: str
    card_id: str
    folder: Path
    store: str
    fault: str
    client: str = ""

    def fetch(self, name: str) -> str:
        """
        Get a canary over the network.
        """
        host, _, port = self.address.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as line:  # below any recorder
            line.sendall(f"GET /canary/{name} HTTP/1.0\r\n\r\n".encode())
            return line.makefile("rb").read().rpartition(b"\r\n")[2].decode()

    def http_client(self) -> stripe.HTTPClient | None:
        """
        Return the client that is asked for, ``None`` for the default.
        """
        return stripe.HTTPXClient(allow_sync_methods=True) if self.client == "httpx" else None


@attrs.define
class Shown:
    """
    What somebody with the bare SDK keeps of a card.
    """

    number: str
    cvc: str


def bare(task: Task) -> list[Any]:
    """
    Read a card's number with the bare SDK.
    """
    client = stripe.StripeClient(
        task.fetch("key"),
        base_addresses={"api": task.address},
        stripe_account=task.account,
        http_client=task.http_client(),
    )
    card = client.v1.issuing.cards.retrieve(task.card_id, {"expand": ["number", "cvc"]})
    number = card.number
    with contextlib.suppress(stripe.StripeError):
        client.raw_request("get", f"/v1/issuing/cards?ending_before={number}")
    (task.folder / "theirs.sqlite3").write_text(str(card))
    return [card, card.to_dict(), Shown(str(number), str(card.cvc)), [number], client]


def ours(task: Task) -> list[Any]:
    """
    Pay an order, deliver its number to a sink twice, and make a key for a browser.
    """
    from issuing_disburse import (  # noqa: PLC0415 - the control does without
        Address,
        DisburseError,
        Disburser,
        Money,
        Order,
        Recipient,
        Terms,
        UserTerms,
    )
    from issuing_disburse.pci import CardSecrets, PCIScope  # noqa: PLC0415 - as above

    held: list[Any] = []

    class Vault:
        scope = PCIScope(owner="card-vault", environment="pci-test")

        def deliver(self, secrets: CardSecrets, *, card: Any, order_id: str) -> str:
            held.append(secrets)
            with secrets.open() as opened:
                if task.fault == "raises":
                    raise ValueError(f"cannot store {opened.number} {opened.cvc}")
                if task.fault == "returns":
                    return opened.number
            return f"vault:{card.id}"

    disburser = Disburser.connect(
        api_key=task.fetch("key"),
        account=task.account,
        webhook_secret=task.fetch("webhook"),
        api_base=task.address,
        store=task.store,
        sink=Vault(),
        accept_empty_store=True,
        http_client=task.http_client(),
        clock=lambda: datetime(2026, 11, 2, 9, tzinfo=UTC),
        sleep=lambda seconds: None,
    )
    order = Order(
        id="claim-8841",
        recipient=Recipient.individual(
            reference="supplier-17", first_name="Jenny", last_name="Rosen",
            email="jenny@example.com", phone_number="+18008675309",
            date_of_birth=date(1985, 3, 14),
            user_terms=UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7"),
            billing=Address(
                line1="1 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
            ),
        ),
        amount=Money.of("125.00", "usd"),
        terms=Terms(valid_for=timedelta(days=30)),
    )  # fmt: skip
    try:
        paid = disburser.disburse(order)
        receipt = disburser.reveal(order.id, Vault())
        key = disburser.issuing_elements_key(order.id, "nonce_of_a_browser")
        assert key.secret.revealed().startswith("ek_test_")
    except DisburseError as problem:
        _keep([disburser, order, held, problem, disburser.deliveries(), sys.exc_info()[1]])
        raise
    return [disburser, order, held, paid, receipt, key, disburser.deliveries()]


_kept: list[Any] = []


def _keep(subjects: list[Any]) -> None:
    _kept[:] = subjects


def flat(subjects: list[Any]) -> Iterator[Any]:
    """
    Yield each subject, and what stands in lists of them.
    """
    for one in subjects:
        if isinstance(one, list | tuple):
            yield from one
        yield one


def section(name: str, show: Callable[[], object]) -> None:
    """
    Print what one channel shows; what it refuses with is shown, too.
    """
    try:
        shown = show()
    except Exception as exc:  # noqa: BLE001 - refusing is an answer
        shown = f"refused: {exc!r}"
    print(f"\n== {name}")  # noqa: T201 - this is the program's output
    print(shown if isinstance(shown, str) else repr(shown))  # noqa: T201 - as above


def attributes(one: Any, depth: int = 2) -> list[str]:
    """
    Return the repr of everything that `dir` and `getattr` lead to.
    """
    found: list[str] = []
    for name in dir(one):
        with contextlib.suppress(Exception):
            value = getattr(one, name)
            found.append(f"{name}={value!r}")
            if depth and not name.startswith("__") and not callable(value):
                found += attributes(value, depth - 1)
    return found


VALUES: dict[str, Callable[[Any], object]] = {
    "repr": repr,
    "str": str,
    "format": format,
    "debug": lambda one: f"{one=} {one!r:>20} {one!s}",
    "vars": vars,
    "slots": lambda one: [getattr(one, name, None) for name in getattr(type(one), "__slots__", ())],
    "dir": attributes,
    "asdict": attrs.asdict,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": pickle.dumps,
    "cattrs": cattrs.unstructure,
    "json": lambda one: json.dumps(one, default=str),
}


def values(run: Run) -> None:
    """
    Show what every way of printing, copying and writing shows.
    """
    try:
        subjects = run()
    except Exception as exc:  # noqa: BLE001 - it is a subject, too
        subjects = [exc, exc.args, *_kept]
    for name, show in VALUES.items():
        for one in flat(subjects):
            section(name, lambda one=one, show=show: show(one))  # type: ignore[misc]  # bound early


def later(run: Run) -> None:
    """
    Fail, at the latest after everything has worked, with all of it in variables.
    """
    subjects = run()
    _first, *others = subjects
    raise RuntimeError(f"something else, with {len(others)} things at hand")


def caught(run: Run) -> BaseException:
    """
    Return what `later` raises.
    """
    try:
        later(run)
    except Exception as exc:  # noqa: BLE001 - as any reporter does
        return exc
    raise AssertionError


def reports(run: Run) -> None:
    """
    Show what error reporters that keep variables make of a failure.
    """
    import rich.console  # noqa: PLC0415 - each witness where it is heard
    import rich.traceback  # noqa: PLC0415 - as above
    import structlog  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: PLC0415 - as above
        InMemorySpanExporter,
    )

    error = caught(run)
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    section("capture_locals", lambda: "".join(report.format()))

    def in_rich() -> str:
        out = io.StringIO()
        console = rich.console.Console(file=out, width=4_000)
        console.print(
            rich.traceback.Traceback.from_exception(
                type(error), error, error.__traceback__,
                show_locals=True, locals_max_length=None, locals_max_string=None, width=4_000,
            )
        )  # fmt: skip
        return out.getvalue()

    def in_structlog() -> str:
        out = io.StringIO()
        structlog.configure(
            processors=[structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()],
            logger_factory=structlog.PrintLoggerFactory(out),
        )
        structlog.get_logger().error("failed", exc_info=error, subjects=_kept)
        return out.getvalue()

    def in_opentelemetry() -> str:
        kept = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(kept))
        with provider.get_tracer("x").start_as_current_span("pay") as span:
            span.record_exception(error)
            for count, one in enumerate(_subjects(error)):
                span.set_attribute(f"subject.{count}", str(one))
        return "".join(one.to_json() for one in kept.get_finished_spans())

    section("rich", in_rich)
    section("structlog", in_structlog)
    section("opentelemetry", in_opentelemetry)


def _subjects(error: BaseException) -> list[Any]:
    found: list[Any] = [error, *_kept]
    for frame, _ in traceback.walk_tb(error.__traceback__):
        found += list(frame.f_locals.values())
    return found


def logs(run: Run) -> None:
    """
    Show every log at its most talkative, the SDK's own among them.
    """
    out = io.StringIO()
    logging.basicConfig(stream=out, level=logging.DEBUG, format="%(name)s %(message)s %(args)s")
    stripe.log = "debug"  # this one goes to stderr
    with contextlib.suppress(Exception):
        run()
    lines = out.getvalue().splitlines()
    section("logging", lambda: "\n".join(lines))
    for name in ("urllib3", "httpx", "httpcore"):
        section(f"{name} log", lambda name=name: "\n".join(x for x in lines if x.startswith(name)))  # type: ignore[misc]  # bound early


def sentry(run: Run) -> None:
    """
    Show what sentry-sdk with its defaults would send.
    """
    import sentry_sdk  # noqa: PLC0415 - each witness where it is heard
    from sentry_sdk.transport import Transport  # noqa: PLC0415 - as above

    sent: list[str] = []

    class Kept(Transport):
        def capture_envelope(self, envelope: Any) -> None:
            sent.extend(str(item.payload.get_bytes()) for item in envelope.items)

    logging.basicConfig(stream=io.StringIO(), level=logging.DEBUG)
    sentry_sdk.init(dsn="https://public@sentry.example/1", transport=Kept)
    error = caught(run)
    sentry_sdk.capture_exception(error)
    logging.getLogger("theirs").error("failed with %s", _kept, exc_info=error)
    sentry_sdk.flush()
    section("sentry", lambda: "\n".join(sent))


def cassette(run: Run) -> None:
    """
    Show what a cassette recorder keeps.
    """
    import vcr  # noqa: PLC0415 - each witness where it is heard

    path = Path(sys.argv[6]) / "cassette.yaml"
    keeping = vcr.use_cassette(str(path), decode_compressed_response=True)
    with keeping, contextlib.suppress(Exception):
        run()
    section("vcr", lambda: path.read_text() if path.exists() else "nothing was recorded")


def disk(run: Run) -> None:
    """
    Show every byte of the files that were written, while the database is open.
    """
    subjects: list[Any] = []
    with contextlib.suppress(Exception):
        subjects = run()
    folder = Path(sys.argv[6])
    section("disk", lambda: "".join(str(one.read_bytes()) for one in sorted(folder.iterdir())))
    del subjects


def memory(run: Run) -> None:
    """
    Show which containers still hold number or CVC, after the sink has returned.
    """
    alive: list[Any] = []
    with contextlib.suppress(Exception):
        alive = run()
    gc.collect()
    everything = gc.get_objects()
    hits: list[str] = []
    wanted = [fetched_number(), fetched_cvc()]
    for one in everything:
        if one is wanted or one is everything:
            continue
        for inner in gc.get_referents(one):
            text = inner if isinstance(inner, str) else ""
            if isinstance(inner, bytes | bytearray):
                text = bytes(inner).decode("latin-1")
            hits += [f"{type(one).__name__}: {canary}" for canary in wanted if canary in text]
    section("memory", lambda: "\n".join(hits) or f"none of {len(everything)}, {len(alive)} alive")


def fetched_number() -> str:
    """
    Get the number to search for, after everything has happened.
    """
    return Task(sys.argv[3], "", "", Path(), "", "").fetch("number")


def fetched_cvc() -> str:
    """
    Get the CVC to search for, likewise.
    """
    return Task(sys.argv[3], "", "", Path(), "", "").fetch("cvc")


CHANNELS: dict[str, Callable[[Run], None]] = {
    "values": values,
    "reports": reports,
    "logs": logs,
    "sentry": sentry,
    "cassette": cassette,
    "disk": disk,
    "memory": memory,
}


def task_from(arguments: list[str]) -> Task:
    """
    Read the command line.
    """
    address, account, card_id, folder, store, fault, client = arguments
    return Task(address, account, card_id, Path(folder), store, fault, client)


def main() -> None:
    """
    Run one program through one channel.
    """
    who, channel = sys.argv[1:3]
    task = task_from(sys.argv[3:])
    CHANNELS[channel](lambda: (bare if who == "bare" else ours)(task))


if __name__ == "__main__":
    main()
