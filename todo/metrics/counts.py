"""The numbers of this process: a list of floats, so that counting costs an addition.

Once a second they are copied to a file of shared memory (`metrics.shared`), where the process that shows them reads
them. Like the loggers they are there once in a process. Nothing is counted while METRICS_PORT is not set.
"""

from bisect import bisect_left

from todo.metrics.names import BUCKETS, DURATION, REQUESTS, ROUND_TRIPS, Metric
from todo.observation import CURRENT, RequestRecord

Key = tuple[str, ...]
"""The name of a metric, and the values of its labels."""

WIDTHS = {"histogram": len(BUCKETS) + 2, "summary": 2, "counter": 1, "gauge": 1}
"""Numbers of a metric. A histogram: a count for each bucket and above them, and the sum. A summary: count and sum."""

CAPACITY = 16_384
"""Numbers of a process; one that finds no place is not shown. The labels are bounded: some 3,000 are used."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED, OTHER = "unmatched", "other"
"""The labels of requests that no route serves, and of methods that none has."""


class Counts:
    """Numbers by their keys."""

    def __init__(self) -> None:
        self.on = False
        """Whether anything is counted."""
        self.values: list[float] = [0.0]
        self.keys: list[Key] = []
        """In the order of their numbers; the first number is of those that found no place."""
        self._round_trips = 0
        self._places: dict[Key, int] = {}
        self._requests: dict[tuple[str | None, str, int], tuple[int, int]] = {}

    def start(self) -> None:
        """Count from now on."""
        self.on = True
        self._round_trips = self.place(ROUND_TRIPS)

    def place(self, metric: Metric, *labels: str) -> int:
        """The index of the first number of a metric with these labels."""
        key = metric.name, *labels
        place = self._places.get(key)
        if place is None:
            width = WIDTHS[metric.kind]
            if len(self.values) + width > CAPACITY:
                return 0
            place = self._places[key] = len(self.values)
            self.values += [0.0] * width
            self.keys.append(key)
        return place

    def add(self, metric: Metric, *labels: str, by: float = 1.0) -> None:
        """Add to a counter or a gauge."""
        if self.on:
            self.values[self.place(metric, *labels)] += by

    def set(self, metric: Metric, *labels: str, to: float) -> None:
        """Set a gauge, or a counter that something else counts."""
        if self.on:
            self.values[self.place(metric, *labels)] = to

    def observe(self, metric: Metric, seconds: float) -> None:
        """Add to a summary."""
        if self.on:
            place = self.place(metric)
            self.values[place] += 1
            self.values[place + 1] += seconds

    def request(self, record: RequestRecord) -> None:
        """Count a request that is over."""
        places = self._requests.get((record.route, record.method, record.status))
        if places is None:
            places = self._request_places(record.route, record.method, record.status)
        values = self.values
        counted, first = places
        values[counted] += 1
        if record.round_trips:
            place = self._round_trips
            values[place] += record.round_trips
            values[place + 1] += record.database_seconds
        if not record.endless:
            seconds = record.ended - record.began
            values[first + bisect_left(BUCKETS, seconds)] += 1
            values[first + len(BUCKETS) + 1] += seconds

    def _request_places(self, route: str | None, method: str, status: int) -> tuple[int, int]:
        labels = route or UNMATCHED, method if method in METHODS else OTHER
        status_class = f"{status // 100}xx" if status else "none"
        places = self.place(REQUESTS, *labels, status_class), self.place(DURATION, *labels)
        self._requests[(route, method, status)] = places
        return places


COUNTS = Counts()
"""Those of this process."""


def round_trip(began: float, ended: float) -> None:
    """Note a round trip to the database, where anything observes: of the request of this task, or of none."""
    record = CURRENT.get()
    if record is not None:
        record.round_trip(began, ended)
    else:
        COUNTS.observe(ROUND_TRIPS, ended - began)
