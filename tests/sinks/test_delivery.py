"""
Does a number reach the sink that was chosen, before the card can be used, and nobody else?
"""

import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from crashing import Countdown, CrashingClient, CrashingStore, ProcessDiedError
from issuing_disburse import Disburser, InvalidInputError, OrderNotFoundError, Status
from issuing_disburse.exceptions import CardNotIssuedError, RefusedError, SinkError
from issuing_disburse.pci import CallbackSink
from issuing_disburse.simulator.behaviour import Behaviour
from sinks.vaults import (
    SCOPE,
    Odd,
    Vault,
    asynchronous,
    later,
    raising,
    read,
    returning,
    still_open,
)
from world import World, make_order, open_world

ORDER = "claim-8841"

pytestmark = pytest.mark.pci


@pytest.fixture
def world() -> Iterator[World]:
    """
    A world whose disburser has no sink.
    """
    with open_world("sqlite://") as found:
        yield found


def bare(world: World) -> stripe.StripeClient:
    """
    Return the bare SDK on the same simulator.
    """
    return stripe.StripeClient(
        world.simulator.api_key,
        http_client=world.simulator.http_client(),
        stripe_account=world.account,
    )


def connect(world: World, sink: Any) -> Disburser:
    """
    Connect a disburser with a sink to the world's own store.
    """
    return world.connect(store=world.disburser.store, sink=sink)


def card_of(world: World) -> Any:
    """
    Return the only card with number and CVC, as the bare SDK shows it.
    """
    (card,) = bare(world).v1.issuing.cards.list().data
    if card.status == "canceled":
        return card
    return bare(world).v1.issuing.cards.retrieve(card.id, {"expand": ["number", "cvc"]})


def shown(error: BaseException) -> str:
    """
    Return all that a reporter sees of an error.
    """
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format()) + repr(vars(error)) + repr(error)


def test_a_card_is_created_inactive_delivered_then_activated(world: World) -> None:
    """The vault has number and CVC before the card can be used, and the books balance."""
    vault = Vault()
    before = len(world.client.requests)
    paid = connect(world, vault).disburse(make_order())
    sent = world.client.requests[before:]

    assert Status.ACTIVE is paid.status
    number, cvc = vault.kept[paid.card.id]
    assert paid.card.last4 == number[-4:]
    assert 3 == len(cvc)
    card = f"/v1/issuing/cards/{paid.card.id}"
    assert ["POST /v1/issuing/cards", f"GET {card}", f"POST {card}"] == sent[-3:]
    assert "active" == card_of(world)["status"]
    world.check_books(ORDER)


def test_a_delivery_is_recorded_with_who_when_and_which(world: World) -> None:
    """An auditor reads from the store who got which card; neither number nor CVC is in it."""
    vault = Vault()
    disburser = connect(world, vault)
    paid = disburser.disburse(make_order())
    (entry,) = disburser.deliveries(ORDER)
    number, cvc = vault.kept[paid.card.id]

    assert disburser.deliveries() == (entry,)
    assert ("Vault", "card-vault", "pci-test") == (entry.sink, entry.owner, entry.environment)
    assert (paid.card.id, paid.card.last4) == (entry.card_id, entry.last4)
    assert ("delivered", f"vault:{paid.card.id}", "") == (
        entry.progress,
        entry.reference,
        entry.code,
    )
    assert world.simulator.clock.now() == entry.begun_at == entry.finished_at
    assert number not in repr(entry)
    assert cvc not in repr(entry).replace(paid.card.id, "")


def test_reveal_hands_the_number_to_one_sink_and_returns_a_receipt(world: World) -> None:
    """Without a sink at connect, one may be named later; each time is listed."""
    vault = Vault()
    paid = world.disburser.disburse(make_order())
    receipt = world.disburser.reveal(ORDER, vault)
    again = world.disburser.reveal(ORDER, vault)

    assert {paid.card.id} == set(vault.kept)
    assert (f"vault:{paid.card.id}", "Vault", "card-vault") == (
        receipt.reference,
        receipt.sink,
        receipt.owner,
    )
    assert receipt.card == paid.card
    assert receipt.reference == again.reference
    assert ["delivered", "delivered"] == [one.progress for one in world.disburser.deliveries(ORDER)]


def test_the_order_stays_pending_when_the_sink_fails_and_a_resume_delivers(world: World) -> None:
    """No card becomes usable that nobody can read; the reason says what to do."""
    vault = Vault(breaks=1)
    disburser = connect(world, vault)
    with pytest.raises(SinkError, match="the card stays inactive") as caught:
        disburser.disburse(make_order())

    waiting = disburser.get(ORDER)
    assert waiting == caught.value.disbursement
    assert Status.PENDING is waiting.status
    assert waiting.reason is not None
    assert "sink_failed" == waiting.reason.code
    assert "mend the sink" in waiting.reason.remedy
    assert "inactive" == card_of(world)["status"]

    assert [Status.ACTIVE] == [one.status for one in disburser.resume_all()]
    assert 1 == len(world.simulator.objects("card", world.account))
    assert ["failed", "delivered"] == [one.progress for one in disburser.deliveries(ORDER)]
    world.check_books(ORDER)


BAD = {
    "raises the number": (raising(lambda number, cvc: ValueError(f"{number} {cvc}")), "sink_failed"),
    "raises a key error": (raising(lambda number, cvc: KeyError(number)), "sink_failed"),
    "raises a group": (
        raising(lambda number, cvc: ExceptionGroup(number, [ValueError(cvc)])),
        "sink_failed",
    ),
    "names a class so": (
        raising(lambda number, cvc: type(f"E{number}", (ValueError,), {})()),
        "sink_failed",
    ),
    "raises ours": (raising(lambda number, cvc: SinkError(number)), "sink_failed"),
    "returns nothing": (returning(lambda number, cvc: None), "no_receipt"),
    "returns no text": (returning(lambda number, cvc: {"id": number}), "no_receipt"),
    "returns blanks": (returning(lambda number, cvc: "  "), "no_receipt"),
    "returns the number": (returning(lambda number, cvc: f"ok {number}"), "receipt_tells"),
    "returns it spaced": (returning(lambda number, cvc: " ".join(number)), "receipt_tells"),
    "returns the cvc": (returning(lambda number, cvc: f"vault/{cvc}"), "receipt_tells"),
    "returns too much": (returning(lambda number, cvc: "x" * 513), "receipt_unusable"),
    "returns control marks": (returning(lambda number, cvc: "a\nb"), "receipt_unusable"),
    "returns before it read": (Odd(lambda secrets, card, order_id: "queued"), "not_read"),
    "leaves it to a thread": (Odd(later), "not_read"),
    "keeps it open": (Odd(still_open), "still_open"),
    "is asynchronous": (Odd(asynchronous), "no_receipt"),
    "is a generator": (Odd(lambda secrets, card, order_id: (read(secrets) for _ in "x")), "no_receipt"),
    "takes no card": (Odd(lambda: "x"), "sink_failed"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_sink_leaves_the_card_inactive_and_tells_nothing(world: World, name: str) -> None:
    """Whatever it does: a clear error, no usable card, the failure on record, no digit anywhere."""
    sink, code = BAD[name]
    disburser = connect(world, sink)
    with pytest.raises(SinkError) as caught:
        disburser.disburse(make_order())

    text = shown(caught.value)
    card = card_of(world)
    number, cvc = card["number"], card["cvc"]
    assert code == caught.value.code
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)
    assert number not in text
    assert f"'{cvc}'" not in text
    assert "inactive" == card["status"]
    assert [("failed", code)] == [(one.progress, one.code) for one in disburser.deliveries(ORDER)]
    assert number not in repr(disburser.deliveries(ORDER))


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_in_the_sink_goes_on_without_the_number(
    world: World, kind: type[BaseException]
) -> None:
    """Ctrl-C in a sink ends the call, empty of everything that the sink's frames held."""
    disburser = connect(world, raising(lambda number, cvc: kind(f"{number} {cvc}")))
    with pytest.raises(kind) as caught:
        disburser.disburse(make_order())

    text = shown(caught.value)
    card = card_of(world)
    assert card["number"] not in text
    assert card["cvc"] not in repr(caught.value)
    assert "inactive" == card["status"]
    assert ["begun"] == [one.progress for one in disburser.deliveries(ORDER)]


def test_secrets_are_wiped_when_the_sink_returns(world: World) -> None:
    """What a sink kept to itself is empty: neither opened nor unopened secrets can be read later."""
    kept: list[Any] = []

    def behave(secrets: Any, card: Any, order_id: Any) -> str:
        with secrets.open() as opened:
            kept.extend([secrets, opened])
            assert opened.number
        return "kept"

    connect(world, Odd(behave)).disburse(make_order())
    secrets, opened = kept

    with pytest.raises(SinkError):
        opened.number  # noqa: B018  # the reading is what is refused
    with pytest.raises(SinkError), secrets.open():
        pass


def test_a_receipt_with_the_cvc_by_chance_is_kept_as_its_hash(world: World) -> None:
    """Three digits inside a longer word are no disclosure, and still do not reach the store."""
    disburser = connect(world, returning(lambda number, cvc: f"a{cvc}b4f"))
    disburser.disburse(make_order())
    (entry,) = disburser.deliveries(ORDER)

    assert entry.reference.startswith("sha256:")
    assert f"a{card_of(world)['cvc']}b4f" not in repr(entry)


def test_a_sink_that_has_the_card_need_not_read_it_again(world: World) -> None:
    """A repeated delivery after a crash may be answered from what is there."""
    vault = Vault()
    world.disburser.disburse(make_order())
    world.disburser.reveal(ORDER, vault)
    receipt = world.disburser.reveal(ORDER, vault)

    assert [receipt.card.id] * 2 == vault.calls
    assert receipt.reference.startswith("vault:")


@pytest.mark.parametrize(
    "sink", [object(), Vault, lambda secrets: None, None, "vault", type("Plain", (), {"scope": "x"})()]
)  # fmt: skip
def test_what_is_no_pci_sink_is_refused_before_anything_is_asked(world: World, sink: Any) -> None:
    """A sink without a PCI scope gets nothing, and nothing is sent."""
    world.disburser.disburse(make_order())
    before = len(world.client.requests)
    if sink is Vault:  # a class with a scope, but nobody to deliver to: its call fails as a sink's
        with pytest.raises(SinkError):
            world.disburser.reveal(ORDER, sink)
        return
    with pytest.raises(InvalidInputError, match="scope"):
        world.disburser.reveal(ORDER, sink)

    assert before == len(world.client.requests)
    if sink is not None:
        with pytest.raises(InvalidInputError, match="scope"):
            connect(world, sink)


def test_reveal_refuses_what_has_no_card(world: World) -> None:
    """An unknown order, and one without a card, give nothing to reveal."""
    with pytest.raises(OrderNotFoundError):
        world.disburser.reveal("unknown", Vault())
    assert () == world.disburser.deliveries()


def test_reveal_says_so_when_stripe_hands_out_no_number() -> None:
    """Where Stripe gives nothing of a cancelled card, its refusal is passed on, and is on record."""
    behaviour = Behaviour(canceled_card_secrets_readable=False)
    with open_world("sqlite://", simulator={"behaviour": behaviour}) as world:
        world.disburser.disburse(make_order())
        world.disburser.reclaim(ORDER)
        vault = Vault()
        with pytest.raises(RefusedError, match="cannot be retrieved"):
            world.disburser.reveal(ORDER, vault)

        assert [] == vault.calls
        assert ["failed"] == [one.progress for one in world.disburser.deliveries(ORDER)]


def test_a_card_waits_for_its_sink_when_the_next_process_has_none(world: World) -> None:
    """A deploy that forgets the sink activates nothing, and says what is missing."""
    with pytest.raises(SinkError):
        connect(world, Vault(breaks=9)).disburse(make_order())
    with pytest.raises(SinkError, match="waits for a sink") as caught:
        world.disburser.resume(ORDER)

    assert "sink_missing" == caught.value.code
    assert "inactive" == card_of(world)["status"]
    assert Status.ACTIVE is connect(world, Vault()).resume(ORDER).status


def test_a_refused_order_leaves_no_inactive_card_behind(world: World) -> None:
    """When Stripe refuses to activate, the card is cancelled before the money goes back."""
    with pytest.raises(SinkError):
        connect(world, Vault(breaks=9)).disburse(make_order())
    card_id = card_of(world)["id"]
    bare(world).v1.issuing.cards.update(card_id, {"status": "canceled"})
    disburser = connect(world, CallbackSink(Vault().deliver, scope=SCOPE))
    with pytest.raises(RefusedError):
        disburser.resume(ORDER)

    assert Status.FAILED is disburser.get(ORDER).status
    assert "canceled" == card_of(world)["status"]
    assert 1_000_000 == world.simulator.payments_balance(None)


def test_a_card_without_a_reader_is_cancelled_when_the_order_is_reclaimed(world: World) -> None:
    """A reissue whose sink fails leaves an inactive card, which reclaiming cancels unread."""
    vault = Vault()
    disburser = connect(world, vault)
    disburser.disburse(make_order())
    vault.breaks = 99
    with pytest.raises(SinkError):
        disburser.reissue(ORDER)
    done = disburser.reclaim(ORDER)

    assert "closed" == done.outcome
    assert {"canceled"} == {one["status"] for one in world.simulator.objects("card", world.account)}
    assert 1_000_000 == world.simulator.payments_balance(None)
    world.check_books(ORDER)


def test_dying_anywhere_with_a_sink_pays_once_and_delivers_at_least_once() -> None:
    """At every store call and both sides of every Stripe call: one card, delivered, then usable."""

    def crashing(world: World, vault: Vault, countdown: Countdown) -> Disburser:
        return world.connect(
            store=CrashingStore(world.disburser.store, countdown),
            http_client=CrashingClient(world.client, countdown),
            sink=vault,
        )

    with open_world() as world:
        countdown = Countdown()
        crashing(world, Vault(), countdown).disburse(make_order())
    for point in range(1, countdown.passed + 1):
        with open_world() as world:
            vault = Vault()
            with pytest.raises(ProcessDiedError):
                crashing(world, vault, Countdown(dies_at=point)).disburse(make_order())
            world.simulator.clock.sleep(121)
            resumed = connect(world, vault).disburse(make_order())

            assert Status.ACTIVE is resumed.status, point
            assert [resumed.card.id] == list(vault.kept), point
            assert 1 == len(world.simulator.objects("card", world.account)), point
            assert "delivered" == world.disburser.deliveries(ORDER)[-1].progress
            world.check_books(ORDER)
    assert countdown.passed > 30


def test_without_a_sink_the_simulator_never_sees_a_request_for_a_number() -> None:
    """A whole life of orders asks for no number: not one address or body on the wire names one."""
    wire = Listening()
    with open_world("sqlite://") as world:
        wire.inner = world.client
        disburser = world.connect(store=world.disburser.store, http_client=wire)
        disburser.preflight()
        paid = disburser.disburse(make_order())
        authorization = world.simulator.authorize(paid.card.id, amount=12_500)
        world.simulator.capture(authorization["id"])
        disburser.disburse(make_order(id="claim-8842"))
        disburser.reissue("claim-8842")
        disburser.issuing_elements_key("claim-8842", "nonce_of_a_browser")
        disburser.reclaim("claim-8842")
        disburser.reclaim(ORDER)
        disburser.reconcile()
        world.simulator.clock.sleep(86_400 * 40)
        disburser.reclaim_expired()
        before = len(wire.heard)
        disburser.disburse(make_order(id="claim-8843"))
        disburser.reveal("claim-8843", Vault())  # the control: this one is heard

    asking = [one for one in wire.heard if "number" in one.replace("phone_number", "")]
    assert before > 30
    assert 1 == len(asking)
    assert "expand[0]=number" in asking[0]


class Listening(stripe.HTTPClient):
    """
    Keeps every address and body that goes by.
    """

    name = "listening"

    def __init__(self) -> None:
        super().__init__()
        self.inner: Any = None
        self.heard: list[str] = []

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **options: Any
    ) -> Any:
        """
        Keep, and pass on.
        """
        self.heard.append(f"{url} {post_data or ''}")
        return self.inner.request(method, url, headers, post_data, **options)

    def close(self) -> None:
        """
        Leave the inner client open.
        """


def test_card_not_issued_is_said_when_an_order_still_waits(world: World) -> None:
    """While the card is inactive and unread, there is nothing to reveal."""
    with pytest.raises(SinkError):
        connect(world, Vault(breaks=9)).disburse(make_order())
    with pytest.raises(CardNotIssuedError):
        world.disburser.reveal(ORDER, Vault())
