"""``/metrics``: what the processes say of themselves, and what the database shows, as Prometheus text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from wardbridge.core.store import State


def say(
    counters: Mapping[str, Any] | None = None, gauges: Mapping[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """The state of a process: ``counters`` and ``gauges`` by name, each a number or numbers by label value."""
    return {"counters": dict(counters or {}), "gauges": dict(gauges or {}), **more}


class _Collected:
    """What is collected once for one scrape."""

    def __init__(self, states: Iterable[State], gauges: Mapping[str, Any]) -> None:
        self._states = list(states)
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for state in self._states:
            for kind, make in (("counters", CounterMetricFamily), ("gauges", GaugeMetricFamily)):
                for name, value in state.data.get(kind, {}).items():
                    label = "of" if isinstance(value, Mapping) else ""
                    labels = ["process", label] if label else ["process"]
                    family = families.setdefault(name, make(f"wardbridge_{name}", _words(name), labels=labels))
                    for at, number in value.items() if label else [("", value)]:
                        family.add_metric([state.process, str(at)] if label else [state.process], number)  # type: ignore[attr-defined]
        for name, value in self._gauges.items():
            family = GaugeMetricFamily(
                f"wardbridge_{name}", _words(name), labels=["of"] if isinstance(value, Mapping) else []
            )
            for at, number in value.items() if isinstance(value, Mapping) else [("", value)]:
                family.add_metric([str(at)] if isinstance(value, Mapping) else [], number)
            families[name] = family
        yield from families.values()


def _words(name: str) -> str:
    return name.replace("_", " ")


def render(states: Iterable[State], gauges: Mapping[str, Any]) -> bytes:
    """The text of one scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(states, gauges))
    return generate_latest(registry)
