"""The page of Prometheus: the numbers of all processes added up, and what the system knows of the processes."""

import platform
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import accumulate
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from todo.metrics.names import ALL, BUCKETS, Metric
from todo.metrics.shared import METRICS, Numbers, read

BOUNDS = [*map(str, BUCKETS), "+Inf"]
OF_THE_SYSTEM = {"process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds"}
"""Of what the client library reads in /proc of a process, the numbers that can be added up."""


class Page(Collector):
    """Collects the numbers of every process that has a file in the folder."""

    def __init__(self, folder: Path, version: str) -> None:
        self._version = version
        self._folder = folder
        self._ended: Numbers = {}
        """Of processes that have ended: their counters go on counting."""

    def registry(self) -> CollectorRegistry:
        """A registry of this page alone."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return registry

    def collect(self) -> Iterable[Family]:
        """For the client library: all metrics, as they are now."""
        total, processes = self._added_up()
        for metric in ALL:
            yield _family(metric, {key[1:]: numbers for key, numbers in total.items() if key[0] == metric.name})
        yield GaugeMetricFamily("todo_workers", "Worker processes that run.", value=len(processes))
        build = GaugeMetricFamily("todo_build_info", "The version that runs; always 1.", labels=("version", "python"))
        build.add_metric([self._version, platform.python_version()], 1)
        yield build
        yield from _of_the_system(processes)

    def forget_ended(self) -> None:
        """Take over the numbers of processes that have ended, and delete their files."""
        self._added_up()

    def _added_up(self) -> tuple[Numbers, list[int]]:
        """The numbers of all processes, and the ids of those that run."""
        total: Numbers = {}
        processes = []
        for path in sorted(self._folder.glob("*.numbers")):
            numbers, ended = read(path)
            if ended:
                kept = {key: each for key, each in numbers.items() if _outlives(METRICS[key[0]])}
                _add(self._ended, kept)
                path.unlink(missing_ok=True)
            else:
                processes.append(int(path.name.partition("-")[0]))
                _add(total, numbers)
        _add(total, self._ended)
        return total, processes


def _outlives(metric: Metric) -> bool:
    """Whether the number of a process counts after its end."""
    return metric.kind != "gauge" or metric.newest


def _add(total: Numbers, numbers: Numbers) -> None:
    for key, each in numbers.items():
        before = total.get(key)
        if before is None:
            total[key] = each
        elif METRICS[key[0]].newest:
            total[key] = [*map(max, before, each)]
        else:
            total[key] = [a + b for a, b in zip(before, each, strict=True)]


def _family(metric: Metric, found: dict[tuple[str, ...], list[float]]) -> Family:
    """The metric for the client library; 0 where nothing was counted and the labels are known."""
    known = [(value,) for value in metric.values] if metric.labels else [()]
    if metric.kind in {"counter", "gauge"}:
        found = {labels: [0.0] for labels in known} | found
    match metric.kind:
        case "counter":
            counter = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
            for labels, [value] in found.items():
                counter.add_metric(labels, value)
            return counter
        case "gauge":
            gauge = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
            for labels, [value] in found.items():
                gauge.add_metric(labels, value)
            return gauge
        case "summary":
            summary = SummaryMetricFamily(metric.name, metric.help, labels=metric.labels)
            for labels, [count, seconds] in ({(): [0.0, 0.0]} | found).items():
                summary.add_metric(labels, count_value=int(count), sum_value=seconds)
            return summary
    histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    for labels, [*counts, seconds] in found.items():
        histogram.add_metric(labels, [*zip(BOUNDS, accumulate(counts), strict=True)], sum_value=seconds)
    return histogram


def _of_the_system(processes: list[int]) -> Iterator[Family]:
    """Memory and open files of the processes, added up; nothing where the system has no /proc."""
    added: dict[str, tuple[str, float]] = {}
    for pid in processes:
        for family in ProcessCollector(pid=partial(int, pid), registry=CollectorRegistry()).collect():
            for sample in family.samples:
                if sample.name in OF_THE_SYSTEM:
                    added[sample.name] = family.documentation, added.get(sample.name, ("", 0.0))[1] + sample.value
    for name, (documentation, value) in added.items():
        yield GaugeMetricFamily(name, documentation, value=value)
