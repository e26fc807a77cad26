"""
How do disbursements show up in OpenTelemetry: spans for what we do, counters for what happened?

Needs the extra ``opentelemetry``. Attributes are of low cardinality and hold neither order ids nor
merchants in metrics; spans carry the order id, which is yours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from issuing_disburse.announcer import Unsubscribe
from issuing_disburse.disbursement import Disbursement
from issuing_disburse.disburser import Disburser
from issuing_disburse.domain_events import NAMES, Declined, DifferenceFound, DomainEvent
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.extras import NeedsExtra
from issuing_disburse.order import Order
from issuing_disburse.reclamation import Reclamation
from issuing_disburse.reconcile import IsExplained, Progress, Reconciliation
from issuing_disburse.webhooks import Reply

with NeedsExtra("opentelemetry", "opentelemetry"):
    from opentelemetry import metrics, trace
    from opentelemetry.trace import Span, SpanKind, Status, StatusCode

SCOPE = "issuing_disburse"


def count_events(
    disburser: Disburser, meter_provider: metrics.MeterProvider | None = None
) -> Unsubscribe:
    """
    Count every domain event, and the money it is about, from now on.

    ``issuing_disburse.events`` counts by ``event``, and by ``reason`` for declines and ``kind`` for
    differences; ``issuing_disburse.amount`` adds up minor units by ``event`` and ``currency``.

    Returns:
        A function that ends it.
    """
    meter = metrics.get_meter(SCOPE, meter_provider=meter_provider)
    events = meter.create_counter(
        "issuing_disburse.events", unit="{event}", description="Domain events"
    )
    amounts = meter.create_counter(
        "issuing_disburse.amount", unit="{minor unit}", description="Money that events are about"
    )

    def count(event: DomainEvent) -> None:
        attributes = {"event": NAMES.get(type(event), "other")}
        if isinstance(event, Declined):
            attributes["reason"] = event.reason
        if isinstance(event, DifferenceFound):
            attributes["kind"] = event.difference.kind
        events.add(1, attributes)
        amount = getattr(event, "amount", None)
        if amount is not None and amount.is_positive:
            amounts.add(amount.minor, {"event": attributes["event"], "currency": amount.currency})

    return disburser.on(DomainEvent, count)


class TracedDisburser(Disburser):
    """
    A disburser that makes a span of each of its longer calls; use it in the place of `Disburser`.

    Spans go to the global tracer provider. A failure marks its span with the error's class and code,
    never with its message.
    """

    @property
    def _tracer(self) -> trace.Tracer:
        return trace.get_tracer(SCOPE)

    @contextmanager
    def _span(self, name: str, **attributes: str) -> Iterator[Span]:
        known = {f"{SCOPE}.{key}": value for key, value in attributes.items()}
        with self._tracer.start_as_current_span(
            f"{SCOPE}.{name}",
            kind=SpanKind.INTERNAL,
            attributes={f"{SCOPE}.account": self.account or "platform", **known},
            record_exception=False,  # its message may quote what strangers wrote
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except DisburseError as problem:
                span.set_attribute("error.type", type(problem).__name__)
                if problem.code:
                    span.set_attribute(f"{SCOPE}.code", problem.code)
                span.set_status(Status(StatusCode.ERROR))
                raise

    def disburse(self, order: Order) -> Disbursement:
        """
        Pay one order; see `issuing_disburse.Disburser.disburse`.
        """
        with self._span("disburse", order_id=order.id) as span:
            paid = super().disburse(order)
            span.set_attribute(f"{SCOPE}.status", paid.status.value)
            return paid

    def resume(self, order_id: str) -> Disbursement:
        """
        Finish one order; see `issuing_disburse.Disburser.resume`.
        """
        with self._span("resume", order_id=order_id) as span:
            paid = super().resume(order_id)
            span.set_attribute(f"{SCOPE}.status", paid.status.value)
            return paid

    def reissue(self, order_id: str) -> Disbursement:
        """
        Issue a fresh card; see `issuing_disburse.Disburser.reissue`.
        """
        with self._span("reissue", order_id=order_id):
            return super().reissue(order_id)

    def reclaim(self, order_id: str) -> Reclamation:
        """
        Take back the rest of one order; see `issuing_disburse.Disburser.reclaim`.
        """
        with self._span("reclaim", order_id=order_id) as span:
            done = super().reclaim(order_id)
            span.set_attribute(f"{SCOPE}.outcome", done.outcome)
            return done

    def reclaim_expired(
        self, *, limit: int | None = None, progress: Callable[[Reclamation], None] | None = None
    ) -> tuple[Reclamation, ...]:
        """
        Take back what is over; see `issuing_disburse.Disburser.reclaim_expired`.
        """
        with self._span("reclaim_expired") as span:
            done = super().reclaim_expired(limit=limit, progress=progress)
            span.set_attribute(f"{SCOPE}.reclamations", len(done))
            return done

    def reconcile(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        is_explained: IsExplained | None = None,
        progress: Progress | None = None,
    ) -> Reconciliation:
        """
        Hold the books against Stripe's; see `issuing_disburse.Disburser.reconcile`.
        """
        with self._span("reconcile") as span:
            found = super().reconcile(since, until, is_explained=is_explained, progress=progress)
            counts: Mapping[str, Any] = {
                "matched": found.matched,
                "differences": len(found.discrepancies),
                "reads": found.reads,
            }
            span.set_attributes({f"{SCOPE}.{name}": count for name, count in counts.items()})
            return found

    def handle_webhook(self, payload: bytes, signature: str) -> Reply:
        """
        Answer one delivery; see `issuing_disburse.Disburser.handle_webhook`.
        """
        with self._span("handle_webhook") as span:
            reply = super().handle_webhook(payload, signature)
            span.set_attribute("http.response.status_code", reply.status)
            if reply.decision is not None:
                span.set_attribute(f"{SCOPE}.approved", reply.decision.approved)
                span.set_attribute(f"{SCOPE}.code", reply.decision.code)
            return reply
