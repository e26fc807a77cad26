"""
Do logs and telemetry hear what happened, and nothing that must not be there?
"""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from behind_our_back import Somebody, open_accident
from issuing_disburse.contrib.event_log import log_events, redact
from issuing_disburse.exceptions import OrderNotFoundError
from world import make_order

pytest.importorskip("opentelemetry.sdk", reason="the development group is not installed")

from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)

from issuing_disburse.contrib.telemetry import (
    TracedDisburser,
    count_events,
)

EXPORTER = InMemorySpanExporter()


@pytest.fixture(scope="module", autouse=True)
def tracer() -> Iterator[None]:
    """
    Keep every span of this process in memory; the provider can be set once.
    """
    provider = TracerProvider()
    trace.set_tracer_provider(provider)
    current = trace.get_tracer_provider()
    assert isinstance(current, TracerProvider)
    current.add_span_processor(SimpleSpanProcessor(EXPORTER))
    yield
    provider.shutdown()


@pytest.fixture
def accident() -> Iterator[Somebody]:
    """
    A world with a card that is bought with.
    """
    with open_accident() as opened:
        yield opened


def buy(world: Somebody, order_id: str = "claim-8841") -> None:
    """
    Disburse, and let a merchant collect more than was approved.
    """
    world.simulator.fund_issuing(world.account, 50_000)
    card = world.disburser.disburse(make_order(order_id)).card
    bought = world.simulator.authorize(
        card.id, 12_500, merchant={"name": "Call 4000\u200b0099 9000 0018\nnow"}
    )
    world.simulator.capture(bought["id"], 13_000)


def test_events_are_logged_with_their_fields(
    accident: Somebody, caplog: pytest.LogCaptureFixture
) -> None:
    """One line an event, with its ids and amounts; what a person should look at is a warning."""
    stop = log_events(accident.disburser)
    with caplog.at_level(logging.INFO, logger="issuing_disburse.events"):
        buy(accident)
        stop()
        accident.disburser.reclaim("claim-8841")

    records = [one for one in caplog.records if one.name == "issuing_disburse.events"]
    assert [
        ("issued", "INFO"),
        ("approved", "INFO"),
        ("spent", "INFO"),
        ("over_captured", "WARNING"),
    ] == [(one.getMessage().split()[0], one.levelname) for one in records]
    spent: Any = records[2]
    assert "order_id='claim-8841'" in spent.getMessage()
    assert "130.00 usd" == spent.disbursement["amount"]


def test_what_strangers_wrote_is_redacted(
    accident: Somebody, caplog: pytest.LogCaptureFixture
) -> None:
    """Digits that could be a card number and line ends do not reach the log."""
    log_events(accident.disburser)
    with caplog.at_level(logging.INFO, logger="issuing_disburse.events"):
        buy(accident)

    assert "[redacted]" in caplog.text
    assert "0099" not in caplog.text
    assert all("\n" not in one.getMessage() for one in caplog.records)


@pytest.mark.parametrize(
    "text",
    [
        "4000009990000018",
        "4000 0099 9000 0018",
        "4000-0099-9000-0018",
        "sk_test_abcdefgh12345678",
        "whsec_abcdefgh12345678",
        "jenny@example.com",
    ],
)
def test_secrets_are_hidden(text: str) -> None:
    """Card numbers in any spacing, keys and mail addresses are blanked."""
    assert "before [redacted] after" == redact(f"before {text} after")


def test_a_long_text_is_cut() -> None:
    """Nobody can fill the log."""
    assert 121 == len(redact("x" * 5_000))


def test_events_and_money_are_counted(accident: Somebody) -> None:
    """Counters have the event as an attribute, never an order or a merchant."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    count_events(accident.disburser, provider)
    buy(accident)
    accident.simulator.take_back_issuing(accident.account, 700)
    accident.disburser.reconcile()

    data = reader.get_metrics_data()
    assert data is not None
    metrics = {
        one.name: one
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for one in scope.metrics
    }
    points: Any = {name: one.data.data_points for name, one in metrics.items()}
    counted = {one.attributes["event"]: one.value for one in points["issuing_disburse.events"]}
    assert {
        "issued": 1,
        "approved": 1,
        "spent": 1,
        "over_captured": 1,
        "difference_found": 1,
    } == counted
    spent = {one.attributes["event"]: one.value for one in points["issuing_disburse.amount"]}
    assert 13_000 == spent["spent"]
    names = {name for one in points["issuing_disburse.events"] for name in one.attributes}
    assert {"event", "kind"} == names
    provider.shutdown()


def test_calls_are_spans(accident: Somebody) -> None:
    """Disbursing, answering and reconciling are spans with outcome; a failure has its class only."""
    EXPORTER.clear()
    options = {
        "api_key": accident.simulator.api_key,
        "account": accident.account,
        "webhook_secret": accident.simulator.webhook_secret,
        "store": "memory://",
        "http_client": accident.simulator.http_client(),
        "clock": accident.simulator.clock.now,
        "sleep": accident.simulator.clock.sleep,
    }
    with TracedDisburser.connect(**options) as disburser:
        accident.disburser = disburser
        buy(accident)
        disburser.reclaim("claim-8841")
        disburser.reclaim_expired()
        disburser.resume("claim-8841")
        disburser.reconcile()
        with pytest.raises(OrderNotFoundError):
            disburser.reissue("nobody")

    spans = {
        one.name.removeprefix("issuing_disburse."): one for one in EXPORTER.get_finished_spans()
    }
    assert {
        "disburse", "handle_webhook", "reclaim", "reclaim_expired", "resume", "reconcile", "reissue",
    } == set(spans)  # fmt: skip
    attributes = dict(spans["disburse"].attributes or {})
    assert "claim-8841" == attributes["issuing_disburse.order_id"]
    assert "active" == attributes["issuing_disburse.status"]
    failed = spans["reissue"]
    assert "OrderNotFoundError" == dict(failed.attributes or {})["error.type"]
    assert not failed.events
    approved = [
        dict(one.attributes or {}).get("issuing_disburse.approved")
        for one in EXPORTER.get_finished_spans()
    ]
    assert True in approved
