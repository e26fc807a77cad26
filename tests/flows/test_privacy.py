"""
Where is what a recipient told us, and is it gone when it should be?
"""

import logging
import sqlite3
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe

from crashing import Countdown, CrashingClient, ProcessDiedError
from issuing_disburse import Disburser, InvalidInputError, RefusedError, Status, StoreError
from issuing_disburse.exceptions import NeedsOrderError, UnknownOutcomeError
from issuing_disburse.simulator.faults import Fault, LoseConnection
from world import World, make_order, make_recipient, open_world

ORDER = "claim-8841"
PERSONAL = ("Jenny", "Rosen", "jenny@example.com", "+18008675309", "18008675309", "123 Main St")
CARDHOLDERS = "POST /v1/issuing/cardholders"


def on_disk(folder: Path) -> bytes:
    """
    Return every byte of a database: the file, its log, and what else lies beside it.
    """
    return b"".join(one.read_bytes() for one in sorted(folder.iterdir()))


def told(content: bytes) -> list[str]:
    """
    Return which personal details *content* tells.
    """
    return [
        one
        for one in PERSONAL
        if one.encode() in content or one.replace(" ", "+").encode() in content
    ]


def lose_cardholders(world: World) -> None:
    """
    Let no answer about cardholders through.
    """
    fault = Fault(endpoint=CARDHOLDERS, action=LoseConnection(after_commit=False), times=0)
    world.simulator.faults.add(fault)


def test_personal_data_is_gone_from_the_disk_once_the_cardholder_exists(tmp_path: Path) -> None:
    """While the order waits for its cardholder the content is there; then it is overwritten."""
    with open_world(f"sqlite:///{tmp_path}/books.sqlite3") as world:
        lose_cardholders(world)
        with pytest.raises(UnknownOutcomeError):
            world.disburser.disburse(make_order())
        assert told(on_disk(tmp_path))  # the control: this is what is looked for
        world.simulator.faults.clear()
        assert Status.ACTIVE is world.disburser.resume(ORDER).status
        world.disburser.store.scrub()  # type: ignore[attr-defined]  # an SQL store

        assert [] == told(on_disk(tmp_path))


def test_forget_erases_a_waiting_order_from_file_and_log(tmp_path: Path) -> None:
    """Nothing of the person is in any file; the order can be handed in again, and is paid once."""
    with open_world(f"sqlite:///{tmp_path}/books.sqlite3") as world:
        lose_cardholders(world)
        with pytest.raises(UnknownOutcomeError):
            world.disburser.disburse(make_order())
        assert told(on_disk(tmp_path))
        count = world.disburser.forget(make_recipient())

        assert count >= 2
        assert [] == told(on_disk(tmp_path))
        world.simulator.faults.clear()
        with pytest.raises(NeedsOrderError):
            world.disburser.resume(ORDER)
        assert Status.PENDING is world.disburser.get(ORDER).status
        assert Status.ACTIVE is world.disburser.disburse(make_order()).status
        world.check_books(ORDER)


def test_forget_leaves_the_books_and_a_later_order_finds_its_way(tmp_path: Path) -> None:
    """After a payment the person is forgotten; ids and amounts stay, and a new order is paid."""
    with open_world(f"sqlite:///{tmp_path}/books.sqlite3") as world:
        paid = world.disburser.disburse(make_order())
        assert 0 < world.disburser.forget(make_recipient())
        assert 0 == world.disburser.forget(make_recipient())

        assert paid == world.disburser.get(ORDER)
        assert Status.ACTIVE is world.disburser.disburse(make_order(id="claim-8842")).status
        assert 1 == len(world.simulator.objects("cardholder", world.account))
        world.check_books(ORDER, "claim-8842")


def test_forget_finds_orders_by_reference_and_leaves_others(tmp_path: Path) -> None:
    """The same reference is the same person, whatever else changed; nobody else is touched."""
    with open_world("sqlite://") as world:
        lose_cardholders(world)
        for name, reference in (("one", "supplier-17"), ("two", "supplier-18")):
            with pytest.raises(UnknownOutcomeError):
                world.disburser.disburse(make_order(id=name, recipient=make_recipient(reference)))
        world.simulator.faults.clear()
        world.disburser.forget(make_recipient("supplier-17", last_name="Smith"))

        with pytest.raises(NeedsOrderError):
            world.disburser.resume("one")
        assert Status.ACTIVE is world.disburser.resume("two").status


def test_forget_says_so_when_a_reader_keeps_the_log_open(tmp_path: Path) -> None:
    """As long as somebody reads an old state, nothing is promised; a second call finishes."""
    with open_world(f"sqlite:///{tmp_path}/books.sqlite3") as world:
        world.disburser.disburse(make_order())
        reader = sqlite3.connect(tmp_path / "books.sqlite3", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM issuing_disburse_recipient").fetchone()
        with pytest.raises(StoreError, match="call again") as caught:
            world.disburser.forget(make_recipient())
        reader.close()

        assert "not_scrubbed" == caught.value.code
        assert 0 == world.disburser.forget(make_recipient())


def test_a_store_that_keeps_no_orders_never_has_personal_data_on_disk(tmp_path: Path) -> None:
    """In every crash of the way to the card, the files hold hashes only, and the order is paid once."""
    with open_world() as world:
        countdown = Countdown()
        world.connect(http_client=CrashingClient(world.client, countdown)).disburse(make_order())
    for point in range(1, countdown.passed + 1):
        folder = tmp_path / str(point)
        folder.mkdir()
        store = f"sqlite:///{folder}/books.sqlite3"
        with open_world(store, options={"keeps_orders": False}) as world:
            client = CrashingClient(world.client, Countdown(dies_at=point))
            with pytest.raises(ProcessDiedError):
                world.connect(store=world.disburser.store, http_client=client).disburse(
                    make_order()
                )
            assert [] == told(on_disk(folder)), point
            world.simulator.clock.advance(timedelta(seconds=121))
            assert Status.ACTIVE is world.disburser.disburse(make_order()).status
            assert 1 == len(world.simulator.objects("card", world.account)), point
            assert 1 == len(world.simulator.objects("cardholder", world.account)), point
            assert [] == told(on_disk(folder)), point
            world.check_books(ORDER)


def test_a_resume_without_the_order_waits_for_it(tmp_path: Path) -> None:
    """Where no orders are kept, a crash before the cardholder needs the order again: it says so."""
    with open_world("sqlite://", options={"keeps_orders": False}) as world:
        lose_cardholders(world)
        with pytest.raises(UnknownOutcomeError):
            world.disburser.disburse(make_order())
        world.simulator.faults.clear()
        with pytest.raises(NeedsOrderError, match="handed in again") as caught:
            world.disburser.resume(ORDER)
        waiting = world.disburser.get(ORDER)

        assert caught.value.disbursement == waiting
        assert Status.PENDING is waiting.status
        assert waiting.reason is not None
        assert [waiting] == list(world.disburser.resume_all())
        assert Status.ACTIVE is world.disburser.disburse(make_order()).status
        assert 1 == len(world.simulator.objects("cardholder", world.account))
        world.check_books(ORDER)


def test_an_error_of_stripes_does_not_repeat_what_it_was_told() -> None:
    """Stripe quotes a wrong address in its message; ours, the store's and the log's do not."""

    class Quoting(stripe.HTTPClient):
        name = "quoting"

        def __init__(self, inner: stripe.HTTPClient) -> None:
            super().__init__()
            self._inner = inner

        def request(self, method: str, url: str, *rest: Any, **options: Any) -> Any:
            if method == "post" and url.endswith("/cardholders"):
                body = b'{"error":{"type":"invalid_request_error","param":"email","message":"Invalid email: jenny@example.com of Rosen"}}'
                return body, 400, {"Request-Id": "req_1"}
            return self._inner.request(method, url, *rest, **options)

        def close(self) -> None:
            pass

    with open_world("sqlite://") as world:
        disburser = world.connect(http_client=Quoting(world.client))
        with pytest.raises(RefusedError, match=r"Invalid email: \[personal\] of \[personal\]"):
            disburser.disburse(make_order())

        reason = disburser.get(ORDER).reason
        assert reason is not None
        assert [] == told(reason.message.encode())


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_no_log_tells_who_is_paid(level: int, caplog: pytest.LogCaptureFixture) -> None:
    """The SDK's own log prints addresses and bodies; none of ours has a person in it."""
    with caplog.at_level(level), open_world("sqlite://") as world:
        lose_cardholders(world)
        with pytest.raises(UnknownOutcomeError):
            world.disburser.disburse(make_order())
        world.simulator.faults.clear()
        world.simulator.clock.advance(timedelta(hours=25))  # so that it is looked for, too
        world.disburser.resume(ORDER)
        world.disburser.disburse(
            make_order(id="b", recipient=make_recipient(email="new@example.com"))
        )

    assert any(one.name == "stripe" for one in caplog.records)
    assert [] == told(caplog.text.encode())
    assert "new@example.com" not in caplog.text


KEY, SECRET = "sk_test_canary_key_51", "whsec_canary_51"


@pytest.mark.parametrize(
    "changes",
    [
        {"api_key": "canary_key_51"},
        {"api_key": b"sk_test_canary_key_51"},
        {"api_key": SECRET},
        {"api_key": "sk_live_canary_key_51"},
        {"api_key": f"{KEY} \n"},
        {"webhook_secret": f"{SECRET} "},
        {"webhook_secret": [SECRET, b"whsec_canary_51"]},
        {"webhook_secret": b"whsec_canary_51"},
        {"webhook_secret": ()},
        {"webhook_secret": None},
        {"account": "card_51"},
        {"store": "nonsense://x"},
        {"sink": object()},
    ],
)
def test_connect_shows_neither_key_nor_secret_when_it_refuses(changes: dict[str, Any]) -> None:
    """Not even a reporter that keeps the variables of every frame finds them in ours."""
    options: dict[str, Any] = {"api_key": KEY, "account": None, "webhook_secret": SECRET, **changes}
    with pytest.raises(InvalidInputError) as caught:
        Disburser.connect(**options)

    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [one.locals for one in report.stack if "issuing_disburse/" in one.filename]
    assert ours
    assert "canary" not in repr(ours)
    assert "canary" not in str(caught.value)
