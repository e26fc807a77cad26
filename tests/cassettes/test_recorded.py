"""
Does a test run from its cassette as it ran when it was recorded?
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import stripe

from issuing_disburse import Disburser, Status
from issuing_disburse.encoding import form
from issuing_disburse.pci import CallbackSink, PCIScope
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.simulator.faults import Fault, LoseConnection
from issuing_disburse.testing.cassettes import (
    CassetteError,
    LeakError,
    Recorded,
    ReplayError,
    recorded,
)
from issuing_disburse.testing.cassettes.tape import load, save, sidecar_of
from leaky_recordings import Canned, text
from world import make_order, make_recipient


class Echo(stripe.HTTPClient):
    """
    Answers with the order that was asked about.
    """

    name = "echo"

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None
    ) -> tuple[bytes, int, dict[str, str]]:
        """
        Answer.
        """
        order = parse_qs(post_data)["metadata[order]"][0]
        return b'{"order":"%s"}' % order.encode(), 200, {"Content-Type": "application/json"}


PEOPLE = ("Jenny", "Rosen", "jenny@example.com", "8675309", "Columbus", "123 Main", "43004", "1985")
Story = Callable[[Disburser, Recorded, IssuingSimulator | None], Any]


def told(path: Path, story: Story, *, sink: Any = None, **faults: Any) -> Any:
    """
    Record a story on a simulator in this process.
    """
    with IssuingSimulator(seed=7, platform_funds=1_000_000) as simulator:
        account = simulator.create_account()
        with recorded(
            path,
            mode="record",
            http_client=simulator.http_client(),
            clock=simulator.clock,
            webhook_secret=simulator.webhook_secret,
        ) as tape:
            simulator.deliver_webhooks_to(tape.receive)
            with connected(tape, account, simulator.api_key, sink) as disburser:
                return story(disburser, tape, simulator)


def replayed(path: Path, story: Story, *, sink: Any = None) -> Any:
    """
    Play it, with nobody to ask.
    """
    account = next(
        one.sent.headers["Stripe-Account"]
        for one in load(path).exchanges
        if "Stripe-Account" in one.sent.headers
    )
    with recorded(path) as tape, connected(tape, account, "sk_test_another", sink) as disburser:
        return story(disburser, tape, None)


def connected(tape: Recorded, account: str, key: str, sink: Any) -> Disburser:
    """
    Make a disburser that sends, and hears, through a cassette.
    """
    disburser = Disburser.connect(
        api_key=key,
        account=account,
        webhook_secret=tape.webhook_secret,
        store="memory://",
        http_client=tape.http_client,
        clock=tape.clock.now,
        sleep=tape.clock.sleep,
        sink=sink,
    )
    tape.deliver_to(disburser.handle_webhook)
    return disburser


def whole_life(disburser: Disburser, tape: Recorded, simulator: IssuingSimulator | None) -> Any:
    """
    Pay, let a merchant take it, let the card expire, and look whether the books are right.
    """
    paid = disburser.disburse(make_order())
    card = paid.card.id
    asked = tape.outside(
        "authorize", lambda: simulator.authorize(card, amount=12_500), card=card, amount=12_500
    )
    tape.outside("capture", lambda: simulator.capture(asked["id"]), authorization=asked["id"])
    other = disburser.disburse(make_order("claim-2", recipient=make_recipient("supplier-18")))
    tape.clock.advance(timedelta(days=31))
    disburser.reclaim_expired()
    return (
        disburser.statement("claim-8841"),
        disburser.statement("claim-2"),
        other.card.last4,
        disburser.reconcile().discrepancies,
        tape.clock.now(),
    )


def pay(disburser: Disburser, tape: Recorded, simulator: IssuingSimulator | None) -> Status:
    """
    Pay one order.
    """
    return disburser.disburse(make_order()).status


def pay_more(disburser: Disburser, tape: Recorded, simulator: IssuingSimulator | None) -> Status:
    """
    Pay one order of another amount.
    """
    return disburser.disburse(make_order(amount="126.00")).status


def test_a_whole_life_is_the_same_when_it_is_played(tmp_path: Path) -> None:
    """Statements, books and the clock come out of a cassette as they went in, without a simulator."""
    path = tmp_path / "life.yaml"

    assert told(path, whole_life) == replayed(path, whole_life)


def test_a_cassette_may_be_json_when_its_name_says_so(tmp_path: Path) -> None:
    """The same holds for a file of JSON."""
    path = tmp_path / "life.json"

    assert told(path, whole_life) == replayed(path, whole_life)
    assert b"{" == path.read_bytes()[:1]


def test_recording_again_changes_nothing_when_nothing_has_changed(tmp_path: Path) -> None:
    """Two recordings on the same seed are the same bytes, deliveries included."""
    first, second = tmp_path / "a" / "life.yaml", tmp_path / "b" / "life.yaml"
    told(first, whole_life)
    told(second, whole_life)

    assert first.read_bytes() == second.read_bytes()
    assert sidecar_of(first).read_bytes() == sidecar_of(second).read_bytes()


def test_nobody_is_in_the_files_when_a_life_was_recorded(tmp_path: Path) -> None:
    """Names, addresses, phones, birth dates and keys of the test are in neither file."""
    path = tmp_path / "life.yaml"
    told(path, whole_life)
    kept = path.read_text() + sidecar_of(path).read_text()

    assert [] == [one for one in (*PEOPLE, "sk_test_", "whsec_") if one in kept]
    assert "person-1@example.com" in kept


def test_a_played_cassette_fits_when_it_is_saved_again(tmp_path: Path) -> None:
    """What is read from a cassette and written again is the same bytes."""
    path, again = tmp_path / "life.yaml", tmp_path / "again" / "life.yaml"
    told(path, whole_life)
    save(load(path), again)

    assert path.read_bytes() == again.read_bytes()
    assert sidecar_of(path).read_bytes() == sidecar_of(again).read_bytes()


def test_other_people_may_be_paid_when_the_shape_is_the_same(tmp_path: Path) -> None:
    """A cassette knows nobody, so a test may change whom it pays without recording anew."""
    path = tmp_path / "pay.yaml"
    told(path, pay)
    sidecar_of(path).unlink()  # nobody listens here
    tape = load(path)
    create = next(one for one in tape.exchanges if one.sent.uri.endswith("/cardholders"))

    with recorded(path) as again:
        for one in tape.exchanges:
            body = one.sent.body
            if one is create:
                body = body.replace(b"person-1%40example.com", b"max%40example.org")
            headers = {**one.sent.headers, "Authorization": "Bearer sk_test_x"}
            again.http_client.request(one.sent.method, one.sent.uri, headers, body)

    assert b"person-1%40example.com" in create.sent.body


def test_the_nearest_request_is_shown_when_another_is_made(tmp_path: Path) -> None:
    """What was not recorded fails the test, and the error says what differs from which interaction."""
    path = tmp_path / "pay.yaml"
    told(path, pay)

    with pytest.raises(
        ReplayError,
        match=r"POST /v1/transfers.* interaction \d+ comes nearest, but.*amount: '12600', recorded '12500'",
    ) as caught:
        replayed(path, pay_more)

    assert [] == [one for one in PEOPLE if one in str(caught.value)]


def test_what_was_not_asked_for_is_named_when_a_test_does_less(tmp_path: Path) -> None:
    """A test that sends less than was recorded fails, and names the first that it left out."""
    path = tmp_path / "pay.yaml"
    told(path, pay)

    with pytest.raises(ReplayError, match="were recorded and not asked for, first interaction 0"):
        replayed(path, lambda *_: None)


def test_an_older_cassette_stays_when_the_test_fails(tmp_path: Path) -> None:
    """A test that fails while it is recorded leaves the files as they were."""
    path = tmp_path / "pay.yaml"
    told(path, pay)
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        told(path, fail)

    assert before == {one.name: one.read_bytes() for one in tmp_path.iterdir()}


@pytest.mark.pci
def test_a_sink_gets_a_test_number_when_a_cassette_is_played(tmp_path: Path) -> None:
    """Number and CVC reach the sink while recording, and a test number with the same end in replay."""
    path = tmp_path / "sink.yaml"
    seen: list[tuple[str, str]] = []

    def keep(secrets: Any, *, card: Any, order_id: str) -> str:
        with secrets.open() as opened:
            seen.append((opened.number, opened.cvc))
        return f"vault-{len(seen)}"

    sink = CallbackSink(keep, scope=PCIScope(owner="test", environment="test"))
    told(path, pay, sink=sink)
    replayed(path, pay, sink=sink)
    (number, cvc), (stand_in, blank) = seen

    assert (number[-4:], "000") == (stand_in[-4:], blank)
    assert number not in path.read_text()
    assert f'"{cvc}"' not in path.read_text()


def test_a_lost_answer_is_lost_again_when_it_is_played(tmp_path: Path) -> None:
    """A connection that broke while recording breaks in replay, and the retry gets its answer."""
    path = tmp_path / "lost.yaml"

    def lose(disburser: Disburser, tape: Recorded, simulator: IssuingSimulator | None) -> Status:
        if simulator is not None:
            simulator.faults.add(Fault(endpoint="POST /v1/transfers", action=LoseConnection()))
        return disburser.disburse(make_order()).status

    assert told(path, lose) == replayed(path, lose)
    assert 1 == sum(1 for one in load(path).exchanges if one.lost)


def test_nothing_is_sent_when_the_key_is_a_live_one(tmp_path: Path) -> None:
    """A live key is refused before anything is sent: it moves real money."""
    inner = IssuingSimulator(seed=7).http_client()
    with recorded(tmp_path / "live.yaml", mode="record", http_client=inner) as tape:
        client = stripe.StripeClient("sk_live_" + "1" * 24, http_client=tape.http_client)
        with pytest.raises(CassetteError, match="a live key is never recorded"):
            client.v1.balance.retrieve()

    assert [] == load(tmp_path / "live.yaml").exchanges


def test_asynchronous_calls_are_recorded_when_the_bare_sdk_makes_them(tmp_path: Path) -> None:
    """The SDK's asynchronous client records and plays like the other one."""
    path = tmp_path / "async.yaml"

    async def balance(client: stripe.HTTPClient, key: str) -> Any:
        return await stripe.StripeClient(key, http_client=client).v1.balance.retrieve_async()

    simulator = IssuingSimulator(seed=7, platform_funds=5_000)
    with recorded(path, mode="record", http_client=simulator.http_client()) as tape:
        first = asyncio.run(balance(tape.http_client, simulator.api_key))
    with recorded(path) as tape:
        second = asyncio.run(balance(tape.http_client, "sk_test_another"))

    assert first.to_dict() == second.to_dict()


def test_a_leak_is_refused_when_a_merchant_told_a_number(tmp_path: Path) -> None:
    """What a test did beside the library is searched as well, and no file is written."""
    number = "45395787" + "63621486"

    def tell(disburser: Disburser, tape: Recorded, simulator: IssuingSimulator | None) -> None:
        tape.outside("told", lambda: {"text": f"card {number} was shown"})

    with pytest.raises(
        LeakError, match=r"could be a card number in the answer of interaction 0"
    ) as caught:
        told(tmp_path / "told.yaml", tell)

    assert number not in str(caught.value)
    assert [] == list(tmp_path.iterdir())


def test_a_missing_cassette_is_named_when_it_is_played(tmp_path: Path) -> None:
    """Without a file the error says to record it."""
    with (
        pytest.raises(CassetteError, match=r"there is no cassette absent\.yaml .* record it first"),
        recorded(tmp_path / "absent.yaml"),
    ):
        pass


def test_a_body_of_bytes_is_refused_when_the_cassette_is_json(tmp_path: Path) -> None:
    """JSON carries no bytes: the error says which kind of file does, and nothing is written."""
    inner = Canned(text(bytes(range(128, 256))))

    with (
        pytest.raises(CassetteError, match=r"let the cassette's name end in \.yaml"),
        recorded(tmp_path / "bytes.json", mode="record", http_client=inner) as tape,
    ):
        tape.http_client.request("get", "https://api.stripe.com/v1/files/1", {}, None)

    assert [] == list(tmp_path.iterdir())


def test_what_was_done_beside_the_library_is_compared_when_it_is_played(tmp_path: Path) -> None:
    """A merchant who does something else is told which argument differs."""
    path = tmp_path / "beside.yaml"
    with recorded(path, mode="record") as tape:
        tape.outside("capture", lambda: {"id": "iauth_1"}, authorization="iauth_1", amount=5)

    with (
        pytest.raises(ReplayError, match=r"POST /capture.*body amount: '6', recorded '5'"),
        recorded(path) as tape,
    ):
        tape.outside("capture", lambda: None, authorization="iauth_1", amount=6)


def test_many_threads_find_their_answers_when_they_race(tmp_path: Path) -> None:
    """Requests may come in another order than they were recorded in; each finds its own answer."""
    path = tmp_path / "threads.yaml"
    emails = [f"person{number}@example.org" for number in range(24)]
    options: Any = {"type": "company", "name": "A", "billing[address][country]": "US"}

    def ask(client: stripe.HTTPClient, email: str) -> str:
        body = form({**options, "email": email, "metadata": {"order": email[:9]}}).decode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        content, _, _ = client.request("post", "https://api.stripe.com/v1/x", headers, body)
        return bytes(content).decode()

    with recorded(path, mode="record", http_client=Echo()) as tape:
        for email in emails:
            ask(tape.http_client, email)
    with recorded(path) as tape, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda email: ask(tape.http_client, email), reversed(emails)))

    assert [f'{{"order":"{one[:9]}"}}' for one in reversed(emails)] == answers
