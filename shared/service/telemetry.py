"""W3C trace context from the first HTTP request to the last mail; metrics are in `shared.service.metrics`."""

import secrets

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from opentelemetry.trace import SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.kafka.cloudevents import trace_of
from shared.service.metrics import Metrics, open_metrics

__all__ = ["Metrics", "Tracing", "open_metrics", "open_tracing"]
_propagator = TraceContextTextMapPropagator()
_UNSAMPLED = "-00"


class Tracing:
    """Follows traces through the services. An unsampled trace keeps its id and costs nothing."""

    def __init__(self, tracer: Tracer, sample_ratio: float) -> None:
        self._tracer = tracer
        self._sample_ratio = sample_ratio

    def begin(self, name: str, traceparent: str | None = None) -> str:
        """The trace of a request from outside: the caller's if it sent one, else a new one."""
        traceparent = trace_of(traceparent)
        if traceparent is None and secrets.randbelow(1_000_000) >= self._sample_ratio * 1_000_000:
            return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}{_UNSAMPLED}"
        return self.follow(name, traceparent, SpanKind.SERVER)

    def follow(self, name: str, traceparent: str | None, kind: SpanKind = SpanKind.CONSUMER) -> str:
        """Adds a span under `traceparent`, recorded if that is sampled; returns the traceparent for what follows."""
        if traceparent is not None and traceparent.endswith(_UNSAMPLED):
            return traceparent
        context = _propagator.extract({"traceparent": traceparent} if traceparent else {})
        carrier: dict[str, str] = {}
        with self._tracer.start_as_current_span(name, context=context, kind=kind):
            _propagator.inject(carrier)
        return carrier["traceparent"]


def open_tracing(service: str, replica: str, sample_ratio: float, endpoint: str) -> tuple[Tracing, TracerProvider]:
    """The tracing of one process and the provider to shut down at its end."""
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"firstbuy-{service}", "service.instance.id": replica}),
        sampler=ParentBasedTraceIdRatio(1.0),
    )
    if endpoint:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 -- a twelfth of a start
            OTLPSpanExporter,
        )

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return Tracing(provider.get_tracer("firstbuy"), sample_ratio), provider
