"""
Is each stage that a test can play on what it says, and does it end as it should?
"""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe

from issuing_disburse import AmountRule, InvalidInputError, Money, Terms
from issuing_disburse.simulator import Fault, IssuingSimulator, LoseConnection
from issuing_disburse.testing import make_order
from issuing_disburse.testing.cassettes import CassetteError
from issuing_disburse.testing.cassettes.clocks import SteppingClock
from issuing_disburse.testing.playing import stages
from issuing_disburse.testing.playing.at_stripe import AtStripe, NotAtStripeError, UntoldError
from issuing_disburse.testing.playing.marks import Setting, setting_of
from issuing_disburse.testing.playing.outside import NotOnACassetteError
from issuing_disburse.testing.playing.stepping import SteppingClient
from issuing_disburse.testing.stage import Stage

TWICE = Terms(amount=AmountRule.up_to(), uses=2)


@pytest.fixture
def stripe_test_mode(monkeypatch: pytest.MonkeyPatch) -> Iterator[IssuingSimulator]:
    """
    Serve a simulator that stands in for Stripe.
    """
    with (
        IssuingSimulator(seed=11, start=datetime.now(UTC)) as simulator,
        simulator.serve(running_clock=True) as address,
    ):
        monkeypatch.setenv(stages.KEY, simulator.api_key)
        monkeypatch.setenv(stages.ACCOUNT, simulator.create_account(issuing_funds=100_000))
        monkeypatch.setenv(stages.BASE, address.base_url)
        yield simulator


def stay(stage: Stage) -> dict[str, Any]:
    """
    Let a merchant do one of each, and return what is left of it.
    """
    with stage.connect() as disburser:
        order = make_order(f"order{stage.suffix}", terms=TWICE)
        card = disburser.disburse(order).card.id
        merchants = stage.simulator
        asked = merchants.authorize(card, 6_000, merchant={"category": "taxicabs_limousines"})["id"]
        merchants.increment(asked, 1_000)
        merchants.reverse(asked, 500)
        merchants.finalize(asked, 6_200)
        bought = merchants.capture(asked, 6_200)
        merchants.refund(bought["transactions"][-1]["id"], 200)
        merchants.unlinked_refund(card, 300)
        merchants.expire(merchants.authorize(card, 1_000)["id"])
        merchants.force_capture(card, 700, merchant={"country": "US"})
        said = disburser.statement(order.id)
        return {"spent": said.spent, "refunded": said.refunded, "held": said.held}


@pytest.mark.usefixtures("stripe_test_mode")
def test_every_verb_of_a_merchant_reaches_stripe_and_comes_back() -> None:
    """What merchants do by Stripe's test helpers is fetched, handed on and booked."""
    with stages.at_stripe(Setting()) as stage:
        left = stay(stage)

    assert {"spent": usd(6_900), "refunded": usd(500), "held": usd(0)} == left


@pytest.mark.usefixtures("stripe_test_mode")
def test_the_same_is_recorded_there_and_played(tmp_path: Path) -> None:
    """A cassette of it plays to the same figures, under the same ids."""
    path = tmp_path / "stay.yaml"
    with stages.recording_stripe(path, Setting()) as stage:
        recorded, suffix = stay(stage), stage.suffix
    with stages.on_cassette(path) as stage:
        played = stay(stage)

        assert (recorded, suffix) == (played, stage.suffix)
    assert "for Stripe at http://127.0.0.1" in path.read_text()


def test_time_and_faults_are_recorded_on_the_simulator(tmp_path: Path) -> None:
    """A fault strikes while it is recorded; time moves on in both, and brings along what is due."""
    path = tmp_path / "time.yaml"

    def wait(stage: Stage) -> tuple[Money, datetime]:
        with stage.connect() as disburser:
            stage.simulator.faults.add(
                Fault(endpoint="POST /v1/issuing/cards", action=LoseConnection(after_commit=True))
            )
            card = disburser.disburse(make_order()).card.id
            stage.simulator.faults.clear()
            stage.simulator.authorize(card, 12_500)
            stage.clock.advance(timedelta(days=8))  # the authorization lapses
            assert stage.clock is stage.simulator.clock
            return disburser.statement("order-1").held, stage.clock.now()

    setting = setting_of([])
    with stages.recording_simulator(path, setting) as stage:
        recorded = wait(stage)
        assert stage.simulator.issuing_balance(stage.account) == stages.RECORDED_FUNDS
    with stages.on_cassette(path) as stage:
        played = wait(stage)
        assert stage.simulator.issuing_balance(stage.account) == stages.RECORDED_FUNDS

    assert recorded == played
    assert usd(0) == played[0]


def test_what_a_stage_cannot_carry_is_told(tmp_path: Path) -> None:
    """Stripe's reasons, a cassette's, and those of a missing one are errors of their own."""
    nobody = AtStripe(
        lambda *_: {"data": [], "has_more": False}, None, "whsec_x", datetime.now(UTC)
    )
    for verb, reason in (("clock", "moves"), ("faults", "misbehave"), ("balance", "no such verb")):
        with pytest.raises(NotAtStripeError, match=reason):
            getattr(nobody, verb)
    with pytest.raises(NotAtStripeError), stages.at_stripe(Setting(seed=1)):
        pass
    with (
        pytest.raises(CassetteError, match="record it first"),
        stages.on_cassette(tmp_path / "no.yaml"),
    ):
        pass
    with (
        stages.recording_simulator(tmp_path / "a.yaml", Setting()) as stage,
        pytest.raises(NotOnACassetteError, match="rotate"),
    ):
        stage.simulator.rotate_webhook_secret  # noqa: B018 - the look-up is what is tested


def test_an_event_that_never_comes_is_not_waited_for_for_ever() -> None:
    """After half a minute the verb says of what nothing was told."""
    passed = [0.0]

    def ask(method: str, path: str, params: Mapping[str, Any]) -> Any:
        return {"id": "iauth_1"} if method == "post" else {"data": [], "has_more": False}

    def sleep(seconds: float) -> None:
        passed[0] += seconds

    mute = AtStripe(
        ask, "acct_1", "whsec_x", datetime.now(UTC), sleep=sleep, timer=lambda: passed[0]
    )
    with pytest.raises(UntoldError, match=r"issuing_authorization\.created of iauth_1"):
        mute.authorize("ic_1", 100)

    assert 30.0 == passed[0]


def test_events_of_many_pages_are_handed_on_once_and_in_order() -> None:
    """Stripe lists the newest first, a page at a time; what was there before is not handed on."""
    listed = [
        {"id": f"evt_{n}", "type": "issuing_card.updated", "data": {"object": {"id": "x"}}}
        for n in range(5)
    ]
    asked: list[Any] = []
    brought: list[bytes] = []

    def ask(method: str, path: str, params: Mapping[str, Any]) -> Any:
        if method == "post":
            created = {"type": "issuing_transaction.created", "data": {"object": {"id": "ipi_1"}}}
            listed.extend(
                [
                    {"id": "evt_5", **created},
                    {"id": "evt_6", "type": "balance.available", "data": {"object": {}}},
                ]
            )
            return {"id": "ipi_1"}
        asked.append(params.get("starting_after"))
        newest = listed[::-1]
        first = next((i + 1 for i, one in enumerate(newest) if one["id"] == asked[-1]), 0)
        return {"data": newest[first : first + 3], "has_more": first + 3 < len(newest)}

    stage = AtStripe(ask, "acct_1", "whsec_x", datetime.now(UTC))
    stage.deliver_webhooks_to(lambda payload, _: brought.append(payload))
    stage.force_capture("ic_1", 100)

    assert [None, "evt_2", None, "evt_4", "evt_1"] == asked
    assert 1 == len(brought)
    assert b'"account":"acct_1"' in brought[0]


def test_time_stands_still_between_the_answers_while_it_is_recorded() -> None:
    """The clock moves with each answer, and not in between: so it is the same when the cassette is played."""
    real = [datetime(2026, 11, 2, 9, tzinfo=UTC)]
    waited: list[float] = []
    clock = SteppingClock(lambda: real[0], waited.append)

    class Answering(stripe.HTTPClient):
        def request(self, *_: Any) -> tuple[bytes, int, dict[str, str]]:
            real[0] += timedelta(seconds=2)
            return b"{}", 200, {}

    real[0] += timedelta(seconds=1)
    assert datetime(2026, 11, 2, 9, tzinfo=UTC) == clock.now()
    clock.sleep(0.5)
    assert datetime(2026, 11, 2, 9, 0, 0, 500_000, tzinfo=UTC) == clock.now()
    SteppingClient(Answering(), clock).request("get", "https://x.invalid", None)

    assert 3 == clock.now().second
    assert [0.5] == waited
    with pytest.raises(CassetteError, match="cannot be moved"):
        clock.advance(timedelta(seconds=1))


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({}, "set STRIPE_TEST_KEY"),
        ({"STRIPE_TEST_KEY": "sk_live_x"}, "is a live key"),
        ({"STRIPE_TEST_KEY": "sk_org_live_x"}, "is a live key"),
        ({"STRIPE_TEST_KEY": "whsec_x"}, "is no secret key"),
        ({"STRIPE_TEST_KEY": "sk_test_x", "STRIPE_TEST_ACCOUNT": "x"}, "no account id"),
        ({"STRIPE_TEST_KEY": "rk_test_x", "STRIPE_TEST_ACCOUNT": "acct_1"}, ""),
    ],
)
def test_a_key_is_judged_before_it_is_used(environment: dict[str, str], problem: str) -> None:
    """A live key, no key and an account that is none are refused; test keys are taken."""
    told = stages.key_problem(environment)

    assert problem in told
    assert bool(problem) is bool(told)


def test_a_stage_keeps_what_it_decides() -> None:
    """An option that would lead to another account, or another Stripe, is refused."""
    with IssuingSimulator(seed=7) as simulator:
        stage = Stage.of_simulator(simulator, simulator.create_account())
        for name in ("account", "api_base", "api_key", "clock", "webhook_secret"):
            with pytest.raises(InvalidInputError, match="decided by where the test plays"):
                stage.connect(**{name: None})


def test_the_newest_disburser_hears_what_comes_in() -> None:
    """A disburser that goes on with the store of another one hears everything once, in its place."""
    with IssuingSimulator(seed=7, platform_funds=20_000) as simulator:
        stage = Stage.of_simulator(simulator, simulator.create_account())
        with stage.connect() as before:
            card = before.disburse(make_order()).card
            with stage.connect(store=before.store) as after:
                purchase = simulator.authorize(card.id, 12_500)
                simulator.capture(purchase["id"])

                assert ["approved"] == [one.decision.code for one in stage.heard]
                assert (
                    usd(12_500)
                    == after.statement("order-1").spent
                    == before.statement("order-1").spent
                )


def usd(minor: int) -> Money:
    """
    Return dollars.
    """
    return Money(minor, "usd")


@pytest.mark.parametrize("missing", ["uvicorn", "httptools"])
def test_a_missing_extra_is_named_before_anything_is_recorded(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """Recording against a served simulator needs an extra: that is one error of the run, not one of each test."""
    stages.check_options("cassette", "simulator")
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    with pytest.raises(InvalidInputError) as refused:
        stages.check_options("cassette", "simulator")

    assert "--issuing-record=simulator" == refused.value.field
    assert "run: pip install 'issuing-disburse[simulator]'" == refused.value.remedy
