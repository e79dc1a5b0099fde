"""What Prometheus would read of a running server."""

import time
from collections.abc import Callable

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.processes import Server

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(port: int) -> Samples:
    """Every sample of the page, by its name and labels."""
    response = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20)
    assert response.status_code == 200, response.text
    found: Samples = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the samples that have these labels, among others."""
    wanted = labels.items()
    return sum(each for (found, given), each in samples.items() if found == name and wanted <= dict(given).items())


def wait_for(port: int, condition: Callable[[Samples], bool], server: Server | None = None) -> Samples:
    """The samples once they are so: workers publish theirs once a second."""
    deadline = time.monotonic() + 30
    while not condition(samples := scraped(port)):
        assert time.monotonic() < deadline, samples
        assert server is None or server.process.poll() is None
        time.sleep(0.1)
    return samples
