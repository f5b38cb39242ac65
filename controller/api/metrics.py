"""What Prometheus reads: a registry of the service's own, nothing global."""

from __future__ import annotations

import asyncio
from collections import Counter as Counted
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.api.parts import Parts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class HttpMetrics:
    """Counts requests by what they asked for, never by what somebody typed: names are those of the OpenAPI document."""

    def __init__(self, registry: CollectorRegistry) -> None:
        names = ["method", "operation", "status"]
        self._requests = Counter("pressline_http_requests", "Requests answered", names, registry=registry)
        self._seconds = Histogram(
            "pressline_http_request_seconds",
            "Seconds until the answer began",
            ["operation"],
            buckets=BUCKETS_S,
            registry=registry,
        )
        self._open = Gauge("pressline_http_requests_open", "Requests that are being answered", registry=registry)

    def wrapped(self, app: ASGIApp) -> ASGIApp:
        """The app, watched."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            began_s, status = asyncio.get_running_loop().time(), 0

            async def seen(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    took_s = asyncio.get_running_loop().time() - began_s
                    self._seconds.labels(_operation(scope)).observe(took_s)
                await send(message)

            with self._open.track_inprogress():
                try:
                    await app(scope, receive, seen)
                finally:
                    method = scope["method"] if scope["method"] in METHODS else "other"
                    self._requests.labels(method, _operation(scope), str(status)).inc()

        return watched


METHODS = frozenset({"GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "PUT"})


def _operation(scope: Scope) -> str:
    """The operation's id in the OpenAPI document; "none" for an address that is none."""
    return getattr(scope.get("route"), "operation_id", None) or "none"


class LineMetrics(Collector):
    """The line and its stream as they are when they are asked for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterable[Metric]:
        view = self._parts.line.overview()
        yield _gauge("pressline_ready", "1 where nothing keeps the service from its work", not self._parts.ready())
        units = GaugeMetricFamily("pressline_unit_connected", "1 where the unit answers", labels=["unit"])
        for unit in view.units:
            units.add_metric([unit.name], float(unit.is_connected))
        yield units
        runs = GaugeMetricFamily("pressline_runs", "Runs that are shown, by state", labels=["state"])
        for state, number in Counted(run.state for run in view.runs).items():
            runs.add_metric([state], number)
        yield runs
        alarms = GaugeMetricFamily("pressline_alarms_standing", "Alarms that stand", labels=["priority"])
        for priority, number in view.alarms.items():
            alarms.add_metric([priority], number)
        yield alarms
        yield _gauge("pressline_alarms_unseen", "Standing alarms that nobody has acknowledged", view.unseen)
        yield _gauge("pressline_prompts_open", "Prompts that wait for a person", view.prompts)
        yield _gauge("pressline_bypasses", "Bypasses in force", len(view.bypasses))
        yield _gauge("pressline_faults", "Faults of the service itself", len(view.faults))
        hub = self._parts.hub
        yield _gauge("pressline_stream_clients", "Who listens to the stream", hub.clients)
        yield _counter("pressline_stream_messages", "Messages given to clients of the stream", hub.sent)
        yield _counter("pressline_stream_dropped", "Clients of the stream that did not keep up", hub.dropped)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=float(value))


def _counter(name: str, words: str, value: float) -> Metric:
    return CounterMetricFamily(name, words, value=float(value))


def text_of(registry: CollectorRegistry) -> bytes:
    """The exposition format."""
    return generate_latest(registry)
